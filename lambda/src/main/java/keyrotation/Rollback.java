package keyrotation;

import static keyrotation.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.SecretStore.PENDING;

import java.util.Optional;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/** The way back to the previous key. */
final class Rollback {

  private final SecretVersions versions;
  private final KeyVerification verification;

  Rollback(SecretVersions versions, KeyVerification verification) {
    this.versions = versions;
    this.verification = verification;
  }

  /**
   * Makes the previous version current again, if Momento still accepts its key. To go back once
   * more would undo that, so it is done only to an older version.
   */
  RotationResult run(String secretId, RotationRequest request) {
    Secret secret = versions.describe(secretId);
    Optional<Version> currentVersion = versions.current(secret);
    if (currentVersion.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    Version current = currentVersion.get();
    Version previous =
        versions
            .previous(secret)
            .orElseThrow(
                () -> new RotationException(CANNOT_ROLL_BACK, "There is no previous version."));
    boolean isBack = previous.created().isAfter(current.created());
    Version target = isBack ? current : previous;
    if (verification.verify(target, Optional.empty(), request) instanceof Verdict.Rejected) {
      throw new RotationException(
          CANNOT_ROLL_BACK,
          "Momento rejects the previous key, or it is not a kind of key that can be verified.");
    }
    Secret tidied = versions.tidy(secret, current);
    if (!isBack) {
      versions.promote(tidied, current.id(), previous.id());
    }
    // Only now: had it come to nothing, Secrets Manager could go on with its rotation.
    tidied
        .labelled(PENDING)
        .filter(id -> !isSuccessor(tidied, id, target))
        .ifPresent(id -> versions.takeOff(tidied, PENDING, id));
    // Not judged by its life: a failure would have Lambda roll back again, over what an operator
    // may
    // have stored in the meantime.
    return new RotationResult.RolledBack(
        secret.name(),
        target.id(),
        isBack ? previous.id() : current.id(),
        KeySecret.parse(target.value()).expiry());
  }

  private boolean isSuccessor(Secret secret, String versionId, Version source) {
    return versions
        .successorOf(secret, source)
        .filter(successor -> successor.id().equals(versionId))
        .isPresent();
  }
}
