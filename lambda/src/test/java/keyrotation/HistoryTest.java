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
 * Whatever happens to a secret, in whatever order: the promises hold after each step.
 *
 * <p>Every build plays the same histories; {@code -Pexhaustive} plays others each time, for three
 * minutes. A history that breaks a promise is shrunk and told; {@code -Dhistory=SEED} plays it
 * alone.
 */
class HistoryTest {

  private static final int MAX_CONCURRENT = 4;
  private static final int IN_EVERY_BUILD = 40;
  private static final Duration EXHAUSTIVE = Duration.ofMinutes(3);

  private final AtomicInteger histories = new AtomicInteger();
  private final AtomicInteger steps = new AtomicInteger();
  private final ConcurrentSkipListMap<Long, String> broken = new ConcurrentSkipListMap<>();

  @Test
  void no_history_violates_an_invariant() throws InterruptedException, ExecutionException {
    Long chosen = Long.getLong("history");
    if (chosen != null) {
      play(chosen, 1, Instant.MAX);
    } else if (Scenarios.ALL) {
      play(new Random().nextInt(1_000_000_000), Integer.MAX_VALUE, Instant.now().plus(EXHAUSTIVE));
    } else {
      play(0, IN_EVERY_BUILD, Instant.MAX);
    }
    System.out.printf(
        "Histories: %d with %d steps played, %d broke a promise.%n",
        histories.get(), steps.get(), broken.size());
    if (!broken.isEmpty()) {
      long seed = broken.firstKey();
      // If a shorter one does not break every time, the first trace has to do.
      String trace = History.of(seed).shrink().play().orElse(broken.get(seed));
      fail(
          "A history breaks a promise (-Dhistory=%d, one of %d that were played):%n%s"
              .formatted(seed, histories.get(), trace));
    }
  }

  private void play(long firstSeed, int count, Instant end)
      throws InterruptedException, ExecutionException {
    AtomicLong seeds = new AtomicLong(firstSeed);
    Callable<Boolean> player =
        () -> {
          long seed = seeds.getAndIncrement();
          while (seed < firstSeed + count && broken.isEmpty() && Instant.now().isBefore(end)) {
            History history = History.of(seed);
            Optional<String> trace = history.play();
            histories.incrementAndGet();
            steps.addAndGet(history.steps().size());
            if (trace.isPresent()) {
              broken.put(seed, trace.get());
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
