package keyrotation.rotation;

import static java.time.temporal.ChronoUnit.MINUTES;
import static keyrotation.secretsmanager.StagingLabel.MAX_REVOKE_AFTER;
import static keyrotation.secretsmanager.StagingLabel.PREVIOUS;
import static keyrotation.secretsmanager.StagingLabel.REPLACES;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import keyrotation.core.RotationException;
import keyrotation.momento.KeyListing;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.rotation.HeldKeys.Inspected;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.StagingLabel;

/**
 * Retires replaced versions: labels each with the time after which its key is revoked. That is
 * noted in the secret alone, so no run has to remember it, and an operator can take it off.
 */
public final class Retirement {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SecretVersions versions;
  private final AccountKeys keys;
  private final RevocationPolicy policy;
  private final InstantSource clock;

  public Retirement(
      SecretVersions versions, AccountKeys keys, RevocationPolicy policy, InstantSource clock) {
    this.versions = versions;
    this.keys = keys;
    this.policy = policy;
    this.clock = clock;
  }

  /**
   * Retires the version that a promotion has replaced. If that fails, or the list of keys was not
   * read, the next scheduled run does it.
   *
   * @return what becomes of its key
   */
  OldKey afterPromotion(RotationTask task) {
    KeyVersion replaced = task.current();
    if (!(replaced.key().map(KeySecret::key).orElse(null) instanceof MomentoKey.V2 key)) {
      return new OldKey.V1(replaced.expiry());
    }
    Secret secret = task.secret();
    try {
      return keys.findIfListed(key.id())
          .filter(listed -> policy.allows(secret, listed))
          .flatMap(_ -> policy.endOfGrace(secret, clock.instant()))
          .flatMap(end -> retire(secret, replaced.id(), end))
          .flatMap(retired -> retired.revocationTime(replaced.id()))
          .<OldKey>map(OldKey.RevokedAfter::new)
          .orElseGet(() -> new OldKey.Stays(replaced.expiry()));
    } catch (RotationException e) {
      // The next scheduled run sets the time, or reports why it cannot.
      return new OldKey.Stays(replaced.expiry());
    }
  }

  /** Retires the previous version, and versions that will not be promoted any more. */
  Inspected retireReplaced(Inspected found, KeyListing listing, Instant endOfGrace) {
    Secret secret = found.secret();
    Optional<String> previous = secret.labelled(PREVIOUS);
    if (previous.filter(id -> wasCurrentSince(found, id)).isPresent()) {
      secret = withoutTimes(secret, previous.get());
    }
    if (previous.filter(id -> isRevocable(found, id, listing)).isPresent()
        && secret.revocationTime(previous.get()).isEmpty()) {
      secret = retire(secret, previous.get(), endOfGrace).orElse(secret);
    }
    for (Map.Entry<String, List<String>> version : found.secret().labels().entrySet()) {
      for (String label : version.getValue()) {
        if (isOfNoSource(found, version.getKey(), label)) {
          secret = retireUnpromoted(secret, label, version.getKey(), endOfGrace);
        }
      }
    }
    return found.with(secret);
  }

  /**
   * Tells whether a label makes its version the successor of one that is gone. That of a v1 key
   * stays: it may be the only one that can be refreshed if an operator goes back to the source.
   */
  private static boolean isOfNoSource(Inspected found, String versionId, String label) {
    Secret secret = found.secret();
    return label.startsWith(REPLACES)
        && found.key(versionId).isPresent()
        && !HeldKeys.isCurrentOrSuccessor(secret, versionId)
        && !secret.labels().containsKey(label.substring(REPLACES.length()));
  }

  /**
   * Tells whether the previous version became current once more after it was retired: its time was
   * over before the current version was created.
   */
  private static boolean wasCurrentSince(Inspected found, String previous) {
    return found
        .secret()
        .revocationTime(previous)
        .filter(time -> found.current().map(KeyVersion::created).filter(time::isBefore).isPresent())
        .isPresent();
  }

  /** Retires stored versions that have lost their labels, as later promotions take them. */
  Inspected retireUnlabelled(Inspected found, LooseKeys loose, Instant endOfGrace) {
    Inspected retired = found;
    for (KeyVersion stored : loose.stored()) {
      Optional<Secret> labelled = retire(retired.secret(), stored.id(), endOfGrace);
      retired = labelled.isPresent() ? retired.with(labelled.get(), stored) : retired;
    }
    return retired;
  }

  /** Retires a version that was to replace another one whose key is gone. */
  void retireSuccessorOf(Secret secret, String sourceId) {
    String label = StagingLabel.replaces(sourceId);
    Optional<String> successor = secret.labelled(label);
    Optional<Instant> end = policy.endOfGrace(secret, clock.instant());
    if (successor.isPresent() && end.isPresent()) {
      var _ = retireUnpromoted(secret, label, successor.get(), end.get());
    }
  }

  private Secret retireUnpromoted(Secret secret, String label, String versionId, Instant end) {
    return retire(secret, versionId, end)
        .map(retired -> versions.takeOff(retired, label, versionId))
        .orElse(secret);
  }

  /** Tells whether a version holds a key that may be revoked once it is replaced. */
  boolean isRevocable(Inspected found, String versionId, KeyListing listing) {
    return found
        .key(versionId)
        .flatMap(key -> listing.find(key.id()))
        .filter(key -> policy.allows(found.secret(), key))
        .isPresent();
  }

  /**
   * Labels a version with the first free minute at or after a time. An older time on it is
   * replaced.
   *
   * @return the secret with the label; empty if it has no room for another, until one is taken off
   */
  Optional<Secret> retire(Secret secret, String versionId, Instant earliest) {
    Instant whole = earliest.truncatedTo(MINUTES);
    return retire(
        secret, versionId, whole.equals(earliest) ? earliest : whole.plus(MINUTE), MINUTE);
  }

  /**
   * Labels a version with the last free minute that is over.
   *
   * @return the secret with the label; empty if it has no room for another
   */
  Optional<Secret> retireAtOnce(Secret secret, String versionId) {
    return retire(secret, versionId, clock.instant().truncatedTo(MINUTES), MINUTE.negated());
  }

  private Optional<Secret> retire(
      Secret secret, String versionId, Instant first, Duration toTheNext) {
    Set<Instant> taken = secret.revocationTimes();
    boolean hasTime = secret.revocationTime(versionId).isPresent();
    if (secret.isFull() || (taken.size() >= MAX_REVOKE_AFTER && !hasTime)) {
      return Optional.empty();
    }
    Instant time = first;
    while (taken.contains(time)) {
      time = time.plus(toTheNext);
    }
    String label = StagingLabel.revokeAfter(time);
    return versions.addLabel(LogStep.RETIRE, secret, label, versionId)
        ? Optional.of(withoutTimes(secret, versionId).with(label, versionId))
        : Optional.empty();
  }

  /** Takes the times off versions that are current again, or are to be. */
  Secret withoutTimesOfUsedKeys(Secret secret) {
    Secret cleaned = secret;
    for (String id : secret.labels().keySet()) {
      if (HeldKeys.isCurrentOrSuccessor(secret, id)) {
        cleaned = withoutTimes(cleaned, id);
      }
    }
    return cleaned;
  }

  /** Takes off the labels that say when a version's key is revoked. */
  Secret withoutTimes(Secret secret, String versionId) {
    Secret left = secret;
    for (String label : secret.labelsOf(versionId)) {
      if (label.startsWith(StagingLabel.REVOKE_AFTER)) {
        left = versions.takeOff(left, label, versionId);
      }
    }
    return left;
  }
}
