package keyrotation.rotation;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationRequest;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.StagingLabel;

/**
 * The rotation of a secret that a request asks for.
 *
 * @param secret as described when the rotation began, without the labels that it has taken off
 * @param current the source: the version that a new key is to replace
 */
public record RotationTask(Secret secret, KeyVersion current, RotationRequest request) {

  RotationTask with(Secret changed) {
    return new RotationTask(changed, current, request);
  }

  /**
   * Tells whether the current key is due. Its age does not count if Secrets Manager's own rotation
   * is enabled, since that has a schedule of its own.
   */
  boolean isDue(RenewalPolicy policy, Instant now) {
    return policy
        .with(secret.tags().rotateAfter())
        .isDue(
            current.created(), current.expiry(), now, !secret.rotationEnabled(), current.holdsV2());
  }

  /** Returns when the current key becomes due; empty if it never does. */
  Optional<Instant> dueAt(RenewalPolicy policy) {
    return policy
        .with(secret.tags().rotateAfter())
        .dueAt(current.created(), current.expiry(), !secret.rotationEnabled(), current.holdsV2());
  }

  /**
   * Tells from what was read so far that no rotation of the secret is under way, and that this
   * request has not rotated it before.
   */
  boolean isUntouched(Instant now) {
    return !request.versionId(secret.arn()).equals(current.id())
        && !secret.isBeingRotated(now)
        && labelledSuccessor().isEmpty()
        && secret.labelled(StagingLabel.REFRESHED).isEmpty();
  }

  /** Returns the label of a version that replaces the current one. */
  String successorLabel() {
    return StagingLabel.replaces(current.id());
  }

  /** Returns the id of the version that has the label of a successor, stored or promoted. */
  Optional<String> labelledSuccessor() {
    return secret.labelled(successorLabel());
  }

  /**
   * Tells whether a version is or was current, by its own labels or by the description: either may
   * be older than a promotion.
   */
  boolean isOrWasCurrent(KeyVersion version) {
    return isOrWasCurrent(version.labels()) || isOrWasCurrent(secret.labelsOf(version.id()));
  }

  /** Tells whether the labels are those of the current or of the previous version. */
  static boolean isOrWasCurrent(List<String> labels) {
    return labels.contains(StagingLabel.CURRENT) || labels.contains(StagingLabel.PREVIOUS);
  }
}
