package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The calls that a stand-in has had, in order, and the faults that it is told to show to those to
 * come.
 *
 * @param <E> the service's kind of error
 */
public final class FaultInjector<E extends RuntimeException> {

  private record Plan<E extends RuntimeException>(
      String action, int first, int last, Fault<E> fault) {}

  /**
   * A call, and when it came.
   *
   * @param order the same for all stand-ins: lower is earlier, even if their clock stands
   */
  record Call(String action, Instant at, long order) {}

  private static final AtomicLong ORDER = new AtomicLong();

  private final InstantSource clock;
  private final List<Call> seen = new ArrayList<>();
  private final List<Plan<E>> plans = new ArrayList<>();

  FaultInjector(InstantSource clock) {
    this.clock = clock;
  }

  /** Shows the fault to the next call of the action. */
  public void onNext(String action, Fault<E> fault) {
    onNth(action, 1, fault);
  }

  /** Shows the fault to the n-th call of the action from now, counting from 1. */
  public synchronized void onNth(String action, int n, Fault<E> fault) {
    int call = count(action) + n;
    plans.add(new Plan<>(action, call, call, fault));
  }

  /** Shows the fault to every call of the action from now on. */
  public void onEvery(String action, Fault<E> fault) {
    fromNth(action, 1, fault);
  }

  /** Shows the fault to the n-th call of the action from now, counting from 1, and to all later. */
  public synchronized void fromNth(String action, int n, Fault<E> fault) {
    plans.add(new Plan<>(action, count(action) + n, Integer.MAX_VALUE, fault));
  }

  /** Forgets the planned faults, and keeps the list of calls. */
  public synchronized void clearFaults() {
    plans.clear();
  }

  /** Returns the names of the actions called so far, refused ones too. */
  public synchronized List<String> seen() {
    return seen.stream().map(Call::action).toList();
  }

  /** Returns the calls so far, refused ones too, in order. */
  synchronized List<Call> timeline() {
    return List.copyOf(seen);
  }

  /** Returns how often the action was called so far, refused calls too. */
  public synchronized int count(String action) {
    return (int) seen.stream().filter(call -> call.action.equals(action)).count();
  }

  /** Returns the time between the n-th call of the action, counting from 1, and the one before. */
  public synchronized Duration pauseBefore(String action, int n) {
    List<Call> calls = seen.stream().filter(call -> call.action.equals(action)).toList();
    return Duration.between(calls.get(n - 2).at, calls.get(n - 1).at);
  }

  /** What reaches the caller of a call. */
  sealed interface Answer<T> {
    /** All of it. */
    record Whole<T>(T content) implements Answer<T> {}

    /** It stops half-way, and the connection stays open. */
    record Half<T>(T content) implements Answer<T> {}

    /** Nothing, and the connection breaks. */
    record None<T>() implements Answer<T> {}
  }

  /** What a read sees. */
  sealed interface View {
    /** All that was written. */
    record Latest() implements View {}

    /** What there was before the latest write. */
    record BeforeLatestWrite() implements View {}

    /** What there was a while ago. */
    record AsOf(Duration ago) implements View {}
  }

  /**
   * Notes a call, shows the fault planned for it, and carries it out.
   *
   * @param work does what the caller asked for and returns the answer; a read looks at what it is
   *     given, a write need not
   * @throws E if the call is to fail
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
          // That is an answer, too, and lost like any other.
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
          // A refusal is an answer, too.
          event.run();
        }
      }
    };
  }

  /** Notes a call, and returns the fault planned for it; of several, the one planned first. */
  private synchronized Optional<Fault<E>> record(String action) {
    seen.add(new Call(action, clock.instant(), ORDER.incrementAndGet()));
    int call = count(action);
    return plans.stream()
        .filter(plan -> plan.action.equals(action) && plan.first <= call && call <= plan.last)
        .map(Plan::fault)
        .findFirst();
  }
}
