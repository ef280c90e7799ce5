package keyrotation.tokens;

/** A request gets no token. The message is for the log; it quotes no claim, header or token. */
final class TokenException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final RefusalReason reason;

  TokenException(RefusalReason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  RefusalReason reason() {
    return reason;
  }
}
