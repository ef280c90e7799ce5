package keyrotation;

import static java.util.stream.Collectors.partitioningBy;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Trigger;
import keyrotation.Scenarios.Effort;
import keyrotation.Scenarios.Start;
import org.junit.jupiter.api.Test;

/**
 * The packed function in a process of its own. The process crashes before or after a remote call,
 * and the next request starts another one. Or a call hangs, and the function fails with a reason
 * before Lambda would time it out.
 *
 * <p>Every build has the process crash after those calls of a plain rotation that make or store a
 * key. {@code -Pexhaustive} plays a crash after the others, and a pairwise selection of all
 * crashes, and has each call of a plain rotation hang once. {@code -Psoak} also plays a crash after
 * every call of a manual rotation, followed by the same request. A crash before a call leaves what
 * a crash after the call before it leaves. Rejected successors, for which the function takes its
 * time, are part of the selection alone; {@link FaultInjectionTest} plays them all.
 */
class CrashIT {

  /** The calls after which a key could be lost. */
  private static final Set<CallPurpose> RISKY =
      EnumSet.of(CallPurpose.REFRESH, CallPurpose.ISSUE, CallPurpose.STAGE);

  private static final int MAX_CONCURRENT = 2;
  private static final int MAX_CONCURRENT_WAITS = 8;

  @Test
  void no_crash_and_no_hanging_call_violates_an_invariant() throws InterruptedException {
    List<Scenario> all =
        Scenarios.scenarios(
            start -> isPossible(start) && (Scenarios.IS_LONG || isPlain(start)),
            FaultKind::isCrash);
    Set<Scenario> scenarios = new LinkedHashSet<>();
    if (Scenarios.IS_LONG) {
      scenarios.addAll(Scenarios.COVERING.inOrder(all, 2));
      Scenarios.scenarios(CrashIT::isPlain, fault -> fault == FaultKind.HANGING).stream()
          .filter(CrashIT::isRepeated)
          .forEach(scenarios::add);
    }
    all.stream()
        .filter(scenario -> scenario.fault() == FaultKind.CRASHED_AFTER)
        .filter(CrashIT::isRepeated)
        .filter(scenario -> isInEveryBuild(scenario) || isSelected(scenario))
        .forEach(scenarios::add);
    ScenarioRunner runner = new ScenarioRunner("Crashes and hangs", scenarios.size());
    Map<Boolean, List<List<Scenario>>> byPace =
        Scenarios.byFault(List.copyOf(scenarios)).stream()
            .collect(partitioningBy(variants -> takesItsTime(variants.getFirst())));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      byPace.forEach(
          (takesItsTime, groups) -> {
            Queue<List<Scenario>> left = new ConcurrentLinkedQueue<>(groups);
            for (int i = 0; i < (takesItsTime ? MAX_CONCURRENT_WAITS : MAX_CONCURRENT); i++) {
              threads.execute(() -> playAll(left, runner));
            }
          });
    }
    runner.conclude();
  }

  /**
   * Tells whether a process can play it. The sandbox's clock is hours behind the process's: no key
   * there is young, and no key is revoked. {@link FaultInjectionTest} plays those.
   */
  private static boolean isPossible(Start start) {
    return start.trigger() != Trigger.REVOKE_PREVIOUS
        && start.initialState() != InitialState.SUCCESSOR_JUST_REJECTED
        && start.initialState() != InitialState.RETIRED
        && start.initialState() != InitialState.OVERDUE;
  }

  private static boolean isInEveryBuild(Scenario scenario) {
    return isPlain(scenario.start())
        && (Scenarios.IS_LONG || RISKY.contains(scenario.call().purpose()));
  }

  private static boolean isSelected(Scenario scenario) {
    return Scenarios.EFFORT == Effort.SOAK
        && !takesItsTime(scenario)
        && scenario.trigger() == Trigger.MANUAL;
  }

  private static boolean takesItsTime(Scenario scenario) {
    return scenario.fault() == FaultKind.HANGING
        || scenario.initialState() == InitialState.SUCCESSOR_REJECTED;
  }

  private static boolean isRepeated(Scenario scenario) {
    return scenario.kind() != KeyKind.V1_WITH_REUSABLE_TOKEN
        && scenario.followUp() == FollowUp.SAME_REQUEST;
  }

  private static boolean isPlain(Start start) {
    return start.trigger() == Trigger.MANUAL && start.initialState() == InitialState.NEVER_ROTATED;
  }

  private static void playAll(Queue<List<Scenario>> scenarios, ScenarioRunner runner) {
    Map<KeyKind, PackedFunction> fixtures = new EnumMap<>(KeyKind.class);
    try {
      for (List<Scenario> variants = scenarios.poll();
          variants != null;
          variants = scenarios.poll()) {
        PackedFunction fixture =
            fixtures.computeIfAbsent(variants.getFirst().kind(), PackedFunction::new);
        fixture.reset();
        runner.play(fixture, variants, fixture.lambda::kill);
      }
    } finally {
      fixtures.values().forEach(PackedFunction::close);
    }
  }
}
