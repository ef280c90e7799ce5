package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.SocketTimeoutException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import keyrotation.sandbox.SecretsManagerState.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.LimitExceededException;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

/** The effects of injected faults on a client that never retries. */
class FaultsTest {

  private static final String GET = "GetSecretValue";
  private static final String PUT = "PutSecretValue";

  private SecretsManagerServer server;
  private SecretsManagerClient client;

  @BeforeEach
  void start() {
    server = SecretsManagerServer.start(InstantSource.system());
    server.state().create("s", new Value.Text("a"), UUID.randomUUID().toString(), null);
    client =
        server
            .clientBuilder()
            .overrideConfiguration(o -> o.retryStrategy(DefaultRetryStrategy.doNotRetry()))
            .build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void a_refused_call_has_no_effect() {
    server
        .calls()
        .onNext(PUT, new Fault.Refuse<>(keyrotation.sandbox.SecretsManagerException.throttled()));

    assertThatThrownBy(() -> put("b"))
        .isInstanceOfSatisfying(
            SecretsManagerException.class, e -> assertThat(e.isThrottlingException()).isTrue());
    assertThat(get()).isEqualTo("a");
  }

  @Test
  void a_call_whose_answer_is_lost_has_its_effect() {
    // The JDK's HTTP client retries once by itself, so both responses must be lost.
    server.calls().onNth(PUT, 1, new Fault.DropResponse<>());
    server.calls().onNth(PUT, 2, new Fault.DropResponse<>());

    assertThatThrownBy(() -> put("b")).isInstanceOf(SdkClientException.class);
    assertThat(get()).isEqualTo("b");
  }

  @Test
  void a_call_that_fails_afterwards_has_its_effect() {
    server
        .calls()
        .onNext(
            PUT,
            new Fault.FailAfterwards<>(keyrotation.sandbox.SecretsManagerException.internal()));

    assertThatThrownBy(() -> put("b"))
        .isInstanceOfSatisfying(
            SecretsManagerException.class, e -> assertThat(e.statusCode()).isEqualTo(500));
    assertThat(get()).isEqualTo("b");
  }

  @Test
  void a_stale_read_does_not_see_the_latest_write() {
    put("b");
    server.calls().onNext(GET, new Fault.ReadStale<>());

    assertThat(get()).isEqualTo("a");
    assertThat(get()).isEqualTo("b");
  }

  @Test
  void a_lagging_read_sees_the_earlier_state() {
    put("b");
    server.calls().onNext(GET, new Fault.Lag<>(Duration.ofHours(1)));
    server.calls().onNth(GET, 2, new Fault.Lag<>(Duration.ZERO));

    assertThat(get()).isEqualTo("a");
    assertThat(get()).isEqualTo("b");
  }

  @Test
  void a_lagging_read_sees_the_latest_write_after_the_lag() {
    put("b");
    server.calls().onEvery(GET, new Fault.Lag<>(Duration.ofMillis(50)));

    long start = System.nanoTime();
    while (get().equals("a")) {
      assertThat(System.nanoTime() - start).isLessThan(Duration.ofSeconds(10).toNanos());
    }
  }

  @Test
  void a_response_that_stops_halfway_leaves_the_caller_waiting() {
    try (SecretsManagerClient impatient =
        server
            .clientBuilder()
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().socketTimeout(Duration.ofMillis(100)))
            .overrideConfiguration(o -> o.retryStrategy(r -> r.maxAttempts(1)))
            .build()) {
      server.calls().onNext(PUT, new Fault.StopHalfway<>());

      assertThatThrownBy(() -> impatient.putSecretValue(r -> r.secretId("s").secretString("b")))
          .isInstanceOf(SdkClientException.class)
          .hasRootCauseInstanceOf(SocketTimeoutException.class);
    }
    assertThat(get()).isEqualTo("b");
  }

