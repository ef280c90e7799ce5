package keyrotation.rotation;

import static keyrotation.core.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.secretsmanager.StagingLabel.PENDING;

import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/** Makes the previous key current again. */
public final class Rollback {

  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final KeyVerification verification;

  public Rollback(SecretVersions versions, LabelCleanup cleanup, KeyVerification verification) {
    this.versions = versions;
    this.cleanup = cleanup;
    this.verification = verification;
  }

  /**
   * Rolls back, if Momento still accepts the previous key. A second rollback would undo the first,
   * so the function goes back to an older version only.
   */
  public RotationResult run(String secretId, RotationRequest request) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> currentVersion = versions.current(secret);
    if (currentVersion.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    KeyVersion current = currentVersion.get();
    KeyVersion previous =
        versions
            .previous(secret)
            .orElseThrow(
                () -> new RotationException(CANNOT_ROLL_BACK, "There is no previous version."));
    boolean isBack = previous.created().isAfter(current.created());
    KeyVersion target = isBack ? current : previous;
    if (verification.verifyKey(secret, target, request) instanceof Verdict.Rejected) {
      throw new RotationException(
          CANNOT_ROLL_BACK,
          "Momento rejects the previous key, or it is not a kind of key that can be verified.");
    }
    RotationTask task = cleanup.beforeRotation(new RotationTask(secret, current, request));
    if (!isBack) {
      versions.promote(task, previous.id());
    }
    takePendingOff(new RotationTask(task.secret(), target, request));
    // The key's life is not judged: Lambda would retry the failure and roll back again, over a key
    // that an operator may have stored meanwhile.
    return new RotationResult.RolledBack(
        secret.name(),
        target.id(),
        isBack ? previous.id() : current.id(),
        target.requireKey().expiry());
  }

  /**
   * Takes AWSPENDING off a version that does not replace the restored one. This happens after the
   * promotion: if that had failed, Secrets Manager could go on with its rotation.
   *
   * @param task with the restored version as the current one
   */
  private void takePendingOff(RotationTask task) {
    task.secret()
        .labelled(PENDING)
        .filter(id -> !versions.successorOf(task).map(KeyVersion::id).equals(Optional.of(id)))
        .ifPresent(id -> versions.takeOff(task.secret(), PENDING, id));
  }
}
