package keyrotation.sandbox.live;

/**
 * Something that the function takes for granted about a service.
 *
 * @param id its name in {@code docs/assumptions.md}
 * @param statement what is assumed, word for word as it is there
 * @param trial finds out whether it holds
 * @param <S> what trials of this service work with
 */
record Assumption<S>(String id, String statement, Trial<S> trial) {

  /**
   * Finds out whether an assumption holds.
   *
   * <p>A trial may also end in a refusal that it does not expect: then the assumption is refuted.
   */
  @FunctionalInterface
  interface Trial<S> {
    /** Tries it. */
    Finding run(S service) throws InterruptedException;
  }
}
