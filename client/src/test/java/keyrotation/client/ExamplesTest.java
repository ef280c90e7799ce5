package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.client.ClientFixture.SECRET;
import static keyrotation.client.ClientFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.Status;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Key;
import momento.sdk.CacheClient;
import momento.sdk.TopicClient;
import momento.sdk.auth.CredentialProvider;
import momento.sdk.config.Configuration;
import momento.sdk.config.Configurations;
import momento.sdk.config.TopicConfiguration;
import momento.sdk.config.TopicConfigurations;
import momento.sdk.exceptions.MomentoErrorCode;
import momento.sdk.responses.cache.GetResponse;
import momento.sdk.responses.cache.SetResponse;
import momento.sdk.responses.topic.TopicPublishResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/** Runs the examples of {@code docs/clients.md}, each across a rotation. */
class ExamplesTest {

  private static final Path PAGE = Path.of("../docs/clients.md");
  private static final Path SOURCE = Path.of("src/test/java/keyrotation/client/ExamplesTest.java");
  private static final Pattern REGION =
      Pattern.compile("(?s) *// \\[([a-z]+)\\n(.*?) *// \\1\\]\\n");
  private static final Pattern BLOCK = Pattern.compile("(?s)```(\\w+)\\n(.*?)```");
  private static final String DEFAULT_SECRET = "momento/authentication-token";
  private static final Logger LOG = LoggerFactory.getLogger(ExamplesTest.class);

  private final ClientFixture fixture = new ClientFixture();
  private final Sandbox.Route route = fixture.sandbox.routeMomentoHosts();

  /** What an example hands to its application. */
  private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() {
    route.close();
    fixture.close();
  }

  @Test
  void the_library_follows_a_rotation() throws InterruptedException {
    V2Key old = fixture.v2Key();
    fixture.store(old);
    String secret = SECRET;
    SecretsManagerClient secretsManager = fixture.secretsManager;
    Configuration configuration = Configurations.Laptop.latest();
    TopicConfiguration topicConfiguration = TopicConfigurations.Laptop.latest();

    // [key
    CurrentKey key = CurrentKey.builder(secretsManager, secret).build();
    // key]
    // [cache
    FollowingClient<CacheClient> cache =
        new FollowingClient<>(
            key,
            current ->
                new CacheClient(
                    new MomentoCredentials(current), configuration, Duration.ofMinutes(10)));

    CompletableFuture<SetResponse> stored =
        cache.call(client -> client.set("sessions", "user-1", "a value"));
    // cache]
    // [connected
    FollowingClient<CacheClient> connected =
        new FollowingClient<>(
            key,
            current -> {
              CacheClient client =
                  new CacheClient(
                      new MomentoCredentials(current), configuration, Duration.ofMinutes(10));
              client.get("sessions", "user-1").join(); // Also if it fails, the connection is made.
              return client;
            });
    // connected]
    connected.close();
    assertThat(await(stored)).isInstanceOf(SetResponse.Success.class);
    // [subscribe
    TopicSubscriber subscriber = new TopicSubscriber(key);
    CompletableFuture<TopicSubscription> subscription =
        subscriber.subscribe("sessions", "logins", new Logins());
    // subscribe]
    await(subscription);
    fixture.sandbox.momento().dataPlane().endSubscriptions(Status.INTERNAL);
    expect("reload");
    // [topics
    FollowingClient<TopicClient> topics =
        new FollowingClient<>(
            key, current -> new TopicClient(new MomentoCredentials(current), topicConfiguration));

    CompletableFuture<TopicPublishResponse> published =
        topics.call(client -> client.publish("sessions", "logins", "user-1"));
    // topics]
    assertThat(await(published)).isInstanceOf(TopicPublishResponse.Success.class);
    expect("user-1");

    fixture.store(fixture.v2Key());
    fixture.sandbox.momento().v2Keys().revoke(old.id());
    CompletableFuture<GetResponse> found = cache.call(client -> client.get("sessions", "user-1"));
    assertThat(await(found))
        .isInstanceOfSatisfying(
            GetResponse.Hit.class, hit -> assertThat(hit.valueString()).isEqualTo("a value"));
    await(topics.call(client -> client.publish("sessions", "logins", "user-2")));
    expect("user-2");

    String version = fixture.store(fixture.v2Key());
    // [refresh
    CompletableFuture<ApiKey> newest = key.refresh();
    // refresh]
    assertThat(await(newest).versionId()).isEqualTo(version);
    // [close
    subscriber.close();
    topics.close();
    cache.close();
    key.close();
    secretsManager.close();
    // close]
    await("no connection", () -> fixture.sandbox.momento().openConnections() == 0);
  }

