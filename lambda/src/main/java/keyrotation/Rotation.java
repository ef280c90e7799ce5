package keyrotation;

import static keyrotation.StagingLabel.CURRENT;
import static keyrotation.StagingLabel.PENDING;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * The rotation of one secret: from the current key to a new one that Momento has accepted.
 *
 * <p>The new key is stored together with the label {@code MOMENTO_REPLACES_<id of the current
 * version>}. This one label lets the next run resume. A run may die at any point:
 *
 * <ul>
 *   <li><b>Before the refresh:</b> nothing has changed, and the next run starts again.
 *   <li><b>After the refresh, before the new key is stored:</b> the new key is lost. The current
 *       key works until it expires. If its refresh token can be used again, the next run refreshes
 *       it again. If the token works only once, Momento rejects that refresh; the run, and every
 *       one after it, fails with {@code REFRESH_REJECTED} until an operator stores a new key.
 *   <li><b>After the new key is stored:</b> the next run finds it by its label, verifies it, and
 *       promotes it, without another refresh.
 *   <li><b>The same, and an operator makes another key current meanwhile:</b> the operator's key
 *       stays. The label names a version that is not current, so no run resumes with the stored
 *       key. If the operator goes back to that version, the label counts again.
 *   <li><b>After the promotion:</b> the next run takes the label off.
 * </ul>
 */
final class Rotation {

  /**
   * For how long after its latest change a secret counts as being rotated by Secrets Manager, whose
   * four steps take minutes.
   */
  private static final Duration MAX_OWN_ROTATION = Duration.ofHours(1);

  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final InstantSource clock;

  Rotation(
      SecretVersions versions,
      LabelCleanup cleanup,
      KeyVerification verification,
      KeyRenewal renewal,
      RenewalPolicy policy,
      InstantSource clock) {
    this.versions = versions;
    this.cleanup = cleanup;
    this.verification = verification;
    this.renewal = renewal;
    this.policy = policy;
    this.clock = clock;
  }

  /** Rotates a secret now. */
  RotationResult rotate(String secretId, RotationRequest request) {
    return rotate(secretId, request, false);
  }

  /** Rotates a secret if its key is due, as a scheduled run does. */
  RotationResult rotateIfDue(String secretId, RotationRequest request) {
    return rotate(secretId, request, true);
  }

  private RotationResult rotate(String secretId, RotationRequest request, boolean onlyIfDue) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> current = versions.current(secret);
    return current.isPresent()
        ? rotate(
            cleanup.beforeRotation(new RotationTask(secret, current.get(), request)), onlyIfDue)
        : new RotationResult.AwaitingFirstKey(secret.name());
  }

  private RotationResult rotate(RotationTask task, boolean onlyIfDue) {
    String name = task.secret().name();
    KeyVersion current = task.current();
    Optional<TargetVersion> chosen = TargetVersion.chooseVersionId(task, versions, verification);
    if (chosen.isEmpty()) {
      return judgeLifetime(new RotationResult.AlreadyRotated(name, current.id()), current);
    }
    if (onlyIfDue && isRotatedBySecretsManager(task.secret())) {
      return judgeLifetime(new RotationResult.RotationInProgress(name, current.id()), current);
    }
    TargetVersion target = chosen.get();
    boolean mustRotate = !onlyIfDue || isDue(task);
    Optional<KeyVersion> successor =
        target
            .stored()
            .filter(stored -> stored.canReplace(current))
            .or(() -> versions.successorOf(task))
            .filter(_ -> mustRotate || !versions.operatorWentBack(task));
    if (successor.isPresent()) {
      Verdict verdict = verification.verifySuccessor(task, successor.get());
      if (!(verdict instanceof Verdict.Rejected)) {
        return resume(task, successor.get(), target.id());
      }
      versions.giveUp(task, successor.get());
    }
    if (!mustRotate) {
      Expiry expiry = current.requireKey().expiry();
      return judgeLifetime(new RotationResult.NotDue(name, current.id(), expiry), current);
    }
    String newId = renewAndStage(task, target.freeId(), List.of());
    KeyVersion renewed = verifyAndPromote(task, newId);
    cleanup.afterPromotion(task, Optional.empty(), newId);
    return judgeLifetime(
        new RotationResult.Rotated(name, newId, current.id(), renewed.expiry()), renewed);
  }

  private RotationResult resume(RotationTask task, KeyVersion successor, String versionId) {
    String newId = versions.adopt(task, successor, versionId, List.of());
    KeyVersion resumed = verifyAndPromote(task, newId);
    cleanup.afterPromotion(task, Optional.of(successor), newId);
    return judgeLifetime(
        new RotationResult.Resumed(
            task.secret().name(), newId, task.current().id(), resumed.expiry()),
        resumed);
  }

  /**
   * Gets a new key and stores it as the current version's successor. Momento is asked only after
   * Secrets Manager has accepted a write, so that no key is lost for want of a right.
   *
   * @param labels what the new version is to carry beside the label of a successor
   * @return the id of the successor
   */
  String renewAndStage(RotationTask task, String versionId, List<String> labels) {
    renewal.requireRenewable(task);
    versions.probeWrite(task);
    Sensitive value = renewal.renew(task);
    return versions.stage(task, versionId, value, labels);
  }

  /** Reads a stored version back, and makes it current once Momento has accepted its key. */
  KeyVersion verifyAndPromote(RotationTask task, String versionId) {
    KeyVersion staged = versions.readEventually(LogStep.READ_SUCCESSOR, task.secret(), versionId);
    verification.requireNewKeyAccepted(task, staged);
    versions.promote(task, versionId);
    return staged;
  }

  /** Finds out whether a rotation would succeed, and stops before it asks Momento for a key. */
  RotationResult dryRun(String secretId, RotationRequest request) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> current = versions.current(secret);
    if (current.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    RotationTask task = new RotationTask(secret, current.get(), request);
    Optional<KeyVersion> successor = versions.successorOf(task);
    boolean resume =
        successor.isPresent()
            && !(verification.verifySuccessor(task, successor.get()) instanceof Verdict.Rejected);
    if (!resume) {
      renewal.requireRenewable(task);
      verification.requireCurrentKeyAccepted(task);
    }
    versions.probeWrite(task);
    return judgeLifetime(
        new RotationResult.WouldRotate(
            secret.name(), task.current().id(), task.current().expiry(), isDue(task), resume),
        task.current());
  }

  /** Tells whether Secrets Manager's own rotation of a secret seems to be under way. */
  private boolean isRotatedBySecretsManager(Secret secret) {
    return secret.rotationEnabled()
        && secret.labelled(PENDING).filter(id -> !secret.labelsOf(id).contains(CURRENT)).isPresent()
        && secret.changed().isAfter(clock.instant().minus(MAX_OWN_ROTATION));
  }

  /** Tells whether the key is due. The age does not count where Secrets Manager rotates itself. */
  private boolean isDue(RotationTask task) {
    KeyVersion current = task.current();
    return policy.isDue(
        current.created(), current.expiry(), clock.instant(), !task.secret().rotationEnabled());
  }

  /** Turns a result into a failure if the key that is current now does not live long enough. */
  private RotationResult judgeLifetime(RotationResult result, KeyVersion current) {
    return policy
        .judge(current.created(), current.expiry())
        .<RotationResult>map(
            failure -> new RotationResult.Failed(result.secret(), failure, Optional.of(result)))
        .orElse(result);
  }
}
