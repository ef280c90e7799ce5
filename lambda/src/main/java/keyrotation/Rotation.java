package keyrotation;

import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretStore.REPLACES;
import static keyrotation.SecretVersions.isOrWasCurrent;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/**
 * The main path of a rotation: from the current key to a new one that Momento has accepted.
 *
 * <p>Whichever call fails, or is never answered, the current key stays a working one, and the same
 * or the next request resumes: a key that was stored is not replaced by another, but verified and
 * promoted.
 */
final class Rotation {

  /**
   * For how long after its latest change a secret counts as being rotated by Secrets Manager, whose
   * four steps take minutes.
   */
  private static final Duration MAX_OWN_ROTATION = Duration.ofHours(1);

  /**
   * Where a request stores a new key.
   *
   * @param stored the successor that an earlier delivery of the request has stored there
   */
  private record Target(String versionId, Optional<Version> stored) {

    /** Returns the id for another key than the one that is stored. */
    String freeVersionId() {
      return stored.isPresent() ? RotationRequest.versionIdAfter(versionId) : versionId;
    }
  }

  private final SecretStore store;
  private final SecretVersions versions;
  private final KeyVerification verification;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final InstantSource clock;
  private final RotationLog log;

  Rotation(
      SecretStore store,
      SecretVersions versions,
      KeyVerification verification,
      KeyRenewal renewal,
      RenewalPolicy policy,
      InstantSource clock,
      RotationLog log) {
    this.store = store;
    this.versions = versions;
    this.verification = verification;
    this.renewal = renewal;
    this.policy = policy;
    this.clock = clock;
    this.log = log;
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
    Optional<Version> current = versions.current(secret);
    return current.isPresent()
        ? rotate(secret, current.get(), request, onlyIfDue)
        : new RotationResult.AwaitingFirstKey(secret.name());
  }

  private RotationResult rotate(
      Secret described, Version current, RotationRequest request, boolean onlyIfDue) {
    Secret secret = versions.tidy(described, current);
    Optional<Target> target = chooseTarget(request, secret, current);
    if (target.isEmpty()) {
      return judged(new RotationResult.AlreadyRotated(secret.name(), current.id()), current);
    }
    if (onlyIfDue && isRotatedBySecretsManager(secret)) {
      return judged(new RotationResult.RotationInProgress(secret.name(), current.id()), current);
    }
    boolean mustRotate = !onlyIfDue || isDue(secret, current);
    Optional<Version> successor =
        target
            .get()
            .stored()
            .filter(version -> SecretVersions.isBetter(version, current))
            .or(() -> versions.successorOf(secret, current))
            .filter(_ -> mustRotate || !versions.wentBack(secret, current));
    if (successor.isPresent() && verification.isAccepted(successor.get(), current, request)) {
      return resume(secret, current, successor.get(), target.get().versionId(), request);
    }
    successor.ifPresent(rejected -> versions.giveUp(secret, current, rejected));
    if (!mustRotate) {
      Expiry expiry = KeySecret.parse(current.value()).expiry();
      return judged(new RotationResult.NotDue(secret.name(), current.id(), expiry), current);
    }
    return renew(secret, current, target.get().freeVersionId(), request);
  }

  private RotationResult renew(
      Secret secret, Version current, String versionId, RotationRequest request) {
    String id = renewal.refreshAndStage(secret, current, versionId, List.of(), request);
    Version renewed = verifyAndPromote(secret, current, id, request);
    versions.finish(secret, current, Optional.empty(), id);
    return judged(
        new RotationResult.Rotated(secret.name(), id, current.id(), renewed.expiry()), renewed);
  }

  private RotationResult resume(
      Secret secret,
      Version current,
      Version successor,
      String versionId,
      RotationRequest request) {
    String id = versions.adopt(secret, current, successor, versionId, List.of());
    Version resumed = verifyAndPromote(secret, current, id, request);
    versions.finish(secret, current, Optional.of(successor), id);
    return judged(
        new RotationResult.Resumed(secret.name(), id, current.id(), resumed.expiry()), resumed);
  }

