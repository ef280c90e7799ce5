package keyrotation.sandbox.live;

/** The service does something that is at odds with the assumption under trial. */
final class RefutedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String seen;

  /**
   * Ends the trial.
   *
   * @param seen what the service does; nothing secret
   */
  RefutedException(String seen) {
    super(seen);
    this.seen = seen;
  }

  String seen() {
    return seen;
  }
}
