package keyrotation;

import java.time.Duration;
import java.util.Optional;

/**
 * Momento could not be asked, or would not say; it may be otherwise in a while.
 *
 * @param reason {@code MOMENTO_THROTTLED} or {@code MOMENTO_UNAVAILABLE}
 * @param code what the call ended in
 * @param notBefore how long to wait before the next call, if Momento named a time; {@link #NEVER}
 *     if a repeated call would end in the same way
 */
record NoAnswer(FailureReason reason, String code, Optional<Duration> notBefore) {

  /** Longer than any invocation. */
  static final Duration NEVER = Duration.ofDays(365);
}
