package keyrotation.rotation;

import static java.util.stream.Collectors.toMap;
import static keyrotation.core.FailureReason.CLOCK_SKEW;
import static keyrotation.core.FailureReason.CURRENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REPLICA_OUT_OF_SYNC;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.FIRST;
import static keyrotation.secretsmanager.StagingLabel.PENDING;
import static keyrotation.secretsmanager.StagingLabel.PREVIOUS;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.TimeBudget;
import keyrotation.momento.KeyInfo;
import keyrotation.momento.KeyListing;
import keyrotation.momento.Verdict;
import keyrotation.rotation.HeldKeys.Inspected;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.StagingLabel;

/**
 * Revokes the v2 keys of one secret that are no longer needed: those of replaced versions whose
 * time is over, and those that were issued and never stored.
 *
 * <p>Only keys in the account's list are revoked. A key that a labelled version of any secret of
 * the run holds is not, unless that version's own time is over.
 */
public final class SecretRevocation {

  /** How far the function's clock and Momento's may be apart. */
  private static final Duration MAX_CLOCK_SKEW = Duration.ofMinutes(5);

  /** How long ago a key was issued that no request will store any more. */
  private static final Duration UNSTORED_AGE = Duration.ofHours(1);

  private static final int MAX_REVOCATIONS = 20;

  private final SecretVersions versions;
  private final KeyVerification verification;
  private final Retirement retirement;
  private final AccountKeys keys;
  private final RevocationPolicy policy;
  private final InstantSource clock;
  private final RotationLog log;

  public SecretRevocation(
      SecretVersions versions,
      KeyVerification verification,
      Retirement retirement,
      AccountKeys keys,
      RevocationPolicy policy,
      InstantSource clock,
      RotationLog log) {
    this.versions = versions;
    this.verification = verification;
    this.retirement = retirement;
    this.keys = keys;
    this.policy = policy;
    this.clock = clock;
    this.log = log;
  }

  /** Reads a secret's labels, and the values of its labelled versions. */
  Inspected inspect(String secretId, TimeBudget budget) {
    requireTime(budget);
    Secret secret = versions.describe(secretId);
    return new Inspected(
        secret,
        secret.labels().keySet().stream()
            .flatMap(id -> read(secret, id).stream())
            .collect(toMap(KeyVersion::id, Function.identity())));
  }

  private Optional<KeyVersion> read(Secret secret, String versionId) {
    // Secrets Manager's own rotation labels a version before that has a value.
    return secret.labelsOf(versionId).equals(List.of(PENDING))
        ? versions.read(LogStep.READ_VERSION, secret, versionId)
        : Optional.of(versions.readEventually(LogStep.READ_VERSION, secret, versionId));
  }

  /**
   * Retires replaced versions, and revokes the keys that are no longer needed, as a scheduled run
   * does.
   *
   * @return empty if there was nothing to be revoked
   */
  Optional<RotationResult> run(Inspected found, HeldKeys held, RotationRequest request) {
    try {
      return retireAndRevoke(found, held, request);
    } catch (RotationException e) {
      return Optional.of(failed(found.secret().name(), e, List.of()));
    }
  }

  /**
   * Returns the result of a revocation that has failed, with the versions whose keys are revoked.
   */
  static RotationResult failed(String secret, RotationException why, List<String> revoked) {
    return new RotationResult.Failed(
        secret, why, Optional.of(new RotationResult.Revoked(secret, revoked)));
  }

  private Optional<RotationResult> retireAndRevoke(
      Inspected found, HeldKeys held, RotationRequest request) {
    if (found.secret().tags().isPaused() || !found.isUnderstood()) {
      return Optional.empty();
    }
    Optional<Instant> endOfGrace = policy.endOfGrace(found.secret(), clock.instant());
    KeyListing listing;
    try {
      requireTime(request.budget());
      listing = keys.list(request.budget(), log);
    } catch (RotationException e) {
      if (endOfGrace.isEmpty() || overdue(found).isEmpty()) {
        // Nothing is late, so the next run may do it.
        return Optional.empty();
      }
      throw e;
    }
    Map<KeyInfo, Optional<KeyVersion>> loose = looseKeys(found, listing, held);
    if (endOfGrace.isEmpty()) {
      return revoke(found, unstored(loose), List.of(), listing, held, request);
    }
    Inspected retired = retireReplaced(found, listing, endOfGrace.get());
    retired = retireUnlabelled(retired, loose, endOfGrace.get());
    return revoke(retired, unstored(loose), overdue(retired), listing, held, request);
  }

