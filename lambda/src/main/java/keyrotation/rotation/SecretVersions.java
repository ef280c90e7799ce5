package keyrotation.rotation;

import static keyrotation.core.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.PENDING;
import static keyrotation.secretsmanager.StagingLabel.PREVIOUS;
import static keyrotation.secretsmanager.StagingLabel.REFRESHED;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.SecretStore;
import keyrotation.secretsmanager.StagingLabel;
import keyrotation.secretsmanager.Version;

/**
 * The versions of one secret, and what their staging labels say of a rotation.
 *
 * <p>A new version carries the label {@code MOMENTO_REPLACES_<id of its source>} from the call that
 * stores it until it is current. While its source is the current version, it is that version's
 * <i>successor</i>, and a rotation resumes with it. If an operator makes another version current,
 * the label does no harm. If the operator goes back to the source, the label counts again.
 */
public final class SecretVersions {

  private static final Duration STORE_RETRY_PAUSE = Duration.ofSeconds(1);

  private final SecretStore store;
  private final Time time;
  private final RotationLog log;
  private final Map<String, KeyVersion> known;

  /**
   * Prepares for calls.
   *
   * @param known takes the versions that are read; an invocation has one such map, for all secrets
   */
  public SecretVersions(
      SecretStore store, Time time, RotationLog log, Map<String, KeyVersion> known) {
    this.store = store;
    this.time = time;
    this.log = log;
    this.known = known;
  }

  /** Looks a secret up by name or ARN. */
  Secret describe(String secretId) {
    Secret secret = log.step(LogStep.DESCRIBE, () -> store.describe(secretId));
    log.secretIs(secret.name());
    return secret;
  }

  /** Describes a secret again until the description is as expected; gives up after some reads. */
  Secret describeEventually(String secretId, Predicate<Secret> expected) {
    return time.retryWhileStale(expected, () -> describe(secretId));
  }

  /** Returns the current version; empty if the secret has no value yet. */
  Optional<KeyVersion> current(Secret secret) {
    return secret.labelled(CURRENT).map(id -> readEventually(LogStep.READ_CURRENT, secret, id));
  }

  /** Returns the version that was current before. */
  Optional<KeyVersion> previous(Secret secret) {
    return secret.labelled(PREVIOUS).flatMap(id -> read(LogStep.READ_PREVIOUS, secret, id));
  }

  /** Reads a version; empty if there is none with that id, or none with a value yet. */
  Optional<KeyVersion> read(LogStep step, Secret secret, String versionId) {
    return log.step(step, versionId, () -> store.read(secret, versionId))
        .map(version -> remembered(secret, version));
  }

  /** Reads a version that exists, though a read may not see it at once. */
  KeyVersion readEventually(LogStep step, Secret secret, String versionId) {
    return remembered(
        secret,
        log.step(
            step,
            versionId,
            () ->
                time.<Optional<Version>>retryWhileStale(
                        Optional::isPresent, () -> store.read(secret, versionId))
                    .orElseThrow(
                        () ->
                            new RotationException(
                                SECRETS_MANAGER_UNAVAILABLE,
                                "The version " + versionId + " has no readable value yet."))));
  }

  /**
   * Returns a version that exists, for its value. A value never changes, so it is not read again if
   * this invocation has read it; but the labels may be those of that time.
   */
  KeyVersion withValue(LogStep step, Secret secret, String versionId) {
    KeyVersion read = known.get(place(secret, versionId));
    return read == null ? readEventually(step, secret, versionId) : read;
  }

  private KeyVersion remembered(Secret secret, Version version) {
    KeyVersion read = KeyVersion.of(version);
    known.put(place(secret, version.id()), read);
    return read;
  }

  private static String place(Secret secret, String versionId) {
    return secret.arn() + " " + versionId;
  }

