package keyrotation.core;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Limits how many calls reach a service in any second, and spaces them evenly, across all threads.
 * It uses the injected clock, which the rate limiters of libraries do not.
 *
 * <p>A call reaches the service between its begin and its end. So the call that comes as many calls
 * later as are allowed begins a second after that end.
 */
public final class RateLimit {

  /** In which the calls of a second have their turns: a second, and time for their responses. */
  private static final Duration SPACED = Duration.ofMillis(1_020);

  private static final class Call {
    private Optional<Instant> end = Optional.empty();
  }

  private final int most;
  private final Duration window;
  private final Duration interval;
  private final Time time;
  private final Deque<Call> latest = new ArrayDeque<>();
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
   * Waits for the turn of this many calls.
   *
   * @return false, without waiting, if the wait would be longer than the limit; no turn is used
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

  /** Makes a call whose turn it is. It may still have to wait for the responses of others. */
  public <T extends @Nullable Object> T call(Supplier<T> remote) {
    Call call = new Call();
    for (Duration wait = begin(call); wait.isPositive(); wait = begin(call)) {
      time.sleep(wait);
    }
    try {
      return remote.get();
    } finally {
      end(call);
    }
  }

  /** Begins a call and returns zero, or returns how long it has to wait for that. */
  private synchronized Duration begin(Call call) {
    try {
      while (latest.size() == most && latest.getFirst().end.isEmpty()) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting.");
    }
    if (latest.size() == most) {
      Instant end = latest.getFirst().end.orElseThrow();
      Duration wait = Duration.between(time.instant(), end.plus(window));
      if (wait.isPositive()) {
        return wait;
      }
      latest.removeFirst();
    }
    latest.addLast(call);
    return Duration.ZERO;
  }

  private synchronized void end(Call call) {
    call.end = Optional.of(time.instant());
    notifyAll();
  }
}
