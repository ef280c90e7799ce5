package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static keyrotation.sandbox.DataPlaneFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import momento.sdk.CacheClient;
import momento.sdk.ISubscriptionCallbacks;
import momento.sdk.TopicClient;
import momento.sdk.auth.CredentialProvider;
import momento.sdk.auth.StringCredentialProvider;
import momento.sdk.config.Configurations;
import momento.sdk.config.TopicConfigurations;
import momento.sdk.exceptions.MomentoErrorCode;
import momento.sdk.exceptions.SdkException;
import momento.sdk.responses.cache.DeleteResponse;
import momento.sdk.responses.cache.GetResponse;
import momento.sdk.responses.cache.SetResponse;
import momento.sdk.responses.cache.control.CacheListResponse;
import momento.sdk.responses.topic.TopicDiscontinuity;
import momento.sdk.responses.topic.TopicMessage;
import momento.sdk.responses.topic.TopicPublishResponse;
import momento.sdk.responses.topic.TopicSubscribeResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** Momento's own SDK for Java uses the stand-in, by Momento's host names and port. */
class MomentoSdkTest {

  private static final Duration WEEK = Duration.ofDays(7);
  private static final String CACHE = "sessions";
  private static final String TOPIC = "logins";

  private final ManualClock clock = new ManualClock();
  private final Sandbox sandbox = Sandbox.start(clock, RefreshTokens.REUSABLE);
  private final Sandbox.Route route = sandbox.routeMomentoHosts();
  private final IssuedKey key = sandbox.momento().issue(WEEK, Permissions.SUPER_USER);

  @AfterEach
  void stop() {
    route.close();
    sandbox.close();
  }

  @Test
  void a_cache_client_sets_gets_deletes_and_lists() {
    try (CacheClient client = cacheClient(key.apiKey())) {
      assertThat(client.set(CACHE, "a", "1").join()).isInstanceOf(SetResponse.Success.class);
      assertThat(client.get(CACHE, "a").join())
          .isInstanceOfSatisfying(
              GetResponse.Hit.class, hit -> assertThat(hit.valueString()).isEqualTo("1"));
      assertThat(client.delete(CACHE, "a").join()).isInstanceOf(DeleteResponse.Success.class);
      assertThat(client.get(CACHE, "a").join()).isInstanceOf(GetResponse.Miss.class);
      assertThat(client.listCaches().join()).isInstanceOf(CacheListResponse.Success.class);
    }
  }

  @Test
  void an_item_expires_after_the_clients_time_to_live() {
    try (CacheClient client = cacheClient(key.apiKey())) {
      var _ = client.set(CACHE, "a", "1").join();
      clock.advance(Duration.ofMinutes(1));

      assertThat(client.get(CACHE, "a").join()).isInstanceOf(GetResponse.Miss.class);
    }
  }

  @Test
  void a_v2_key_works_in_the_form_of_a_v1_key() {
    V2Key viewer = sandbox.momento().v2Keys().issue(V2Keys.VIEWER, "", Optional.empty());

    try (CacheClient client = cacheClient(wrapped(viewer))) {
      assertThat(client.get(CACHE, "a").join()).isInstanceOf(GetResponse.Miss.class);
      assertThat(errorOf(client.set(CACHE, "a", "1").join()))
          .isEqualTo(MomentoErrorCode.PERMISSION_ERROR);
    }
  }

