package keyrotation.core;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Spaces calls evenly, across all threads. It uses the injected clock, which the rate limiters of
 * libraries do not.
 */
public final class RateLimit {

  private final Duration interval;
  private final Time time;
  private Instant next = Instant.MIN;

  /** Allows this many calls a second. The first call does not wait. */
  public RateLimit(int callsPerSecond, Time time) {
    this(Duration.ofSeconds(1).dividedBy(callsPerSecond), time);
  }

  public RateLimit(Duration interval, Time time) {
    this.interval = interval;
    this.time = time;
  }

  /**
   * Waits for the permits for this many calls.
   *
   * @return false, without waiting, if the wait would be longer than the limit; no permit is used
   *     then
   */
  public boolean acquire(int calls, Duration limit) {
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
