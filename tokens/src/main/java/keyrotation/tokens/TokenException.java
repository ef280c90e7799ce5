package keyrotation.tokens;

import java.time.Duration;

/** A request gets no token. The message is for the log; it quotes no claim, header or token. */
final class TokenException extends RuntimeException {

  private static final long serialVersionUID = 1;
  private static final Duration DEFAULT_PAUSE = Duration.ofSeconds(1);

  private final RefusalReason reason;
  private final String what;
  private final Duration retryAfter;

  TokenException(RefusalReason reason, String message) {
    this(reason, message, DEFAULT_PAUSE);
  }

  /**
   * Refuses a request that may succeed later.
   *
   * @param retryAfter how long the caller has to wait before that
   */
  TokenException(RefusalReason reason, String message, Duration retryAfter) {
    super(message, null, false, false);
    this.reason = reason;
    this.what = message;
    this.retryAfter = retryAfter;
  }

  RefusalReason reason() {
    return reason;
  }

  /** Returns what happened, and the next step. */
  String what() {
    return what;
  }

  /** Returns the time in whole seconds, as the header has it. */
  long retryAfterSeconds() {
    return Math.max(1, retryAfter.plusMillis(999).toSeconds());
  }
}
