package keyrotation;

/**
 * Ends an invocation that could not do its work, so that Lambda counts it as an error. Its message
 * names the secret, the reason and the next step, and nothing secret.
 */
final class InvocationFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InvocationFailedException(String message) {
    super(message);
  }
}
