package keyrotation;

import static keyrotation.Guarantee.NOTHING_IS_LOST;
import static keyrotation.Guarantee.NO_MORE_THAN_REQUESTED;
import static keyrotation.Guarantee.SAME_REQUEST_ROTATES_ONCE;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.Step.Disturbance;
import keyrotation.Step.InjectedFault;
import keyrotation.Step.OperatorAction;
import keyrotation.Step.Request;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;

/** Judges the requests of a history, guarantee by guarantee, by what there was before. */
final class HistoryOracle {

  /** The first write proves the right to write, or stores again what is stored. */
  private static final Disturbance NO_RIGHT_TO_WRITE =
      new InjectedFault(FaultKind.REFUSED, new CallPosition(CallPosition.PUT, 1));

  private static final Set<String> PROMOTED = Set.of("ROTATED", "RESUMED", "ROLLED_BACK");
  private static final Set<String> DONE = Set.of("ROTATED", "RESUMED", "ROLLED_BACK", "STEP_DONE");

  /**
   * What a request finds.
   *
   * @param successor the working key of the current version's successor
   * @param renewals how many keys the function has had made so far
   */
  record Found(Secret secret, Optional<SandboxKey> successor, long renewals) {
    boolean isDeleted() {
      return secret.deletion().isPresent();
    }
  }

  private final SandboxedFunction fixture;

  /** By the name of a request, the version that it has made current. */
  private final Map<String, String> promotedBy = new HashMap<>();

  private final Set<String> everCurrent = new HashSet<>();

  /** The versions that were current when the operator interrupted the request. */
  private final Set<String> currentAtInterruption = new HashSet<>();

  /** The secret as the operator has left it in the midst of the request. */
  private Optional<Secret> interrupted = Optional.empty();

  private boolean operatorChangedVersions;

  HistoryOracle(SandboxedFunction fixture) {
    this.fixture = fixture;
  }

  /** Notes which version is current after a step. */
  void noteCurrent() {
    everCurrent.add(fixture.current().id());
  }

  void note(OperatorAction action) {
    operatorChangedVersions |= action.concernsVersions();
  }

  /** Notes what there is when the operator is about to interrupt a request. */
  void noteBefore(OperatorAction action) {
    note(action);
    currentAtInterruption.add(fixture.current().id());
  }

  /** Notes what there is after that. */
  void noteInterruption() {
    interrupted = Optional.of(fixture.state().describe(SECRET));
  }

  /** Looks at what the next request finds. */
  Found look() {
    currentAtInterruption.clear();
    interrupted = Optional.empty();
    Secret secret = fixture.state().describe(SECRET);
    return new Found(
        secret,
        secret.deletion().isEmpty() ? workingSuccessor() : Optional.empty(),
        fixture.renewals());
  }

  /** Judges what a request has done and reported. */
  void judge(Request request, Found found, Outcome outcome) {
    operatorChangedVersions |= isRolledBack(found.secret());
    // What the operator has done meanwhile counts as found: the function has to leave it alone.
    Secret before = interrupted.orElse(found.secret());
    boolean hasRenewed = fixture.renewals() > found.renewals();
    Invariants.hold(
        fixture,
        before,
        isOvertaken(request, found, outcome) ? new Outcome.Crashed() : outcome,
        request.trigger());
    NOTHING_IS_LOST.check(() -> successorIsKept(request, found));
    if (hasRenewed) {
      NO_MORE_THAN_REQUESTED.check(
          () -> assertThat(request.trigger().rotates()).as("it was to renew a key").isTrue());
      NOTHING_IS_LOST.check(() -> refreshWasDue(request, found));
    }
    SAME_REQUEST_ROTATES_ONCE.check(() -> repetitionChangesNothing(request, before, hasRenewed));
    if (request.trigger() != Trigger.SECRETS_MANAGER && PROMOTED.contains(outcome.result())) {
      // The operator may have made another one current since.
      promotedBy.put(request.name(), outcome.versionId());
    }
  }

  /**
   * Tells whether the operator may have overtaken what is reported. A rollback that finds its work
   * done writes nothing, and cannot know what comes after its look; and what was promoted was so,
   * though the operator acts before the call that takes its label off.
   */
  private boolean isOvertaken(Request request, Found found, Outcome outcome) {
    boolean wasRolledBack =
        outcome.result().equals("ROLLED_BACK")
            && outcome.versionId().equals(current(found.secret()));
    boolean wasDone =
        DONE.contains(outcome.result()) && currentAtInterruption.contains(outcome.versionId());
    return request.disturbance().isPresent() && (wasRolledBack || wasDone);
  }

