package keyrotation;

/**
 * What the function guarantees for one secret. Each check of an oracle is made for one of these,
 * and a violation names it.
 *
 * <p>That one bad secret never affects another is no part of this: {@link ManySecretsTest} shows
 * it.
 */
enum Guarantee {
  CURRENT_KEY_WORKS("The current key works"),
  NOTHING_IS_LOST("Nothing is lost, and the next invocation finishes the rotation"),
  SAME_REQUEST_ROTATES_ONCE("The same request twice rotates once"),
  FAILURE_IS_A_FAILURE("A failure is a failure, with a reason and a next step"),
  NOTHING_SECRET_IS_SHOWN("Nothing secret is shown"),
  OPERATOR_WINS("What an operator stores wins"),
  NEVER_TOO_LATE("A key that lives too short is reported, and no other"),
  NOTHING_IN_USE_IS_REVOKED("No key in use is revoked"),
  NOTHING_IS_LEFT_BEHIND("Every key that nothing holds is revoked"),
  NO_RIGHTS_BY_THE_BACK_DOOR("No key has a stronger role than the deployment allows"),
  NO_MORE_THAN_REQUESTED("A request does no more than it asks for");

  /** A guarantee that does not hold. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1;

    private Violation(Guarantee guarantee, Throwable cause) {
      super("Violates \"" + guarantee + "\": " + detail(cause), cause);
    }

    private static String detail(Throwable cause) {
      return cause instanceof AssertionError
          ? String.valueOf(cause.getMessage()).strip()
          : cause.toString();
    }
  }

  private final String words;

  Guarantee(String words) {
    this.words = words;
  }

  /**
   * Makes a check.
   *
   * @throws Violation if it fails
   */
  void check(Runnable check) {
    try {
      check.run();
    } catch (Violation ofAnother) {
      throw ofAnother;
    } catch (AssertionError | RuntimeException e) {
      throw new Violation(this, e);
    }
  }

  @Override
  public String toString() {
    return words;
  }
}
