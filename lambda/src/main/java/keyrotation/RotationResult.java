package keyrotation;

/** How the work on one secret ended. */
sealed interface RotationResult {

  /** Returns the secret's name, or what it was asked for by if it was not found. */
  String secret();

  /** A new key was made, proved, and is current. */
  record Rotated(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** A key that an earlier rotation had made but not brought to its end is now current. */
  record Resumed(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** This request was dealt with before; nothing was done. */
  record AlreadyRotated(String secret, String versionId) implements RotationResult {}

  /** The current key is fresh enough; nothing was done. */
  record NotDue(String secret, String versionId, Expiry expiry) implements RotationResult {}

  /**
   * Nothing stands in the way of a rotation; nothing was done.
   *
   * @param due whether a schedule would rotate it now
   * @param resume whether that would take up an unfinished rotation
   */
  record WouldRotate(String secret, String versionId, Expiry expiry, boolean due, boolean resume)
      implements RotationResult {}

  /** The key that was current before is current again. */
  record RolledBack(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** A step of Secrets Manager's own rotation was done. */
  record StepDone(String secret, RotationStep step, String versionId) implements RotationResult {}

  /** The secret has no value yet. */
  record AwaitingFirstKey(String secret) implements RotationResult {}

  /** It could not be done. */
  record Failed(String secret, RotationFailure failure) implements RotationResult {}
}