  /**
   * Revokes the keys of all replaced versions now, without waiting for their time.
   *
   * @param others the other secrets that may hold the same keys
   */
  RotationResult revokePrevious(
      Inspected found, Collection<Inspected> others, RotationRequest request) {
    Secret secret = found.secret();
    if (secret.tags().isPaused()) {
      return new RotationResult.Paused(secret.name());
    }
    if (secret.labelled(CURRENT).isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    // A value that is not understood may be a key of a kind that is not known yet.
    found.versions().values().forEach(KeyVersion::requireKey);
    KeyListing listing = keys.list(request.budget(), log);
    List<Inspected> all = Stream.concat(Stream.of(found), others.stream()).toList();
    Map<KeyInfo, Optional<KeyVersion>> loose =
        looseKeys(found, listing, HeldKeys.of(all, clock.instant()));
    Map<String, KeyVersion> known = new HashMap<>(found.versions());
    Secret retired = secret;
    for (String id : secret.labels().keySet()) {
      boolean isReplaced =
          secret.labelsOf(id).contains(PREVIOUS) || secret.revocationTime(id).isPresent();
      if (isReplaced
          && !HeldKeys.isCurrentOrSuccessor(secret, id)
          && isRevocable(found, id, listing)) {
        retired = retirement.retireAtOnce(retired, id).orElse(retired);
      }
    }
    for (KeyVersion stored : stored(loose)) {
      retired = retirement.retireAtOnce(retired, stored.id()).orElse(retired);
      known.put(stored.id(), stored);
    }
    Inspected changed = new Inspected(retired, known);
    HeldKeys held =
        HeldKeys.of(Stream.concat(Stream.of(changed), others.stream()).toList(), clock.instant());
    return revoke(changed, List.of(), overdue(changed), listing, held, request)
        .orElseGet(() -> new RotationResult.Revoked(secret.name(), List.of()));
  }

  /** Retires the previous version, and a first version that came second. */
  private Inspected retireReplaced(Inspected found, KeyListing listing, Instant endOfGrace) {
    Secret secret = found.secret();
    Secret retired =
        secret
            .labelled(PREVIOUS)
            .filter(id -> secret.revocationTime(id).isEmpty() || wasCurrentSince(found, id))
            .filter(id -> isRevocable(found, id, listing))
            .flatMap(id -> retirement.retire(secret, id, endOfGrace))
            .orElse(secret);
    return found.with(
        secret
            .labelled(FIRST)
            .filter(id -> !HeldKeys.isCurrentOrSuccessor(secret, id))
            .map(id -> retireUnpromoted(retired, FIRST, id, endOfGrace))
            .orElse(retired));
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

  private boolean isRevocable(Inspected found, String versionId, KeyListing listing) {
    return found
        .key(versionId)
        .flatMap(key -> listing.find(key.id()))
        .filter(key -> policy.allows(found.secret(), key))
        .isPresent();
  }

  private Secret retireUnpromoted(Secret secret, String label, String versionId, Instant end) {
    return retirement
        .retire(secret, versionId, end)
        .map(retired -> versions.takeOff(retired, label, versionId))
        .orElse(secret);
  }

  /**
   * Returns the keys that were issued for this secret and that no labelled version holds, with the
   * version that each was issued for, if that exists.
   */
  private Map<KeyInfo, Optional<KeyVersion>> looseKeys(
      Inspected found, KeyListing listing, HeldKeys held) {
    return listing.keys().stream()
        .filter(key -> KeyDescription.isFor(found.secret(), key))
        .filter(key -> !held.contains(key.id()) && !found.hasKey(key.id()))
        .filter(key -> KeyDescription.versionIdOf(key).isPresent())
        .collect(
            toMap(
                Function.identity(),
                key ->
                    versions.read(
                        LogStep.READ_VERSION,
                        found.secret(),
                        KeyDescription.versionIdOf(key).orElseThrow())));
  }

  /** Retires stored versions that have lost their labels, as later promotions take them. */
  private Inspected retireUnlabelled(
      Inspected found, Map<KeyInfo, Optional<KeyVersion>> loose, Instant endOfGrace) {
    Secret retired = found.secret();
    for (KeyVersion stored : stored(loose)) {
      retired = retirement.retire(retired, stored.id(), endOfGrace).orElse(retired);
    }
    return found.with(retired);
  }

  private static List<KeyVersion> stored(Map<KeyInfo, Optional<KeyVersion>> loose) {
    return loose.entrySet().stream()
        .filter(SecretRevocation::isStored)
        .map(key -> key.getValue().orElseThrow())
        .toList();
  }

  /**
   * Returns the keys that were issued a while ago, and are in no version: the version that they
   * were issued for does not exist, or holds another key for good.
   */
  private List<KeyInfo> unstored(Map<KeyInfo, Optional<KeyVersion>> loose) {
    Instant latest = clock.instant().minus(UNSTORED_AGE);
    return loose.entrySet().stream()
        .filter(key -> !isStored(key))
        .map(Map.Entry::getKey)
        .filter(key -> !key.issued().isAfter(latest))
        .toList();
  }

  private static boolean isStored(Map.Entry<KeyInfo, Optional<KeyVersion>> key) {
    return key.getValue().filter(version -> version.holdsV2Key(key.getKey().id())).isPresent();
  }

  /** Returns the versions whose time is over. */
  private List<String> overdue(Inspected found) {
    Instant now = clock.instant();
    return found.secret().labels().keySet().stream()
        .filter(id -> HeldKeys.isOver(found.secret(), id, now))
        .sorted()
        .toList();
  }

  private Optional<RotationResult> revoke(
      Inspected found,
      List<KeyInfo> unstored,
      List<String> overdue,
      KeyListing listing,
      HeldKeys held,
      RotationRequest request) {
    List<String> revoked = new ArrayList<>();
    try {
      for (KeyInfo key : unstored.stream().limit(MAX_REVOCATIONS).toList()) {
        requireSameTime(listing);
        revokeUnstored(found.secret(), key, revoked, request);
      }
      for (String id : overdue.stream().limit(MAX_REVOCATIONS - revoked.size()).toList()) {
        revokeReplaced(found, id, revoked, listing, held, request);
      }
    } catch (RotationException e) {
      return Optional.of(failed(found.secret().name(), e, revoked));
    }
    return revoked.isEmpty()
        ? Optional.empty()
        : Optional.of(new RotationResult.Revoked(found.secret().name(), revoked));
  }

  private void revokeUnstored(
      Secret secret, KeyInfo key, List<String> revoked, RotationRequest request) {
    if (keys.isManagementKey(key.id())) {
      return;
    }
    String versionId = KeyDescription.versionIdOf(key).orElseThrow();
    if (versions.describe(secret.arn()).tags().isPaused()) {
      return;
    }
    log.step(LogStep.REVOKE, versionId, () -> keys.revoke(key.id(), request.budget()));
    revoked.add(versionId);
  }

  private void revokeReplaced(
      Inspected found,
      String versionId,
      List<String> revoked,
      KeyListing listing,
      HeldKeys held,
      RotationRequest request) {
    Secret secret = found.secret();
    Optional<KeyInfo> key = found.key(versionId).flatMap(holding -> listing.find(holding.id()));
    if (key.isEmpty() || !policy.allows(secret, key.get())) {
      if (key.isPresent() || listing.isWhole()) {
        var _ = retirement.withoutTimes(secret, versionId);
      }
      return;
    }
    if (held.contains(key.get().id()) || keys.isManagementKey(key.get().id())) {
      return;
    }
    requireSameTime(listing);
    requireCurrentKey(found, request);
    KeyVersion version = Objects.requireNonNull(found.versions().get(versionId));
    if (!KeyDescription.isFor(secret, key.get())
        && !verification.isProved(secret, version, request)) {
      // The value may name a key that it does not hold.
      return;
    }
    Secret now = versions.describe(secret.arn());
    if (!HeldKeys.isOver(now, versionId, clock.instant())) {
      return;
    }
    log.step(LogStep.REVOKE, versionId, () -> keys.revoke(key.get().id(), request.budget()));
    revoked.add(versionId);
    Secret left = retirement.withoutTimes(now, versionId);
    // What was to replace it will never be promoted.
    String successorLabel = StagingLabel.replaces(versionId);
    Optional<String> successor = left.labelled(successorLabel);
    Optional<Instant> end = policy.endOfGrace(left, clock.instant());
    if (successor.isPresent() && end.isPresent()) {
      var _ = retireUnpromoted(left, successorLabel, successor.get(), end.get());
    }
  }

  private static void requireTime(TimeBudget budget) {
    if (!budget.allowsRevocation()) {
      throw new RotationException(OUT_OF_TIME, "Too little time was left to revoke keys.");
    }
  }

  /** Ends the revocations if the times of labels and keys cannot be compared with the clock. */
  private static void requireSameTime(KeyListing listing) {
    if (listing.clockSkew().filter(skew -> skew.compareTo(MAX_CLOCK_SKEW) <= 0).isEmpty()) {
      throw new RotationException(
          CLOCK_SKEW,
          listing
              .clockSkew()
              .map(
                  skew ->
                      "Momento's clock and the function's differ by " + skew.toSeconds() + " s.")
              .orElse("Momento's answer does not tell its time."));
    }
  }

  /** Ends the revocations unless all readers of the secret have a current key that works. */
  private void requireCurrentKey(Inspected found, RotationRequest request) {
    Secret secret = found.secret();
    if (!secret.replicasInSync()) {
      throw new RotationException(
          REPLICA_OUT_OF_SYNC, "A replica of the secret may not have the current version yet.");
    }
    boolean isAccepted =
        found
            .current()
            .filter(
                current ->
                    !(verification.verifyKey(secret, current, request) instanceof Verdict.Rejected))
            .isPresent();
    if (!isAccepted) {
      throw new RotationException(
          CURRENT_KEY_REJECTED,
          "Momento rejects the current key, so the replaced ones may still be needed.");
    }
  }
}
