package keyrotation.tokens;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Optional;
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

  /** Takes a permit for a call; if there is none, returns the time until there is one. */
  synchronized Optional<Duration> acquire() {
    Instant now = clock.instant();
    while (!latest.isEmpty() && !latest.element().plus(SECOND).isAfter(now)) {
      latest.remove();
    }
    if (latest.size() >= callsPerSecond) {
      return Optional.of(Duration.between(now, latest.element().plus(SECOND)));
    }
    latest.add(now);
    return Optional.empty();
  }
}
