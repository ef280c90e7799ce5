package keyrotation;

import java.util.Optional;

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

  /** Secrets Manager's own rotation of the secret is under way; nothing was done. */
  record RotationInProgress(String secret, String versionId) implements RotationResult {}

  /** The secret was found by its tag, and cannot be rotated here; that is no failure. */
  record Skipped(String secret, RotationException why) implements RotationResult {}

  /**
   * It could not be done, or something has to be done about the secret all the same.
   *
   * @param done what was done in spite of the failure
   */
  record Failed(String secret, RotationException failure, Optional<RotationResult> done)
      implements RotationResult {

    /** Nothing was done. */
    Failed(String secret, RotationException failure) {
      this(secret, failure, Optional.empty());
    }
  }
}
