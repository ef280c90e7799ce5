package keyrotation;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Whatever happens to whichever remote call, whatever is found, whoever asks, and whatever comes
 * next: no key is lost that could be saved, and nothing is told that is not so.
 *
 * <p>The process does not really die here, as it does in {@link CrashIT}. {@code -Pexhaustive}
 * plays every scenario; every build plays enough of them for each two traits to meet.
 */
@Isolated("It takes all that the machine has.")
class FaultInjectionTest {

  private static final int MAX_CONCURRENT = 8;

  /** Those in which calls are made again and again, or hang, wait most of the time. */
  private static final int MAX_CONCURRENT_WAITS = 64;

  @Test
  void no_fault_violates_an_invariant() throws InterruptedException {
    List<Scenario> all = Scenarios.scenarios(_ -> true);
    List<Scenario> scenarios = Scenarios.ALL ? all : Scenarios.covering(all);
    ScenarioRunner runner = new ScenarioRunner("Faults", scenarios.size());
    Semaphore places = new Semaphore(MAX_CONCURRENT);
    Semaphore waitingPlaces = new Semaphore(MAX_CONCURRENT_WAITS);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (List<Scenario> variants : Scenarios.byFault(scenarios)) {
        Scenario any = variants.getFirst();
        Semaphore place = any.fault().takesTime() ? waitingPlaces : places;
        threads.execute(
            () -> {
              place.acquireUninterruptibly();
              try (SandboxedFunction fixture = Scenarios.newFixture(any.tokens())) {
                runner.play(fixture, variants, fixture::die);
              } finally {
                place.release();
              }
            });
      }
    }
    runner.conclude();
  }
}
