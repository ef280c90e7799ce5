package keyrotation;

import java.time.Duration;
import java.time.Instant;

/**
 * When a key is due to be renewed: at an age, when a third of its life is left, or when there might
 * be no time for another try after a failure; whichever is first.
 *
 * @param age from the making of the version that holds the key
 */
record RenewalPolicy(Duration age) {

  /** Checks are daily; a key that does not last for two more cannot wait for the next. */
  private static final Duration TWO_CHECKS = Duration.ofDays(2);

  /** A check that the schedule's window makes come early must not put the renewal off by a day. */
  private static final Duration EARLY = Duration.ofHours(2);

  /** Tells whether a key is due. One of which nobody knows when it ends is due at once. */
  boolean isDue(Instant created, Expiry expiry, Instant now) {
    return isOfAge(created, now)
        || switch (expiry) {
          case Expiry.Unknown _ -> true;
          case Expiry.Never _ -> false;
          case Expiry.At(Instant end) -> {
            Duration left = Duration.between(now, end);
            Duration life = Duration.between(created, end);
            yield left.multipliedBy(3).compareTo(life) <= 0 || left.compareTo(TWO_CHECKS) <= 0;
          }
        };
  }

  private boolean isOfAge(Instant created, Instant now) {
    return !now.isBefore(created.plus(age).minus(EARLY));
  }
}