  /**
   * Tells whether an operator went back to the current version: the previous one is younger than
   * it.
   */
  boolean operatorWentBack(RotationTask task) {
    return previous(task.secret())
        .filter(previous -> previous.created().isAfter(task.current().created()))
        .isPresent();
  }

  /** Returns the current version's successor, if it can replace the current one. */
  Optional<KeyVersion> successorOf(RotationTask task) {
    return task.labelledSuccessor()
        .flatMap(id -> read(LogStep.READ_SUCCESSOR, task.secret(), id))
        .filter(version -> !task.isOrWasCurrent(version))
        .filter(version -> !isCopyOfPrevious(task, version))
        .or(() -> successorOfOlderFunction(task))
        .filter(version -> version.canReplace(task.current()));
  }

  /**
   * Tells whether a version holds what the previous one does. Then a request adopted it without
   * seeing that another had promoted its key, and an operator has gone back from that key.
   */
  private boolean isCopyOfPrevious(RotationTask task, KeyVersion version) {
    return previous(task.secret()).filter(version::hasSameValueAs).isPresent();
  }

  /**
   * Tells whether a version with AWSPENDING is the current one's successor. A version is read
   * together with its labels, so a description that is older than the version does not hide them.
   */
  boolean isSuccessor(RotationTask task, KeyVersion version) {
    String label = task.successorLabel();
    return !task.isOrWasCurrent(version)
        && (version.labels().contains(label)
            || task.secret().labelsOf(version.id()).contains(label)
            || successorOfOlderFunction(task).isPresent());
  }

  /**
   * Returns what an older version of this function has left unfinished: a version with AWSPENDING,
   * whose source has MOMENTO_REFRESHED. An operator's key that was stored since then wins.
   */
  private Optional<KeyVersion> successorOfOlderFunction(RotationTask task) {
    KeyVersion current = task.current();
    if (!task.secret().labelled(REFRESHED).equals(Optional.of(current.id()))) {
      return Optional.empty();
    }
    return task.secret()
        .labelled(PENDING)
        .flatMap(id -> read(LogStep.READ_SUCCESSOR, task.secret(), id))
        .filter(version -> !task.isOrWasCurrent(version))
        .filter(version -> version.created().isAfter(current.created()))
        .filter(_ -> !operatorWentBack(task));
  }

  /**
   * Proves that a new version can be stored, before Momento is asked for a key: there is room for
   * its label, and Secrets Manager accepts a write. The current value is put again under its own
   * id, which changes nothing.
   */
  void probeWrite(RotationTask task) {
    Secret secret = task.secret();
    if (secret.isFull() && task.labelledSuccessor().isEmpty()) {
      throw new RotationException(
          QUOTA_EXCEEDED,
          "The secret has "
              + StagingLabel.MAX_PER_SECRET
              + " staging labels, which is the most that it can have.");
    }
    KeyVersion current = task.current();
    log.step(
        LogStep.PROBE_WRITE,
        current.id(),
        () -> store.probeWrite(secret, current.id(), current.text()));
  }

  /**
   * Stores a new key as the current version's successor. The key may be the only one that can still
   * be refreshed, so storing it is tried again while there is time.
   *
   * @param labels what the version is to carry beside the label of a successor
   * @return the id of the successor
   */
  String stage(RotationTask task, String versionId, Sensitive value, List<String> labels) {
    return log.step(
        LogStep.STAGE, versionId, () -> putPersistently(task, versionId, value, labels));
  }

  private String putPersistently(
      RotationTask task, String versionId, Sensitive value, List<String> labels) {
    Instant endOfRefusals = time.instant().plus(TimeBudget.MAX_STORE_REFUSAL);
    while (true) {
      try {
        return put(task, versionId, value, labels);
      } catch (RotationException failure) {
        Instant next = time.instant().plus(STORE_RETRY_PAUSE);
        boolean mayPass =
            failure.reason() == SECRETS_MANAGER_UNAVAILABLE || next.isBefore(endOfRefusals);
        if (!mayPass || !next.isBefore(task.request().budget().latestStore())) {
          throw failure;
        }
      }
      time.sleep(STORE_RETRY_PAUSE);
    }
  }

