package keyrotation.momento;

import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.RATE_LIMITED_LOCALLY;
import static keyrotation.core.TimeBudget.MIN_REFRESH_TIME;

import java.time.Duration;
import java.util.function.Function;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.TimeBudget;

/** Permits for calls that ask Momento for a new key, or manage keys. */
final class RenewalPermits {

  private final RateLimit limit;

  RenewalPermits(RateLimit limit) {
    this.limit = limit;
  }

  /**
   * Waits for a permit, and makes the call.
   *
   * @param call takes how long it may take so that a new key can still be stored
   * @throws RotationException {@code OUT_OF_TIME} or {@code RATE_LIMITED_LOCALLY}
   */
  <T> T call(TimeBudget budget, Function<Duration, T> call) {
    Duration longestWait = timeToRenew(budget).minus(MIN_REFRESH_TIME);
    if (!limit.acquire(1, longestWait)) {
      throw new RotationException(
          RATE_LIMITED_LOCALLY,
          "A call that renews a key at Momento would have waited for a permit for more than the "
              + longestWait.toSeconds()
              + " s that were left; MOMENTO_REFRESHES_PER_SECOND is the limit.");
    }
    return limit.call(() -> call.apply(timeToRenew(budget)));
  }

  private static Duration timeToRenew(TimeBudget budget) {
    Duration left = budget.leftToRefresh();
    if (left.compareTo(MIN_REFRESH_TIME) < 0) {
      throw new RotationException(
          OUT_OF_TIME, "Too little time was left to renew the key and store the new one.");
    }
    return left;
  }
}
