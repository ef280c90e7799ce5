package keyrotation.core;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** The clock, and waiting. The function uses no other, so that its tests need not wait for real. */
public interface Time extends InstantSource {

  /**
   * Waits.
   *
   * @throws IllegalStateException if the thread is interrupted, which it stays
   */
  void sleep(Duration duration);

  /**
   * Reads until the answer is as expected, or the pauses of {@link TimeBudget#STALE_READ_PAUSES}
   * are over: a read may not see at once what was just written.
   *
   * @return the last answer, as expected or not
   */
  default <T> T retryWhileStale(Predicate<T> expected, Supplier<T> read) {
    T answer = read.get();
    for (Duration pause : TimeBudget.STALE_READ_PAUSES) {
      if (expected.test(answer)) {
        break;
      }
      sleep(pause);
      answer = read.get();
    }
    return answer;
  }

  /** Returns a clock that starts now and ignores later corrections of the machine's clock. */
  default Time steady() {
    return this;
  }

  /** Returns the machine's time. */
  static Time system() {
    return new Time() {
      @Override
      public Instant instant() {
        return Instant.now();
      }

      @Override
      public Time steady() {
        Time machine = this;
        Instant start = Instant.now();
        long startNanos = System.nanoTime();
        return new Time() {
          @Override
          public Instant instant() {
            return start.plusNanos(System.nanoTime() - startNanos);
          }

          @Override
          public void sleep(Duration duration) {
            machine.sleep(duration);
          }
        };
      }

      @Override
      public void sleep(Duration duration) {
        try {
          Thread.sleep(duration);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("Interrupted while waiting.");
        }
      }
    };
  }
}
