package keyrotation.rotation;

import static keyrotation.core.FailureReason.MANAGEMENT_KEY_MISSING;

import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.secretsmanager.SecretStore;

/**
 * The v2 key with which v2 keys are issued, listed and revoked. It is in a secret of its own, which
 * is read once in an invocation, when the key is first needed. If the invocation rotates it, the
 * old key serves until the invocation ends.
 */
public final class ManagementKey {

  private final Optional<String> secretId;
  private final SecretStore store;
  private final RotationLog log;
  private Optional<MomentoKey.V2> read = Optional.empty();

  /**
   * Prepares for the read.
   *
   * @param secretId the secret's name or ARN; empty if none is configured
   */
  public ManagementKey(Optional<String> secretId, SecretStore store, RotationLog log) {
    this.secretId = secretId;
    this.store = store;
    this.log = log;
  }

  /** Tells whether a secret is configured for the key. */
  boolean isConfigured() {
    return secretId.isPresent();
  }

  /** Returns the key; empty if it was not read. */
  synchronized Optional<MomentoKey.V2> ifRead() {
    return read;
  }

  /**
   * Returns the key.
   *
   * @throws RotationException {@code MANAGEMENT_KEY_MISSING}, or as every read of a secret
   */
  synchronized MomentoKey.V2 require() {
    if (read.isEmpty()) {
      read = Optional.of(read(secretId.orElseThrow(() -> missing("No management key is named."))));
    }
    return read.get();
  }

  private MomentoKey.V2 read(String id) {
    try {
      KeySecret secret =
          log.step(LogStep.READ_CURRENT, () -> store.readCurrent(id))
              .map(KeyVersion::of)
              .orElseThrow(() -> missing("There is no secret " + id + " with a value."))
              .requireKey();
      if (secret.key() instanceof MomentoKey.V2 key) {
        log.fact(LogStep.CHECK_MANAGEMENT_KEY, "valid_until", key.expiry().toString());
        return key;
      }
      throw missing("The secret " + id + " holds a key that is no v2 key.");
    } catch (RotationException e) {
      throw switch (e.reason()) {
        case MANAGEMENT_KEY_MISSING -> e;
        case SECRET_NOT_FOUND,
            SECRET_DELETED,
            SECRET_MALFORMED,
            KEY_UNREADABLE,
            KEY_NOT_REFRESHABLE ->
            missing("The secret " + id + " holds no usable key: " + e.what());
        default -> new RotationException(e.reason(), "The management key: " + e.what());
      };
    }
  }

  private static RotationException missing(String what) {
    return new RotationException(
        MANAGEMENT_KEY_MISSING, what + " v2 keys are renewed with the management key.");
  }
}
