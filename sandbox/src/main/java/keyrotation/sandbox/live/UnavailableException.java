package keyrotation.sandbox.live;

import java.time.Duration;

/** Momento did not answer, or failed temporarily. */
final class UnavailableException extends InconclusiveException {
  private static final long serialVersionUID = 1L;

  private static final int ATTEMPTS = 4;
  private static final Duration RETRY_PAUSE = Duration.ofSeconds(2);

  /**
   * Ends the trial.
   *
   * @param call the name of the call that failed
   * @param how an error code, and the class of the root cause
   */
  UnavailableException(String call, String how) {
    super("Momento's %s failed with %s.".formatted(call, how));
  }

  /** Makes a call that changes nothing when it is repeated, and repeats it a few times. */
  static <T> T retry(Poller poller, Poller.Look<T> call) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return call.look();
      } catch (UnavailableException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
        poller.pause(RETRY_PAUSE);
      }
    }
  }
}
