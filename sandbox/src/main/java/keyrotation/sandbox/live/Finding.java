package keyrotation.sandbox.live;

/** What the trial of an assumption has shown. */
sealed interface Finding {

  /**
   * The service does what is assumed.
   *
   * @param note which of several good answers it gave, or how long it took; empty if there is
   *     nothing to add
   */
  record Confirmed(String note) implements Finding {}

  /**
   * The service does something else.
   *
   * @param seen what it does
   */
  record Refuted(String seen) implements Finding {}

  /**
   * The trial lacks something that not everyone has.
   *
   * @param needs what it lacks
   */
  record NotTried(String needs) implements Finding {}

  /**
   * The trial broke off, which says nothing of the assumption.
   *
   * @param reason what it broke off for
   */
  record Failed(String reason) implements Finding {}

  /** A part of a trial. */
  @FunctionalInterface
  interface Part {
    /** Looks at one thing. */
    Finding look() throws InterruptedException;
  }

  /** The service does what is assumed. */
  static Finding confirmed() {
    return new Confirmed("");
  }

  /** The service does what is assumed, and there is something to add. */
  static Finding confirmed(String note) {
    return new Confirmed(note);
  }

  /** The service does what is assumed, or, if not, what was seen. */
  static Finding confirmedIf(boolean isAsAssumed, String seen) {
    return isAsAssumed ? confirmed() : new Refuted(seen);
  }

  /** Returns this unless it is a confirmation: then the next part decides. */
  default Finding and(Part next) throws InterruptedException {
    return this instanceof Confirmed ? next.look() : this;
  }
}
