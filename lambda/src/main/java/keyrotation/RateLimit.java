package keyrotation;

import java.time.Duration;
import java.time.Instant;

/**
 * Spaces calls out evenly, for all threads together.
 *
 * <p>Own code, because the libraries' limiters count by the JVM's clock, which a restored snapshot
 * does not know and a test cannot turn.
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
    Duration wait;
    synchronized (this) {
      Instant now = time.instant();
      Instant turn = next.isAfter(now) ? next : now;
      wait = Duration.between(now, turn);
      if (wait.compareTo(limit) > 0) {
        return false;
      }
      next = turn.plus(interval.multipliedBy(calls));
    }
    if (wait.isPositive()) {
      time.sleep(wait);
    }
    return true;
  }
}
