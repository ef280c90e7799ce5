package keyrotation.sandbox.live;

/** A setting is wrong, or a service is out of reach or of no use: a trial would show nothing. */
class CannotTry extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String why;

  /**
   * Ends the check or the trial.
   *
   * @param why what is wrong, for the person who runs it; nothing secret
   */
  CannotTry(String why) {
    super(why);
    this.why = why;
  }

  String why() {
    return why;
  }

  /** Names what is at the bottom of an error, such as an UnknownHostException, without its text. */
  static String causeOf(Throwable error) {
    Throwable cause = error;
    for (Throwable next = cause.getCause(); next != null; next = cause.getCause()) {
      cause = next;
    }
    return cause.getClass().getSimpleName();
  }
}