  // [listener
  final class Logins implements TopicListener {

    @Override
    public void onMessage(TopicMessage message) {
      if (message instanceof TopicMessage.Text text) {
        handle(text.value());
      }
    }

    @Override
    public void onGap(Optional<TopicMessage.Position> last, Optional<TopicMessage.Position> next) {
      // Messages are missing, or may be: get the state that they would have told of.
      reload();
    }

    @Override
    public void onInterrupted(Throwable reason) {
      LOG.info("The subscription is interrupted, and is made again.", reason);
    }
  }

  // listener]

  @Test
  void the_example_without_the_library_follows_a_rotation() throws IOException {
    V2Key old = fixture.v2Key();
    fixture.store(old);
    try (RotatedCache cache = new RotatedCache(fixture.secretsManager, SECRET)) {
      assertThat(await(cache.get("sessions", "user-1"))).isInstanceOf(GetResponse.Miss.class);

      fixture.store(fixture.v1Key());
      fixture.sandbox.momento().v2Keys().revoke(old.id());

      await(
          "the new key", () -> await(cache.get("sessions", "user-1")) instanceof GetResponse.Miss);
      assertThat(fixture.reads()).isEqualTo(2);
    }
  }

  @Test
  void the_example_without_the_library_keeps_its_key_while_the_secret_cannot_be_read()
      throws IOException {
    V2Key old = fixture.v2Key();
    fixture.store(old);
    try (RotatedCache cache = new RotatedCache(fixture.secretsManager, SECRET)) {
      fixture.refuseReads();
      fixture.sandbox.momento().v2Keys().revoke(old.id());

      int reads = fixture.reads();
      await(
          "a read",
          () ->
              await(cache.get("sessions", "user-1")) instanceof GetResponse.Error
                  && fixture.reads() > reads);
    }
  }

  // [plain
  static final class RotatedCache implements AutoCloseable {
    private static final Duration TIME_TO_LIVE = Duration.ofMinutes(5);
    private static final Duration MIN_INTERVAL = Duration.ofSeconds(1);

    private final SecretsManagerClient secretsManager;
    private final String secret;
    private CacheClient client;
    private String version;
    private long lastRead = System.nanoTime();

    RotatedCache(SecretsManagerClient secretsManager, String secret) throws IOException {
      this.secretsManager = secretsManager;
      this.secret = secret;
      GetSecretValueResponse first = secretsManager.getSecretValue(r -> r.secretId(secret));
      this.client = newClient(first.secretString());
      this.version = first.versionId();
    }

    CompletableFuture<GetResponse> get(String cache, String item) {
      return client(TIME_TO_LIVE)
          .get(cache, item)
          .thenComposeAsync(
              answer ->
                  answer instanceof GetResponse.Error error
                          && error.getErrorCode() == MomentoErrorCode.AUTHENTICATION_ERROR
                      ? client(MIN_INTERVAL).get(cache, item)
                      : CompletableFuture.completedFuture(answer));
    }

    private synchronized CacheClient client(Duration maxAge) {
      if (System.nanoTime() - lastRead > maxAge.toNanos()) {
        lastRead = System.nanoTime();
        try {
          GetSecretValueResponse read = secretsManager.getSecretValue(r -> r.secretId(secret));
          if (!read.versionId().equals(version)) {
            CacheClient old = client;
            client = newClient(read.secretString());
            version = read.versionId();
            // By then, the calls of the old client have ended.
            CompletableFuture.delayedExecutor(1, TimeUnit.MINUTES).execute(old::close);
          }
        } catch (IOException | RuntimeException e) {
          LOG.warn("No key could be read; the last one stays in use: {}", e.getClass());
        }
      }
      return client;
    }

