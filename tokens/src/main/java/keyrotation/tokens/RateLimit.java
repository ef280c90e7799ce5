package keyrotation.tokens;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Queue;

/** Allows a number of calls in any second. It uses the injected clock. */
final class RateLimit {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final int callsPerSecond;
  private final InstantSource clock;
  private final Queue<Instant> latest = new ArrayDeque<>();

  RateLimit(int callsPerSecond, InstantSource clock) {
    this.callsPerSecond = callsPerSecond;
    this.clock = clock;
  }

  /** Takes a permit for a call; returns false if there is none. */
  synchronized boolean acquire() {
    Instant now = clock.instant();
    while (!latest.isEmpty() && !latest.element().plus(SECOND).isAfter(now)) {
      latest.remove();
    }
    return latest.size() < callsPerSecond && latest.add(now);
  }
}
