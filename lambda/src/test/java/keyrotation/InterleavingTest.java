package keyrotation;

import static keyrotation.Guarantee.CURRENT_KEY_WORKS;
import static keyrotation.Guarantee.FAILURE_IS_A_FAILURE;
import static keyrotation.Guarantee.NOTHING_IS_LOST;
import static keyrotation.Guarantee.NO_MORE_THAN_REQUESTED;
import static keyrotation.Guarantee.OPERATOR_WINS;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.Scenarios.Effort;
import keyrotation.Scenarios.Start;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Two interleaved requests about one secret: the first stops before one of its calls, the second
 * runs up to one of its own and stops there, the first ends, the second ends.
 *
 * <p>{@code -Psoak} plays every pair of calls; {@code -Pexhaustive} all but those of v1 keys with
 * reusable refresh tokens; every build a few of those, in which each pair of traits occurs.
 */
@Isolated("A call waits for another as long as its own time limit allows.")
class InterleavingTest {

  private static final int MAX_CONCURRENT = 8;

  private static final Set<String> MADE_CURRENT = Set.of("ROTATED", "RESUMED", "ROLLED_BACK");

  /** Which requests are interleaved. */
  private record Interleaving(Trigger one, Trigger other, boolean isSameRequest) {

    /** Tells whether one may revoke the key that the other makes current, or needs. */
    boolean concernsRevocation() {
      return has(Trigger.REVOKE_PREVIOUS) || (has(Trigger.ROLLBACK) && has(Trigger.SCHEDULE));
    }

    List<InitialState> initialStates() {
      return concernsRevocation() ? WITH_REPLACED_KEY : INITIAL_STATES;
    }

    boolean has(Trigger trigger) {
      return one == trigger || other == trigger;
    }

    Outcome requestOne(RotationFixture fixture) {
      return one.request(fixture, "one");
    }

    Outcome requestOther(RotationFixture fixture) {
      return other.request(fixture, isSameRequest ? "one" : "other");
    }

    @Override
    public String toString() {
      return one + (isSameRequest ? " twice" : " and " + other);
    }
  }

  /** An interleaving, and the calls before which the requests stop. */
  private record InterleavedCalls(
      Interleaving requests,
      InitialState initialState,
      KeyKind kind,
      RemoteCall one,
      RemoteCall other) {

    /** For the other request it is enough which action it stops before. */
    List<?> traits() {
      return List.of(requests, initialState, kind, one.purpose(), other.position().action());
    }

    @Override
    public String toString() {
      return "%s %s %s at %s and %s".formatted(requests, initialState, kind, one, other);
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
          new Interleaving(Trigger.ROLLBACK, Trigger.MANUAL, false),
          new Interleaving(Trigger.ROLLBACK, Trigger.SCHEDULE, false),
          new Interleaving(Trigger.SCHEDULE, Trigger.ROLLBACK, false),
          new Interleaving(Trigger.REVOKE_PREVIOUS, Trigger.ROLLBACK, false),
          new Interleaving(Trigger.ROLLBACK, Trigger.REVOKE_PREVIOUS, false),
          new Interleaving(Trigger.REVOKE_PREVIOUS, Trigger.MANUAL, false),
          new Interleaving(Trigger.MANUAL, Trigger.REVOKE_PREVIOUS, false));

  /** A previous version to roll back to, and a successor with which both may resume. */
  private static final List<InitialState> INITIAL_STATES =
      List.of(InitialState.PREVIOUS, InitialState.SUCCESSOR);

  /** A replaced key that waits for its time, or whose time is over. */
  private static final List<InitialState> WITH_REPLACED_KEY =
      List.of(InitialState.RETIRED, InitialState.OVERDUE);

  @Test
  void two_interleaved_requests_violate_no_invariant() throws InterruptedException {
    List<InterleavedCalls> all = new ArrayList<>();
    for (Interleaving interleaving : INTERLEAVINGS) {
      for (InitialState initialState : interleaving.initialStates()) {
        for (KeyKind kind : KeyKind.values()) {
          if (initialState.existsFor(kind) && isPlayed(kind)) {
            all.addAll(pairsOfCalls(interleaving, initialState, kind));
          }
        }
      }
    }
    all.removeIf(scenario -> !Scenarios.isSelected(scenario.toString()));
    List<InterleavedCalls> scenarios =
        Scenarios.IS_LONG ? all : new Covering<>(InterleavedCalls::traits).few(all, 2);
    ScenarioRunner runner = new ScenarioRunner("Interleavings", scenarios.size());
    Semaphore permits = new Semaphore(MAX_CONCURRENT);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (InterleavedCalls scenario : scenarios) {
        threads.execute(
            () -> {
              permits.acquireUninterruptibly();
              try {
                runner.play(scenario.toString(), () -> play(scenario));
              } finally {
                permits.release();
              }
            });
      }
    }
    runner.conclude();
  }

  private static boolean isPlayed(KeyKind kind) {
    return kind != KeyKind.V1_WITH_REUSABLE_TOKEN || Scenarios.EFFORT == Effort.SOAK;
  }

  private static List<InterleavedCalls> pairsOfCalls(
      Interleaving interleaving, InitialState initialState, KeyKind kind) {
    List<RemoteCall> others = Scenarios.calls(new Start(interleaving.other, initialState, kind));
    return Scenarios.calls(new Start(interleaving.one, initialState, kind)).stream()
        .flatMap(
            one ->
                others.stream()
                    .map(
                        other ->
                            new InterleavedCalls(interleaving, initialState, kind, one, other)))
        .toList();
  }

