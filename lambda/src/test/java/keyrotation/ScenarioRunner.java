package keyrotation;

import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Loss;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.SecretsManagerState.Secret;

/** Plays scenarios, and counts those that violate a guarantee. */
final class ScenarioRunner {

  private static final String ONE_REQUEST = "one";
  private static final String ANOTHER_REQUEST = "another";

  /** Lambda repeats a failed request within minutes. */
  private static final Duration BEFORE_SAME_REQUEST = Duration.ofMinutes(1);

  private static final Duration BEFORE_ANOTHER_REQUEST = Duration.ofHours(1);

  /** A scheduled run leaves a rotation of Secrets Manager's own alone for an hour. */
  private static final Duration OWN_ROTATION = Duration.ofHours(1).plusMinutes(1);

  /** A successor that is rejected is given up after that time. */
  private static final Duration PROPAGATION = Duration.ofMinutes(10);

  /** A young key is rejected, given up by a step of Secrets Manager's, and then replaced. */
  private static final int MAX_REPETITIONS = 2;

  private final String subject;
  private final int scenarios;
  private int passed;
  private final Map<Loss, Integer> losses = new EnumMap<>(Loss.class);
  private final Map<String, String> violations = new TreeMap<>();

  /**
   * Begins to count.
   *
   * @param subject what all the scenarios are about
   * @param scenarios how many there are going to be
   */
  ScenarioRunner(String subject, int scenarios) {
    this.subject = subject;
    this.scenarios = scenarios;
  }

  /**
   * Plays scenarios that differ only in the follow-up, from the same fault on.
   *
   * @param fixture without the secret
   * @param crash ends the function's process
   */
  void play(RotationFixture fixture, List<Scenario> variants, Runnable crash) {
    Secret before;
    Runnable restore;
    try {
      before = arrange(fixture, variants.getFirst());
      playFault(fixture, variants.getFirst(), before, crash);
      restore = fixture.sandbox.save();
    } catch (AssertionError | RuntimeException e) {
      variants.forEach(scenario -> violates(scenario.toString(), e));
      return;
    }
    for (Scenario scenario : variants) {
      restore.run();
      play(
          scenario.toString(),
          () -> {
            Optional<Loss> loss = playFollowUp(fixture, scenario, before);
            // It takes days, which cannot be taken back. The clock of a process cannot be moved.
            if (Scenarios.IS_LONG
                && scenario.equals(variants.getLast())
                && scenario.kind() == KeyKind.V2
                && fixture instanceof SandboxedFunction) {
              Invariants.nothingIsLeftBehind(fixture);
            }
            Invariants.nothingLeaks(fixture);
            return loss;
          });
    }
  }

  /** Plays something else, and counts it. */
  void play(String name, Runnable scenario) {
    play(
        name,
        () -> {
          scenario.run();
          return Optional.empty();
        });
  }

  private void play(String name, Supplier<Optional<Loss>> scenario) {
    try {
      passes(scenario.get());
    } catch (AssertionError | RuntimeException e) {
      violates(name, e);
    }
  }

  private static Secret arrange(RotationFixture fixture, Scenario scenario) {
    scenario.initialState().arrange(fixture);
    fixture.state().settle();
    return fixture.state().describe(SECRET);
  }

  private static void playFault(
      RotationFixture fixture, Scenario scenario, Secret before, Runnable crash) {
    long callsBefore = scenario.call().position().count(fixture);
    scenario.fault().inject(fixture, scenario.call().position(), crash);
    Outcome outcome = scenario.trigger().request(fixture, ONE_REQUEST);
    assertThat(scenario.call().position().count(fixture) - callsBefore)
        .as("calls of the action, up to the one with the fault")
        .isGreaterThanOrEqualTo(scenario.call().position().nth());
    assertThat(outcome instanceof Outcome.Crashed)
        .as("the process crashed")
        .isEqualTo(scenario.fault().isCrash());
    fixture.clearFaults();
    Invariants.hold(fixture, before, outcome, scenario.trigger());
  }

  /** Makes the next request, and returns the loss that the scenario ends with, if any. */
  private static Optional<Loss> playFollowUp(
      RotationFixture fixture, Scenario scenario, Secret before) {
    fixture.pass(
        scenario.followUp() == FollowUp.SAME_REQUEST
            ? BEFORE_SAME_REQUEST
            : BEFORE_ANOTHER_REQUEST);
    if (scenario.followUp() == FollowUp.OPERATORS_KEY) {
      var _ = fixture.storeDueKey();
    }
    String request =
        switch (scenario.followUp()) {
          case SAME_REQUEST, OPERATORS_KEY -> ONE_REQUEST;
          case NEW_REQUEST, ANOTHER_TRIGGER -> ANOTHER_REQUEST;
        };
    Trigger trigger = scenario.nextTrigger();
    ScenarioOracle oracle = new ScenarioOracle(fixture, scenario, before);
    Outcome outcome = settle(fixture, trigger, request);
    return oracle.judge(outcome, () -> requestOnce(fixture, trigger, request));
  }

  /** Makes a request; and again, as long as the answer is to do so, but not for ever. */
  private static Outcome settle(RotationFixture fixture, Trigger trigger, String request) {
    Outcome outcome = requestOnce(fixture, trigger, request);
    for (int i = 0; i < MAX_REPETITIONS && asksToBeRepeated(outcome); i++) {
      boolean isOwnRotation = outcome.result().equals("ROTATION_IN_PROGRESS");
      fixture.pass(isOwnRotation ? OWN_ROTATION : PROPAGATION);
      outcome = requestOnce(fixture, trigger, request);
    }
    return outcome;
  }

  private static Outcome requestOnce(RotationFixture fixture, Trigger trigger, String request) {
    Secret before = fixture.state().describe(SECRET);
    Outcome outcome = trigger.request(fixture, request);
    Invariants.hold(fixture, before, outcome, trigger);
    return outcome;
  }

  private static boolean asksToBeRepeated(Outcome outcome) {
    return outcome.result().equals("ROTATION_IN_PROGRESS")
        || (outcome instanceof Outcome.Failed(String message)
            && Set.of("NEW_KEY_REJECTED", "SUPERSEDED").contains(Invariants.reason(message)));
  }

  private synchronized void passes(Optional<Loss> loss) {
    passed++;
    loss.ifPresent(which -> losses.merge(which, 1, Integer::sum));
    showProgress();
  }

  private synchronized void violates(String name, Throwable why) {
    violations.put(name, why.toString().strip());
    System.out.println(subject + ": violation: " + name);
    showProgress();
  }

  private void showProgress() {
    int played = passed + violations.size();
    if (Scenarios.IS_LONG && played * 10 / scenarios > (played - 1) * 10 / scenarios) {
      System.out.println(
          "%s: %d of %d scenarios played, %d violations"
              .formatted(subject, played, scenarios, violations.size()));
    }
  }

  private String summary() {
    StringBuilder summary = new StringBuilder();
    summary.append(
        "%s: %d scenarios, %d violations.%n"
            .formatted(subject, passed + violations.size(), violations.size()));
    losses.forEach(
        (loss, count) -> summary.append("  %6d unavoidable losses: %s%n".formatted(count, loss)));
    return summary.toString();
  }

  /** Prints how many were played, and checks that each was, without a violation. */
  synchronized void conclude() {
    System.out.print(summary());
    assertThat(violations).isEmpty();
    assertThat(passed).as("scenarios that were played to their end").isEqualTo(scenarios);
  }
}
