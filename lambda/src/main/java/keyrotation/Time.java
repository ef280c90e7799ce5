package keyrotation;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * The time of day, and waiting for it to pass. All that the function measures or waits for goes by
 * this one clock, so that a test need not wait.
 */
interface Time extends InstantSource {

  /** Waits. An interruption ends the wait with an exception, and stays set. */
  void sleep(Duration duration);

  /** Returns a clock that starts now and that no correction of the machine's clock moves. */
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
