package keyrotation.sandbox.live;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;

/** Waits, and shows that it does. */
final class Poller {

  /** Lets time pass: really, or by moving a test's clock. */
  @FunctionalInterface
  interface Sleeper {
    /** Lets that much time pass. */
    void sleep(Duration duration) throws InterruptedException;
  }

  /** Looks at something. */
  @FunctionalInterface
  interface Look<T> {
    /** Returns what there is to see. */
    T look() throws InterruptedException;
  }

  private static final Duration MIN_STEP = Duration.ofMillis(200);
  private static final Duration MAX_STEP = Duration.ofSeconds(10);

  /** The longer it has waited, the longer it waits: a third of that. */
  private static final int STEP_DIVISOR = 3;

  /** After that much it says each time that it waits. */
  private static final Duration QUIET_PERIOD = Duration.ofSeconds(15);

  private final InstantSource clock;
  private final Sleeper sleeper;
  private final PrintStream out;

  Poller(InstantSource clock, Sleeper sleeper, PrintStream out) {
    this.clock = clock;
    this.sleeper = sleeper;
    this.out = out;
  }

  /** Returns the time of this machine. */
  Instant now() {
    return clock.instant();
  }

  /** Waits. */
  void pause(Duration duration) throws InterruptedException {
    sleeper.sleep(duration);
  }

  /**
   * Looks again and again, at once at first, until it sees what it waits for, or the time is up.
   *
   * @param what it waits for, as in "waiting for …"
   * @return what it saw last
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
