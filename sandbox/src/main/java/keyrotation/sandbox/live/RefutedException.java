package keyrotation.sandbox.live;

/** The service contradicts the assumption under trial. */
final class RefutedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String seen;

  /**
   * Ends the trial.
   *
   * @param seen the observed behavior; contains no secret
   */
  RefutedException(String seen) {
    super(seen);
    this.seen = seen;
  }

  String seen() {
    return seen;
  }
}
