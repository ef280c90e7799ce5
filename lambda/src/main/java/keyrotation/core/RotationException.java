package keyrotation.core;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Ends a rotation, or another task, with a reason.
 *
 * <p>It has no cause: the message of a library's exception may quote a key, and Lambda logs the
 * messages of causes.
 */
public final class RotationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FailureReason reason;

  /**
   * Makes a failure.
   *
   * @param what what happened, in a sentence that holds nothing secret
   */
  public RotationException(FailureReason reason, String what) {
    super(what);
    this.reason = reason;
  }

  public FailureReason reason() {
    return reason;
  }

  /** Returns what happened, in a sentence. */
  public String what() {
    return String.valueOf(getMessage());
  }

  /** Adds the reason and its {@code needs} to a log line or a report. */
  public void addTo(ObjectNode json) {
    json.put("reason", reason.name()).put("needs", reason.needs().toString());
  }

  /** Returns the reason, what happened, and the next step. */
  public String explanation() {
    return reason + ": " + what() + " " + reason.nextStep();
  }
}
