package keyrotation;

/**
 * Ends a rotation that can't go on.
 *
 * <p>It carries no cause: the messages of other people's exceptions may quote what they were given,
 * and Lambda writes them to the log.
 */
final class RotationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FailureReason reason;

  /**
   * Makes a failure.
   *
   * @param what what happened, in a sentence that holds nothing secret
   */
  RotationException(FailureReason reason, String what) {
    super(what);
    this.reason = reason;
  }

  FailureReason reason() {
    return reason;
  }

  /** Returns what happened, in a sentence. */
  String what() {
    return String.valueOf(getMessage());
  }

  /** Returns the reason, what happened, and the next step. */
  String explanation() {
    return reason + ": " + what() + " " + reason.nextStep();
  }
}
