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
  SECRET_MALFORMED(
      PERSON,
      "Store {\"apiKey\": …, \"endpoint\": …} for a v2 key; for a v1 key the JSON file that "
          + "Momento's console offers for download."),
  AWAITING_FIRST_KEY(
      PERSON,
      "Store a first key: {\"apiKey\": …, \"endpoint\": …} for a v2 key; for a v1 key the JSON "
          + "file that Momento's console offers for download."),
  TAG_INVALID(PERSON, "Correct the tag, or remove it."),
  SECRET_PAUSED(
      PERSON,
      "Remove the tag momento:paused, and send the event again. A rollback needs no change."),
  KEY_UNREADABLE(PERSON, "Store the key as Momento's console gives it, whole and unchanged."),
  KEY_NOT_REFRESHABLE(
      PERSON,
      "Store a v2 key, or a v1 key that expires and comes with a refresh token, as Momento's "
          + "console gives it."),
  KEY_EXPIRED(
      PERSON,
      "An expired v1 key cannot be refreshed. Create a new key in Momento's console and store "
          + "it."),
  KEY_TOO_SHORT_LIVED(
      PERSON,
      "Lower CHECK_INTERVAL_IN_HOURS, or store a key that lives longer. If this key was "
          + "stored long after it was issued, rotate it once: the new key's life counts then."),
  REFRESH_REJECTED(
      PERSON, "Create a new key in Momento's console and store it before the current one expires."),
  ENDPOINT_MISSING(
      PERSON,
      "Add the field \"endpoint\" with the host name that Momento's console shows to the secret's "
          + "value, or the tag momento:endpoint to the secret."),
  ENDPOINT_NOT_ALLOWED(
      PERSON,
      "Correct the endpoint. If the host belongs to Momento, add its suffix to "
          + "MOMENTO_ENDPOINT_SUFFIXES."),
  MANAGEMENT_KEY_MISSING(
      PERSON,
      "Store a v2 key whose role may manage keys in a secret of its own, and deploy with "
          + "MOMENTO_MANAGEMENT_KEY_SECRET=<that secret's name>."),
  MANAGEMENT_KEY_REJECTED(
      PERSON,
      "Create a v2 key whose role may manage keys in Momento's console, and store it as the "
          + "management key."),
  ROLE_UNKNOWN(
      PERSON,
      "Store a valid v2 key, or tag the secret with momento:role-id and a role that "
          + "MOMENTO_ALLOWED_ROLES lists."),
  ROLE_NOT_ALLOWED(
      PERSON, "Name another role, or add this one to MOMENTO_ALLOWED_ROLES and deploy."),
  ROLE_NOT_FOUND(
      PERSON,
      "Correct the role in the tag momento:role-id or in the event, or create it in Momento's "
          + "console."),
  CURRENT_KEY_REJECTED(
      PERSON,
      "Store a valid key, or make a version with one current. Replaced keys are revoked once "
          + "Momento accepts the current one."),
  CLOCK_SKEW(
      WAIT,
      "A later scheduled run revokes the keys. If it keeps failing, check the hosts between the "
          + "function and Momento's API: one of them may send a wrong Date."),
  REPLICA_OUT_OF_SYNC(
      WAIT,
      "A later scheduled run revokes the keys. If it keeps failing, look at the secret's "
          + "ReplicationStatus with `aws secretsmanager describe-secret`."),
  KEY_OF_ANOTHER_ACCOUNT(
      PERSON,
      "Make sure that the key and the management key are of the same Momento account, then send "
          + "the event again."),
  ISSUE_REJECTED(
      PERSON, "Check the role, the tag momento:key-lifetime-days and the account's limit of keys."),
  MOMENTO_THROTTLED(WAIT, NextStep.RETRY),
  MOMENTO_UNAVAILABLE(
      WAIT,
      NextStep.RETRY
          + " If it keeps failing, check Momento's status page, and the function's route to the"
          + " host: DNS, the security group, and a NAT gateway or the proxy."),
  NEW_KEY_INVALID(PERSON, "The current key was not changed. Report this to Momento's support."),
  NEW_KEY_REJECTED(
      WAIT,
      "The current key was not changed. In ten minutes send the event again, or run "
          + "`aws secretsmanager rotate-secret`: a new key that Momento rejects for good is "
          + "given up, and the current one is renewed once more."),
  ACCESS_DENIED(
      PERSON,
      "Allow the action in the policy that refuses it: the function's role, the secret's resource "
          + "policy or the KMS key's policy. A secret that another service manages cannot be "
          + "rotated here."),
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
          + " If it keeps failing, check the function's route to the host: DNS, the security group,"
          + " and an endpoint of the VPC for Secrets Manager, a NAT gateway or the proxy."),
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
