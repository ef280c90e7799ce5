package keyrotation.rotation;

import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.Verdict;

/** A way to get a new key in place of the current one. It stores nothing. */
public interface KeyRenewal {

  /** A renewal for which everything is ready. */
  @FunctionalInterface
  interface Prepared {

    /**
     * Asks Momento for a new key. From then on a v1 key's refresh token may be used up, so the
     * right to store the new key has to be proved before.
     *
     * @param versionId the version that is to hold the new key
     * @return the value of that version
     * @throws RotationException if Momento returns no key, or an invalid one
     */
    Sensitive renew(String versionId);
  }

  /** Throws unless the current key can be renewed, as far as Secrets Manager and settings tell. */
  void requireRenewable(RotationTask task);

  /** Ends the rotation unless the current key can be renewed, as far as is known before. */
  Prepared prepare(RotationTask task);

  /** Ends a dry run unless the current key can be renewed, as far as can be found out. */
  void rehearse(RotationTask task);

  /** Tells whether Momento has revoked the current key, so that it is due at once. */
  boolean isRevoked(RotationTask task);

  /** Tells whether a stored key is what the current key would be renewed to by now. */
  boolean isIntended(RotationTask task, KeyVersion stored);

  /**
   * Returns the final verdict on a successor that an earlier request has stored. If it is rejected,
   * the successor can be given up, and the current key be renewed once more.
   *
   * @throws RotationException {@code NEW_KEY_REJECTED}, if Momento may not know the key yet
   */
  Verdict verifySuccessor(RotationTask task, KeyVersion successor);
}
