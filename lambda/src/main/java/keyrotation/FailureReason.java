package keyrotation;

/** Why a rotation failed, and what the person who reads the alarm can do about it. */
enum FailureReason {
  EVENT_UNKNOWN("Send an event like those in the folder events."),
  SECRET_NOT_FOUND("Create the secret, or correct its name or tag; look at the region too."),
  SECRET_IS_REPLICA(
      "Rotate the secret in its primary's region; Secrets Manager copies the new key to the"
          + " replica."),
  SECRET_DELETED("Restore the secret with `aws secretsmanager restore-secret`, or name another."),
  SECRET_MALFORMED("Store the JSON file that Momento's console offers for download."),
  KEY_UNREADABLE("Store a key as Momento's console gives it, whole and unchanged."),
  KEY_NOT_REFRESHABLE(
      "Store a key that expires and comes with a refresh token, as Momento's console gives it."),
  KEY_EXPIRED(
      "An expired key cannot be refreshed: make a new one in Momento's console and store it."),
  KEY_TOO_SHORT_LIVED(
      "Lower CHECK_INTERVAL_IN_HOURS, or store a key that lives longer. If this key was stored long"
          + " after it was issued, rotate it once: the new key's life counts then."),
  REFRESH_REJECTED(
      "Make a new key in Momento's console and store it before the current one expires."),
  MOMENTO_THROTTLED("It will pass; send the event again, or wait for the next check."),
  MOMENTO_UNAVAILABLE(
      "Send the event again later; if it goes on, look at Momento's status page, and at the"
          + " function's way out of its network."),
  NEW_KEY_INVALID("The current key is untouched; tell Momento's support."),
  NEW_KEY_REJECTED(
      "The current key is untouched. In ten minutes send the event again, or use `aws"
          + " secretsmanager rotate-secret`: another key is made then, if need be."),
  ACCESS_DENIED(
      "Allow the action in the function's role, or in the KMS key's policy. A replica, or a secret"
          + " that another service manages, cannot be rotated here."),
  QUOTA_EXCEEDED(
      "Take staging labels off that are no longer needed, or have AWS raise the quota that the"
          + " message names."),
  SECRETS_MANAGER_UNAVAILABLE(
      "Send the event again later; if the function runs in a VPC, look whether that has an"
          + " endpoint for Secrets Manager."),
  SUPERSEDED("If that was intended, no action is needed; otherwise send the event again."),
  CANNOT_ROLL_BACK("Keep the current key, or store another by hand."),
  ROTATION_NOT_ENABLED(
      "Start the rotation with `aws secretsmanager rotate-secret`, which switches it on."),
  VERSION_UNKNOWN("Start the rotation anew with `aws secretsmanager rotate-secret`."),
  VERSION_NOT_PENDING("Start the rotation anew with `aws secretsmanager rotate-secret`."),
  OUT_OF_TIME("Send the event again; if it goes on, give the function a longer timeout."),
  INTERNAL_ERROR("A fault of this function: report it with the log of this request.");

  private final String nextStep;

  FailureReason(String nextStep) {
    this.nextStep = nextStep;
  }

  /** Returns what to do next, in a sentence. */
  String nextStep() {
    return nextStep;
  }
}