  @Test
  void each_refusal_is_the_error_that_the_sdk_has_for_it() {
    try (CacheClient client = cacheClient(key.apiKey())) {
      assertThat(errorOf(client.get("unknown", "a").join()))
          .isEqualTo(MomentoErrorCode.NOT_FOUND_ERROR);

      // The SDK repeats a call three times after this one.
      sandbox
          .momento()
          .calls()
          .onEvery(DataPlane.GET, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
      assertThat(errorOf(client.get(CACHE, "a").join()))
          .isEqualTo(MomentoErrorCode.SERVER_UNAVAILABLE);
      sandbox.clearFaults();

      clock.advance(WEEK);
      assertThat(errorOf(client.get(CACHE, "a").join()))
          .isEqualTo(MomentoErrorCode.AUTHENTICATION_ERROR);
    }
  }

  @Test
  void a_topic_client_publishes_and_receives() throws InterruptedException {
    Received received = new Received();
    try (TopicClient client = topicClient(key.apiKey())) {
      TopicSubscribeResponse.Subscription subscription = subscribe(client, received);

      assertThat(client.publish(CACHE, TOPIC, "hello").join())
          .isInstanceOf(TopicPublishResponse.Success.class);
      long page = sandbox.momento().dataPlane().startNewPage(CACHE, TOPIC);

      assertThat(received.next()).isEqualTo("heartbeat");
      assertThat(received.next()).isEqualTo("hello");
      assertThat(received.next()).isEqualTo("discontinuity 1 0 " + page);
      subscription.unsubscribe();
      until(() -> sandbox.momento().dataPlane().openSubscriptions() == 0);
    }
  }

  @Test
  void a_topic_client_without_a_valid_key_cannot_subscribe() {
    clock.advance(WEEK);

    try (TopicClient client = topicClient(key.apiKey())) {
      assertThat(errorOf(client.subscribe(CACHE, TOPIC, new Received()).join()))
          .isEqualTo(MomentoErrorCode.AUTHENTICATION_ERROR);
    }
  }

  @Test
  void a_subscription_loses_its_connection_when_the_key_expires() throws InterruptedException {
    Received received = new Received();
    try (TopicClient client = topicClient(key.apiKey())) {
      var _ = subscribe(client, received);
      assertThat(received.next()).isEqualTo("heartbeat");

      clock.advance(WEEK);

      assertThat(received.next()).isEqualTo("connection lost");
    }
  }

  @Test
  void a_subscription_that_lost_its_connection_resumes_after_its_last_message()
      throws InterruptedException {
    Received received = new Received();
    try (TopicClient client = topicClient(key.apiKey())) {
      TopicSubscribeResponse.Subscription subscription = subscribe(client, received);
      var _ = client.publish(CACHE, TOPIC, "before").join();
      assertThat(received.next()).isEqualTo("heartbeat");
      assertThat(received.next()).isEqualTo("before");

      sandbox.momento().disconnectClients();
      assertThat(received.next()).isEqualTo("connection lost");
      var _ = client.publish(CACHE, TOPIC, "meanwhile").join();

      assertThat(received.next()).isEqualTo("connection restored");
      assertThat(received.next()).isEqualTo("heartbeat");
      assertThat(received.next()).isEqualTo("meanwhile");
      subscription.unsubscribe();
    }
  }

  @Test
  void an_application_in_a_process_of_its_own_reaches_the_stand_ins() throws Exception {
    try (SecretsManagerClient operator = sandbox.secretsManager().clientBuilder().build()) {
      var _ = operator.createSecret(secret -> secret.name("key").secretString(key.apiKey()));
    }

    assertThat(application()).isEqualTo("Hit");
  }

  @Test
  void a_closed_route_leaves_the_system_properties_as_they_were() {
    route.close();
    Set<String> names =
        Set.of(
            "https.proxyHost", "https.proxyPort", "http.nonProxyHosts", "javax.net.ssl.trustStore");
    System.setProperty("http.nonProxyHosts", "internal.example");

    Sandbox.Route again = sandbox.routeMomentoHosts();
    assertThat(System.getProperty("https.proxyHost")).isEqualTo("localhost");
    again.close();

    assertThat(names.stream().map(System::getProperty).filter(Objects::nonNull))
        .containsExactly("internal.example");

    System.clearProperty("http.nonProxyHosts");
    again.close();
    assertThat(System.getProperty("http.nonProxyHosts")).isNull();
  }

  /** An application: reads its key, sets and gets an item, and prints what it found. */
  static final class Application {
    public static void main(String[] args) {
      try (SecretsManagerClient secrets = SecretsManagerClient.create();
          CacheClient client =
              cacheClient(secrets.getSecretValue(get -> get.secretId("key")).secretString())) {
        var _ = client.set(CACHE, "a", "1").join();
        System.out.println(client.get(CACHE, "a").join().getClass().getSimpleName());
      }
    }
  }

  private String application() throws IOException, InterruptedException {
    ProcessBuilder process =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Application.class.getName());
    process.environment().putAll(sandbox.clientEnvironment());
    process.environment().put("AWS_REGION", "us-east-1");
    process.environment().put("AWS_ACCESS_KEY_ID", "sandbox");
    process.environment().put("AWS_SECRET_ACCESS_KEY", "sandbox");
    Process application = process.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try {
      String output = new String(application.getInputStream().readAllBytes(), UTF_8).strip();
      assertThat(application.waitFor(30, SECONDS)).isTrue();
      return output;
    } finally {
      application.destroyForcibly();
    }
  }

  static CacheClient cacheClient(String apiKey) {
    return CacheClient.builder(
            CredentialProvider.fromString(apiKey),
            Configurations.Laptop.latest(),
            Duration.ofMinutes(1))
        .build();
  }

  private static TopicClient topicClient(String apiKey) {
    return TopicClient.builder(
            new StringCredentialProvider(apiKey), TopicConfigurations.Laptop.latest())
        .build();
  }

  private static TopicSubscribeResponse.Subscription subscribe(
      TopicClient client, Received received) {
    return (TopicSubscribeResponse.Subscription) client.subscribe(CACHE, TOPIC, received).join();
  }

  /** A v2 key as this version of the SDK reads it. */
  private static String wrapped(V2Key key) {
    return new IssuedKey(
            MomentoServer.ENDPOINT,
            key.token(),
            "",
            key.validUntil(),
            Duration.ZERO,
            Permissions.DATA_ONLY)
        .apiKey();
  }

  private static MomentoErrorCode errorOf(Object response) {
    return ((SdkException) response).getErrorCode();
  }

  /** What a subscription reports. */
  private static final class Received implements ISubscriptionCallbacks {
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    String next() throws InterruptedException {
      return String.valueOf(events.poll(30, SECONDS));
    }

    @Override
    public void onItem(TopicMessage message) {
      events.add(((TopicMessage.Text) message).getValue());
    }

    @Override
    public void onCompleted() {
      events.add("completed");
    }

    @Override
    public void onError(Throwable error) {
      events.add("error");
    }

    @Override
    public void onDiscontinuity(TopicDiscontinuity discontinuity) {
      events.add(
          "discontinuity %d %d %d"
              .formatted(
                  discontinuity.getLastSequenceNumber(),
                  discontinuity.getNewSequenceNumber(),
                  discontinuity.getNewSequencePage()));
    }

    @Override
    public void onHeartbeat() {
      events.add("heartbeat");
    }

    @Override
    public void onConnectionLost() {
      events.add("connection lost");
    }

    @Override
    public void onConnectionRestored() {
      events.add("connection restored");
    }
  }
}
