package keyrotation;

import static keyrotation.FailureReason.OUT_OF_TIME;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Works on many secrets side by side, each on its own: what becomes of one is nothing to the
 * others.
 *
 * <p>They are started in the order given, as many at a time each time, and results come in that
 * order.
 */
final class RotationRound {

  private static final int MOST_AT_ONCE = 16;

  private final InstantSource clock;
  private final Duration timeForOne;

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
   * @param work never throws
   */
  List<RotationResult> run(
      List<String> secretIds, Instant deadline, Function<String, RotationResult> work) {
    Semaphore places = new Semaphore(MOST_AT_ONCE);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<RotationResult>> started = new ArrayList<>();
      for (String secretId : secretIds) {
        Duration spare = Duration.between(clock.instant(), deadline).minus(timeForOne);
        // The first is begun in any case: it knows best what it has no time for.
        boolean begin =
            started.isEmpty()
                ? places.tryAcquire()
                : spare.isPositive() && places.tryAcquire(spare.toMillis(), TimeUnit.MILLISECONDS);
        started.add(
            threads.submit(() -> begin ? releasing(places, work, secretId) : notStarted(secretId)));
      }
      List<RotationResult> results = new ArrayList<>();
      for (Future<RotationResult> result : started) {
        results.add(result.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted among rotations.");
    } catch (ExecutionException e) {
      throw new IllegalStateException("The work on a secret must not throw.");
    }
  }

  private static RotationResult releasing(
      Semaphore places, Function<String, RotationResult> work, String secretId) {
    try {
      return work.apply(secretId);
    } finally {
      places.release();
    }
  }

  private static RotationResult notStarted(String secretId) {
    return new RotationResult.Failed(
        secretId, new RotationFailure(OUT_OF_TIME, "Too little time was left to begin."));
  }
}
