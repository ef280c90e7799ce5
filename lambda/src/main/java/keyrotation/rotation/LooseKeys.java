package keyrotation.rotation;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.core.RotationRequest;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyListing;
import keyrotation.rotation.HeldKeys.Inspected;
import keyrotation.secretsmanager.Secret;

/**
 * The keys that were issued for a secret and that no labelled version holds. Each is in a version
 * that has lost its labels, or was never stored.
 */
record LooseKeys(List<LooseKey> keys) {

  /** How long ago a key was issued that no request will store any more. */
  private static final Duration UNSTORED_AGE = Duration.ofHours(1);

  /**
   * How long ago at most. An older key may have been stored: Secrets Manager deletes versions
   * without a label, and keeps at least the last hundred.
   */
  private static final Duration MAX_UNSTORED_AGE = Duration.ofDays(30);

  /**
   * A key that no labelled version holds.
   *
   * @param version the version that holds it; empty if none does
   */
  private record LooseKey(KeyInfo key, Optional<KeyVersion> version) {}

  /** Finds the keys in the account's list, and reads the versions that they were issued for. */
  static LooseKeys of(Inspected found, KeyListing listing, HeldKeys held, SecretVersions versions) {
    return new LooseKeys(
        listing.keys().stream()
            .distinct()
            .filter(key -> KeyDescription.isFor(found.secret(), key))
            .filter(key -> !held.contains(key.id()) && !found.hasKey(key.id()))
            .filter(key -> KeyDescription.versionIdOf(key).isPresent())
            .map(key -> new LooseKey(key, findVersion(found.secret(), key, versions)))
            .toList());
  }

  /**
   * Finds the version that holds a key: the one that it was issued for, or one of those that follow
   * if that had been filled by another delivery of the request.
   */
  private static Optional<KeyVersion> findVersion(
      Secret secret, KeyInfo key, SecretVersions versions) {
    String id = KeyDescription.versionIdOf(key).orElseThrow();
    Optional<KeyVersion> version = versions.read(LogStep.READ_VERSION, secret, id);
    while (version.filter(stored -> !stored.holdsV2Key(key.id())).isPresent()) {
      id = RotationRequest.versionIdAfter(id);
      version = versions.read(LogStep.READ_VERSION, secret, id);
    }
    return version;
  }

  /** Returns the versions that hold such keys. */
  List<KeyVersion> stored() {
    return keys.stream().flatMap(key -> key.version.stream()).toList();
  }

  /** Returns the keys that were issued a while ago and are in no version. */
  List<KeyInfo> unstored(Instant now) {
    return keys.stream()
        .filter(loose -> loose.version.isEmpty())
        .map(LooseKey::key)
        .filter(key -> !key.issued().isAfter(now.minus(UNSTORED_AGE)))
        .filter(key -> !key.issued().isBefore(now.minus(MAX_UNSTORED_AGE)))
        .toList();
  }
}
