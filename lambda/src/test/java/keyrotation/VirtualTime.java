package keyrotation;

import java.time.Duration;
import java.time.Instant;
import keyrotation.sandbox.ManualClock;

/** A clock that stands, except that what waits for it moves it on. */
final class VirtualTime implements Time {

  private final ManualClock clock;

  VirtualTime() {
    this(new ManualClock());
  }

  VirtualTime(ManualClock clock) {
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
