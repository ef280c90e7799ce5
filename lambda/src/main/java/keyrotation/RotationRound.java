package keyrotation;

import static keyrotation.FailureReason.OUT_OF_TIME;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Rotates secrets concurrently. Failures are isolated: one secret never affects another.
 *
 * <p>At most 16 run at a time. They start somewhere in the list, and go round, so that secrets that
 * take all the time there is do not starve the same others in every run. Results come in the order
 * of the list.
 */
final class RotationRound {

  private static final int MOST_AT_ONCE = 16;

  private final InstantSource clock;
  private final Duration timeForOne;

  /** The work on one secret. */
  @FunctionalInterface
  interface Work {

    /**
     * Does the work; never throws.
     *
     * @param othersWait whether other secrets wait for this one's place at the moment
     */
    RotationResult on(String secretId, BooleanSupplier othersWait);
  }

  /**
   * Prepares for rounds.
   *
   * @param timeForOne none but the first is started with less time left
   */
  RotationRound(InstantSource clock, Duration timeForOne) {
    this.clock = clock;
    this.timeForOne = timeForOne;
  }

  /**
   * Works on the secrets, and returns when all are done.
   *
   * @param start the index of the secret to start with
   */
  List<RotationResult> run(List<String> secretIds, int start, Instant deadline, Work work) {
    Semaphore places = new Semaphore(MOST_AT_ONCE);
    AtomicInteger waiting = new AtomicInteger(secretIds.size());
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<RotationResult>> started = new ArrayList<>();
      for (int i = 0; i < secretIds.size(); i++) {
        String secretId = secretIds.get((start + i) % secretIds.size());
        Duration spare = Duration.between(clock.instant(), deadline).minus(timeForOne);
        // The first is begun in any case: it knows best what it has no time for.
        boolean begin =
            started.isEmpty()
                ? places.tryAcquire()
                : spare.isPositive() && places.tryAcquire(spare.toMillis(), TimeUnit.MILLISECONDS);
        waiting.decrementAndGet();
        started.add(
            threads.submit(
                () ->
                    begin
                        ? releasing(places, () -> work.on(secretId, () -> waiting.get() > 0))
                        : notStarted(secretId)));
      }
      List<RotationResult> results = new ArrayList<>();
      for (Future<RotationResult> result : started) {
        results.add(result.get());
      }
      Collections.rotate(results, start);
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted among rotations.");
    } catch (ExecutionException e) {
      throw new IllegalStateException("The work on a secret must not throw.");
    }
  }

  private static RotationResult releasing(Semaphore places, Supplier<RotationResult> work) {
    try {
      return work.get();
    } finally {
      places.release();
    }
  }

  private static RotationResult notStarted(String secretId) {
    return new RotationResult.Failed(
        secretId, new RotationFailure(OUT_OF_TIME, "Too little time was left to begin."));
  }
}
