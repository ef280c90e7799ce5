package keyrotation.rotation;

import static java.util.Comparator.reverseOrder;
import static keyrotation.core.FailureReason.KEY_TOO_SHORT_LIVED;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;

/**
 * When a scheduled run rotates a key, and how long a key has to live so that a scheduled run can
 * rotate it in time.
 *
 * @param age the age of a version at which its key is due; empty for one day with v1 keys, which
 *     cannot be revoked, and 30 days with v2 keys
 * @param interval the longest time between two scheduled runs
 */
public record RenewalPolicy(Optional<Duration> age, Duration interval) {

  /** The intervals that can be configured, in hours: each divides a day. */
  public static final List<Integer> INTERVALS_IN_HOURS = List.of(1, 2, 3, 4, 6, 8, 12, 24);

  private static final Duration V1_AGE = Duration.ofDays(1);
  private static final Duration V2_AGE = Duration.ofDays(30);

  /** How long before its end an operator hears of a key that no scheduled run rotates. */
  private static final Duration NOTICE = Duration.ofDays(14);

  /**
   * A scheduled run may come this much early or late. The schedule's flexible window is an hour at
   * most; the rest is for Lambda's retries and for clocks that differ.
   */
  private static final Duration TOLERANCE = Duration.ofHours(2);

  /** Returns the policy for a secret whose tag says at what age its key is due. */
  RenewalPolicy with(Optional<Duration> ageOfSecret) {
    return new RenewalPolicy(ageOfSecret.or(() -> age), interval);
  }

  /**
   * Tells whether a key is due: at the configured age; when a third of its life is left; or when it
   * might expire before the run after next, so that one run may fail. A key of unknown expiry is
   * due at once.
   *
   * @param created when the version that holds the key was created
   * @param byAge whether the age counts. It does not if Secrets Manager rotates the secret, on its
   *     own schedule
   * @param isV2 whether it is a v2 key
   */
  boolean isDue(Instant created, Expiry expiry, Instant now, boolean byAge, boolean isV2) {
    return dueAt(created, expiry, byAge, isV2).filter(due -> !now.isBefore(due)).isPresent();
  }

  /** Returns when a key becomes due; empty if it never does. See {@link #isDue}. */
  Optional<Instant> dueAt(Instant created, Expiry expiry, boolean byAge, boolean isV2) {
    Duration dueAge = age.orElse(isV2 ? V2_AGE : V1_AGE);
    Optional<Instant> byItsAge =
        byAge ? Optional.of(created.plus(dueAge).minus(TOLERANCE)) : Optional.empty();
    Optional<Instant> byItsLife =
        switch (expiry) {
          case Expiry.Unknown _ -> Optional.of(Instant.EPOCH);
          case Expiry.Never _ -> Optional.empty();
          case Expiry.At(Instant end) ->
              Optional.of(
                  earlier(
                      end.minus(Duration.between(created, end).dividedBy(3)),
                      end.minus(shortestLife(interval))));
        };
    return byItsAge.isPresent() && byItsLife.isPresent()
        ? Optional.of(earlier(byItsAge.get(), byItsLife.get()))
        : byItsAge.or(() -> byItsLife);
  }

  private static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }

  /**
   * Returns the time since a key became due, in intervals; 0 if it is not due. A key of unknown
   * expiry became due when its version was created.
   */
  double runsOverdue(Instant created, Expiry expiry, Instant now, boolean byAge, boolean isV2) {
    return dueAt(created, expiry, byAge, isV2)
        .map(due -> due.isBefore(created) ? created : due)
        .filter(due -> due.isBefore(now))
        .map(due -> (double) Duration.between(due, now).toSeconds() / interval.toSeconds())
        .orElse(0.0);
  }

  /**
   * Tells whether a key might expire before two more scheduled runs have begun: if the next one
   * fails, there is no other. A key that is rotated when it is due never comes so close to its end.
   */
  boolean expiresSoon(Expiry expiry, Instant now) {
    return expiry instanceof Expiry.At(Instant end)
        && !now.isBefore(end.minus(interval).minus(TOLERANCE));
  }

  /** Tells whether an operator has to replace a key soon that no scheduled run rotates. */
  static boolean expiresSoonByHand(Expiry expiry, Instant now) {
    return expiry instanceof Expiry.At(Instant end) && !now.isBefore(end.minus(NOTICE));
  }

  /**
   * Returns the failure of a key that does not live long enough for the interval: it would expire
   * before it can be rotated with room for one failed run. Empty if it lives long enough, if its
   * expiry is unknown, or if it had expired before it was stored.
   *
   * @param created when the version that holds the key was created
   */
  public Optional<RotationException> judge(Instant created, Expiry expiry) {
    if (!(expiry instanceof Expiry.At(Instant end))) {
      return Optional.empty();
    }
    Duration life = Duration.between(created, end);
    if (!life.isPositive() || life.compareTo(shortestLife()) >= 0) {
      return Optional.empty();
    }
    String remedy =
        largestIntervalFor(life)
            .map(
                largest ->
                    (isAtTimesOfDay() ? "Without CHECK_AT and CHECK_DAYS, " : "")
                        + "CHECK_INTERVAL_IN_HOURS="
                        + largest.toHours()
                        + " would do.")
            .orElse("No interval is short enough for a key that lives less than 4 hours.");
    return Optional.of(
        new RotationException(
            KEY_TOO_SHORT_LIVED,
            "The key expires at %s, %s after it was stored. Scheduled runs are %s%d hours apart, so it has to live for %d hours. %s"
                .formatted(
                    end,
                    inHours(life),
                    isAtTimesOfDay() ? "up to " : "",
                    interval.toHours(),
                    shortestLife().toHours(),
                    remedy)));
  }

  /** Tells whether runs start at a time of day, and not all of them after equal intervals. */
  private boolean isAtTimesOfDay() {
    return !INTERVALS_IN_HOURS.contains((int) interval.toHours());
  }

  private static String inHours(Duration duration) {
    return "%d h %d min".formatted(duration.toHours(), duration.toMinutesPart());
  }

  /** Returns the largest interval that suits a life; empty if even the smallest is too large. */
  static Optional<Duration> largestIntervalFor(Duration life) {
    return INTERVALS_IN_HOURS.stream()
        .sorted(reverseOrder())
        .map(Duration::ofHours)
        .filter(interval -> life.compareTo(shortestLife(interval)) >= 0)
        .findFirst();
  }

  /** Returns the shortest life that a key may have. */
  public Duration shortestLife() {
    return shortestLife(interval);
  }

  private static Duration shortestLife(Duration interval) {
    return interval.multipliedBy(2).plus(TOLERANCE);
  }
}
