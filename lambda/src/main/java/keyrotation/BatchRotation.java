package keyrotation;

import static keyrotation.FailureReason.OUT_OF_TIME;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
final class BatchRotation {

  private static final int MAX_CONCURRENT = 16;

  private final InstantSource clock;
  private final Duration timeForOne;

  /** The work on one secret. */
  @FunctionalInterface
  interface Work {

    /**
     * Does the work.
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
  BatchRotation(InstantSource clock, Duration timeForOne) {
    this.clock = clock;
    this.timeForOne = timeForOne;
  }

  /**
   * Works on the secrets, and returns when all are done.
   *
   * @param start the index of the secret to start with
   */
  List<RotationResult> run(List<String> secretIds, int start, Instant deadline, Work work) {
    int count = secretIds.size();
    AtomicInteger next = new AtomicInteger();
    RotationResult[] results = new RotationResult[count];
    Runnable worker =
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            int place = (start + i) % count;
            String secretId = secretIds.get(place);
            // The first is begun in any case: it knows best what it has no time for.
            results[place] =
                i == 0 || clock.instant().plus(timeForOne).isBefore(deadline)
                    ? isolated(secretId, () -> work.on(secretId, () -> next.get() < count))
                    : notStarted(secretId);
          }
        };
    // To close it is to wait for all workers; an interruption is passed on to them.
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < Math.min(count, MAX_CONCURRENT); i++) {
        threads.execute(worker);
      }
    }
    return List.of(results);
  }

  /** Whatever ends the work on one secret, the others go on, and there is a report. */
  private static RotationResult isolated(String secretId, Supplier<RotationResult> work) {
    try {
      return work.get();
    } catch (RuntimeException | Error e) {
      return new RotationResult.Failed(secretId, RotationLog.internal(LogStep.RESULT, e));
    }
  }

  private static RotationResult notStarted(String secretId) {
    return new RotationResult.Failed(
        secretId,
        new RotationException(OUT_OF_TIME, "Too little time was left to start the rotation."));
  }
}
