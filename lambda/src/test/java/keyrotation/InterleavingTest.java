package keyrotation;

import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Two requests about one secret at once: the first stops before one of its calls, the second goes
 * on to one of its own and stops there, the first ends, the second ends.
 *
 * <p>{@code -Pexhaustive} tries every pair of calls; every build, each call with one of the
 * other's.
 */
@Isolated("A call waits for another as long as its own time limit allows.")
class InterleavingTest {

  private static final int MAX_CONCURRENT = 8;

  /** Who meets whom. */
  private record Interleaving(Trigger one, Trigger other, boolean isSameRequest) {

    boolean has(Trigger trigger) {
      return one == trigger || other == trigger;
    }

    @Override
    public String toString() {
      return one + (isSameRequest ? " twice" : " and " + other);
    }
  }

  private static final List<Interleaving> INTERLEAVINGS =
      List.of(
          new Interleaving(Trigger.MANUAL, Trigger.MANUAL, true),
          new Interleaving(Trigger.MANUAL, Trigger.MANUAL, false),
          new Interleaving(Trigger.SCHEDULE, Trigger.SCHEDULE, true),
          new Interleaving(Trigger.SCHEDULE, Trigger.MANUAL, false),
          new Interleaving(Trigger.SECRETS_MANAGER, Trigger.MANUAL, false),
          new Interleaving(Trigger.MANUAL, Trigger.SECRETS_MANAGER, false),
          new Interleaving(Trigger.MANUAL, Trigger.ROLLBACK, false),
          new Interleaving(Trigger.ROLLBACK, Trigger.MANUAL, false));

  /** A previous version to go back to, and a key that both may take up. */
  private static final List<InitialState> INITIAL_STATES =
      List.of(InitialState.PREVIOUS, InitialState.SUCCESSOR);

