package keyrotation.rotation;

import static keyrotation.secretsmanager.StagingLabel.PENDING;
import static keyrotation.secretsmanager.StagingLabel.PREVIOUS;
import static keyrotation.secretsmanager.StagingLabel.REFRESHED;
import static keyrotation.secretsmanager.StagingLabel.REPLACES;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.secretsmanager.Secret;

/** Takes off staging labels that have served their purpose. */
public final class LabelCleanup {

  /** How many labels of sources that are gone may stay. */
  private static final int MAX_STRAY_LABELS = 5;

  private final SecretVersions versions;
  private final Retirement retirement;

  public LabelCleanup(SecretVersions versions, Retirement retirement) {
    this.versions = versions;
    this.retirement = retirement;
  }

  /**
   * Takes off what earlier runs have left because they crashed or were overtaken.
   *
   * @return the task, with the secret's remaining labels
   */
  RotationTask beforeRotation(RotationTask task) {
    RotationTask cleaned = task.with(withoutFinishedLabels(task.secret()));
    cleaned = cleaned.with(retirement.withoutTimesOfUsedKeys(cleaned.secret()));
    cleaned = cleaned.with(withoutCopyOfPrevious(cleaned));
    cleaned = cleaned.with(withoutStalePending(cleaned));
    return cleaned.with(withoutStrayLabels(cleaned.secret()));
  }

  /** Takes our label off the current and the previous version: their rotations are done. */
  private Secret withoutFinishedLabels(Secret secret) {
    Secret cleaned = secret;
    for (Map.Entry<String, List<String>> version : secret.labels().entrySet()) {
      if (RotationTask.isOrWasCurrent(version.getValue())) {
        for (String label : version.getValue()) {
          if (label.startsWith(REPLACES)) {
            cleaned = versions.takeOff(cleaned, label, version.getKey());
          }
        }
      }
    }
    return cleaned;
  }

  /** Takes our label off a copy of the previous version: an operator has gone back from its key. */
  private Secret withoutCopyOfPrevious(RotationTask task) {
    Secret secret = task.secret();
    Optional<String> copy =
        task.labelledSuccessor()
            .filter(
                id ->
                    versions
                        .previous(secret)
                        .filter(previous -> holds(LogStep.READ_SUCCESSOR, secret, id, previous))
                        .isPresent());
    return copy.isPresent() ? versions.takeOff(secret, task.successorLabel(), copy.get()) : secret;
  }

  /**
   * Takes AWSPENDING off the previous version and off a copy of the current one, where it would
   * keep Secrets Manager from rotating.
   */
  private Secret withoutStalePending(RotationTask task) {
    Secret secret = task.secret();
    Optional<String> stale =
        secret
            .labelled(PENDING)
            .filter(id -> !id.equals(task.current().id()))
            .filter(
                id ->
                    secret.labelsOf(id).contains(PREVIOUS)
                        || holds(LogStep.READ_PENDING, secret, id, task.current()));
    return stale.isPresent() ? versions.takeOff(secret, PENDING, stale.get()) : secret;
  }

  private boolean holds(LogStep step, Secret secret, String versionId, KeyVersion value) {
    return versions.read(step, secret, versionId).filter(value::hasSameValueAs).isPresent();
  }

  /** Takes off labels of sources that are gone, where there are many. */
  private Secret withoutStrayLabels(Secret secret) {
    Secret cleaned = secret;
    List<String> stray =
        secret.labels().values().stream()
            .flatMap(List::stream)
            .filter(label -> label.startsWith(REPLACES))
            .filter(label -> !secret.labels().containsKey(label.substring(REPLACES.length())))
            .sorted()
            .skip(secret.isFull() ? 0 : MAX_STRAY_LABELS)
            .toList();
    for (String label : stray) {
      cleaned = versions.takeOff(cleaned, label, cleaned.labelled(label).orElseThrow());
    }
    return cleaned;
  }

  /**
   * Takes off the labels of a rotation that is done, and retires the source. The rotation stays
   * done if that fails; the next one does it.
   *
   * @param successor the version whose key was promoted, if it was stored under another id
   * @param versionId the new current version
   * @return what becomes of the old key
   */
  OldKey afterPromotion(RotationTask task, Optional<KeyVersion> successor, String versionId) {
    Secret secret = task.secret();
    takeOffIfPossible(secret, task.successorLabel(), versionId);
    // On a version that is not current, AWSPENDING would keep Secrets Manager from rotating.
    secret
        .labelled(PENDING)
        .filter(
            id ->
                id.equals(task.current().id())
                    || successor.filter(version -> version.id().equals(id)).isPresent())
        .ifPresent(id -> takeOffIfPossible(secret, PENDING, id));
    secret.labelled(REFRESHED).ifPresent(id -> takeOffIfPossible(secret, REFRESHED, id));
    return retirement.afterPromotion(task);
  }

  private void takeOffIfPossible(Secret secret, String label, String versionId) {
    try {
      var _ = versions.takeOff(secret, label, versionId);
    } catch (RotationException logged) {
      // The step has logged it.
    }
  }
}
