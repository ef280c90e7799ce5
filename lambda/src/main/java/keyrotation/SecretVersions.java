package keyrotation;

import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretStore.PREVIOUS;
import static keyrotation.SecretStore.REFRESHED;
import static keyrotation.SecretStore.REPLACES;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/**
 * The versions of one secret, and what their labels say of a rotation.
 *
 * <p>A new version carries the label {@code MOMENTO_REPLACES_<id of its source>} from the call that
 * stores it until it is current. While its source is the current version, it is that version's
 * <i>successor</i>, and a rotation resumes with it. Where an operator has made another version
 * current, the label does no harm; where the operator goes back to the source, it counts again.
 */
final class SecretVersions {

  /** How many labels of sources that are gone may stay. */
  private static final int MAX_STRAY_LABELS = 5;

  private final SecretStore store;
  private final RotationLog log;

  SecretVersions(SecretStore store, RotationLog log) {
    this.store = store;
    this.log = log;
  }

  /** Looks a secret up by name or ARN. */
  Secret describe(String secretId) {
    Secret secret = log.step(LogStep.DESCRIBE, () -> store.describe(secretId));
    log.secretIs(secret.name());
    return secret;
  }

  /** The same where a description may be older than what it is to show. */
  Secret describeShowing(String secretId, Predicate<Secret> expected) {
    return store.retryWhileStale(expected, () -> describe(secretId));
  }

  /** Returns the current version; empty if the secret has no value yet. */
  Optional<Version> current(Secret secret) {
    return secret.labelled(CURRENT).map(id -> readEventually(LogStep.READ_CURRENT, secret, id));
  }

  /** Reads a version; empty if there is none with that id, or none with a value yet. */
  Optional<Version> read(LogStep step, Secret secret, String versionId) {
    return log.step(step, versionId, () -> store.read(secret, versionId));
  }

  /** Reads a version that is known to be there, though a read may not see it at once. */
  Version readEventually(LogStep step, Secret secret, String versionId) {
    return log.step(
        step,
        versionId,
        () ->
            store
                .<Optional<Version>>retryWhileStale(
                    Optional::isPresent, () -> store.read(secret, versionId))
                .orElseThrow(
                    () ->
                        new RotationException(
                            SECRETS_MANAGER_UNAVAILABLE,
                            "The version " + versionId + " has no readable value yet.")));
  }

  Optional<Version> previous(Secret secret) {
    return secret.labelled(PREVIOUS).flatMap(id -> read(LogStep.READ_PREVIOUS, secret, id));
  }

  /** Tells whether an operator has gone back to the current version: the previous is younger. */
  boolean wentBack(Secret secret, Version current) {
    return previous(secret)
        .filter(previous -> previous.created().isAfter(current.created()))
        .isPresent();
  }

  /**
   * Returns the stored, not yet promoted version that replaces the current one, if it is worth to
   * be resumed with.
   */
  Optional<Version> successorOf(Secret secret, Version current) {
    return secret
        .labelled(labelFor(current))
        .flatMap(id -> read(LogStep.READ_SUCCESSOR, secret, id))
        .filter(version -> !isOrWasCurrent(secret, version))
        .filter(version -> !isCopyOfPrevious(secret, version))
        .or(() -> successorOfOlderFunction(secret, current))
        .filter(version -> isBetter(version, current));
  }

  /** Tells whether a version holds another key, which ends no earlier and can be renewed. */
  static boolean isBetter(Version version, Version current) {
    return !version.text().equals(current.text())
        && !current.expiry().isAfter(version.expiry())
        && version.content().flatMap(KeySecret::refreshToken).isPresent();
  }

  /**
   * Tells whether a version holds what the previous one does. Then it was adopted by a request that
   * did not see yet that another had promoted its key, and an operator has gone back from that.
   */
  private boolean isCopyOfPrevious(Secret secret, Version version) {
    return previous(secret).filter(previous -> previous.text().equals(version.text())).isPresent();
  }

