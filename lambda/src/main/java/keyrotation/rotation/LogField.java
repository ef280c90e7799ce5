package keyrotation.rotation;

import java.util.Locale;

/** A field of the log that metrics, alarms or the dashboard read. */
public enum LogField {
  /** The step that the line is about. */
  STEP,
  /** What started the invocation; see {@link RotationLog#startedBy}. */
  TRIGGER,
  /** The secret's name. */
  SECRET,
  /** The time that the work took. */
  DURATION_MS,
  /** The result of the work on a secret. */
  RESULT,
  /** What succeeded although the work failed. */
  DONE,
  /** Why the work failed. */
  REASON,
  /** What a failure needs to go away: time or an operator. */
  NEEDS,
  /** The text for the operator. */
  MESSAGE,
  /** The step of Secrets Manager's own rotation that was carried out. */
  ROTATION_STEP,

  /** The days until the current key expires; absent if that is never, or unknown. */
  DAYS_TO_EXPIRY,
  /** 1 if the current key might expire before two more scheduled runs; else 0. */
  EXPIRES_SOON,
  /** The time since the current key became due, in intervals between scheduled runs. */
  RUNS_OVERDUE,
  /** The days since the current key was stored. */
  KEY_AGE_DAYS,
  /** The days since an empty secret was created; 0 once it has a key. */
  DAYS_WITHOUT_KEY,
  /** The hours since Secrets Manager's own rotation should have begun; 0 if it is not late. */
  OWN_ROTATION_OVERDUE_HOURS,
  /** How many replicas of the secret could not be brought up to date; absent if it has none. */
  REPLICAS_FAILED,
  /** How many keys were revoked. */
  KEYS_REVOKED,
  /** How many of them had been issued and never stored; absent if none. */
  REVOKED_NEVER_STORED,

  /** How many secrets a run has worked on. */
  SECRETS,
  /** How many of them have a new key. */
  ROTATED,
  /** How many have no key yet. */
  WITHOUT_KEY,
  /** How many are paused. */
  PAUSED,
  /** How many failures of the run may pass by themselves. */
  FAILED_WAIT,
  /** How many failures of the run need an operator. */
  FAILED_PERSON,
  /** The days until the management key expires; absent if that is never. */
  MANAGEMENT_KEY_DAYS_TO_EXPIRY,
  /** 1 if the management key expires soon; else 0. */
  MANAGEMENT_KEY_EXPIRES_SOON;

  /** Returns the field's name in the log. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
