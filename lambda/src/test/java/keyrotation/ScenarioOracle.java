package keyrotation;

import static keyrotation.Guarantee.FAILURE_IS_A_FAILURE;
import static keyrotation.Guarantee.NOTHING_IS_LOST;
import static keyrotation.Guarantee.NO_MORE_THAN_REQUESTED;
import static keyrotation.Guarantee.OPERATOR_WINS;
import static keyrotation.Guarantee.SAME_REQUEST_ROTATES_ONCE;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Loss;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.StagingLabel;

/**
 * Judges how a scenario ends, guarantee by guarantee. {@link Invariants} has judged each of its
 * invocations by itself.
 */
final class ScenarioOracle {

  private final RotationFixture fixture;
  private final Scenario scenario;
  private final Trigger trigger;

  /** The version to be replaced; empty if the secret has no value. */
  private final Optional<Version> source;

  private final Optional<Version> rollbackTarget;
  private final boolean hasSuccessor;
  private final boolean isDone;
  private final boolean isRolledBack;
  private final int keysBefore;

  /**
   * Looks at what the follow-up finds.
   *
   * @param before the secret before the first request
   */
  ScenarioOracle(RotationFixture fixture, Scenario scenario, Secret before) {
    this.fixture = fixture;
    this.scenario = scenario;
    this.trigger = scenario.nextTrigger();
    Secret now = fixture.state().describe(SECRET);
    boolean isOperatorsKey = scenario.followUp() == FollowUp.OPERATORS_KEY;
    this.source = (isOperatorsKey ? now : before).labelled(SecretsManagerState.CURRENT);
    // A rollback that is delivered twice rolls back once.
    boolean mayBeRolledBack = scenario.trigger() == Trigger.ROLLBACK && !isOperatorsKey;
    this.rollbackTarget =
        olderOfTwo(mayBeRolledBack ? before : now).filter(target -> mayBeRolledBackTo(target));
    this.hasSuccessor = source.isPresent() && successor(fixture).isPresent();
    this.isDone =
        scenario.followUp() == FollowUp.SAME_REQUEST
            && trigger != Trigger.SECRETS_MANAGER
            && !id(now, SecretsManagerState.CURRENT)
                .equals(id(before, SecretsManagerState.CURRENT));
    this.isRolledBack =
        before.labelled(SecretsManagerState.PREVIOUS).isPresent()
            && id(now, SecretsManagerState.CURRENT)
                .equals(id(before, SecretsManagerState.PREVIOUS));
    this.keysBefore = fixture.keys().size();
  }

  private boolean mayBeRolledBackTo(Version target) {
    return fixture.kind != KeyKind.V2
        || (fixture.v2Keys().accepts(Invariants.apiKey(target))
            // While a new time takes the place of another one, the later one counts.
            && target.labels().stream()
                .flatMap(label -> StagingLabel.revocationTime(label).stream())
                .max(Comparator.naturalOrder())
                .filter(time -> time.isBefore(fixture.now().plus(Duration.ofHours(1))))
                .isEmpty());
  }

  private static Optional<String> id(Secret secret, String label) {
    return secret.labelled(label).map(Version::id);
  }

  /** Returns the older one of the current and the previous version; empty if there is just one. */
  private static Optional<Version> olderOfTwo(Secret secret) {
    return secret
        .labelled(SecretsManagerState.PREVIOUS)
        .map(
            previous ->
                Stream.of(previous, secret.labelled(SecretsManagerState.CURRENT).orElseThrow())
                    .min(Comparator.comparing(Version::created))
                    .orElseThrow());
  }

  /**
   * Judges the outcome of the follow-up.
   *
   * @param repeat makes the same request again
   * @return the loss that the scenario ends with, if any
   */
  Optional<Loss> judge(Outcome outcome, Supplier<Outcome> repeat) {
    if (source.isEmpty()) {
      FAILURE_IS_A_FAILURE.check(() -> missingKeyIsReported(outcome));
      return Optional.empty();
    }
    return switch (trigger) {
      case ROLLBACK -> {
        OPERATOR_WINS.check(() -> rollbackIsDone(outcome));
        yield Optional.empty();
      }
      case DRY_RUN -> {
        NO_MORE_THAN_REQUESTED.check(
            () -> assertThat(outcome).as("a dry run").isInstanceOf(Outcome.Answered.class));
        yield Optional.empty();
      }
      case REVOKE_PREVIOUS -> {
        NO_MORE_THAN_REQUESTED.check(
            () -> assertThat(outcome.result()).as("the result").isEqualTo("REVOKED"));
        yield Optional.empty();
      }
      case MANUAL, IF_DUE, SCHEDULE, SECRETS_MANAGER -> judgeRotation(outcome, repeat);
    };
  }

