package keyrotation.rotation;

import static keyrotation.core.FailureReason.MANAGEMENT_KEY_MISSING;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;

import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;

/**
 * The v2 key with which v2 keys are issued and listed. It is in a secret of its own, which is read
 * once in an invocation, when the key is first needed.
 */
public final class ManagementKey {

  private final Optional<String> secretId;
  private final SecretVersions versions;
  private Optional<Sensitive> read = Optional.empty();

  /**
   * Prepares for the read.
   *
   * @param secretId the secret's name or ARN; empty if none is configured
   */
  public ManagementKey(Optional<String> secretId, SecretVersions versions) {
    this.secretId = secretId;
    this.versions = versions;
  }

  /**
   * Returns the key.
   *
   * @throws RotationException {@code MANAGEMENT_KEY_MISSING}, or as every read of a secret
   */
  synchronized Sensitive require() {
    if (read.isEmpty()) {
      read = Optional.of(read(secretId.orElseThrow(() -> missing("No management key is named."))));
    }
    return read.get();
  }

  private Sensitive read(String id) {
    try {
      KeySecret secret =
          versions
              .current(versions.describe(id))
              .flatMap(KeyVersion::key)
              .orElseThrow(() -> missing("The secret " + id + " holds no key."));
      if (secret.key() instanceof MomentoKey.V2 key) {
        return key.token();
      }
      throw missing("The secret " + id + " holds a key that is no v2 key.");
    } catch (RotationException e) {
      throw e.reason() == SECRET_NOT_FOUND ? missing("There is no secret " + id + ".") : e;
    }
  }

  private static RotationException missing(String what) {
    return new RotationException(MANAGEMENT_KEY_MISSING, what + " v2 keys are renewed with it.");
  }
}