  /**
   * Puts a value with the label of a successor.
   *
   * <p>Another delivery of the same request may have used the id. If its version is the successor,
   * or was promoted already, its key is as good. Else the value is put under the next id.
   */
  private String put(RotationTask task, String versionId, Sensitive value, List<String> labels) {
    List<String> all = Stream.concat(labels.stream(), Stream.of(task.successorLabel())).toList();
    if (store.put(task.secret(), versionId, value, all)) {
      return versionId;
    }
    List<String> present =
        readEventually(LogStep.READ_SUCCESSOR, task.secret(), versionId).labels();
    if (present.contains(task.successorLabel()) || RotationTask.isOrWasCurrent(present)) {
      return versionId;
    }
    // AWSPENDING belongs to the version that Secrets Manager has chosen, and to no other.
    return put(task, RotationRequest.versionIdAfter(versionId), value, List.of());
  }

  /**
   * Stores a successor's value under the request's own id, so that the request is recognized when
   * it is delivered again.
   *
   * @return the id of the successor
   */
  String adopt(RotationTask task, KeyVersion successor, String versionId, List<String> labels) {
    return successor.id().equals(versionId)
        ? versionId
        : log.step(LogStep.ADOPT, versionId, () -> put(task, versionId, successor.text(), labels));
  }

  /** Takes a successor's labels off: no rotation resumes with it any more. */
  void giveUp(RotationTask task, KeyVersion successor) {
    removeLabel(LogStep.GIVE_UP, task.secret(), task.successorLabel(), successor.id());
    if (task.secret().labelsOf(successor.id()).contains(PENDING)) {
      removeLabel(LogStep.GIVE_UP, task.secret(), PENDING, successor.id());
    }
  }

  /**
   * Makes a version current in place of the task's current one. The secret is described again right
   * before: if a third version became current meanwhile, all stay as they are.
   */
  void promote(RotationTask task, String versionId) {
    Secret secret = task.secret();
    String from = task.current().id();
    Secret now = describe(secret.arn());
    boolean isDone = now.labelled(CURRENT).equals(Optional.of(versionId));
    boolean isUnchanged =
        now.labelled(CURRENT).equals(Optional.of(from))
            && now.labelled(PREVIOUS).equals(secret.labelled(PREVIOUS));
    if (isDone) {
      return;
    }
    if (!isUnchanged
        || !log.step(LogStep.PROMOTE, versionId, () -> store.promote(secret, from, versionId))) {
      throw new RotationException(
          SUPERSEDED,
          "Another version became AWSCURRENT during this rotation and was left in place.");
    }
  }

  /**
   * Puts a label on a version that exists.
   *
   * @return false if another version has the label
   */
  boolean addLabel(LogStep step, Secret secret, String label, String versionId) {
    return log.step(step, versionId, () -> store.addLabel(secret, label, versionId));
  }

  /**
   * Stores the first key of a secret. The version becomes current by itself if it is the first one;
   * with a label of its own, it takes AWSCURRENT from no other.
   *
   * @return false if an earlier delivery of the same request has stored another key
   */
  boolean putFirst(Secret secret, String versionId, Sensitive value) {
    return log.step(
        LogStep.STAGE,
        versionId,
        () -> store.put(secret, versionId, value, List.of(StagingLabel.FIRST)));
  }

  /** Takes a label off, and returns the secret without it. */
  Secret takeOff(Secret secret, String label, String versionId) {
    removeLabel(LogStep.REMOVE_LABEL, secret, label, versionId);
    return secret.without(label);
  }

  private void removeLabel(LogStep step, Secret secret, String label, String versionId) {
    log.step(step, versionId, () -> store.removeLabel(secret, label, versionId));
  }
}