  /**
   * Tells whether a version with AWSPENDING is the current one's successor. A version is read
   * together with its labels, so a description that is older than the version does not hide them.
   */
  boolean isSuccessor(Secret secret, Version version, Version current) {
    String label = labelFor(current);
    return version.labels().contains(label)
        || secret.labelsOf(version.id()).contains(label)
        || successorOfOlderFunction(secret, current).isPresent();
  }

  /**
   * Returns what an older version of this function has left unfinished: a version with AWSPENDING,
   * whose source has MOMENTO_REFRESHED. An operator's key that came in between wins.
   */
  private Optional<Version> successorOfOlderFunction(Secret secret, Version current) {
    if (!secret.labelled(REFRESHED).equals(Optional.of(current.id()))) {
      return Optional.empty();
    }
    return secret
        .labelled(PENDING)
        .flatMap(id -> read(LogStep.READ_SUCCESSOR, secret, id))
        .filter(version -> !isOrWasCurrent(secret, version))
        .filter(version -> version.created().isAfter(current.created()))
        .filter(_ -> !wentBack(secret, current));
  }

  /**
   * Takes off what runs that died or came too late have left: a label of ours on a version that is
   * current, was current just before, or is a copy of that one; AWSPENDING on the previous version,
   * or on a copy of the current one, where it would keep Secrets Manager from rotating; and labels
   * of sources that are gone, where there are many.
   */
  Secret tidy(Secret secret, Version current) {
    Secret tidied = secret;
    for (Map.Entry<String, List<String>> version : secret.labels().entrySet()) {
      if (isOrWasCurrent(version.getValue())) {
        for (String label : version.getValue()) {
          if (label.startsWith(REPLACES)) {
            tidied = takeOff(tidied, label, version.getKey());
          }
        }
      }
    }
    Optional<String> copy =
        tidied
            .labelled(labelFor(current))
            .filter(
                id ->
                    previous(secret)
                        .filter(
                            previous -> holds(LogStep.READ_SUCCESSOR, secret, id, previous.text()))
                        .isPresent());
    if (copy.isPresent()) {
      tidied = takeOff(tidied, labelFor(current), copy.get());
    }
    Optional<String> pending =
        secret
            .labelled(PENDING)
            .filter(id -> !id.equals(current.id()))
            .filter(
                id ->
                    secret.labelsOf(id).contains(PREVIOUS)
                        || holds(LogStep.READ_PENDING, secret, id, current.text()));
    if (pending.isPresent()) {
      tidied = takeOff(tidied, PENDING, pending.get());
    }
    return withoutStrayLabels(tidied);
  }

  private boolean holds(LogStep step, Secret secret, String versionId, Optional<Sensitive> text) {
    return read(step, secret, versionId).filter(version -> version.text().equals(text)).isPresent();
  }

  private Secret withoutStrayLabels(Secret secret) {
    Secret tidied = secret;
    List<String> stray =
        secret.labels().values().stream()
            .flatMap(List::stream)
            .filter(label -> label.startsWith(REPLACES))
            .filter(label -> !secret.labels().containsKey(label.substring(REPLACES.length())))
            .sorted()
            .skip(secret.isFull() ? 0 : MAX_STRAY_LABELS)
            .toList();
    for (String label : stray) {
      tidied = takeOff(tidied, label, tidied.labelled(label).orElseThrow());
    }
    return tidied;
  }

  /**
   * Stores a value as the current version's successor.
   *
   * <p>The id may be taken, by another delivery of the same request. If that version is the
   * successor, or was promoted already, its key is as good; else the value is stored under the next
   * id.
   *
   * @param labels what the version is to carry beside the label of a successor
   * @return the id of the successor
   */
  String stage(
      Secret secret, Version current, String versionId, Sensitive value, List<String> labels) {
    List<String> all = Stream.concat(labels.stream(), Stream.of(labelFor(current))).toList();
    if (store.put(secret, versionId, value, all)) {
      return versionId;
    }
    List<String> taken = readEventually(LogStep.READ_SUCCESSOR, secret, versionId).labels();
    if (taken.contains(labelFor(current)) || isOrWasCurrent(taken)) {
      return versionId;
    }
    // AWSPENDING belongs to the version that Secrets Manager has chosen, and to no other.
    return stage(secret, current, RotationRequest.versionIdAfter(versionId), value, List.of());
  }

