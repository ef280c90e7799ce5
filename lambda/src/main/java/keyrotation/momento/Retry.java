package keyrotation.momento;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import keyrotation.core.Time;

/** Repeats calls, with growing pauses, for as long as their answers allow it. */
final class Retry {

  /** The first pause; each one after it is twice as long as the one before, up to a limit. */
  static final Duration FIRST_BACKOFF = Duration.ofMillis(200);

  private static final Duration MAX_BACKOFF = Duration.ofSeconds(2);

  /**
   * Allows another attempt.
   *
   * @param lastTry the latest time at which it may start
   * @param retryAfter how long Momento asked to wait before the next call, if it did
   */
  record Again(Instant lastTry, Optional<Duration> retryAfter) {}

  private final Time time;

  Retry(Time time) {
    this.time = time;
  }

  /** Repeats a call while its answer allows another attempt, and returns the last answer. */
  <T> T call(Supplier<T> call, Function<T, Optional<Again>> again, int maxRetries) {
    Duration pause = FIRST_BACKOFF;
    for (int retries = 0; ; retries++) {
      T answer = call.get();
      Optional<Again> next = again.apply(answer);
      if (next.isEmpty() || retries == maxRetries) {
        return answer;
      }
      Duration wait =
          withJitter(
              Collections.max(List.of(pause, next.get().retryAfter().orElse(Duration.ZERO))));
      if (!time.instant().plus(wait).isBefore(next.get().lastTry())) {
        return answer;
      }
      time.sleep(wait);
      pause = Collections.min(List.of(pause.multipliedBy(2), MAX_BACKOFF));
    }
  }

  /**
   * Makes a wait up to a fifth longer, so that calls which failed together are not repeated
   * together.
   */
  private static Duration withJitter(Duration wait) {
    return wait.plus(
        wait.dividedBy(5).multipliedBy(ThreadLocalRandom.current().nextInt(101)).dividedBy(100));
  }
}