    private static CacheClient newClient(String value) throws IOException {
      ObjectMapper mapper = new ObjectMapper();
      JsonNode fields = mapper.readTree(value);
      String key = fields.path("apiKey").asText();
      if (fields.has("endpoint")) { // A v2 key, which SDK 1.21.0 takes in the form of a v1 key.
        Map<String, String> form =
            Map.of("endpoint", fields.path("endpoint").asText(), "api_key", key);
        key = Base64.getEncoder().encodeToString(mapper.writeValueAsBytes(form));
      }
      return new CacheClient(
          CredentialProvider.fromString(key),
          Configurations.Laptop.latest(),
          Duration.ofMinutes(10));
    }

    @Override
    public synchronized void close() {
      client.close();
    }
  }

  // plain]

  @Test
  void the_commands_print_the_key_of_either_kind() throws IOException, InterruptedException {
    assumeTrue(isOnPath("aws"), "the AWS command line is not installed");
    assumeTrue(isOnPath("jq"), "jq is not installed");
    List<String> commands = blocks("sh");
    assertThat(commands).hasSize(2);
    V2Key v2 = fixture.v2Key();
    IssuedKey v1 = fixture.v1Key();
    SecretsManagerClient secrets = fixture.secretsManager;
    secrets.createSecret(r -> r.name(DEFAULT_SECRET).secretString(v2.consoleJson()));

    assertThat(run(commands.get(0))).isEqualTo("0\n" + v2.token());
    assertThat(run(commands.get(1))).isEqualTo("0\n" + v2.token() + "\n" + MomentoServer.ENDPOINT);
    secrets.putSecretValue(r -> r.secretId(DEFAULT_SECRET).secretString(v1.consoleJson()));
    assertThat(run(commands.get(0))).isEqualTo("0\n" + v1.apiKey());
    assertThat(run(commands.get(1))).isEqualTo("1\n" + v1.apiKey() + "\nnull");
  }

  /** Returns the exit status and the output. */
  private String run(String command) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder("sh", "-c", command)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"));
    Map<String, String> environment = builder.environment();
    environment.remove("AWS_PROFILE");
    environment.put("AWS_ENDPOINT_URL", fixture.sandbox.secretsManager().endpoint().toString());
    environment.put("AWS_DEFAULT_REGION", "us-east-1");
    environment.put("AWS_ACCESS_KEY_ID", "test");
    environment.put("AWS_SECRET_ACCESS_KEY", "test");
    environment.put("AWS_DEFAULT_OUTPUT", "text");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8).strip();
    return process.waitFor() + "\n" + output;
  }

  private static boolean isOnPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator, -1))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  @Test
  void the_page_shows_these_examples_and_no_others() throws IOException {
    List<String> examples =
        REGION
            .matcher(Files.readString(SOURCE))
            .results()
            .map(region -> region.group(2).stripTrailing().stripIndent() + "\n")
            .toList();

    assertThat(examples).hasSize(9);
    assertThat(blocks("java")).containsExactlyInAnyOrderElementsOf(examples);
  }

  @Test
  void the_page_names_the_artifact_and_the_versions_of_this_build() throws IOException {
    String build = Files.readString(Path.of("pom.xml"));
    String parent = Files.readString(Path.of("../pom.xml"));

    assertThat(blocks("xml"))
        .containsExactly(
            """
            <dependency>
              <groupId>keyrotation</groupId>
              <artifactId>%s</artifactId>
              <version>%s</version>
            </dependency>
            """
                .formatted(
                    find("</parent>.*?<artifactId>(.*?)<", build), find("<version>(.*?)<", build)));
    assertThat(Files.readString(PAGE))
        .contains(
            "`io.grpc:grpc-bom` " + find("<artifactId>grpc-bom<.*?<version>(.*?)<", parent),
            "SDK " + find("<artifactId>sdk<.*?<version>(.*?)<", parent),
            "Java " + find("<maven.compiler.release>(.*?)<", build) + " or newer");
  }

  private static String find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }

  private static List<String> blocks(String language) throws IOException {
    return BLOCK
        .matcher(Files.readString(PAGE))
        .results()
        .filter(block -> block.group(1).equals(language))
        .map(block -> block.group(2))
        .toList();
  }

  private void handle(String message) {
    events.add(message);
  }

  private void reload() {
    events.add("reload");
  }

  private void expect(String event) throws InterruptedException {
    assertThat(events.poll(60, TimeUnit.SECONDS)).isEqualTo(event);
  }
}
