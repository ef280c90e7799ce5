package keyrotation;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.MomentoServer.RefreshTokens;

/**
 * Which scenarios there are, and which of them are played.
 *
 * <p>{@code -Dscenario=…} plays only those whose names hold that text.
 */
final class Scenarios {

  /** Whether to play every scenario, or a pairwise selection. */
  static final boolean ALL = Boolean.getBoolean("exhaustive");

  private static final String SELECTED = System.getProperty("scenario", "");

  private Scenarios() {}

  /** Returns all scenarios with these faults; the calls are those that the function makes. */
  static List<Scenario> scenarios(Predicate<FaultKind> faults) {
    List<Scenario> scenarios = new ArrayList<>();
    for (Trigger trigger : Trigger.values()) {
      for (InitialState initialState : InitialState.values()) {
        for (RefreshTokens tokens : RefreshTokens.values()) {
          for (RemoteCall call : calls(trigger, initialState, tokens)) {
            for (FaultKind fault : FaultKind.values()) {
              for (FollowUp followUp : FollowUp.values()) {
                if (faults.test(fault) && fault.appliesTo(call.position())) {
                  scenarios.add(new Scenario(trigger, initialState, tokens, fault, call, followUp));
                }
              }
            }
          }
        }
      }
    }
    return scenarios.stream().filter(each -> isSelected(each.toString())).toList();
  }

  /** Tells whether a scenario is to be played. */
  static boolean isSelected(String name) {
    return name.contains(SELECTED);
  }

  /** Returns a fixture in this JVM, in which a rejection counts at once, and so is one call. */
  static SandboxedFunction newFixture(RefreshTokens tokens) {
    return new SandboxedFunction(tokens, Duration.ZERO);
  }

  /** Returns the calls that a request makes without a fault. */
  static List<RemoteCall> calls(Trigger trigger, InitialState initialState, RefreshTokens tokens) {
    try (SandboxedFunction fixture = newFixture(tokens)) {
      initialState.arrange(fixture);
      int callsBefore = fixture.sandbox.callsSeen().size();
      int stepsBefore = steps(fixture).size();
      // Without a fault there is no need to be short of time.
      fixture.clearFaults();
      var _ = trigger.request(fixture, "one");
      // RotateSecret is the operator's call.
      List<String> actions =
          fixture.sandbox.callsSeen().stream()
              .skip(callsBefore)
              .filter(CallPosition.ACTIONS::contains)
              .toList();
      List<CallPurpose> steps =
          steps(fixture).stream()
              .skip(stepsBefore)
              .flatMap(step -> CallPurpose.ofStep(step).stream())
              .toList();
      return RemoteCall.of(actions, steps);
    }
  }

  /** Returns the steps that the function has logged so far. */
  private static List<String> steps(SandboxedFunction fixture) {
    return fixture
        .log()
        .lines()
        .map(line -> RotationFixture.parse(line).path("step").asText())
        .toList();
  }

  /** Selects scenarios so that each pair of traits that occurs at all occurs in one of them. */
  static List<Scenario> pairwise(List<Scenario> scenarios) {
    Set<Set<Object>> pairs = new HashSet<>();
    return scenarios.stream()
        .filter(
            scenario -> {
              boolean isNew = false;
              for (Object one : traits(scenario)) {
                for (Object other : traits(scenario)) {
                  isNew |= !one.equals(other) && pairs.add(Set.of(one, other));
                }
              }
              return isNew;
            })
        .toList();
  }

  private static List<Object> traits(Scenario scenario) {
    return List.of(
        scenario.trigger(),
        scenario.initialState(),
        scenario.tokens(),
        scenario.fault(),
        scenario.call().purpose(),
        scenario.followUp());
  }

  /** Puts those together that differ only in the follow-up. */
  static List<List<Scenario>> byFault(List<Scenario> scenarios) {
    return List.copyOf(
        scenarios.stream()
            .collect(
                groupingBy(
                    s -> List.of(s.trigger(), s.initialState(), s.tokens(), s.fault(), s.call()),
                    LinkedHashMap::new,
                    toList()))
            .values());
  }
}
