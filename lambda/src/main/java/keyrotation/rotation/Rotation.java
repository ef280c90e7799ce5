package keyrotation.rotation;

import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.PENDING;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.Sensitive;
import keyrotation.momento.Expiry;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/**
 * The rotation of one secret: to a new key, which becomes current once Momento has accepted it.
 *
 * <p>One call stores the new key together with the label {@code MOMENTO_REPLACES_<id of the current
 * version>}. While that version is current, the label lets the next run resume. A run may die at
 * any point:
 *
 * <ul>
 *   <li><b>Before the refresh:</b> nothing has changed, and the next run starts again.
 *   <li><b>After the refresh, before the new key is stored:</b> the new key is lost. The current
 *       key works until it expires. If its refresh token can be used again, the next run that has
 *       to rotate refreshes it again. If the token works only once, Momento rejects that refresh:
 *       every run that has to rotate fails with {@code REFRESH_REJECTED} until an operator stores a
 *       new key.
 *   <li><b>After the new key is stored:</b> the next run finds it by its label. If Momento accepts
 *       it, the run promotes it without another refresh. If Momento rejects it more than ten
 *       minutes after it was stored, the run gives it up.
 *   <li><b>After the new key is stored, and an operator then makes another key current:</b> the
 *       operator's key stays. The label names a version that is not current, so the stored key is
 *       left where it is, with its label, and is never promoted over the operator's; a repeated
 *       delivery of the request that stored it does nothing. If the operator makes the replaced
 *       version current again, the next run that has to rotate resumes with the stored key.
 *   <li><b>After the promotion:</b> the next run takes the label off.
 * </ul>
 */
public final class Rotation {

  /**
   * How long a rotation by Secrets Manager, whose four steps take minutes, counts as under way
   * after the secret's latest change.
   */
  private static final Duration SECRETS_MANAGER_ROTATION_TIME = Duration.ofHours(1);

  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final InstantSource clock;

  public Rotation(
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
  public RotationResult rotate(String secretId, RotationRequest request) {
    return rotate(secretId, request, false);
  }

  /** Rotates a secret if its key is due, as a scheduled run does. */
  public RotationResult rotateIfDue(String secretId, RotationRequest request) {
    return rotate(secretId, request, true);
  }

  private RotationResult rotate(String secretId, RotationRequest request, boolean onlyIfDue) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> current = versions.current(secret);
    if (current.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    RotationTask task = new RotationTask(secret, current.get(), request);
    // Labels that no rotation needs any more come off; a stored key keeps its label.
    return rotate(cleanup.beforeRotation(task), onlyIfDue);
  }

  private RotationResult rotate(RotationTask task, boolean onlyIfDue) {
    String name = task.secret().name();
    KeyVersion current = task.current();
    Optional<TargetVersion> target = TargetVersion.chooseVersionId(task, versions, verification);
    if (target.isEmpty()) { // The request was carried out before.
      return judge(new RotationResult.AlreadyRotated(name, current.id()), current);
    }
    if (onlyIfDue && secretsManagerIsRotating(task.secret())) {
      return judge(new RotationResult.RotationInProgress(name, current.id()), current);
    }
    boolean mustRotate = !onlyIfDue || task.isDue(policy, clock.instant());
    Optional<KeyVersion> successor = findSuccessor(task, target.get(), mustRotate);
    if (successor.isPresent()) {
      // An uncertain verdict is an exception: the rotation ends, and the next run tries again.
      Verdict verdict = verification.verifySuccessor(task, successor.get());
      if (!(verdict instanceof Verdict.Rejected)) {
        return resume(task, successor.get(), target.get().id());
      }
      versions.giveUp(task, successor.get());
    }
    if (!mustRotate) {
      Expiry expiry = current.requireKey().expiry();
      return judge(new RotationResult.NotDue(name, current.id(), expiry), current);
    }
    String newId = renewAndStage(task, target.get().freeId(), List.of());
    KeyVersion renewed = verifyAndPromote(task, newId);
    cleanup.afterPromotion(task, Optional.empty(), newId);
    return judge(new RotationResult.Rotated(name, newId, current.id(), renewed.expiry()), renewed);
  }

  /**
   * Returns the stored key to resume with: the one that an earlier delivery of this request has
   * stored, or else any other successor. Either carries the label that names the current version,
   * is not the current key, and expires no earlier. If an operator has gone back to the current
   * key, the stored key is not used until a run has to rotate.
   */
  private Optional<KeyVersion> findSuccessor(
      RotationTask task, TargetVersion target, boolean mustRotate) {
    return target
        .stored()
        .filter(stored -> stored.canReplace(task.current()))
        .or(() -> versions.successorOf(task))
        .filter(_ -> mustRotate || !versions.operatorWentBack(task));
  }

  /**
   * Promotes a stored key. If another request has stored it, it is first copied to this request's
   * version id, so that a repeated delivery finds it.
   */
  private RotationResult resume(RotationTask task, KeyVersion successor, String versionId) {
    String newId = versions.adopt(task, successor, versionId, List.of());
    KeyVersion resumed = verifyAndPromote(task, newId);
    cleanup.afterPromotion(task, Optional.of(successor), newId);
    return judge(
        new RotationResult.Resumed(
            task.secret().name(), newId, task.current().id(), resumed.expiry()),
        resumed);
  }

  /**
   * Gets a new key and stores it as the current version's successor. Momento is asked only after
   * Secrets Manager has accepted a write, so that a missing permission costs no key.
   *
   * @param labels further labels of the new version, beside the label of a successor
   * @return the id of the successor
   * @throws RotationException {@code REFRESH_REJECTED} among others, if Momento rejects the refresh
   *     token
   */
  String renewAndStage(RotationTask task, String versionId, List<String> labels) {
    renewal.requireRenewable(task);
    versions.probeWrite(task);
    Sensitive value = renewal.renew(task);
    return versions.stage(task, versionId, value, labels);
  }

  /**
   * Reads a stored version back, and makes it current once Momento has accepted its key. Secrets
   * Manager moves AWSCURRENT only if it is still on the version that the rotation began with.
   */
  KeyVersion verifyAndPromote(RotationTask task, String versionId) {
    KeyVersion staged = versions.readEventually(LogStep.READ_SUCCESSOR, task.secret(), versionId);
    verification.requireNewKeyAccepted(task, staged);
    versions.promote(task, versionId);
    return staged;
  }

  private boolean secretsManagerIsRotating(Secret secret) {
    return secret.rotationEnabled()
        && secret.labelled(PENDING).filter(id -> !secret.labelsOf(id).contains(CURRENT)).isPresent()
        && secret.changed().isAfter(clock.instant().minus(SECRETS_MANAGER_ROTATION_TIME));
  }

  /** Turns a result, even a success, into a failure if the key's life is too short. */
  private RotationResult judge(RotationResult result, KeyVersion current) {
    return result.orFailed(policy.judge(current.created(), current.expiry()));
  }
}
