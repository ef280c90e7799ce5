package keyrotation.rotation;

import static java.util.stream.Collectors.toMap;
import static keyrotation.core.FailureReason.CLOCK_SKEW;
import static keyrotation.core.FailureReason.CURRENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REPLICA_OUT_OF_SYNC;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;
import static keyrotation.secretsmanager.StagingLabel.PENDING;
import static keyrotation.secretsmanager.StagingLabel.PREVIOUS;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
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
        : Optional.of(versions.withValue(LogStep.READ_VERSION, secret, versionId));
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
      return Optional.of(
          failed(new RotationResult.Revoked(found.secret().name(), List.of(), 0), e));
    }
  }

  /** Returns the result of a revocation that has failed. */
  static RotationResult failed(RotationResult.Revoked done, RotationException why) {
    return new RotationResult.Failed(done.secret(), why, Optional.of(done));
  }

  private Optional<RotationResult> retireAndRevoke(
      Inspected found, HeldKeys held, RotationRequest request) {
    Inspected used = found.with(retirement.withoutTimesOfUsedKeys(found.secret()));
    if (used.secret().tags().isPaused()) {
      return Optional.empty();
    }
    return retireAndRevokeOfUsed(used, held, request);
  }

  private Optional<RotationResult> retireAndRevokeOfUsed(
      Inspected found, HeldKeys held, RotationRequest request) {
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
    LooseKeys loose = LooseKeys.of(found, listing, held, versions);
    List<KeyInfo> unstored = loose.unstored(clock.instant());
    Inspected retired = found;
    List<String> overdue = List.of();
    if (endOfGrace.isPresent()) {
      retired = retirement.retireReplaced(found, listing, endOfGrace.get());
      retired = retirement.retireUnlabelled(retired, loose, endOfGrace.get());
      overdue = overdue(retired);
    }
    if (!unstored.isEmpty() || !overdue.isEmpty()) {
      requireUnderstood(retired);
    }
    return revoke(retired, unstored, overdue, listing, held, request);
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
    requireUnderstood(found);
    if (found.versions().values().stream().noneMatch(KeyVersion::holdsV2)) {
      return new RotationResult.Revoked(secret.name(), List.of(), 0);
    }
    KeyListing listing = keys.list(request.budget(), log);
    List<Inspected> all = Stream.concat(Stream.of(found), others.stream()).toList();
    LooseKeys loose = LooseKeys.of(found, listing, HeldKeys.of(all, clock.instant()), versions);
    Secret retired = secret;
    for (String id : secret.labels().keySet()) {
      boolean isReplaced =
          secret.labelsOf(id).contains(PREVIOUS) || secret.revocationTime(id).isPresent();
      if (isReplaced
          && !HeldKeys.isCurrentOrSuccessor(secret, id)
          && retirement.isRevocable(found, id, listing)) {
        retired = retirement.retireAtOnce(retired, id).orElse(retired);
      }
    }
    Inspected changed = found.with(retired);
    for (KeyVersion stored : loose.stored()) {
      Optional<Secret> labelled = retirement.retireAtOnce(changed.secret(), stored.id());
      changed = labelled.isPresent() ? changed.with(labelled.get(), stored) : changed;
    }
    HeldKeys held =
        HeldKeys.of(Stream.concat(Stream.of(changed), others.stream()).toList(), clock.instant());
    return revoke(changed, List.of(), overdue(changed), listing, held, request)
        .orElseGet(() -> new RotationResult.Revoked(secret.name(), List.of(), 0));
  }

  /** Ends the revocations if a value may be a key of a kind that is not known yet. */
  private static void requireUnderstood(Inspected found) {
    found.versions().values().forEach(KeyVersion::requireKey);
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
    String name = found.secret().name();
    List<String> revoked = new ArrayList<>();
    int neverStored = 0;
    try {
      for (KeyInfo key : unstored.stream().limit(MAX_REVOCATIONS).toList()) {
        requireSameTime(listing);
        neverStored += revokeUnstored(found.secret(), key, request) ? 1 : 0;
      }
      List<String> toRevoke =
          overdue.stream()
              .filter(id -> mayBeRevoked(found, id, listing, held))
              .limit(MAX_REVOCATIONS - neverStored)
              .toList();
      if (!toRevoke.isEmpty()) {
        requireSameTime(listing);
        requireCurrentKey(found, request);
      }
      for (String id : toRevoke) {
        if (revokeReplaced(found, id, listing, request)) {
          revoked.add(id);
        }
      }
    } catch (RotationException e) {
      return Optional.of(failed(new RotationResult.Revoked(name, revoked, neverStored), e));
    }
    return revoked.isEmpty() && neverStored == 0
        ? Optional.empty()
        : Optional.of(new RotationResult.Revoked(name, revoked, neverStored));
  }

  private boolean revokeUnstored(Secret secret, KeyInfo key, RotationRequest request) {
    requireTime(request.budget());
    if (keys.isManagementKey(key.id()) || versions.describe(secret.arn()).tags().isPaused()) {
      return false;
    }
    String versionId = KeyDescription.versionIdOf(key).orElseThrow();
    log.step(LogStep.REVOKE, versionId, () -> keys.revoke(key.id(), request.budget()));
    return true;
  }

  /**
   * Tells whether a version's key may be revoked, as far as the list and the other versions tell.
   * If there is nothing to be revoked, the version's time comes off.
   */
  private boolean mayBeRevoked(
      Inspected found, String versionId, KeyListing listing, HeldKeys held) {
    Secret secret = found.secret();
    Optional<KeyInfo> key = listed(found, versionId, listing);
    if (key.filter(info -> policy.allows(secret, info)).isPresent()) {
      return !held.contains(key.get().id()) && !keys.isManagementKey(key.get().id());
    }
    if (key.isPresent() || listing.isWhole()) {
      retirement.retireSuccessorOf(retirement.withoutTimes(secret, versionId), versionId);
    }
    return false;
  }

  private static Optional<KeyInfo> listed(Inspected found, String versionId, KeyListing listing) {
    return found.key(versionId).flatMap(key -> listing.find(key.id()));
  }

  private boolean revokeReplaced(
      Inspected found, String versionId, KeyListing listing, RotationRequest request) {
    requireTime(request.budget());
    Secret secret = found.secret();
    KeyInfo key = listed(found, versionId, listing).orElseThrow();
    KeyVersion version = Objects.requireNonNull(found.versions().get(versionId));
    if (!KeyDescription.isFor(secret, key) && !verification.isProved(secret, version, request)) {
      // The value may name a key that it does not hold.
      var _ = retirement.withoutTimes(secret, versionId);
      return false;
    }
    Secret now = versions.describe(secret.arn());
    if (!HeldKeys.isOver(now, versionId, clock.instant()) || !isAsInspected(found, now)) {
      return false;
    }
    log.step(LogStep.REVOKE, versionId, () -> keys.revoke(key.id(), request.budget()));
    retirement.retireSuccessorOf(retirement.withoutTimes(now, versionId), versionId);
    return true;
  }

  /**
   * Tells whether the current version is still the one whose key Momento accepts, and no version
   * has come that may hold an old key again.
   */
  private static boolean isAsInspected(Inspected found, Secret now) {
    return now.replicasInSync()
        && now.labelled(CURRENT).equals(found.secret().labelled(CURRENT))
        && now.labels().entrySet().stream()
            .allMatch(
                version ->
                    found.versions().containsKey(version.getKey())
                        || version.getValue().equals(List.of(PENDING)));
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
