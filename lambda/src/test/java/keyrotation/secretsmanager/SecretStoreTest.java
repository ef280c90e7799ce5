package keyrotation.secretsmanager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import keyrotation.RotationHandler;
import keyrotation.VirtualTime;
import keyrotation.core.FailureReason;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.SecretsManagerServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * How the writing calls keep to their pace; all else that the store does is in the others' tests.
 */
class SecretStoreTest {

  private static final Secret SECRET =
      new Secret(
          "arn:1",
          "a",
          Instant.EPOCH,
          false,
          Optional.empty(),
          Instant.EPOCH,
          List.of(),
          Map.of(),
          new SecretTags(Map.of()));

  private final SecretsManagerServer server = SecretsManagerServer.start(new ManualClock());
  private final SecretsManagerClient client =
      RotationHandler.configured(server.functionsClientBuilder());

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void does_not_wait_for_its_turn_longer_than_a_call_may_take() {
    SecretStore store = storeThatWaits(Duration.ofHours(1));

    assertThatThrownBy(() -> store.probeWrite(SECRET, "1", new Sensitive("{}")))
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> assertThat(e.reason()).isEqualTo(FailureReason.RATE_LIMITED_LOCALLY))
        .hasMessage(
            "secretsmanager:PutSecretValue would have waited for a permit for more than "
                + TimeBudget.SECRETS_MANAGER_TIMEOUT.toSeconds()
                + " s;"
                + " SECRETS_MANAGER_WRITES_PER_SECOND is the limit.");
    assertThatThrownBy(() -> store.removeLabel(SECRET, "AWSPENDING", "1"))
        .isInstanceOf(RotationException.class)
        .hasMessageContaining("secretsmanager:UpdateSecretVersionStage would have waited");
    assertThat(server.calls().seen()).isEmpty();
  }

  @Test
  void a_new_key_is_stored_at_once_while_other_writes_wait_for_earlier_ones() {
    Sensitive value = new Sensitive("{}");

    assertThat(waitOf(store -> store.put(SECRET, "1", value, List.of()))).isZero();
    assertThat(waitOf(store -> store.probeWrite(SECRET, "1", value)))
        .isEqualTo(Duration.ofSeconds(1));
    assertThat(waitOf(store -> store.removeLabel(SECRET, "AWSPENDING", "1")))
        .isEqualTo(Duration.ofSeconds(1));
  }

  /** Returns how long a write waits if one was made just before; one is allowed in a second. */
  private Duration waitOf(Consumer<SecretStore> write) {
    VirtualTime time = new VirtualTime();
    Instant start = time.instant();
    RateLimit onePerSecond = new RateLimit(1, time);
    var _ = onePerSecond.callAtOnce(() -> "");

    // There is no such secret.
    assertThatThrownBy(
            () -> write.accept(new SecretStore(client, Optional.empty(), onePerSecond, time)))
        .isInstanceOf(RotationException.class);
    return Duration.between(start, time.instant());
  }

  @Test
  void an_interruption_ends_the_wait_and_is_passed_on() {
    SecretStore store = storeThatWaits(Duration.ofSeconds(5));
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> store.removeLabel(SECRET, "AWSPENDING", "1"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Interrupted");
    assertThat(Thread.interrupted()).isTrue();
    assertThat(server.calls().seen()).isEmpty();
  }

  /** Returns a store whose next turn to write comes after that long. */
  private SecretStore storeThatWaits(Duration pause) {
    Time time = Time.system();
    RateLimit writes = new RateLimit(pause, time);
    var _ = writes.acquire(1, Duration.ZERO);
    return new SecretStore(client, Optional.empty(), writes, time);
  }
}
