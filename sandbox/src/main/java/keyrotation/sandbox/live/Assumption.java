package keyrotation.sandbox.live;

/**
 * An assumption of the function about a service.
 *
 * @param id its id in {@code docs/assumptions.md}
 * @param statement its statement, word for word as on that page
 * @param trial tests the assumption
 * @param <S> the service that the trial calls
 */
record Assumption<S>(String id, String statement, Trial<S> trial) {

  /**
   * Tests an assumption.
   *
   * <p>An unexpected refusal by the service, thrown by a trial, refutes the assumption.
   */
  @FunctionalInterface
  interface Trial<S> {
    /** Runs the trial. */
    Finding run(S service) throws InterruptedException;
  }
}
