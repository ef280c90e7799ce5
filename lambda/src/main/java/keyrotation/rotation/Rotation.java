package keyrotation.rotation;

import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import keyrotation.core.Condition;
import keyrotation.core.Condition.IfStoredBefore;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.Sensitive;
import keyrotation.momento.Expiry;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/**
 * Rotates the key of one secret.
 *
 * <p>A run looks for a successor: a new key that an earlier run has stored for the current version
 * and not promoted. If there is none, and the key is due or the request insists, it <b>probes</b> a
 * write, <b>renews</b> the key at Momento, and <b>stages</b> the new key: one call stores it with
 * the label {@code MOMENTO_REPLACES_<id of the current version>}, which makes it the successor. In
 * either case it has Momento <b>verify</b> the successor, <b>promotes</b> it to AWSCURRENT, and
 * takes the label off. The process may end at any point:
 *
 * <ul>
 *   <li><b>Before the renewal:</b> no key has changed. The next run starts again.
 *   <li><b>After the renewal, before the new key is staged:</b> the new key is lost. The current
 *       key works until it expires. The next run for which the key is due, or that insists, renews
 *       it again. If it is a v1 key whose refresh token works only once, Momento rejects that: each
 *       such run fails with {@code REFRESH_REJECTED} until an operator stores a new key.
 *   <li><b>After the new key is staged:</b> the next run finds it by its label. If Momento accepts
 *       it, the run promotes it without another renewal. If Momento rejects it more than ten
 *       minutes after it was stored, the run takes its label off and renews a key that is due.
 *   <li><b>After the promotion:</b> the next run takes the label off.
 * </ul>
 *
 * <p>What an operator stores wins. If an operator makes another key current, the label of a staged
 * key names a version that is not current. The staged key keeps its label and is never promoted
 * over the operator's key; if Lambda delivers its request again, that run does nothing. If the
 * operator makes the version that the label names current again, the staged key is its successor
 * again.
 */
public final class Rotation {

  private final SecretVersions versions;
  private final LabelCleanup cleanup;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final FirstKey firstKey;
  private final RenewalPolicy policy;
  private final InstantSource clock;
  private final RotationLog log;

  public Rotation(
      SecretVersions versions,
      LabelCleanup cleanup,
      KeyVerification verification,
      KeyRenewal renewal,
      FirstKey firstKey,
      RenewalPolicy policy,
      InstantSource clock,
      RotationLog log) {
    this.versions = versions;
    this.cleanup = cleanup;
    this.verification = verification;
    this.renewal = renewal;
    this.firstKey = firstKey;
    this.policy = policy;
    this.clock = clock;
    this.log = log;
  }

