package keyrotation;

import static keyrotation.FailureReason.OUT_OF_TIME;

import dev.failsafe.RateLimiter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/**
 * Works on many secrets side by side, each on its own: what becomes of one is nothing to the
 * others.
 *
 * <p>They are started in the order given and at a steady pace, so that the same secrets are worked
 * on in the same way each time, and results come in that order.
 */
final class RotationRound {

  /** None is started with less time left; it is what one rotation takes when all goes slowly. */
  static final Duration TIME_FOR_ONE = Duration.ofSeconds(15);

  private final InstantSource clock;
  private final RateLimiter<?> starts;

  RotationRound(InstantSource clock, int startsPerSecond) {
    this.clock = clock;
    this.starts = RateLimiter.smoothBuilder(startsPerSecond, Duration.ofSeconds(1)).build();
  }

  /**
   * Works on the secrets, and returns when all are done.
   *
   * @param work never throws
   */
  List<RotationResult> run(
      List<String> secretIds, Instant deadline, Function<String, RotationResult> work) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<RotationResult>> started = new ArrayList<>();
      for (String secretId : secretIds) {
        Duration spare = Duration.between(clock.instant(), deadline).minus(TIME_FOR_ONE);
        boolean inTime = spare.isPositive() && starts.tryAcquirePermit(spare);
        // The first is begun in any case: it knows best what it has no time for.
        if (inTime || started.isEmpty()) {
          started.add(threads.submit(() -> work.apply(secretId)));
        } else {
          started.add(threads.submit(() -> notStarted(secretId)));
        }
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

  private static RotationResult notStarted(String secretId) {
    return new RotationResult.Failed(
        secretId, new RotationFailure(OUT_OF_TIME, "Too little time was left to begin."));
  }
}
