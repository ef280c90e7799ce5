package keyrotation.rotation;

import keyrotation.core.Sensitive;

/** A way to get a new key in place of the current one. It stores nothing. */
public interface KeyRenewal {

  /**
   * Ends the rotation unless the current key can be renewed, as far as that shows without a call.
   */
  void requireRenewable(RotationTask task);

  /**
   * Asks Momento for a new key. From then on the current key's refresh token may be used up, so the
   * right to store the new key has to be proved before.
   *
   * @return the value of a version that holds the new key
   * @throws RotationException if Momento returns no key, or an invalid one
   */
  Sensitive renew(RotationTask task);
}
