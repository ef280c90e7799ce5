package keyrotation.client;

/** A secret holds no key that can be used, or could not be read. The message names the secret. */
public final class KeyUnavailableException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  KeyUnavailableException(String message) {
    super(message);
  }

  KeyUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
