package keyrotation.sandbox.live;

/** A trial can neither confirm nor refute: a setting is wrong, or a service is not usable. */
class InconclusiveException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * Ends the check or the trial.
   *
   * @param reason the reason, for the operator; contains no secret
   */
  InconclusiveException(String reason) {
    super(reason);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }

  /** Returns the class name of an error's root cause; its message might contain a secret. */
  static String rootCauseName(Throwable error) {
    Throwable cause = error;
    for (Throwable next = cause.getCause(); next != null; next = cause.getCause()) {
      cause = next;
    }
    return cause.getClass().getSimpleName();
  }
}