  /** Rotates a secret if its key meets the condition. */
  public RotationResult rotate(String secretId, RotationRequest request, Condition condition) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> current = versions.current(secret);
    log.figuresAre(SecretFigures.of(secret, current, policy, clock.instant()));
    if (secret.tags().isPaused()) {
      return new RotationResult.Paused(secret.name());
    }
    if (current.isEmpty()) {
      return firstKey.issue(secret, request);
    }
    RotationTask task = new RotationTask(secret, current.get(), request);
    return rotate(cleanup.beforeRotation(task), condition);
  }

  private RotationResult rotate(RotationTask task, Condition condition) {
    String name = task.secret().name();
    KeyVersion current = task.current();
    boolean onlyIfDue = condition instanceof Condition.IfDue;
    boolean isDue = task.isDue(policy, clock.instant());
    if (onlyIfDue && !isDue && task.isUntouched(clock.instant()) && !renewal.isRevoked(task)) {
      return notDue(task);
    }
    Optional<TargetVersion> target =
        TargetVersion.chooseVersionId(task, versions, verification, renewal);
    if (target.isEmpty()) { // An earlier delivery has rotated, or an operator has overruled it.
      return judge(new RotationResult.AlreadyRotated(name, current.id()), task, current);
    }
    if (condition instanceof IfStoredBefore before && !before.isMetBy(current.created())) {
      Expiry expiry = current.expiry();
      return judge(new RotationResult.KeyIsNewer(name, current.id(), expiry), task, current);
    }
    if (onlyIfDue && task.secret().isBeingRotated(clock.instant())) {
      return judge(new RotationResult.RotationInProgress(name, current.id()), task, current);
    }
    boolean mustRotate = !onlyIfDue || isDue || renewal.isRevoked(task);
    Optional<KeyVersion> successor = findSuccessor(task, target.get(), mustRotate);
    if (successor.isPresent()) {
      // An uncertain verdict is an exception: the rotation ends, and the next run tries again.
      Verdict verdict = renewal.verifySuccessor(task, successor.get());
      if (!(verdict instanceof Verdict.Rejected)) {
        return resume(task, successor.get(), target.get(), condition);
      }
      versions.giveUp(task, successor.get());
    }
    if (!mustRotate) {
      return notDue(task);
    }
    String newId = renewAndStage(task, target.get().freeId(), List.of());
    KeyVersion renewed = verifyAndPromote(task, newId);
    OldKey old = cleanup.afterPromotion(task, Optional.empty(), newId);
    RotationResult result =
        new RotationResult.Rotated(name, newId, current.id(), renewed.expiry(), old);
    return judge(result, task, renewed);
  }

  private RotationResult notDue(RotationTask task) {
    KeyVersion current = task.current();
    Expiry expiry = current.requireKey().expiry();
    return judge(
        new RotationResult.NotDue(task.secret().name(), current.id(), expiry), task, current);
  }

  /**
   * Returns the successor to resume with: the one that an earlier delivery of this request has
   * stored, or else another request's. It is not the current key, and expires no earlier than the
   * current key. If an operator went back to the current key, a scheduled run does not resume
   * before that key is due.
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
   * Promotes a successor. If another request has stored it, its value is first copied to this
   * request's version id, so that Lambda may deliver this request again. A request that has a
   * condition on the time copies nothing, so that the key keeps its time, and rotates it if need
   * be.
   */
  private RotationResult resume(
      RotationTask task, KeyVersion successor, TargetVersion target, Condition condition) {
    String id = condition instanceof IfStoredBefore ? successor.id() : target.id();
    String newId = versions.adopt(task, successor, id, List.of());
    KeyVersion resumed = verifyAndPromote(task, newId);
    OldKey old = cleanup.afterPromotion(task, Optional.of(successor), newId);
    if (condition instanceof IfStoredBefore before && before.isMetBy(successor.created())) {
      return rotate(task.secret().arn(), task.request(), condition);
    }
    RotationResult result =
        new RotationResult.Resumed(
            task.secret().name(), newId, task.current().id(), resumed.expiry(), old);
    return judge(result, task, resumed);
  }

  /**
   * Gets a new key and stores it as the current version's successor. The key is renewed only after
   * Secrets Manager has accepted a write: a new key that could not be stored would be lost.
   *
   * @param labels further labels of the new version
   * @return the id of the successor
   * @throws RotationException if a step fails; {@code REFRESH_REJECTED} if Momento does not accept
   *     the refresh token
   */
  String renewAndStage(RotationTask task, String versionId, List<String> labels) {
    KeyRenewal.Prepared prepared = renewal.prepare(task);
    versions.probeWrite(task);
    Sensitive value = prepared.renew(versionId);
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

  /**
   * Turns a result, even a success, into a failure if the current key's life is too short for the
   * schedule: it would expire before it is renewed.
   */
  private RotationResult judge(RotationResult result, RotationTask task, KeyVersion current) {
    log.figuresAre(SecretFigures.of(task.secret(), Optional.of(current), policy, clock.instant()));
    return result.orFailed(policy.judge(current.created(), current.expiry()));
  }
}