  /**
   * Stores a successor's value under another id, so that the request which resumes with it is known
   * when it is delivered again.
   *
   * @return the id of the successor
   */
  String adopt(
      Secret secret, Version current, Version successor, String versionId, List<String> labels) {
    return successor.id().equals(versionId)
        ? versionId
        : log.step(
            LogStep.ADOPT,
            versionId,
            () -> stage(secret, current, versionId, successor.value(), labels));
  }

  /** Gives a successor up: no rotation resumes with it any more. */
  void giveUp(Secret secret, Version current, Version successor) {
    takeOff(LogStep.GIVE_UP, secret, labelFor(current), successor.id());
    if (secret.labelsOf(successor.id()).contains(PENDING)) {
      takeOff(LogStep.GIVE_UP, secret, PENDING, successor.id());
    }
  }

  /**
   * Makes a version current in place of another, unless a third became current meanwhile: then both
   * stay as they are.
   */
  void promote(Secret secret, String from, String to) {
    Secret now = describe(secret.arn());
    boolean isDone = now.labelled(CURRENT).equals(Optional.of(to));
    boolean isUnchanged =
        now.labelled(CURRENT).equals(Optional.of(from))
            && now.labelled(PREVIOUS).equals(secret.labelled(PREVIOUS));
    if (!isDone
        && !(isUnchanged && log.step(LogStep.PROMOTE, to, () -> store.promote(secret, from, to)))) {
      throw superseded();
    }
  }

  /**
   * Takes off the labels of a rotation that is done. The rotation stays done if that fails; the
   * next one tidies up.
   *
   * @param source the version that was replaced
   * @param successor the version that the new one was adopted from, if any
   * @param versionId the new version
   */
  void finish(Secret secret, Version source, Optional<Version> successor, String versionId) {
    takeOffIfPossible(secret, labelFor(source), versionId);
    // Left on a version that is not current, it would keep Secrets Manager from rotating.
    secret
        .labelled(PENDING)
        .filter(
            id ->
                id.equals(source.id())
                    || successor.filter(version -> version.id().equals(id)).isPresent())
        .ifPresent(id -> takeOffIfPossible(secret, PENDING, id));
    secret.labelled(REFRESHED).ifPresent(id -> takeOffIfPossible(secret, REFRESHED, id));
  }

  private void takeOffIfPossible(Secret secret, String label, String versionId) {
    try {
      var _ = takeOff(secret, label, versionId);
    } catch (RotationException logged) {
      // The log has it.
    }
  }

  static RotationException superseded() {
    return new RotationException(
        SUPERSEDED,
        "Another version became AWSCURRENT during this rotation and was left in place.");
  }

  /** Takes a label off, and returns the secret without it. */
  Secret takeOff(Secret secret, String label, String versionId) {
    takeOff(LogStep.REMOVE_LABEL, secret, label, versionId);
    return secret.without(label);
  }

  private void takeOff(LogStep step, Secret secret, String label, String versionId) {
    log.step(step, versionId, () -> store.removeLabel(secret, label, versionId));
  }

  /**
   * Tells whether a version is or was current, by its own labels or by the description: either may
   * be older than a promotion.
   */
  static boolean isOrWasCurrent(Secret secret, Version version) {
    return isOrWasCurrent(version.labels()) || isOrWasCurrent(secret.labelsOf(version.id()));
  }

  private static boolean isOrWasCurrent(List<String> labels) {
    return labels.contains(CURRENT) || labels.contains(PREVIOUS);
  }

  private static String labelFor(Version source) {
    return labelFor(source.id());
  }

  /** Returns the label of a successor of the version. */
  static String labelFor(String sourceId) {
    return REPLACES + sourceId;
  }
}