  @Test
  void answers_over_tls_as_well() {
    CertificateAuthority authority = new CertificateAuthority();
    try (SecretsManagerClient tls =
        SecretsManagerServer.clientBuilder(server.listenWithTls(authority), "operator")
            .httpClientBuilder(
                UrlConnectionHttpClient.builder()
                    .tlsTrustManagersProvider(authority::trustManagers))
            .build()) {
      assertThat(tls.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("a");
    }
  }

  @Test
  void a_replica_takes_no_writes() {
    server.state().replicate("s", "eu-west-1");

    assertThatThrownBy(() -> put("b")).isInstanceOf(InvalidParameterException.class);
    assertThat(client.describeSecret(r -> r.secretId("s")).primaryRegion()).isEqualTo("eu-west-1");
    assertThat(client.listSecrets().secretList().getFirst().primaryRegion()).isEqualTo("eu-west-1");
  }

  @Test
  void a_secret_has_twenty_labels_at_most() {
    for (int label = 2; label <= 20; label++) {
      String name = "LABEL_" + label;
      var _ = client.putSecretValue(r -> r.secretId("s").secretString(name).versionStages(name));
    }

    assertThatThrownBy(
            () ->
                client.putSecretValue(
                    r -> r.secretId("s").secretString("b").versionStages("LABEL_21")))
        .isInstanceOf(LimitExceededException.class);
  }

  @Test
  void a_delayed_call_is_answered_after_the_delay() {
    server.calls().onNext(GET, new Fault.Delay<>(Duration.ofMillis(5)));

    assertThat(get()).isEqualTo("a");
  }

  @Test
  void events_happen_before_a_call_and_after_it() {
    AtomicInteger versionsBefore = new AtomicInteger();
    AtomicInteger versionsAfter = new AtomicInteger();
    server.calls().onNth(PUT, 1, new Fault.Before<>(() -> versionsBefore.set(versions())));
    server.calls().onNth(PUT, 2, new Fault.After<>(() -> versionsAfter.set(versions())));

    put("b");
    put("c");

    assertThat(versionsBefore).hasValue(1);
    assertThat(versionsAfter).hasValue(3);
  }

  @Test
  void an_event_instead_of_a_call_prevents_its_effect() {
    AtomicInteger events = new AtomicInteger();
    server.calls().onEvery(PUT, new Fault.Instead<>(events::incrementAndGet));

    assertThatThrownBy(() -> put("b")).isInstanceOf(SdkClientException.class);
    assertThat(events.get()).isPositive();
    assertThat(get()).isEqualTo("a");
  }

  @Test
  void a_fault_affects_only_the_call_that_it_is_planned_for() {
    server
        .calls()
        .onNth(GET, 2, new Fault.Refuse<>(keyrotation.sandbox.SecretsManagerException.internal()));

    assertThat(get()).isEqualTo("a");
    assertThatThrownBy(this::get).isInstanceOf(SecretsManagerException.class);
    assertThat(get()).isEqualTo("a");
    assertThat(server.calls().seen()).containsExactly(GET, GET, GET);
  }

  @Test
  void a_fault_of_every_call_lasts_until_faults_are_cleared() {
    server
        .calls()
        .onEvery(GET, new Fault.Refuse<>(keyrotation.sandbox.SecretsManagerException.internal()));

    assertThatThrownBy(this::get).isInstanceOf(SecretsManagerException.class);
    assertThatThrownBy(this::get).isInstanceOf(SecretsManagerException.class);
    server.calls().clearFaults();
    assertThat(get()).isEqualTo("a");
  }

  @Test
  void an_empty_version_has_a_label_and_no_value() {
    String token = UUID.randomUUID().toString();
    server.state().addPendingVersion("s", token);

    assertThat(
            server.state().describe("s").labelled(SecretsManagerState.PENDING).orElseThrow().id())
        .isEqualTo(token);
    assertThatThrownBy(
            () ->
                client.getSecretValue(
                    r -> r.secretId("s").versionStage(SecretsManagerState.PENDING)))
        .hasMessageContaining("staging label: AWSPENDING");
    server.state().put("s", token, new Value.Text("b"), Set.of(SecretsManagerState.PENDING));
    assertThat(client.getSecretValue(r -> r.secretId("s").versionId(token)).secretString())
        .isEqualTo("b");
  }

  private int versions() {
    return server.state().describe("s").versions().size();
  }

  private void put(String value) {
    client.putSecretValue(r -> r.secretId("s").secretString(value));
  }

  private String get() {
    return client.getSecretValue(r -> r.secretId("s")).secretString();
  }
}
