package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Records calls and injects the faults that a test plans.
 *
 * @param <E> the service's exceptions
 */
public final class FaultInjector<E extends RuntimeException> {

  private record Plan<E extends RuntimeException>(
      String action, int first, int last, Fault<E> fault) {}

  /**
   * A received call.
   *
   * @param order increases with each call to any stand-in, even if their clock stands still
   */
  record Call(String action, Instant at, long order) {}

  private static final AtomicLong ORDER = new AtomicLong();

  private final InstantSource clock;
  private final List<Call> seen = new ArrayList<>();
  private final Map<String, Integer> counts = new HashMap<>();
  private final List<Plan<E>> plans = new ArrayList<>();

  FaultInjector(InstantSource clock) {
    this.clock = clock;
  }

  /** Injects the fault into the next call of the action. */
  public void onNext(String action, Fault<E> fault) {
    onNth(action, 1, fault);
  }

  /** Injects the fault into the n-th call of the action from now, counting from 1. */
  public synchronized void onNth(String action, int n, Fault<E> fault) {
    int call = count(action) + n;
    plans.add(new Plan<>(action, call, call, fault));
  }

  /** Injects the fault into every later call of the action. */
  public void onEvery(String action, Fault<E> fault) {
    fromNth(action, 1, fault);
  }

  /** Injects the fault into the n-th call of the action from now and into all later ones. */
  public synchronized void fromNth(String action, int n, Fault<E> fault) {
    plans.add(new Plan<>(action, count(action) + n, Integer.MAX_VALUE, fault));
  }

  /** Removes the planned faults; keeps the recorded calls. */
  public synchronized void clearFaults() {
    plans.clear();
  }

  /** Returns the actions of all calls so far, including refused ones. */
  public synchronized List<String> seen() {
    return seen.stream().map(Call::action).toList();
  }

  /** Returns all calls so far, in order. */
  synchronized List<Call> timeline() {
    return List.copyOf(seen);
  }

  /** Returns the number of calls of the action so far, including refused ones. */
  public synchronized int count(String action) {
    return counts.getOrDefault(action, 0);
  }

  /** Returns the time between the n-th call of the action, counting from 1, and its predecessor. */
  public synchronized Duration pauseBefore(String action, int n) {
    List<Call> calls = seen.stream().filter(call -> call.action.equals(action)).toList();
    return Duration.between(calls.get(n - 2).at, calls.get(n - 1).at);
  }

  /** The response as it reaches the caller. */
  sealed interface Answer<T> {
    /** The complete response. */
    record Whole<T>(T content) implements Answer<T> {}

    /** Half of the response, on a connection that stays open. */
    record Half<T>(T content) implements Answer<T> {}

    /** No response; the connection breaks. */
    record None<T>() implements Answer<T> {}
  }

  /** The state that a read sees. */
  sealed interface View {
    /** The current state. */
    record Latest() implements View {}

    /** The state before the latest write. */
    record BeforeLatestWrite() implements View {}

    /** The state this long ago. */
    record AsOf(Duration ago) implements View {}
  }

  /**
   * Records a call and executes it with the fault planned for it.
   *
   * @param work executes the call and returns its response; a read uses the given view
   * @throws E if the planned fault is an error
   */
  <T> Answer<T> answer(String action, Function<View, T> work) throws InterruptedException {
    Supplier<T> now = () -> work.apply(new View.Latest());
    Optional<Fault<E>> fault = record(action);
    if (fault.isEmpty()) {
      return new Answer.Whole<>(now.get());
    }
    return switch (fault.get()) {
      case Fault.Refuse<E>(E error) -> throw error;
      case Fault.DropResponse<E> _ -> {
        try {
          var _ = now.get();
        } catch (RuntimeException refusal) {
          // The refusal is a response, too, and is dropped.
        }
        yield new Answer.None<>();
      }
      case Fault.StopHalfway<E> _ -> new Answer.Half<>(now.get());
      case Fault.FailAfterwards<E>(E error) -> {
        var _ = now.get();
        throw error;
      }
      case Fault.Delay<E>(Duration duration) -> {
        Thread.sleep(duration);
        yield new Answer.Whole<>(now.get());
      }
      case Fault.ReadStale<E> _ -> new Answer.Whole<>(work.apply(new View.BeforeLatestWrite()));
      case Fault.Lag<E>(Duration duration) ->
          new Answer.Whole<>(work.apply(new View.AsOf(duration)));
      case Fault.Instead<E>(Runnable event) -> {
        event.run();
        yield new Answer.None<>();
      }
      case Fault.Before<E>(Runnable event) -> {
        event.run();
        yield new Answer.Whole<>(now.get());
      }
      case Fault.After<E>(Runnable event) -> {
        try {
          yield new Answer.Whole<>(now.get());
        } finally {
          event.run();
        }
      }
    };
  }

  /** Records a call and returns the fault that was planned first for it. */
  private synchronized Optional<Fault<E>> record(String action) {
    seen.add(new Call(action, clock.instant(), ORDER.incrementAndGet()));
    int call = counts.merge(action, 1, Integer::sum);
    return plans.stream()
        .filter(plan -> plan.action.equals(action) && plan.first <= call && call <= plan.last)
        .map(Plan::fault)
        .findFirst();
  }
}
