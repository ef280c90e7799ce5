package keyrotation.rotation;

import static keyrotation.secretsmanager.StagingLabel.REPLACES;

import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Verdict;

/**
 * Where a request stores a new key.
 *
 * @param id the version id, which follows from the request
 * @param stored the successor that an earlier delivery of the request has stored under this id
 */
public record TargetVersion(String id, Optional<KeyVersion> stored) {

  /** Returns an unused id, for a new key. */
  String freeId() {
    return stored.isPresent() ? RotationRequest.versionIdAfter(id) : id;
  }

  /**
   * Chooses the version id of a request; empty if the request was carried out before.
   *
   * <p>A version id can be used only once, and the ids of a request follow from each other. A
   * version that Momento rejects, or whose role is no longer asked for, was given up, and the
   * request goes on to the next id.
   */
  static Optional<TargetVersion> chooseVersionId(
      RotationTask task,
      SecretVersions versions,
      KeyVerification verification,
      KeyRenewal renewal) {
    String id = task.request().versionId(task.secret().arn());
    while (!id.equals(task.current().id())) {
      Optional<KeyVersion> present = versions.read(LogStep.FIND_VERSION, task.secret(), id);
      if (present.isEmpty() || present.get().labels().contains(task.successorLabel())) {
        return Optional.of(new TargetVersion(id, present));
      }
      if (isCarriedOut(task, present.get(), versions, verification, renewal)) {
        return Optional.empty();
      }
      id = RotationRequest.versionIdAfter(id);
    }
    return Optional.empty();
  }

  /**
   * Tells whether a request that has stored a version was carried out. It was, if the version
   *
   * <ul>
   *   <li>is or was current, by its labels, or because a younger version is current;
   *   <li>is the successor of another version, which was replaced or an operator went back from;
   *   <li>has no label, while Momento accepts its key: its label came off when it was promoted.
   * </ul>
   */
  private static boolean isCarriedOut(
      RotationTask task,
      KeyVersion stored,
      SecretVersions versions,
      KeyVerification verification,
      KeyRenewal renewal) {
    List<String> labels = stored.labels();
    return task.isOrWasCurrent(stored)
        || !stored.created().isAfter(task.current().created())
        || labels.stream().anyMatch(label -> label.startsWith(REPLACES))
        || (versions.successorOf(task).isEmpty()
            && !(verification.verifySuccessorOnce(task, stored) instanceof Verdict.Rejected)
            && renewal.isIntended(task, stored));
  }
}
