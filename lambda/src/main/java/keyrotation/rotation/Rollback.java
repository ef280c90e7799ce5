package keyrotation.rotation;

import static keyrotation.core.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.secretsmanager.StagingLabel.PENDING;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/** Makes the previous key current again. */
public final class Rollback {

  /** How long before its time a key is not made current any more: clocks differ. */
  private static final Duration SAFETY_MARGIN = Duration.ofHours(1);

  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final Retirement retirement;
  private final KeyVerification verification;
  private final InstantSource clock;

  public Rollback(
      SecretVersions versions,
      LabelCleanup cleanup,
      Retirement retirement,
      KeyVerification verification,
      InstantSource clock) {
    this.versions = versions;
    this.cleanup = cleanup;
    this.retirement = retirement;
    this.verification = verification;
    this.clock = clock;
  }

  /**
   * Rolls back, if Momento still accepts the previous key and it is not about to be revoked. A
   * second rollback would undo the first, so the function goes back to an older version only.
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
    return isBack
        ? finish(new RotationTask(secret, current, request), previous)
        : goBack(new RotationTask(secret, current, request), previous);
  }

  private RotationResult goBack(RotationTask task, KeyVersion older) {
    requireUsable(task.secret(), older, task.request());
    RotationTask cleaned = cleanup.beforeRotation(task);
    // First, so that no run revokes the key once it is current.
    cleaned = cleaned.with(retirement.withoutTimes(cleaned.secret(), older.id()));
    versions.promote(cleaned, older.id());
    Secret now = versions.describe(task.secret().arn());
    return finish(new RotationTask(now, older, task.request()), task.current());
  }

  /**
   * Ends a rollback once the older version is current, also one that an earlier delivery has begun.
   * If the older key was revoked meanwhile, or is about to be, it goes forward to the newer one
   * again.
   *
   * @param task with the older version as the current one
   */
  private RotationResult finish(RotationTask task, KeyVersion newer) {
    try {
      requireUsable(task.secret(), task.current(), task.request());
    } catch (RotationException e) {
      if (e.reason() == CANNOT_ROLL_BACK && isAccepted(task.secret(), newer, task.request())) {
        versions.promote(task, newer.id());
        throw new RotationException(
            CANNOT_ROLL_BACK, e.what() + " The newer key is current again.");
      }
      throw e;
    }
    RotationTask cleaned = cleanup.beforeRotation(task);
    takePendingOff(cleaned);
    // The key's life is not judged: Lambda would retry the failure and roll back again, over a key
    // that an operator may have stored meanwhile.
    return new RotationResult.RolledBack(
        task.secret().name(),
        task.current().id(),
        newer.id(),
        task.current().requireKey().expiry());
  }

  /** Refuses to go back to a key that Momento rejects, or that is about to be revoked. */
  private void requireUsable(Secret secret, KeyVersion older, RotationRequest request) {
    Optional<Instant> time = secret.revocationTime(older.id());
    if (time.filter(at -> !clock.instant().isBefore(at.minus(SAFETY_MARGIN))).isPresent()) {
      throw new RotationException(
          CANNOT_ROLL_BACK, "The previous key is to be revoked after " + time.get() + ".");
    }
    if (!isAccepted(secret, older, request)) {
      throw new RotationException(
          CANNOT_ROLL_BACK,
          "Momento rejects the previous key, or it is not a kind of key that can be verified.");
    }
  }

  private boolean isAccepted(Secret secret, KeyVersion version, RotationRequest request) {
    return !(verification.verifyKey(secret, version, request) instanceof Verdict.Rejected);
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