  private void successorIsKept(Request request, Found found) {
    boolean isInterrupted =
        request.disturbance().filter(d -> !(d instanceof InjectedFault)).isPresent();
    if (found.successor().isPresent() && !isInterrupted && !isRolledBack(found.secret())) {
      assertThat(List.of(fixture.issued(fixture.current()), workingSuccessor()))
          .as("the current key and the successor's")
          .contains(found.successor());
    }
  }

  private static void refreshWasDue(Request request, Found found) {
    assertThat(found.successor().isPresent() && request.disturbance().isEmpty())
        .as("a key was renewed, though a successor was stored")
        .isFalse();
    assertThat(request.disturbance().filter(NO_RIGHT_TO_WRITE::equals))
        .as("a key was renewed without the right to write")
        .isEmpty();
  }

  private void repetitionChangesNothing(Request request, Secret before, boolean hasRenewed) {
    String promoted = promotedBy.get(request.name());
    boolean mayRollBackAgain =
        request.trigger() == Trigger.ROLLBACK && !current(before).equals(promoted);
    if (promoted == null || mayRollBackAgain) {
      return;
    }
    assertThat(hasRenewed).as("the same request again has renewed a key").isFalse();
    boolean restoredKeyWorks =
        before
            .version(promoted)
            .filter(version -> fixture.momento().accepts(Invariants.apiKey(version)))
            .isPresent();
    if (request.trigger() == Trigger.ROLLBACK && !restoredKeyWorks) {
      return; // The rollback goes forward again to a key that works.
    }
    assertThat(fixture.current().id())
        .as("the current version after the same request again")
        .isEqualTo(current(before));
  }

  /** Returns the current key, if a request has to be able to renew it now. */
  Optional<SandboxKey> keyToBeRenewed() {
    Version current = fixture.current();
    boolean isV2 = fixture.kind == KeyKind.V2;
    Optional<SandboxKey> key =
        fixture
            .issued(current)
            .filter(_ -> isV2 || RotationFixture.json(current).has("refreshToken"))
            .filter(issued -> fixture.momento().accepts(issued.apiKey()));
    boolean isSpent =
        fixture.kind == KeyKind.V1_WITH_SINGLE_USE_TOKEN
            && key.filter(issued -> parents().anyMatch(issued::equals)).isPresent();
    if (!isSpent || workingSuccessor().isPresent()) {
      return key;
    }
    NOTHING_IS_LOST.check(
        () ->
            assertThat(
                    operatorChangedVersions || fixture.keys().stream().noneMatch(this::isShelved))
                .as("the new key was not stored, or the operator has changed versions")
                .isTrue());
    return Optional.empty();
  }

  /** Tells whether a key that was refreshed from the current one is stored, and yet not current. */
  private boolean isShelved(SandboxKey key) {
    return ScenarioOracle.isStored(fixture, key)
        && Invariants.isRefreshedFrom(fixture, key.apiKey(), fixture.current());
  }

  /** Tells whether no key that ends later than this one is current. */
  boolean isCurrent(SandboxKey key) {
    return fixture
        .issued(fixture.current())
        .filter(now -> now.validUntil().isAfter(key.validUntil()))
        .isEmpty();
  }

  void judgeRenewal(SandboxKey key) {
    NOTHING_IS_LOST.check(
        () ->
            assertThat(isCurrent(key)).as("a key that can be renewed is still current").isFalse());
  }

  private static String current(Secret secret) {
    return secret.labelled(SecretsManagerState.CURRENT).orElseThrow().id();
  }

  private boolean isRolledBack(Secret found) {
    return found
        .labelled(SecretsManagerState.PREVIOUS)
        .map(Version::id)
        .equals(Optional.of(fixture.current().id()));
  }

  private Stream<IssuedKey> parents() {
    return fixture.momento().issued().stream()
        .flatMap(key -> fixture.momento().parentOf(key.apiKey()).stream());
  }

  /**
   * Returns the working key of the current version's successor. If an operator has stored another
   * version since, it has none, even if theirs has the same key.
   */
  private Optional<SandboxKey> workingSuccessor() {
    return ScenarioOracle.successor(fixture)
        .filter(version -> !everCurrent.contains(version.id()))
        .flatMap(fixture::issued)
        .filter(key -> fixture.momento().accepts(key.apiKey()));
  }
}
