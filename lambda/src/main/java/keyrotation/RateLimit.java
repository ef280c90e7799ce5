package keyrotation;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Spaces calls out evenly, for all threads together.
 *
 * <p>Own code, because the libraries' limiters count by the JVM's clock, which a test cannot turn.
 */
final class RateLimit {

  private final Duration interval;
  private final Time time;
  private Instant next = Instant.MIN;

  /** Allows so many calls a second; the first at once. */
  RateLimit(int callsPerSecond, Time time) {
    this(Duration.ofSeconds(1).dividedBy(callsPerSecond), time);
  }

  RateLimit(Duration interval, Time time) {
    this.interval = interval;
    this.time = time;
  }

  /**
   * Waits until that many calls may be made, one after the other.
   *
   * @return false, at once, if that would take longer than the limit; then no permit is used up
   */
  boolean acquire(int calls, Duration limit) {
    Optional<Duration> wait = reserve(calls, limit);
    wait.filter(Duration::isPositive).ifPresent(time::sleep);
    return wait.isPresent();
  }

  private synchronized Optional<Duration> reserve(int calls, Duration limit) {
    Instant now = time.instant();
    Instant turn = next.isAfter(now) ? next : now;
    Duration wait = Duration.between(now, turn);
    if (wait.compareTo(limit) > 0) {
      return Optional.empty();
    }
    next = turn.plus(interval.multipliedBy(calls));
    return Optional.of(wait);
  }
}
