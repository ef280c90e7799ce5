package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands until it is advanced. */
public final class ManualClock implements InstantSource {

  private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

  /** Makes a clock that stands at the beginning of 2026. */
  public ManualClock() {}

  /** Lets time pass; a negative duration turns the clock back. */
  public synchronized void advance(Duration duration) {
    now = now.plus(duration);
  }

  /** Moves on to an instant, unless it is past. */
  public synchronized void advanceTo(Instant instant) {
    if (instant.isAfter(now)) {
      now = instant;
    }
  }

  @Override
  public Instant instant() {
    return now;
  }
}
