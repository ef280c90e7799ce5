package keyrotation.sandbox.live;

/** The result of a trial. */
sealed interface Finding {

  /**
   * The service behaves as assumed.
   *
   * @param note which of several acceptable answers it gave, or how long it took; may be empty
   */
  record Confirmed(String note) implements Finding {}

  /**
   * The service behaves differently.
   *
   * @param seen the observed behavior
   */
  record Refuted(String seen) implements Finding {}

  /**
   * The trial was not run because an optional prerequisite is missing.
   *
   * @param needs the missing prerequisite
   */
  record NotTried(String needs) implements Finding {}

  /**
   * The trial failed; the assumption is neither confirmed nor refuted.
   *
   * @param reason the reason for the failure
   */
  record Failed(String reason) implements Finding {}

  /** A part of a trial. */
  @FunctionalInterface
  interface Part {
    /** Tests one aspect. */
    Finding look() throws InterruptedException;
  }

  /** Returns a confirmation without a note. */
  static Finding confirmed() {
    return new Confirmed("");
  }

  /** Returns a confirmation with a note. */
  static Finding confirmed(String note) {
    return new Confirmed(note);
  }

  /** Returns a confirmation, or a refutation with the observed behavior. */
  static Finding confirmedIf(boolean isAsAssumed, String seen) {
    return isAsAssumed ? confirmed() : new Refuted(seen);
  }

  /** Returns this if it is no confirmation, otherwise the result of the next part. */
  default Finding and(Part next) throws InterruptedException {
    return this instanceof Confirmed ? next.look() : this;
  }
}
