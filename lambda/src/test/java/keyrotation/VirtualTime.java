package keyrotation;

import java.time.Duration;
import java.time.Instant;
import keyrotation.core.Time;
import keyrotation.sandbox.ManualClock;

/** A clock that moves only when something waits for it, or a test advances it. */
public final class VirtualTime implements Time {

  private final ManualClock clock;

  public VirtualTime() {
    this(new ManualClock());
  }

  public VirtualTime(ManualClock clock) {
    this.clock = clock;
  }

  @Override
  public Instant instant() {
    return clock.instant();
  }

  @Override
  public void sleep(Duration duration) {
    clock.advanceTo(clock.instant().plus(duration));
  }
}