  /** Reads a staged version back, and makes it current once Momento has accepted its key. */
  Version verifyAndPromote(
      Secret secret, Version current, String versionId, RotationRequest request) {
    Version staged = versions.readEventually(LogStep.READ_SUCCESSOR, secret, versionId);
    verification.requireAccepted(staged, current, request);
    versions.promote(secret, current.id(), versionId);
    return staged;
  }

  /** Finds out whether a rotation would go through, and stops short of refreshing the key. */
  RotationResult dryRun(String secretId, RotationRequest request) {
    Secret secret = versions.describe(secretId);
    Optional<Version> currentVersion = versions.current(secret);
    if (currentVersion.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    Version current = currentVersion.get();
    boolean resume =
        versions
            .successorOf(secret, current)
            .filter(version -> verification.isAccepted(version, current, request))
            .isPresent();
    if (!resume) {
      var _ = renewal.requireRefreshable(KeySecret.parse(current.value()));
      verification.requireCurrentAccepted(current, request);
    }
    log.step(LogStep.PROBE_WRITE, current.id(), () -> store.probeWrite(secret, current));
    return judged(
        new RotationResult.WouldRotate(
            secret.name(), current.id(), current.expiry(), isDue(secret, current), resume),
        current);
  }

  /**
   * Returns where this request stores a new key; empty if the request has come to its end before.
   *
   * <p>A version id can be used only once, and the ids of a request follow from each other. The
   * request is done if one of its versions is or was current: by its labels; by its age, if a
   * younger version is current; or, as the label of a successor comes off when it is promoted,
   * because it has none while Momento accepts its key. It is done, too, if one is the successor of
   * another version: that one was replaced, or an operator has gone back from it. A version that
   * Momento rejects was given up, and the request goes on to the next id.
   */
  private Optional<Target> chooseTarget(RotationRequest request, Secret secret, Version current) {
    String id = request.versionId(secret.arn());
    while (!id.equals(current.id())) {
      Optional<Version> present = versions.read(LogStep.FIND_VERSION, secret, id);
      if (present.isEmpty()) {
        return Optional.of(new Target(id, Optional.empty()));
      }
      List<String> labels = present.get().labels();
      if (labels.contains(SecretVersions.labelFor(current.id()))) {
        return Optional.of(new Target(id, present));
      }
      if (isOrWasCurrent(secret, present.get())
          || !present.get().created().isAfter(current.created())
          || labels.stream().anyMatch(label -> label.startsWith(REPLACES))
          || (versions.successorOf(secret, current).isEmpty()
              && !(verification.verify(present.get(), Optional.of(current), request)
                  instanceof Verdict.Rejected))) {
        return Optional.empty();
      }
      id = RotationRequest.versionIdAfter(id);
    }
    return Optional.empty();
  }

  /** Tells whether Secrets Manager's own rotation of a secret seems to be under way. */
  private boolean isRotatedBySecretsManager(Secret secret) {
    return secret.rotationEnabled()
        && secret.labelled(PENDING).filter(id -> !secret.labelsOf(id).contains(CURRENT)).isPresent()
        && secret.changed().isAfter(clock.instant().minus(MAX_OWN_ROTATION));
  }

  /** Secrets Manager decides on the age of a key whose secret it rotates by itself. */
  private boolean isDue(Secret secret, Version current) {
    return policy.isDue(
        current.created(), current.expiry(), clock.instant(), !secret.rotationEnabled());
  }

  /** Turns a result into a failure if the key that is current now lives too short. */
  private RotationResult judged(RotationResult result, Version current) {
    return policy
        .judge(current.created(), current.expiry())
        .<RotationResult>map(
            failure -> new RotationResult.Failed(result.secret(), failure, Optional.of(result)))
        .orElse(result);
  }
}
