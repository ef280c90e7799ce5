package keyrotation;

import java.time.Duration;
import java.util.Optional;

/**
 * Momento could not be asked, or would not say; it may be otherwise in a while.
 *
 * @param reason {@code MOMENTO_THROTTLED} or {@code MOMENTO_UNAVAILABLE}
 * @param code what the call ended in
 * @param retryAfter how long Momento asked to wait before the next call, if it did; {@link #NEVER}
 *     if a repeated call would end in the same way
 */
record Unavailable(FailureReason reason, String code, Optional<Duration> retryAfter) {

  /** Longer than any invocation. */
  static final Duration NEVER = Duration.ofDays(365);
}
