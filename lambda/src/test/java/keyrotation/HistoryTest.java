package keyrotation;

import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/**
 * Random sequences of requests, faults and operator actions: every guarantee holds after each step.
 *
 * <p>Every build plays the same histories; {@code -Pexhaustive} plays others each time, for three
 * minutes. A history that violates a guarantee is shrunk, and its trace printed; {@code
 * -Dhistory=SEED} plays it alone.
 */
class HistoryTest {

  private static final int MAX_CONCURRENT = 4;
  private static final int IN_EVERY_BUILD = 40;
  private static final Duration EXHAUSTIVE = Duration.ofMinutes(3);

  private final AtomicInteger histories = new AtomicInteger();
  private final AtomicInteger steps = new AtomicInteger();
  private final ConcurrentSkipListMap<Long, String> violations = new ConcurrentSkipListMap<>();

  @Test
  void no_history_violates_an_invariant() throws InterruptedException, ExecutionException {
    Long chosen = Long.getLong("history");
    if (chosen != null) {
      play(chosen, 1, Instant.MAX);
    } else if (Scenarios.IS_LONG) {
      play(new Random().nextInt(1_000_000_000), Integer.MAX_VALUE, Instant.now().plus(EXHAUSTIVE));
    } else {
      play(0, IN_EVERY_BUILD, Instant.MAX);
    }
    System.out.printf(
        "Histories: %d with %d steps, %d violations.%n",
        histories.get(), steps.get(), violations.size());
    if (!violations.isEmpty()) {
      long seed = violations.firstKey();
      // If the shrunk one does not fail every time, the first trace has to do.
      String trace = History.of(seed).shrink().play().orElse(violations.get(seed));
      fail(
          "A history violates a guarantee (-Dhistory=%d, one of %d that were played):%n%s"
              .formatted(seed, histories.get(), trace));
    }
  }

  private void play(long firstSeed, int count, Instant end)
      throws InterruptedException, ExecutionException {
    AtomicLong seeds = new AtomicLong(firstSeed);
    Callable<Boolean> player =
        () -> {
          long seed = seeds.getAndIncrement();
          while (seed < firstSeed + count && violations.isEmpty() && Instant.now().isBefore(end)) {
            History history = History.of(seed);
            Optional<String> trace = history.play();
            histories.incrementAndGet();
            steps.addAndGet(history.steps().size());
            if (trace.isPresent()) {
              violations.put(seed, trace.get());
            }
            seed = seeds.getAndIncrement();
          }
          return true;
        };
    try (ExecutorService threads = Executors.newFixedThreadPool(MAX_CONCURRENT)) {
      for (Future<Boolean> played :
          threads.invokeAll(Collections.nCopies(MAX_CONCURRENT, player))) {
        var _ = played.get();
      }
    }
  }
}
