package keyrotation;

import java.time.Duration;
import java.util.Optional;

/**
 * Momento could not be asked, or would not say; it may be otherwise in a while.
 *
 * @param reason {@code MOMENTO_THROTTLED} or {@code MOMENTO_UNAVAILABLE}
 * @param code what the call ended in
 * @param notBefore how long Momento wants to be left alone, if it said so
 */
record NoAnswer(FailureReason reason, String code, Optional<Duration> notBefore) {}
