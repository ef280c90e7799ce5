package keyrotation;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Each kind of fault in each remote call, for each initial state, trigger and follow-up: every
 * guarantee holds.
 *
 * <p>The process does not really crash here, as it does in {@link CrashIT}. {@code -Psoak} plays
 * every scenario; {@code -Pexhaustive} and every build play a selection.
 */
@Isolated("It takes all that the machine has.")
class FaultInjectionTest {

  private static final int MAX_CONCURRENT = 8;

  /** Scenarios in which calls are repeated, or hang, wait most of the time. */
  private static final int MAX_CONCURRENT_WAITS = 64;

  @Test
  void no_fault_violates_an_invariant() throws InterruptedException {
    List<Scenario> scenarios = Scenarios.selection(Scenarios.scenarios(_ -> true, _ -> true));
    ScenarioRunner runner = new ScenarioRunner("Fault injection", scenarios.size());
    Semaphore permits = new Semaphore(MAX_CONCURRENT);
    Semaphore waitingPermits = new Semaphore(MAX_CONCURRENT_WAITS);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (List<Scenario> variants : Scenarios.byFault(scenarios)) {
        Scenario any = variants.getFirst();
        Semaphore permit = any.fault().takesTime() ? waitingPermits : permits;
        threads.execute(
            () -> {
              permit.acquireUninterruptibly();
              try (SandboxedFunction fixture = Scenarios.newFixture(any.kind())) {
                runner.play(fixture, variants, fixture::crash);
              } finally {
                permit.release();
              }
            });
      }
    }
    runner.conclude();
  }
}
