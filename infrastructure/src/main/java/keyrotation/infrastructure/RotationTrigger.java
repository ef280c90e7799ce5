package keyrotation.infrastructure;

/** What starts a rotation. */
public enum RotationTrigger {
  /** The stack's schedule; its runs rotate the keys that are due. */
  EVENTBRIDGE,
  /**
   * Secrets Manager's own rotation. The stack's scheduled runs then only finish interrupted
   * rotations and rotate keys that would expire too soon.
   */
  SECRETS_MANAGER
}
