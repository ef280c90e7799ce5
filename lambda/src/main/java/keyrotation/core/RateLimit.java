package keyrotation.core;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Limits how many calls begin in any second, and spaces them evenly, across all threads. It uses
 * the injected clock, which the rate limiters of libraries do not.
 */
public final class RateLimit {

  /** In which the calls of a second are spaced: they take unequally long to arrive. */
  private static final Duration SPACED = Duration.ofMillis(1_020);

  private final int most;
  private final Duration window;
  private final Duration interval;
  private final Time time;
  private final Deque<Instant> latest = new ArrayDeque<>();
  private Instant next = Instant.MIN;

  /** Allows this many calls in any second. The first call does not wait. */
  public RateLimit(int callsPerSecond, Time time) {
    this(callsPerSecond, Duration.ofSeconds(1), SPACED.dividedBy(callsPerSecond), time);
  }

  /** Allows a call in each interval. */
  public RateLimit(Duration interval, Time time) {
    this(1, interval, interval, time);
  }

  private RateLimit(int most, Duration window, Duration interval, Time time) {
    this.most = most;
    this.window = window;
    this.interval = interval;
    this.time = time;
  }

  /**
   * Waits for the turn of this many calls, and begins the first of them. The others {@link #begin}
   * when they are made.
   *
   * @return false, without waiting, if the wait would be longer than the limit; no turn is used
   *     then
   */
  public boolean acquire(int calls, Duration limit) {
    Optional<Duration> wait = reserve(calls, limit);
    wait.ifPresent(
        until -> {
          sleep(until);
          begin();
        });
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

  /**
   * Begins a call whose turn it is. It waits for less than a second, if earlier calls have begun
   * later than was their turn.
   */
  public void begin() {
    for (Duration wait = tryToBegin(); wait.isPositive(); wait = tryToBegin()) {
      sleep(wait);
    }
  }

  /** Begins a call and returns zero, or returns how long it has to wait for that. */
  private synchronized Duration tryToBegin() {
    Instant now = time.instant();
    if (latest.size() == most) {
      Duration wait = Duration.between(now, latest.getFirst().plus(window));
      if (wait.isPositive()) {
        return wait;
      }
      latest.removeFirst();
    }
    latest.addLast(now);
    return Duration.ZERO;
  }

  private void sleep(Duration wait) {
    if (wait.isPositive()) {
      time.sleep(wait);
    }
  }
}