  @Test
  void two_interleaved_requests_violate_no_invariant() throws InterruptedException {
    Map<String, Runnable> scenarios = new LinkedHashMap<>();
    for (Interleaving interleaving : INTERLEAVINGS) {
      for (InitialState initialState : INITIAL_STATES) {
        for (RefreshTokens tokens : RefreshTokens.values()) {
          List<RemoteCall> ones = ScenarioRunner.calls(interleaving.one, initialState, tokens);
          List<RemoteCall> others = ScenarioRunner.calls(interleaving.other, initialState, tokens);
          for (int i = 0; i < ones.size(); i++) {
            for (int j = 0; j < others.size(); j++) {
              if (ScenarioRunner.ALL
                  || j == (i + INTERLEAVINGS.indexOf(interleaving)) % others.size()) {
                RemoteCall one = ones.get(i);
                RemoteCall other = others.get(j);
                scenarios.put(
                    "%s %s %s at %s and %s"
                        .formatted(interleaving, initialState, tokens, one, other),
                    () -> play(interleaving, initialState, tokens, one, other));
              }
            }
          }
        }
      }
    }
    scenarios.keySet().removeIf(name -> !ScenarioRunner.isChosen(name));
    ScenarioRunner runner = new ScenarioRunner("Two at once", scenarios.size());
    Semaphore places = new Semaphore(MAX_CONCURRENT);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      scenarios.forEach(
          (name, scenario) ->
              threads.execute(
                  () -> {
                    places.acquireUninterruptibly();
                    try {
                      runner.play(name, scenario);
                    } finally {
                      places.release();
                    }
                  }));
    }
    runner.conclude();
  }

  private static void play(
      Interleaving interleaving,
      InitialState initialState,
      RefreshTokens tokens,
      RemoteCall one,
      RemoteCall other) {
    try (RotationFixture fixture = ScenarioRunner.newFixture(tokens)) {
      initialState.arrange(fixture);
      Secret before = fixture.state().describe(SECRET);
      int keysBefore = fixture.keys().size();

      List<Outcome> outcomes = interleave(fixture, interleaving, one, other);

      outcomes.forEach(outcome -> reportIsTrue(fixture, outcome));
      Version current = fixture.current();
      assertThat(fixture.currentKeyWorks()).as("the current key works").isTrue();
      assertThat(promoted(before))
          .as("the current key was there before, or was made of one that was")
          .anyMatch(
              known ->
                  Invariants.descends(
                      fixture, Invariants.apiKey(current), Invariants.apiKey(known)));
      assertThat(fixture.keys())
          .as("the keys that there have to be, and another at most")
          .hasSizeLessThanOrEqualTo(keysBefore + (initialState == InitialState.SUCCESSOR ? 1 : 2));
      boolean isBack =
          current.id().equals(before.labelled(SecretsManagerState.CURRENT).orElseThrow().id());
      assertThat(promoted(fixture.state().describe(SECRET)))
          .filteredOn(version -> promoted(before).noneMatch(v -> v.id().equals(version.id())))
          .as("versions that were made current")
          .allMatch(version -> fixture.momento().hasConfirmed(Invariants.apiKey(version)));
      // A rollback may leave a key whose refresh token the other request has spent.
      if (!(interleaving.has(Trigger.ROLLBACK) && isBack)) {
        fixture.pass(Duration.ofHours(1));
        assertThat(Trigger.MANUAL.request(fixture, "afterwards"))
            .as("what comes afterwards")
            .isInstanceOf(Outcome.Answered.class);
      }
      assertThat(fixture.currentKeyWorks()).as("the current key works afterwards").isTrue();
      Invariants.nothingLeaks(fixture);
    }
  }

  /** Returns the current version and the one before it. */
  private static Stream<Version> promoted(Secret secret) {
    return Stream.of(SecretsManagerState.CURRENT, SecretsManagerState.PREVIOUS)
        .flatMap(l -> secret.labelled(l).stream());
  }

  private static List<Outcome> interleave(
      RotationFixture fixture, Interleaving interleaving, RemoteCall one, RemoteCall other) {
    CompletableFuture<Void> otherHasStopped = new CompletableFuture<>();
    CompletableFuture<Void> oneHasEnded = new CompletableFuture<>();
    CompletableFuture<Outcome> others = new CompletableFuture<>();
    stopAt(
        fixture,
        one,
        () -> {
          stopAt(
              fixture,
              other,
              () -> {
                otherHasStopped.complete(null);
                oneHasEnded.join();
              });
          Thread.ofVirtual()
              .start(
                  () -> {
                    others.complete(
                        interleaving.other.request(
                            fixture, interleaving.isSameRequest ? "one" : "other"));
                    otherHasStopped.complete(null);
                  });
          otherHasStopped.join();
        });
    Outcome ones = interleaving.one.request(fixture, "one");
    oneHasEnded.complete(null);
    return List.of(ones, others.orTimeout(1, TimeUnit.MINUTES).join());
  }

  private static void stopAt(RotationFixture fixture, RemoteCall call, Runnable meanwhile) {
    if (call.isMomentos()) {
      stopAt(fixture.momento().calls(), call, meanwhile);
    } else {
      stopAt(fixture.awsCalls(), call, meanwhile);
    }
  }

  private static <E extends RuntimeException> void stopAt(
      FaultInjector<E> calls, RemoteCall call, Runnable meanwhile) {
    calls.onNth(call.action(), call.nth(), new Fault.Before<>(meanwhile));
  }

  /** A version that is told to be current has been it. */
  private static void reportIsTrue(RotationFixture fixture, Outcome outcome) {
    if (outcome instanceof Outcome.Answered(JsonNode report)) {
      JsonNode told = report.path("secrets").path(0);
      boolean isCurrent =
          Set.of("ROTATED", "RESUMED", "ROLLED_BACK").contains(told.path("result").asText())
              || told.path("rotation_step").asText().equals("finishSecret");
      if (isCurrent) {
        assertThat(fixture.state().describe(SECRET).version(told.path("version_id").asText()))
            .as("what is told")
            .hasValueSatisfying(
                version ->
                    assertThat(version.labels())
                        .containsAnyOf(SecretsManagerState.CURRENT, SecretsManagerState.PREVIOUS));
      }
    } else if (outcome instanceof Outcome.Failed(String message)) {
      assertThat(Invariants.reason(message)).isNotEqualTo("INTERNAL_ERROR");
    }
  }
}
