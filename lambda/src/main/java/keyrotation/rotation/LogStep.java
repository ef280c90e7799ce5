package keyrotation.rotation;

import java.util.Locale;

/** A step of the work on a secret, as the log names it. */
public enum LogStep {
  /** Reads the event. */
  PARSE_EVENT,
  /** Looks for the secrets that have the configured tag. */
  LIST_SECRETS,
  /** Reads the secret's labels. */
  DESCRIBE,
  /** Reads the current version. */
  READ_CURRENT,
  /** Reads the previous version. */
  READ_PREVIOUS,
  /** Reads the version that is to replace the current one. */
  READ_SUCCESSOR,
  /** Reads the version that Secrets Manager's own rotation has labelled AWSPENDING. */
  READ_PENDING,
  /** Reads a version, to see which key it holds. */
  READ_VERSION,
  /** Looks whether an earlier delivery of the request has stored a version. */
  FIND_VERSION,
  /** Proves the right to write. */
  PROBE_WRITE,
  /** Has Momento exchange a v1 key for a new one. */
  REFRESH,
  /** Asks Momento for a list of the account's v2 keys. */
  LIST_KEYS,
  /** Has Momento issue a v2 key. */
  ISSUE,
  /** Stores the new key. */
  STAGE,
  /** Stores the key of an unfinished rotation under the request's own version id. */
  ADOPT,
  /** Asks Momento whether it accepts a key. */
  VERIFY,
  /** Makes the new version current. */
  PROMOTE,
  /** Takes a label off a version. */
  REMOVE_LABEL,
  /** Labels a replaced version with the time after which its key is revoked. */
  RETIRE,
  /** Has Momento revoke a key. */
  REVOKE,
  /** Tells when the management key expires. */
  CHECK_MANAGEMENT_KEY,
  /** Gives up a new key that Momento rejects for good. */
  GIVE_UP,
  /** Compares a key's life with the interval of scheduled runs. */
  CHECK_LIFETIME,
  /** The result of all the work on the secret. */
  RESULT,
  /** The end of a scheduled run. */
  RUN;

  /** Returns the step as the log has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
