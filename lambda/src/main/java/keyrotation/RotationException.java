package keyrotation;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Ends a rotation, or another task, with a reason.
 *
 * <p>It has no cause: the message of a library's exception may quote a key, and Lambda logs the
 * messages of causes.
 */
final class RotationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FailureReason reason;

  /**
   * Makes a failure.
   *
   * @param what what happened, in a sentence that holds nothing secret
   */
  RotationException(FailureReason reason, String what) {
    super(what);
    this.reason = reason;
  }

  FailureReason reason() {
    return reason;
  }

  /** Returns what happened, in a sentence. */
  String what() {
    return String.valueOf(getMessage());
  }

  /** Adds the reason, and what it takes to succeed again, to a log line or a report. */
  void addTo(ObjectNode json) {
    json.put("reason", reason.name()).put("needs", reason.needs().toString());
  }

  /** Returns the reason, what happened, and the next step. */
  String explanation() {
    return reason + ": " + what() + " " + reason.nextStep();
  }
}
