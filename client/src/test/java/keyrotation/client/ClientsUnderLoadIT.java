package keyrotation.client;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import keyrotation.client.Application.Report;
import keyrotation.sandbox.DataPlane;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Key;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Applications under load, in processes of their own, while their key changes and services fail, in
 * a random order.
 */
@Tag("slow")
class ClientsUnderLoadIT {

  /** What happens to the key, or to a service. */
  private enum Event {
    ROTATE_TO_V1,
    ROTATE_TO_V2,
    ROTATE_AND_REVOKE_AT_ONCE,
    ROLL_BACK_AND_REVOKE,
    OUTAGE_OF_SECRETS_MANAGER,
    BREAK_CONNECTIONS,
    OUTAGE_OF_MOMENTO
  }

  /** A key, and the version of the secret that holds it. */
  private record Stored(SandboxKey key, String version) {}

  private static final boolean EXHAUSTIVE = Boolean.getBoolean("exhaustive");
  private static final long SEED = Long.getLong("seed", 1);

  /** How many calls the application makes after each event, at least. */
  private static final long CALLS = 1_000;

  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final ClientFixture fixture = new ClientFixture();
  private Optional<Stored> previous = Optional.empty();
  private Stored current = store(fixture.v2Key());

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void no_call_fails_and_no_message_is_lost_because_the_key_changes() throws Exception {
    fixture.secretsManager.createSecret(
        r -> r.name(Application.FIXED_SECRET).secretString(fixture.v2Key().consoleJson()));
    // More than are published while a subscription waits for its next attempt.
    momento().dataPlane().retainMessages(10_000);
    List<Event> events = new ArrayList<>();
    for (int round = 0; round < (EXHAUSTIVE ? 20 : 1); round++) {
      events.addAll(List.of(Event.values()));
    }
    Collections.shuffle(events, new Random(SEED));

    Path log = Path.of("target", "application.log");
    try (ApplicationProcess application = new ApplicationProcess(fixture.sandbox, log)) {
      Report before = application.await(report -> report.calls() > CALLS, LIMIT);
      long inOutages = 0;
      for (Event event : events) {
        play(event, application);
        Report after = awaitCalls(application);
        long failed = failures(after) - failures(before);
        switch (event) {
          case OUTAGE_OF_MOMENTO ->
              assertThat(after.fixedFailures().keySet())
                  .as("errors without the library")
                  .containsAll(newCodes(before, after));
          case BREAK_CONNECTIONS ->
              assertThat(failed).as("each call under way").isBetween(0L, Application.CALLS_AT_ONCE);
          default -> assertThat(failed).as("failures of %s: %s", event, after).isZero();
        }
        assertThat(newCodes(before, after)).doesNotContain("AUTHENTICATION_ERROR");
        inOutages += failed;
        before = after;
      }

      var _ = application.await(report -> report.clients() == 1, LIMIT);
      Report last = application.stop();
      System.out.printf(
          "Clients under load, seed %d: %,d events, %,d calls, %,d failed in outages of Momento"
              + " (%,d without the library) and none otherwise; %,d messages, %d lost, %d doubled;"
              + " %d cache client open.%n",
          SEED,
          events.size(),
          last.calls(),
          inOutages,
          last.fixedFailures().values().stream().mapToLong(count -> count).sum(),
          last.published(),
          last.lost(),
          last.doubled(),
          last.clients());
      assertThat(failures(last)).isEqualTo(inOutages);
      assertThat(last.lost()).isZero();
      assertThat(last.doubled()).isZero();
      assertThat(last.gaps()).isZero();
      assertThat(last.clients()).isEqualTo(1);
    }
    ClientFixture.await("no connection", () -> momento().openConnections() == 0);
  }

  private void play(Event event, ApplicationProcess application) throws InterruptedException {
    switch (event) {
      case ROTATE_TO_V1 -> rotateTo(fixture.v1Key());
      case ROTATE_TO_V2 -> rotateTo(fixture.v2Key());
      case ROTATE_AND_REVOKE_AT_ONCE -> {
        rotateTo(fixture.v2Key());
        awaitFollowed(application);
        rotateTo(fixture.v2Key());
        revokePrevious();
      }
      case ROLL_BACK_AND_REVOKE -> {
        rotateTo(fixture.v2Key());
        awaitFollowed(application);
        rollBack();
        revokePrevious();
      }
      case OUTAGE_OF_SECRETS_MANAGER -> {
        fixture.refuseReads();
        rotateTo(fixture.v2Key());
        Report during = awaitCalls(application);
        assertThat(during.version()).isNotEqualTo(current.version);
        fixture.sandbox.clearFaults();
      }
      case BREAK_CONNECTIONS -> momento().disconnectClients();
      case OUTAGE_OF_MOMENTO -> {
        for (String call :
            List.of(DataPlane.GET, DataPlane.SET, DataPlane.PUBLISH, DataPlane.SUBSCRIBE)) {
          momento()
              .calls()
              .onEvery(call, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
        }
        momento().dataPlane().endSubscriptions(Status.UNAVAILABLE);
        awaitCalls(application);
        fixture.sandbox.clearFaults();
      }
    }
    awaitFollowed(application);
  }

  private void rotateTo(SandboxKey key) {
    previous = Optional.of(current);
    current = store(key);
  }

  private Stored store(SandboxKey key) {
    return new Stored(key, fixture.store(key));
  }

  private void rollBack() {
    fixture.rollBack();
    Stored replaced = current;
    current = previous.orElseThrow();
    previous = Optional.of(replaced);
  }

  /** Revokes the key that was replaced; v1 keys cannot be revoked. */
  private void revokePrevious() {
    if (previous.orElseThrow().key instanceof V2Key key) {
      momento().v2Keys().revoke(key.id());
    }
  }

  private void awaitFollowed(ApplicationProcess application) throws InterruptedException {
    var _ = application.await(report -> report.version().equals(current.version), LIMIT);
  }

  /** Waits until the application has made many more calls. */
  private static Report awaitCalls(ApplicationProcess application) throws InterruptedException {
    long calls = application.await(_ -> true, LIMIT).calls();
    return application.await(report -> report.calls() >= calls + CALLS, LIMIT);
  }

  /** Returns the codes of the failures that one report has, and an earlier one has not. */
  private static Set<String> newCodes(Report before, Report after) {
    return after.failures().entrySet().stream()
        .filter(code -> !code.getValue().equals(before.failures().get(code.getKey())))
        .map(Map.Entry::getKey)
        .collect(toSet());
  }

  private static long failures(Report report) {
    return report.failures().values().stream().mapToLong(count -> count).sum();
  }

  private MomentoServer momento() {
    return fixture.sandbox.momento();
  }
}
