package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until it is advanced. */
public final class ManualClock implements InstantSource {

  private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

  /** Creates a clock that starts at the beginning of 2026. */
  public ManualClock() {}

  /** Advances the clock; a negative duration turns it back. */
  public synchronized void advance(Duration duration) {
    now = now.plus(duration);
  }

  /** Advances to an instant, unless it is in the past. */
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
