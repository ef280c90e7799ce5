package keyrotation;

import java.time.Duration;
import java.time.Instant;

/**
 * When a key is due to be renewed: at an age, or when a third of its life is left, whichever is
 * first.
 *
 * @param age from the making of the version that holds the key
 */
record RenewalPolicy(Duration age) {

  /**
   * Checks are daily, give or take the schedule's window; one that comes a little early must not
   * put the renewal off to the next day.
   */
  private static final Duration EARLY = Duration.ofHours(2);

  /** Tells whether a key is due. One of which nobody knows when it ends is due at once. */
  boolean isDue(Instant created, Expiry expiry, Instant now) {
    return switch (expiry) {
      case Expiry.Unknown _ -> true;
      case Expiry.Never _ -> isOfAge(created, now);
      case Expiry.At(Instant end) ->
          isOfAge(created, now)
              || Duration.between(now, end)
                      .multipliedBy(3)
                      .compareTo(Duration.between(created, end))
                  <= 0;
    };
  }

  private boolean isOfAge(Instant created, Instant now) {
    return !now.isBefore(created.plus(age).minus(EARLY));
  }
}
