package keyrotation.rotation;

import static java.util.stream.Collectors.toSet;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import keyrotation.core.RotationException;
import keyrotation.momento.MomentoKey;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.StagingLabel;

/**
 * The v2 keys that must not be revoked, by their ids: a labelled version of some secret holds them
 * in its value, and its time to be revoked is not over.
 */
record HeldKeys(Set<String> ids) {

  /**
   * A secret, and what its labelled versions hold.
   *
   * @param versions the labelled versions, by id
   */
  record Inspected(Secret secret, Map<String, KeyVersion> versions) {

    /** Returns the v2 key that a labelled version holds. */
    Optional<MomentoKey.V2> key(String versionId) {
      return Optional.ofNullable(versions.get(versionId)).flatMap(KeyVersion::v2Key);
    }

    /** Tells whether a labelled version holds the key with this id. */
    boolean hasKey(String keyId) {
      return versions.values().stream().anyMatch(version -> version.holdsV2Key(keyId));
    }

    /** Returns the current version. */
    Optional<KeyVersion> current() {
      return secret
          .labelled(StagingLabel.CURRENT)
          .flatMap(id -> Optional.ofNullable(versions.get(id)));
    }

    Inspected with(Secret changed) {
      return new Inspected(changed, versions);
    }

    /** Returns the secret as it is once a version more has a label. */
    Inspected with(Secret changed, KeyVersion labelled) {
      Map<String, KeyVersion> more = new HashMap<>(versions);
      more.put(labelled.id(), labelled);
      return new Inspected(changed, more);
    }
  }

  /** Finds the keys that the secrets of a run hold. */
  static HeldKeys of(Collection<Inspected> secrets, Instant now) {
    return new HeldKeys(
        secrets.stream()
            .flatMap(
                found ->
                    found.versions.keySet().stream()
                        .filter(id -> !isOver(found.secret, id, now))
                        .flatMap(id -> found.key(id).stream()))
            .map(MomentoKey.V2::id)
            .collect(toSet()));
  }

  boolean contains(String keyId) {
    return ids.contains(keyId);
  }

  /**
   * Tells whether a version's time to be revoked is over, and it is neither current nor the current
   * version's successor. That of a paused secret never is.
   */
  static boolean isOver(Secret secret, String versionId, Instant now) {
    return secret.revocationTime(versionId).filter(time -> !time.isAfter(now)).isPresent()
        && !isCurrentOrSuccessor(secret, versionId)
        && !mayBePaused(secret);
  }

  /** Tells whether a secret is paused, or has a tag that does not tell. */
  private static boolean mayBePaused(Secret secret) {
    try {
      return secret.tags().isPaused();
    } catch (RotationException invalidTag) {
      return true;
    }
  }

  static boolean isCurrentOrSuccessor(Secret secret, String versionId) {
    String successorLabel =
        secret
            .labelled(StagingLabel.CURRENT)
            .map(StagingLabel::replaces)
            .orElse(StagingLabel.FIRST);
    return secret.labelsOf(versionId).stream()
        .anyMatch(
            label ->
                label.equals(StagingLabel.CURRENT)
                    || label.equals(StagingLabel.PENDING)
                    || label.equals(successorLabel));
  }
}
