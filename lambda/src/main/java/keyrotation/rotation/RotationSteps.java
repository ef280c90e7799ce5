package keyrotation.rotation;

import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.ROTATION_NOT_ENABLED;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.core.FailureReason.VERSION_NOT_PENDING;
import static keyrotation.core.FailureReason.VERSION_UNKNOWN;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.PENDING;

import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.RotationStep;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/**
 * The steps of Secrets Manager's own rotation. It chooses the new version's id, labels it
 * AWSPENDING before there is a value, and repeats all steps with that id until they succeed.
 */
public final class RotationSteps {

  private final Rotation rotation;
  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final RotationLog log;

  public RotationSteps(
      Rotation rotation,
      SecretVersions versions,
      LabelCleanup cleanup,
      KeyVerification verification,
      KeyRenewal renewal,
      RenewalPolicy policy,
      RotationLog log) {
    this.rotation = rotation;
    this.versions = versions;
    this.cleanup = cleanup;
    this.verification = verification;
    this.renewal = renewal;
    this.policy = policy;
    this.log = log;
  }

  /** Carries out a step for the version that Secrets Manager has chosen. */
  public RotationResult run(
      RotationStep step, String secretId, String versionId, RotationRequest request) {
    Secret described = versions.describeEventually(secretId, Secret::rotationEnabled);
    if (!described.rotationEnabled()) {
      throw new RotationException(
          ROTATION_NOT_ENABLED, "Secrets Manager's own rotation is not enabled for the secret.");
    }
    if (described.tags().isPaused()) {
      return new RotationResult.Paused(described.name());
    }
    Optional<KeyVersion> current = versions.current(described);
    if (described.labelsOf(versionId).contains(CURRENT)) {
      current.ifPresent(
          version -> cleanup.beforeRotation(new RotationTask(described, version, request)));
      return new RotationResult.AlreadyRotated(described.name(), versionId);
    }
    Optional<KeyVersion> target = versions.read(LogStep.READ_PENDING, described, versionId);
    if (target.filter(version -> version.labels().contains(CURRENT)).isPresent()) {
      // The description is older than the promotion.
      return new RotationResult.AlreadyRotated(described.name(), versionId);
    }
    if (target.isPresent() && current.isPresent() && holdSameKey(target.get(), current.get())) {
      // A run of this function has resumed with the version's key under another id.
      takePendingOff(described, versionId);
      return new RotationResult.AlreadyRotated(described.name(), current.get().id());
    }
    Secret secret = requirePending(described, versionId);
    if (current.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    RotationTask task = new RotationTask(secret, current.get(), request);
    if (target.isPresent() && !versions.isSuccessor(task, target.get())) {
      takePendingOff(secret, versionId);
      throw superseded(versionId);
    }
    carryOut(step, task, versionId, target);
    return new RotationResult.StepDone(secret.name(), step, versionId);
  }

  private void carryOut(
      RotationStep step, RotationTask task, String versionId, Optional<KeyVersion> target) {
    switch (step) {
      case CREATE_SECRET -> create(cleanup.beforeRotation(task), versionId, target);
      case SET_SECRET -> {} // The key needs no set-up anywhere.
      case TEST_SECRET -> test(task, target);
      case FINISH_SECRET -> finish(task, versionId);
    }
  }

  private void create(RotationTask task, String versionId, Optional<KeyVersion> target) {
    Optional<KeyVersion> successor = target.or(() -> versions.successorOf(task));
    if (successor.isPresent()) {
      Verdict verdict = renewal.verifySuccessor(task, successor.get());
      if (!(verdict instanceof Verdict.Rejected)) {
        requireStoredIn(
            versionId, versions.adopt(task, successor.get(), versionId, List.of(PENDING)));
        return;
      }
      versions.giveUp(task, successor.get());
      if (target.isPresent()) {
        // With AWSPENDING left on it, Secrets Manager would try the same version for ever.
        throw new RotationException(
            NEW_KEY_REJECTED, "Momento still rejects the new key, so the rotation gave it up.");
      }
    }
    requireStoredIn(versionId, rotation.renewAndStage(task, versionId, List.of(PENDING)));
  }

  private void test(RotationTask task, Optional<KeyVersion> target) {
    if (target.isPresent()) {
      verification.requireNewKeyAccepted(task, target.get());
    } else {
      // Rotation was enabled without rotating at once: the version has no value yet.
      renewal.rehearse(task);
      warnIfShortLived(task.current());
    }
  }

  private void finish(RotationTask task, String versionId) {
    KeyVersion renewed = rotation.verifyAndPromote(task, versionId);
    var _ = cleanup.afterPromotion(task, Optional.empty(), versionId);
    warnIfShortLived(renewed);
  }

  /**
   * Logs that a key does not live long enough. A step that failed for that would leave a rotation
   * half done.
   */
  private void warnIfShortLived(KeyVersion version) {
    version
        .key()
        .flatMap(key -> policy.judge(version.created(), key.expiry()))
        .ifPresent(failure -> log.warn(LogStep.CHECK_LIFETIME, version.id(), failure));
  }

  /**
   * Ends the step unless Secrets Manager has labelled the version AWSPENDING, which a description
   * may not show at once.
   */
  private Secret requirePending(Secret described, String versionId) {
    Secret secret =
        described.labels().containsKey(versionId)
            ? described
            : versions.describeEventually(
                described.arn(), now -> now.labels().containsKey(versionId));
    if (!secret.labels().containsKey(versionId)) {
      throw new RotationException(
          VERSION_UNKNOWN, "The secret has no version " + versionId + ", or it has no label.");
    }
    if (!secret.labelsOf(versionId).contains(PENDING)) {
      throw new RotationException(
          VERSION_NOT_PENDING, "The version " + versionId + " is not labelled AWSPENDING.");
    }
    return secret;
  }

  private static boolean holdSameKey(KeyVersion target, KeyVersion current) {
    return !target.id().equals(current.id()) && target.hasSameValueAs(current);
  }

  private void takePendingOff(Secret secret, String versionId) {
    if (secret.labelsOf(versionId).contains(PENDING)) {
      var _ = versions.takeOff(secret, PENDING, versionId);
    }
  }

  /** Another delivery of the step has filled the version with the key of another source. */
  private static void requireStoredIn(String versionId, String storedId) {
    if (!storedId.equals(versionId)) {
      throw superseded(versionId);
    }
  }

  private static RotationException superseded(String versionId) {
    return new RotationException(
        SUPERSEDED,
        "The version "
            + versionId
            + " does not replace the current one: another version became"
            + " AWSCURRENT, or another run has taken the rotation over.");
  }
}
