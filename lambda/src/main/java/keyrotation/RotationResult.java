package keyrotation;

/** How the rotation of one secret ended. */
sealed interface RotationResult {

  /** Returns the secret's name. */
  String secret();

  /** A new key was made, proved, and is current. */
  record Rotated(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** A key that an earlier rotation had made but not brought to its end is now current. */
  record Resumed(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** This request was carried out before; nothing was done. */
  record AlreadyRotated(String secret, String versionId) implements RotationResult {}

  /** The secret has no value yet. */
  record AwaitingFirstKey(String secret) implements RotationResult {}

  /** It could not be done. */
  record Failed(String secret, RotationFailure failure) implements RotationResult {}
}
