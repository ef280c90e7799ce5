package keyrotation.rotation;

import static keyrotation.core.FailureReason.OUT_OF_TIME;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import keyrotation.core.RotationException;
import keyrotation.core.TimeBudget;

/**
 * Rotates secrets concurrently. Failures are isolated: a secret that fails does not fail another.
 *
 * <p>At most {@link #MAX_CONCURRENT} run at a time. A batch starts at any place of the list and
 * wraps around, so that slow secrets do not starve the same others in every run. Results come in
 * the order of the list.
 */
public final class BatchRotation {

  /** How many secrets are worked on at a time. */
  public static final int MAX_CONCURRENT = 16;

  private final TimeBudget budget;
  private final RotationLog log;

  /** The work on one secret. */
  @FunctionalInterface
  public interface Work {

    /**
     * Carries out the work; never throws.
     *
     * @param othersWait whether other secrets still wait to be started
     */
    RotationResult on(String secretId, BooleanSupplier othersWait);
  }

  /**
   * Makes a batch.
   *
   * @param budget with too little time left for a rotation, only the first one starts
   */
  public BatchRotation(TimeBudget budget, RotationLog log) {
    this.budget = budget;
    this.log = log;
  }

  /**
   * Carries out the work on all secrets, and returns when all are done.
   *
   * @param start the index of the secret to start with
   */
  public List<RotationResult> run(List<String> secretIds, int start, Work work) {
    int count = secretIds.size();
    AtomicInteger next = new AtomicInteger();
    RotationResult[] results = new RotationResult[count];
    Runnable worker =
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            int place = (start + i) % count;
            String secretId = secretIds.get(place);
            // The first starts in any case, and fails with the step that there is no time for.
            results[place] =
                i == 0 || budget.allowsRotation()
                    ? work.on(secretId, () -> next.get() < count)
                    : notStarted(secretId);
          }
        };
    // Closing the executor waits for all workers, and passes an interruption on to them.
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < Math.min(count, MAX_CONCURRENT); i++) {
        threads.execute(worker);
      }
    }
    return List.of(results);
  }

  private RotationResult notStarted(String secretId) {
    return log.forSecret(secretId)
        .result(
            () -> {
              throw new RotationException(
                  OUT_OF_TIME, "Too little time was left to start the rotation.");
            });
  }
}
