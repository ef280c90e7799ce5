package keyrotation.momento;

import java.time.Duration;
import java.util.Optional;
import keyrotation.core.FailureReason;

/**
 * A call to Momento failed, and may succeed later.
 *
 * @param reason {@code MOMENTO_THROTTLED} or {@code MOMENTO_UNAVAILABLE}
 * @param code the status code of the call; if no connection was made, also to which host and why
 * @param retryAfter how long Momento asked to wait before the next call, if it did; {@link #NEVER}
 *     if a repeated call would end in the same way
 */
public record Unavailable(FailureReason reason, String code, Optional<Duration> retryAfter) {

  /** Longer than any invocation. */
  static final Duration NEVER = Duration.ofDays(365);
}
