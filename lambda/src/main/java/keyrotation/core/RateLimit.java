package keyrotation.core;

import static java.util.Comparator.naturalOrder;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Limits how many calls reach a service in any second, and spaces them evenly, across all threads.
 * It uses the injected clock, which the rate limiters of libraries do not.
 *
 * <p>A call reaches the service between its begin and its end, so it counts until a second after
 * its end. If it has no response after two seconds, it counts as arrived by then: a call that hangs
 * must not hold up the others.
 */
public final class RateLimit {

  /** In which the calls of a second have their turns: a second, and time for their responses. */
  private static final Duration SPACED = Duration.ofMillis(1_020);

  private static final Duration LATEST_ARRIVAL = Duration.ofSeconds(2);

  /** How often to look whether a call has ended. */
  private static final Duration PAUSE = Duration.ofMillis(10);

  private final class Call {
    private final Instant begin = time.instant();
    private Optional<Instant> end = Optional.empty();

    /** Returns how long the call still counts, as far as is known; zero, if it does no more. */
    Duration left(Instant now) {
      Instant latestArrival = begin.plus(LATEST_ARRIVAL);
      if (end.isEmpty() && now.isBefore(latestArrival)) {
        return PAUSE;
      }
      Instant arrival = end.filter(latestArrival::isAfter).orElse(latestArrival);
      Duration left = Duration.between(now, arrival.plus(window));
      return left.isNegative() ? Duration.ZERO : left;
    }
  }

  private final int most;
  private final Duration window;
  private final Duration interval;
  private final Time time;
  private final List<Call> counted = new ArrayList<>();
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
    while (true) {
      Optional<Call> call = beginIfAllowed();
      if (call.isPresent()) {
        return make(call.get(), remote);
      }
      time.sleep(untilOneCountsNoMore());
    }
  }

  /** Makes a call that cannot wait. It counts, so that others wait instead. */
  public <T extends @Nullable Object> T callAtOnce(Supplier<T> remote) {
    return make(begin(), remote);
  }

  private <T extends @Nullable Object> T make(Call call, Supplier<T> remote) {
    try {
      return remote.get();
    } finally {
      end(call);
    }
  }

  private synchronized Optional<Call> beginIfAllowed() {
    Instant now = time.instant();
    counted.removeIf(call -> call.left(now).isZero());
    return counted.size() < most ? Optional.of(begin()) : Optional.empty();
  }

  private synchronized Call begin() {
    Call call = new Call();
    counted.add(call);
    return call;
  }

  private synchronized void end(Call call) {
    call.end = Optional.of(time.instant());
  }

  private synchronized Duration untilOneCountsNoMore() {
    Instant now = time.instant();
    return counted.stream().map(call -> call.left(now)).min(naturalOrder()).orElse(Duration.ZERO);
  }
}
