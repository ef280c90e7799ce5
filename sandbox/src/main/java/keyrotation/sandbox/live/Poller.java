package keyrotation.sandbox.live;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;

/** Waits for conditions, and prints a message during long waits. */
final class Poller {

  /** Sleeps, or advances the clock of a test. */
  @FunctionalInterface
  interface Sleeper {
    /** Lets this duration pass. */
    void sleep(Duration duration) throws InterruptedException;
  }

  /** Observes a value. */
  @FunctionalInterface
  interface Look<T> {
    /** Returns the current value. */
    T look() throws InterruptedException;
  }

  private static final Duration MIN_STEP = Duration.ofMillis(200);
  private static final Duration MAX_STEP = Duration.ofSeconds(10);

  /** Each step is a third of the time waited so far, between the minimum and the maximum. */
  private static final int STEP_DIVISOR = 3;

  /** After this time, each step prints a message. */
  private static final Duration QUIET_PERIOD = Duration.ofSeconds(15);

  private final InstantSource clock;
  private final Sleeper sleeper;
  private final PrintStream out;

  Poller(InstantSource clock, Sleeper sleeper, PrintStream out) {
    this.clock = clock;
    this.sleeper = sleeper;
    this.out = out;
  }

  /** Returns the current time. */
  Instant now() {
    return clock.instant();
  }

  /** Waits for this duration. */
  void pause(Duration duration) throws InterruptedException {
    sleeper.sleep(duration);
  }

  /**
   * Polls a value until it is as expected or the time limit is reached.
   *
   * @param what the condition, printed after "waiting for"
   * @return the last value
   */
  <T> T await(String what, Duration limit, Look<T> look, Predicate<T> expected)
      throws InterruptedException {
    T seen = look.look();
    Duration waited = Duration.ZERO;
    while (!expected.test(seen) && waited.compareTo(limit) < 0) {
      Duration step =
          Collections.min(
              List.of(
                  MAX_STEP, Collections.max(List.of(MIN_STEP, waited.dividedBy(STEP_DIVISOR)))));
      if (waited.compareTo(QUIET_PERIOD) >= 0) {
        out.printf(
            "     waiting for %s: %d of at most %d s%n",
            what, waited.toSeconds(), limit.toSeconds());
      }
      sleeper.sleep(step);
      waited = waited.plus(step);
      seen = look.look();
    }
    return seen;
  }
}
