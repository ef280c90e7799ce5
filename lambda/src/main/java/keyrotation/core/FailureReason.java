package keyrotation.core;

import static keyrotation.core.FailureReason.Needs.PERSON;
import static keyrotation.core.FailureReason.Needs.WAIT;

import java.util.Locale;

/** Why a rotation failed, whether that may pass by itself, and what an operator can do about it. */
public enum FailureReason {
  EVENT_UNKNOWN(PERSON, "Send an event like the samples in the folder events."),
  SECRET_NOT_FOUND(
      PERSON, "Create the secret, or correct its name or tag. Check the region as well."),
  SECRET_IS_REPLICA(
      PERSON,
      "Rotate the secret in its primary's region; Secrets Manager copies the new key to "
          + "the replica."),
  SECRET_DELETED(
      PERSON, "Restore the secret with `aws secretsmanager restore-secret`, or name another."),
  SECRET_MALFORMED(PERSON, "Store the JSON file that Momento's console offers for download."),
  AWAITING_FIRST_KEY(
      PERSON, "Store a first key: the JSON file that Momento's console offers for download."),
  KEY_UNREADABLE(PERSON, "Store the key as Momento's console gives it, whole and unchanged."),
  KEY_NOT_REFRESHABLE(
      PERSON,
      "Store a key that expires and comes with a refresh token, as Momento's console gives it."),
  KEY_EXPIRED(
      PERSON,
      "An expired key cannot be refreshed. Create a new key in Momento's console and store it."),
  KEY_TOO_SHORT_LIVED(
      PERSON,
      "Lower CHECK_INTERVAL_IN_HOURS, or store a key that lives longer. If this key was "
          + "stored long after it was issued, rotate it once: the new key's life counts then."),
  REFRESH_REJECTED(
      PERSON, "Create a new key in Momento's console and store it before the current one expires."),
  MOMENTO_THROTTLED(WAIT, NextStep.RETRY),
  MOMENTO_UNAVAILABLE(
      WAIT,
      NextStep.RETRY
          + " If it keeps failing, check Momento's status page and the function's outbound "
          + "network access."),
  NEW_KEY_INVALID(PERSON, "The current key was not changed. Report this to Momento's support."),
  NEW_KEY_REJECTED(
      WAIT,
      "The current key was not changed. In ten minutes send the event again, or run "
          + "`aws secretsmanager rotate-secret`: a new key that Momento rejects for good is "
          + "given up, and the current one is refreshed once more."),
  ACCESS_DENIED(
      PERSON,
      "Allow the action in the function's role or in the KMS key's policy. A secret "
          + "that another service manages cannot be rotated here."),
  QUOTA_EXCEEDED(
      PERSON, "Remove staging labels that are no longer needed, or ask AWS to raise the quota."),
  RATE_LIMITED_LOCALLY(
      WAIT,
      NextStep.RETRY
          + " If it keeps failing, raise that setting up to the account's quota, or rotate "
          + "fewer secrets at once."),
  SECRETS_MANAGER_UNAVAILABLE(
      WAIT,
      NextStep.RETRY
          + " If it keeps failing and the function runs in a VPC, check that the VPC has an "
          + "endpoint for Secrets Manager."),
  SUPERSEDED(WAIT, "If that was intended, no action is needed; otherwise send the event again."),
  CANNOT_ROLL_BACK(PERSON, "Keep the current key, or store another by hand."),
  ROTATION_NOT_ENABLED(
      WAIT,
      "If Secrets Manager sent the step, it repeats it. Else enable the rotation: deploy with "
          + "ROTATION_TRIGGER=secrets-manager."),
  VERSION_UNKNOWN(
      WAIT,
      "If Secrets Manager sent the step, it repeats it. Else start a rotation with `aws "
          + "secretsmanager rotate-secret`."),
  VERSION_NOT_PENDING(
      WAIT,
      "If Secrets Manager sent the step, its next rotation begins anew. Else start a "
          + "rotation with `aws secretsmanager rotate-secret`."),
  OUT_OF_TIME(WAIT, "Send the event again. If it keeps failing, raise the function's timeout."),
  INTERNAL_ERROR(
      PERSON, "This is a fault in the function. Report it with the log lines of this request.");

  /** Sentences that several reasons share. */
  private static final class NextStep {
    static final String RETRY =
        "Send the event again later; a scheduled run tries again by itself if the key is due.";
  }

  /** What a rotation needs to succeed again. */
  public enum Needs {
    /** Time: the same request, or the next run, may succeed without any change. */
    WAIT,
    /** An operator: it fails again until the cause is gone. */
    PERSON;

    /** Returns the value as the log and the report have it. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Needs needs;
  private final String nextStep;

  FailureReason(Needs needs, String nextStep) {
    this.needs = needs;
    this.nextStep = nextStep;
  }

  /** Returns whether the failure may pass by itself. */
  public Needs needs() {
    return needs;
  }

  /** Returns what to do next, in a sentence. */
  public String nextStep() {
    return nextStep;
  }
}
