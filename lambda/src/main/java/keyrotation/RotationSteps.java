package keyrotation;

import static keyrotation.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.FailureReason.ROTATION_NOT_ENABLED;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.FailureReason.VERSION_NOT_PENDING;
import static keyrotation.FailureReason.VERSION_UNKNOWN;
import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretVersions.isOrWasCurrent;

import java.util.List;
import java.util.Optional;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/**
 * The steps of Secrets Manager's own rotation. It chooses the new version's id, labels it
 * AWSPENDING before there is a value, and repeats all steps with that id until they succeed.
 */
final class RotationSteps {

  private final Rotation rotation;
  private final SecretVersions versions;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final RotationLog log;

  RotationSteps(
      Rotation rotation,
      SecretVersions versions,
      KeyVerification verification,
      KeyRenewal renewal,
      RenewalPolicy policy,
      RotationLog log) {
    this.rotation = rotation;
    this.versions = versions;
    this.verification = verification;
    this.renewal = renewal;
    this.policy = policy;
    this.log = log;
  }

  /** Does a step for the version that Secrets Manager has chosen. */
  RotationResult run(
      RotationStep step, String secretId, String versionId, RotationRequest request) {
    Secret described = versions.describeShowing(secretId, Secret::rotationEnabled);
    if (!described.rotationEnabled()) {
      throw new RotationException(
          ROTATION_NOT_ENABLED, "Secrets Manager's own rotation is not enabled for the secret.");
    }
    Optional<Version> current = versions.current(described);
    if (described.labelsOf(versionId).contains(CURRENT)) {
      current.ifPresent(version -> versions.tidy(described, version));
      return new RotationResult.AlreadyRotated(described.name(), versionId);
    }
    Optional<Version> target = versions.read(LogStep.READ_PENDING, described, versionId);
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
    if (target.isPresent() && !isSuccessor(secret, target.get(), current.get())) {
      takePendingOff(secret, versionId);
      throw superseded(versionId);
    }
    switch (step) {
      case CREATE_SECRET ->
          create(versions.tidy(secret, current.get()), current.get(), target, versionId, request);
      case SET_SECRET -> {}
      case TEST_SECRET -> test(current.get(), target, request);
      case FINISH_SECRET -> finish(secret, current.get(), versionId, request);
    }
    return new RotationResult.StepDone(secret.name(), step, versionId);
  }

  private void create(
      Secret secret,
      Version current,
      Optional<Version> target,
      String versionId,
      RotationRequest request) {
    Optional<Version> successor = target.or(() -> versions.successorOf(secret, current));
    if (successor.isPresent()) {
      if (verification.isAccepted(successor.get(), current, request)) {
        requireStoredIn(
            versionId,
            versions.adopt(secret, current, successor.get(), versionId, List.of(PENDING)));
        return;
      }
      versions.giveUp(secret, current, successor.get());
      if (target.isPresent()) {
        // Left as pending, Secrets Manager would try the same version for ever.
        throw new RotationException(
            NEW_KEY_REJECTED, "Momento still rejects the new key, so the rotation gave it up.");
      }
    }
    requireStoredIn(
        versionId, renewal.refreshAndStage(secret, current, versionId, List.of(PENDING), request));
  }

  private void test(Version current, Optional<Version> target, RotationRequest request) {
    if (target.isPresent()) {
      verification.requireAccepted(target.get(), current, request);
    } else {
      // So it is when rotation is switched on without rotating: the version stays empty.
      var _ = renewal.requireRefreshable(KeySecret.parse(current.value()));
      verification.requireCurrentAccepted(current, request);
      judge(current);
    }
  }

  private void finish(Secret secret, Version current, String versionId, RotationRequest request) {
    Version renewed = rotation.verifyAndPromote(secret, current, versionId, request);
    versions.finish(secret, current, Optional.empty(), versionId);
    judge(renewed);
  }

  /**
   * Logs that a key lives too short. A step that failed for that would leave a rotation half done.
   */
  private void judge(Version version) {
    version
        .content()
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
            : versions.describeShowing(described.arn(), now -> now.labels().containsKey(versionId));
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

  private boolean isSuccessor(Secret secret, Version target, Version current) {
    return !isOrWasCurrent(secret, target) && versions.isSuccessor(secret, target, current);
  }

  private static boolean holdSameKey(Version target, Version current) {
    return !target.id().equals(current.id()) && target.text().equals(current.text());
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