  private Optional<Loss> judgeRotation(Outcome outcome, Supplier<Outcome> repeat) {
    NOTHING_IS_LOST.check(this::successorIsResumed);
    SAME_REQUEST_ROTATES_ONCE.check(() -> doneRequestIsRecognized(outcome));
    if (isRotated() || needNotRotate(outcome)) {
      NOTHING_IS_LOST.check(
          () -> assertThat(outcome).as("the outcome").isInstanceOf(Outcome.Answered.class));
      SAME_REQUEST_ROTATES_ONCE.check(() -> repetitionChangesNothing(repeat));
      return Optional.empty();
    }
    NOTHING_IS_LOST.check(() -> lossIsUnavoidable(outcome));
    FAILURE_IS_A_FAILURE.check(() -> lossIsReported(outcome));
    FAILURE_IS_A_FAILURE.check(() -> lossIsReported(repeat.get()));
    return scenario.loss();
  }

  private void missingKeyIsReported(Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered _ -> {
        assertThat(trigger).isEqualTo(Trigger.SCHEDULE);
        assertThat(outcome.result()).isEqualTo("AWAITING_FIRST_KEY");
      }
      case Outcome.Failed(String message) ->
          assertThat(Invariants.reason(message)).isEqualTo("AWAITING_FIRST_KEY");
      case Outcome.Crashed _ -> throw new AssertionError("the process crashed without a fault");
    }
  }

  private void rollbackIsDone(Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered _ -> {
        assertThat(outcome.result()).isEqualTo("ROLLED_BACK");
        assertThat(fixture.current().id()).isEqualTo(rollbackTarget.orElseThrow().id());
      }
      case Outcome.Failed(String message) -> {
        assertThat(Invariants.reason(message)).isEqualTo("CANNOT_ROLL_BACK");
        assertThat(rollbackTarget).isEmpty();
      }
      case Outcome.Crashed _ -> throw new AssertionError("the process crashed without a fault");
    }
  }

  private void successorIsResumed() {
    if (hasSuccessor) {
      assertThat(fixture.keys()).as("keys, though a successor is stored").hasSize(keysBefore);
    }
  }

  private void doneRequestIsRecognized(Outcome outcome) {
    if (isDone) {
      assertThat(outcome.result()).as("the result of a done request").isEqualTo("ALREADY_ROTATED");
    }
  }

  private boolean isRotated() {
    return fixture.validUntil(fixture.current()).isAfter(fixture.validUntil(source.orElseThrow()));
  }

  private boolean needNotRotate(Outcome outcome) {
    boolean isFresh =
        scenario.initialState() == InitialState.FRESH
            || (scenario.initialState() == InitialState.ROTATED && !isRolledBack);
    boolean onlyIfDue = trigger == Trigger.SCHEDULE || trigger == Trigger.IF_DUE;
    boolean wasDoneBefore =
        scenario.followUp() == FollowUp.OPERATORS_KEY && outcome.result().equals("ALREADY_ROTATED");
    return (isFresh && onlyIfDue) || wasDoneBefore;
  }

  private void repetitionChangesNothing(Supplier<Outcome> repeat) {
    if (trigger == Trigger.SECRETS_MANAGER) {
      return;
    }
    String current = fixture.current().id();
    int keys = fixture.keys().size();
    var _ = repeat.get();
    assertThat(fixture.current().id()).as("the same request again").isEqualTo(current);
    assertThat(fixture.keys()).as("the same request again").hasSize(keys);
  }

  private void lossIsUnavoidable(Outcome outcome) {
    assertThat(scenario.loss()).as("it could have been saved: " + outcome).isPresent();
    if (scenario.loss().get() == Loss.ROLLED_BACK_TO_A_REFRESHED_KEY) {
      assertThat(isRolledBack).as("it was rolled back").isTrue();
    } else {
      List<SandboxKey> lost =
          fixture.keys().stream()
              .filter(
                  key -> Invariants.isRefreshedFrom(fixture, key.apiKey(), source.orElseThrow()))
              .toList();
      assertThat(lost).as("keys that may be lost").isNotEmpty();
      assertThat(lost).as("keys that may be lost").noneMatch(key -> isStored(fixture, key));
    }
  }

  private static void lossIsReported(Outcome outcome) {
    assertThat(outcome)
        .as("the outcome of a loss")
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> {
              assertThat(Invariants.reason(failed.message())).isEqualTo("REFRESH_REJECTED");
              assertThat(failed.message()).contains("The current key still works");
            });
  }

  /** Returns the current version's successor, if its key was refreshed from the current one. */
  static Optional<Version> successor(RotationFixture fixture) {
    Version current = fixture.current();
    boolean isOlder = current.labels().contains(StagingLabel.REFRESHED);
    return fixture
        .labelled(StagingLabel.replaces(current.id()))
        .or(() -> fixture.labelled(SecretsManagerState.PENDING).filter(_ -> isOlder))
        .filter(version -> version.value() != null)
        .filter(version -> !version.labels().contains(SecretsManagerState.CURRENT))
        .filter(version -> !version.labels().contains(SecretsManagerState.PREVIOUS))
        .filter(
            version -> Invariants.isRefreshedFrom(fixture, Invariants.apiKey(version), current));
  }

  /** Tells whether any version holds a key, whatever its labels. */
  static boolean isStored(RotationFixture fixture, SandboxKey key) {
    return fixture.state().describe(SECRET).versions().stream()
        .anyMatch(version -> Invariants.apiKey(version).equals(key.apiKey()));
  }
}
