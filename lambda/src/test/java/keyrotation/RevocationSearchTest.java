package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Searches all interleavings of a scheduled revocation, {@code revoke_previous} and a rollback for
 * one after which the current key is revoked. Each may crash once; a rollback is then delivered
 * again. What they call is modelled here; {@link InterleavingTest} plays the function itself.
 */
class RevocationSearchTest {

  /** The rules that keep a key in use from being revoked. */
  enum Guard {
    /** A key is revoked only if its version is not current right before. */
    REVOCATION_LOOKS_AGAIN,
    /** {@code revoke_previous} labels the version before it looks again. */
    LABELS_FIRST,
    /** A rollback looks at the label once more when it has promoted. */
    ROLLBACK_LOOKS_AGAIN,
    /** A rollback asks Momento once more when it has promoted. */
    ROLLBACK_ASKS_AGAIN,
    /** A rollback that is delivered again goes forward if the older key is revoked. */
    REPETITION_ASKS,
    /** It does so as well if the time of the older key is over. */
    REPETITION_LOOKS
  }

  /** When the older version's key is to be revoked, as its label says. */
  private enum Time {
    NO_LABEL,
    /** More than an hour from now. */
    LATER,
    OVER
  }

  /**
   * Where everything is.
   *
   * @param olderIsCurrent whether the older version is current; else the newer one is
   * @param olderIsValid whether Momento accepts the older version's key
   * @param schedule how far the scheduled revocation has come; -1 when it has ended
   * @param atOnce the same of {@code revoke_previous}
   * @param rollback the same of the rollback
   */
  private record State(
      boolean olderIsCurrent,
      boolean olderIsValid,
      Time time,
      int schedule,
      int atOnce,
      int rollback,
      int crashes) {

    State current(boolean older) {
      return new State(older, olderIsValid, time, schedule, atOnce, rollback, crashes);
    }

    State revoked() {
      return new State(olderIsCurrent, false, time, schedule, atOnce, rollback, crashes);
    }

    State time(Time now) {
      return new State(olderIsCurrent, olderIsValid, now, schedule, atOnce, rollback, crashes);
    }

    State schedule(int step) {
      return new State(olderIsCurrent, olderIsValid, time, step, atOnce, rollback, crashes);
    }

    State atOnce(int step) {
      return new State(olderIsCurrent, olderIsValid, time, schedule, step, rollback, crashes);
    }

    State rollback(int step) {
      return new State(olderIsCurrent, olderIsValid, time, schedule, atOnce, step, crashes);
    }

    State crash() {
      return new State(olderIsCurrent, olderIsValid, time, schedule, atOnce, rollback, crashes + 1);
    }

    boolean isOverdue() {
      return time == Time.OVER && !olderIsCurrent;
    }
  }

  private static final int ENDED = -1;
  private static final int MAX_CRASHES = 2;

  private final Set<Guard> guards = EnumSet.allOf(Guard.class);

  @Test
  void no_interleaving_leaves_a_current_key_that_is_revoked() {
    assertThat(search()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Guard.class)
  void each_rule_is_needed(Guard guard) {
    guards.remove(guard);

    assertThat(search()).isPresent();
  }

  /** Returns a state in which all have ended and the current key is revoked. */
  private Optional<State> search() {
    Set<State> known = new HashSet<>();
    Queue<State> next = new ArrayDeque<>();
    for (Time time : Time.values()) {
      for (int schedule : new int[] {0, ENDED}) {
        for (int atOnce : new int[] {0, ENDED}) {
          next.add(new State(false, true, time, schedule, atOnce, 0, 0));
        }
      }
    }
    known.addAll(next);
    while (!next.isEmpty()) {
      State state = next.remove();
      List<State> after = after(state);
      if (after.isEmpty() && state.olderIsCurrent && !state.olderIsValid) {
        return Optional.of(state);
      }
      after.stream().filter(known::add).forEach(next::add);
    }
    System.out.println("Revocation search: " + known.size() + " states.");
    return Optional.empty();
  }

  private List<State> after(State state) {
    List<State> after = new ArrayList<>();
    if (state.schedule != ENDED) {
      after.add(schedule(state));
    }
    if (state.atOnce != ENDED) {
      after.add(atOnce(state));
    }
    if (state.rollback != ENDED) {
      after.add(rollback(state));
    }
    if (state.time == Time.LATER && state.rollback <= 0) {
      // It is refused from an hour before that, and takes less time.
      after.add(state.time(Time.OVER));
    }
    if (state.crashes < MAX_CRASHES) {
      if (state.schedule > 0) {
        after.add(state.crash().schedule(ENDED));
      }
      if (state.atOnce > 0) {
        after.add(state.crash().atOnce(ENDED));
      }
      if (state.rollback > 0) {
        after.add(state.crash().rollback(0));
      }
    }
    return after;
  }

  private State schedule(State state) {
    return switch (state.schedule) {
      case 0 -> state.schedule(state.isOverdue() ? 1 : ENDED);
      case 1 -> state.schedule(state.isOverdue() || !has(Guard.REVOCATION_LOOKS_AGAIN) ? 2 : ENDED);
      case 2 -> state.revoked().schedule(3);
      default -> state.time(Time.NO_LABEL).schedule(ENDED);
    };
  }

  private State atOnce(State state) {
    return switch (state.atOnce) {
      case 0 -> state.atOnce(state.olderIsCurrent ? ENDED : 1);
      case 1 -> has(Guard.LABELS_FIRST) ? state.time(Time.OVER).atOnce(2) : state.atOnce(2);
      case 2 ->
          state.atOnce(!state.olderIsCurrent || !has(Guard.REVOCATION_LOOKS_AGAIN) ? 3 : ENDED);
      case 3 -> state.revoked().atOnce(4);
      default -> state.time(Time.NO_LABEL).atOnce(ENDED);
    };
  }

  private State rollback(State state) {
    return switch (state.rollback) {
      case 0 -> begin(state);
      // The label that it has seen comes off; another one stays.
      case 1 -> (state.time == Time.LATER ? state.time(Time.NO_LABEL) : state).rollback(2);
      case 2 -> state.olderIsCurrent ? state.rollback(ENDED) : state.current(true).rollback(3);
      case 3 ->
          state.time == Time.OVER && has(Guard.ROLLBACK_LOOKS_AGAIN)
              ? state.current(false).rollback(ENDED)
              : state.rollback(4);
      default ->
          (!state.olderIsValid && has(Guard.ROLLBACK_ASKS_AGAIN) ? state.current(false) : state)
              .rollback(ENDED);
    };
  }

  private State begin(State state) {
    if (state.olderIsCurrent) {
      boolean goesForward =
          (!state.olderIsValid && has(Guard.REPETITION_ASKS))
              || (state.time == Time.OVER && has(Guard.REPETITION_LOOKS));
      return state.current(!goesForward).rollback(ENDED);
    }
    boolean isRefused = !state.olderIsValid || state.time == Time.OVER;
    return state.rollback(isRefused ? ENDED : 1);
  }

  private boolean has(Guard guard) {
    return guards.contains(guard);
  }
}