  private static void play(InterleavedCalls scenario) {
    try (RotationFixture fixture = Scenarios.newFixture(scenario.kind)) {
      scenario.initialState.arrange(fixture);
      Secret before = fixture.state().describe(SECRET);
      int keysBefore = fixture.keys().size();

      List<Outcome> outcomes = interleave(fixture, scenario);

      outcomes.forEach(
          outcome -> FAILURE_IS_A_FAILURE.check(() -> outcomeIsTrue(fixture, outcome)));
      CURRENT_KEY_WORKS.check(() -> currentKeyWorks(fixture));
      CURRENT_KEY_WORKS.check(() -> promotedKeysWereAccepted(fixture, before));
      OPERATOR_WINS.check(() -> currentKeyDescends(fixture, before));
      NO_MORE_THAN_REQUESTED.check(() -> keysAreFew(fixture, scenario, keysBefore));
      NOTHING_IS_LOST.check(() -> nextRequestSucceeds(fixture, scenario, before));
      CURRENT_KEY_WORKS.check(() -> currentKeyWorks(fixture));
      Invariants.nothingLeaks(fixture);
    }
  }

  /** A version that is reported as current is or was that. */
  private static void outcomeIsTrue(RotationFixture fixture, Outcome outcome) {
    if (outcome instanceof Outcome.Failed(String message)) {
      assertThat(Invariants.reason(message)).isNotEqualTo("INTERNAL_ERROR");
    } else if (MADE_CURRENT.contains(outcome.result())
        || outcome.entry().path("rotation_step").asText().equals("finishSecret")) {
      assertThat(fixture.state().describe(SECRET).version(outcome.versionId()))
          .as("the reported version")
          .hasValueSatisfying(
              version ->
                  assertThat(version.labels())
                      .containsAnyOf(SecretsManagerState.CURRENT, SecretsManagerState.PREVIOUS));
    }
  }

  private static void currentKeyWorks(RotationFixture fixture) {
    assertThat(fixture.currentKeyWorks()).as("the current key works").isTrue();
  }

  private static void promotedKeysWereAccepted(RotationFixture fixture, Secret before) {
    assertThat(promoted(fixture.state().describe(SECRET)))
        .filteredOn(version -> promoted(before).noneMatch(v -> v.id().equals(version.id())))
        .as("versions that became current")
        .allMatch(version -> fixture.momento().hasConfirmed(Invariants.apiKey(version)));
  }

  private static void currentKeyDescends(RotationFixture fixture, Secret before) {
    String key = Invariants.apiKey(fixture.current());
    assertThat(promoted(before))
        .as("the current key was there before, or was refreshed from one that was")
        .anyMatch(known -> Invariants.descends(fixture, key, Invariants.apiKey(known)));
  }

  /** Two requests refresh the key once each at most, and less if there is a successor. */
  private static void keysAreFew(
      RotationFixture fixture, InterleavedCalls scenario, int keysBefore) {
    int mayBeNew = scenario.initialState == InitialState.SUCCESSOR ? 1 : 2;
    assertThat(fixture.keys())
        .as("the keys that there have to be, and another at most")
        .hasSizeLessThanOrEqualTo(keysBefore + mayBeNew);
  }

  private static void nextRequestSucceeds(
      RotationFixture fixture, InterleavedCalls scenario, Secret before) {
    boolean isRolledBack =
        fixture
            .current()
            .id()
            .equals(before.labelled(SecretsManagerState.CURRENT).orElseThrow().id());
    // A rollback may leave a key whose refresh token the other request has spent.
    if (!(scenario.requests.has(Trigger.ROLLBACK) && isRolledBack)) {
      fixture.pass(Duration.ofHours(1));
      assertThat(Trigger.MANUAL.request(fixture, "afterwards"))
          .as("the next request")
          .isInstanceOf(Outcome.Answered.class);
    }
  }

  /** Returns the current version and the one before it. */
  private static Stream<Version> promoted(Secret secret) {
    return Stream.of(SecretsManagerState.CURRENT, SecretsManagerState.PREVIOUS)
        .flatMap(l -> secret.labelled(l).stream());
  }

  private static List<Outcome> interleave(RotationFixture fixture, InterleavedCalls scenario) {
    CompletableFuture<Void> otherHasStopped = new CompletableFuture<>();
    CompletableFuture<Void> oneHasEnded = new CompletableFuture<>();
    CompletableFuture<Outcome> other = new CompletableFuture<>();
    Runnable waitForOne =
        () -> {
          otherHasStopped.complete(null);
          oneHasEnded.join();
        };
    Runnable startOther =
        () -> {
          scenario.other.position().interrupt(fixture, waitForOne);
          Thread.ofVirtual()
              .start(
                  () -> {
                    other.complete(scenario.requests.requestOther(fixture));
                    otherHasStopped.complete(null);
                  });
          otherHasStopped.join();
        };
    scenario.one.position().interrupt(fixture, startOther);
    Outcome one = scenario.requests.requestOne(fixture);
    oneHasEnded.complete(null);
    return List.of(one, other.orTimeout(1, TimeUnit.MINUTES).join());
  }
}
