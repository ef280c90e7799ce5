package keyrotation;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Gatherers;
import java.util.stream.Stream;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Trigger;

/**
 * Which scenarios there are, and which of them are played.
 *
 * <p>{@code -Dscenario=…} plays only those whose names hold that text.
 */
final class Scenarios {

  /** How much of all that could be played is played. */
  enum Effort {
    /** A few: each pair of traits that occurs at all occurs in one of them. */
    EVERY_BUILD,
    /** With {@code -Pexhaustive}, a larger selection: each triple of traits. */
    EXHAUSTIVE,
    /** With {@code -Psoak}, everything. */
    SOAK
  }

  static final Effort EFFORT =
      Boolean.getBoolean("soak")
          ? Effort.SOAK
          : Boolean.getBoolean("exhaustive") ? Effort.EXHAUSTIVE : Effort.EVERY_BUILD;

  /** Whether this is a longer run than that of every build. */
  static final boolean IS_LONG = EFFORT != Effort.EVERY_BUILD;

  private static final int MAX_CONCURRENT = 4;

  private static final String SELECTED = System.getProperty("scenario", "");

  static final Covering<Scenario> COVERING = new Covering<>(Scenarios::traits);

  private static final Map<Start, List<RemoteCall>> CALLS = new ConcurrentHashMap<>();

  private Scenarios() {}

  /** A request without a fault, and what it finds. */
  record Start(Trigger trigger, InitialState initialState, KeyKind kind) {

    /** Returns the scenarios that begin like this, with a fault in a call that is made. */
    private Stream<Scenario> scenarios(Predicate<FaultKind> faults) {
      return calls(this).stream()
          .flatMap(
              call ->
                  Stream.of(FaultKind.values())
                      .filter(fault -> faults.test(fault) && fault.appliesTo(call.position()))
                      .flatMap(fault -> scenarios(call, fault)));
    }

    private Stream<Scenario> scenarios(RemoteCall call, FaultKind fault) {
      return Stream.of(FollowUp.values())
          .map(followUp -> new Scenario(trigger, initialState, kind, fault, call, followUp));
    }
  }

  /** Returns the scenarios that begin in one of these ways, with these faults. */
  static List<Scenario> scenarios(Predicate<Start> starts, Predicate<FaultKind> faults) {
    return Stream.of(Trigger.values())
        .flatMap(trigger -> Stream.of(InitialState.values()).flatMap(state -> of(trigger, state)))
        .filter(starts)
        // Each of them takes a request, to see which calls it makes.
        .gather(Gatherers.mapConcurrent(MAX_CONCURRENT, start -> start.scenarios(faults).toList()))
        .flatMap(List::stream)
        .filter(each -> isSelected(each.toString()))
        .toList();
  }

  private static Stream<Start> of(Trigger trigger, InitialState initialState) {
    return Stream.of(KeyKind.values())
        .filter(kind -> initialState.existsFor(kind) && trigger.existsFor(kind))
        .map(kind -> new Start(trigger, initialState, kind));
  }

  /** Tells whether a scenario is to be played. */
  static boolean isSelected(String name) {
    return name.contains(SELECTED);
  }

  /** Returns a fixture in this JVM, in which a rejection counts at once, and so is one call. */
  static SandboxedFunction newFixture(KeyKind kind) {
    return new SandboxedFunction(kind, Duration.ZERO, Map.of());
  }

  /** Returns the calls that a request makes without a fault. */
  static List<RemoteCall> calls(Start start) {
    return CALLS.computeIfAbsent(start, Scenarios::play);
  }

  private static List<RemoteCall> play(Start start) {
    try (SandboxedFunction fixture = newFixture(start.kind)) {
      start.initialState.arrange(fixture);
      int callsBefore = fixture.sandbox.callsSeen().size();
      int stepsBefore = steps(fixture).size();
      // Without a fault there is no need to be short of time.
      fixture.clearFaults();
      var _ = start.trigger.request(fixture, "one");
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

  /** Selects scenarios, as many as the effort allows. */
  static List<Scenario> selection(List<Scenario> scenarios) {
    return switch (EFFORT) {
      case EVERY_BUILD -> COVERING.few(scenarios, 2);
      case EXHAUSTIVE -> COVERING.inOrder(scenarios, 3);
      case SOAK -> scenarios;
    };
  }

  private static List<Object> traits(Scenario scenario) {
    return List.of(
        scenario.trigger(),
        scenario.initialState(),
        scenario.kind(),
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
                    s -> List.of(s.trigger(), s.initialState(), s.kind(), s.fault(), s.call()),
                    LinkedHashMap::new,
                    toList()))
            .values());
  }
}
