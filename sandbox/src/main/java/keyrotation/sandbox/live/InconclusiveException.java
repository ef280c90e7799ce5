package keyrotation.sandbox.live;

/** A setting is wrong, or a service is out of reach or of no use: a trial would show nothing. */
class InconclusiveException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * Ends the check or the trial.
   *
   * @param reason what is wrong, for the person who runs it; nothing secret
   */
  InconclusiveException(String reason) {
    super(reason);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }

  /** Names what is at the bottom of an error, such as an UnknownHostException, without its text. */
  static String rootCauseName(Throwable error) {
    Throwable cause = error;
    for (Throwable next = cause.getCause(); next != null; next = cause.getCause()) {
      cause = next;
    }
    return cause.getClass().getSimpleName();
  }
}
