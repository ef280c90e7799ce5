package keyrotation;

import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.FailureReason.NEW_KEY_INVALID;
import static keyrotation.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.FailureReason.OUT_OF_TIME;
import static keyrotation.FailureReason.REFRESH_REJECTED;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretStore.PREVIOUS;

import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.MomentoControlPlane.Refresh;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/**
 * The steps of a rotation, and their order.
 *
 * <p>Whatever call fails or is never heard of again, the current key stays a working one, and the
 * same or the next request takes up what was left: a key once stored as pending is not minted again
 * but proved and promoted.
 */
final class Rotation {

  /** What storing, proving and promoting a key may take; nothing is minted with less time left. */
  private static final Duration TIME_TO_FINISH = Duration.ofSeconds(10);

  private static final Duration TIME_TO_PROMOTE = Duration.ofSeconds(3);
  private static final Duration SHORTEST_REFRESH = Duration.ofSeconds(1);
  private static final Duration LONGEST_REFRESH = Duration.ofSeconds(20);
  private static final Duration LONGEST_QUESTION = Duration.ofSeconds(5);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  private final SecretStore store;
  private final MomentoControlPlane momento;
  private final InstantSource clock;
  private final Duration grace;
  private final RotationLog log;

  /**
   * Prepares for rotations.
   *
   * @param grace how long a key may take to be accepted before it counts as rejected
   */
  Rotation(
      SecretStore store,
      MomentoControlPlane momento,
      InstantSource clock,
      Duration grace,
      RotationLog log) {
    this.store = store;
    this.momento = momento;
    this.clock = clock;
    this.grace = grace;
    this.log = log;
  }

  /** Rotates one secret, named or given by its ARN. */
  RotationResult rotate(String secretId, RotationRequest request) {
    Secret secret = log.step("describe", () -> store.describe(secretId));
    Optional<Version> readable =
        secret.labelled(CURRENT).flatMap(id -> log.step("read", () -> store.read(secret, id)));
    if (readable.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    Version current = readable.get();
    Optional<String> unused = unusedVersionId(secret, current, request);
    if (unused.isEmpty()) {
      return new RotationResult.AlreadyRotated(secret.name(), current.id());
    }
    String versionId = unused.get();

    Optional<Version> pending = pendingSince(secret, current);
    if (pending.isEmpty()) {
      mintAndStage(secret, current, versionId, request);
      Expiry expiry = verify(secret, versionId, request);
      promote(secret, current, versionId);
      return new RotationResult.Rotated(secret.name(), versionId, current.id(), expiry);
    }
    if (verdictOn(pending.get(), request) instanceof Verdict.Rejected) {
      log.step("drop pending", () -> store.dropPending(secret, pending.get().id()));
      return rotate(secretId, request);
    }
    adopt(secret, pending.get(), versionId);
    Expiry expiry = verify(secret, versionId, request);
    promote(secret, current, versionId);
    return new RotationResult.Resumed(secret.name(), versionId, current.id(), expiry);
  }

  /**
   * Returns the version id under which this request may store a key; empty if the request has
   * brought one to an end before.
   *
   * <p>An id can be used only once. A version of this request that is newer than the current one
   * and yet has no label was rejected by Momento; a repetition of the request goes on to the next
   * id then, which is as little drawn by chance as the first.
   */
  private Optional<String> unusedVersionId(
      Secret secret, Version current, RotationRequest request) {
    String id = request.versionId(secret.arn());
    while (true) {
      String candidate = id;
      if (candidate.equals(current.id())) {
        return Optional.empty();
      }
      Optional<Version> present = log.step("look for", () -> store.read(secret, candidate));
      if (present.isEmpty()) {
        return Optional.of(candidate);
      }
      if (!present.get().created().isAfter(current.created())
          || secret.labelled(PREVIOUS).equals(Optional.of(candidate))) {
        return Optional.empty();
      }
      if (secret.labelled(PENDING).equals(Optional.of(candidate))) {
        return Optional.of(candidate);
      }
      id = RotationRequest.versionIdAfter(candidate);
    }
  }

  /**
   * Returns the pending version that an unfinished rotation has left. One that is older than the
   * current version is none: labels stay on versions that were promoted long ago, and what an
   * operator has stored since must not be undone.
   */
  private Optional<Version> pendingSince(Secret secret, Version current) {
    return secret
        .labelled(PENDING)
        .filter(id -> !id.equals(current.id()))
        .flatMap(id -> log.step("read pending", () -> store.read(secret, id)))
        .filter(version -> version.created().isAfter(current.created()));
  }

  /** Mints only what can be stored: it proves the right to write first, and watches the time. */
  private void mintAndStage(
      Secret secret, Version current, String versionId, RotationRequest request) {
    KeySecret old = KeySecret.parse(current.value());
    MomentoKey.V1 key = requireRefreshable(old);
    Sensitive refreshToken =
        old.refreshToken()
            .orElseThrow(
                () ->
                    new RotationFailure(
                        KEY_NOT_REFRESHABLE,
                        "The key came without a refresh token, as a disposable token does."));
    log.step("probe", () -> store.probeWrite(secret, current));
    MintedKey minted =
        switch (log.step("mint", () -> momento.refresh(key, refreshToken, timeToMint(request)))) {
          case Refresh.Minted(MintedKey made) -> made;
          case Refresh.Rejected(String why) -> throw refused(secret, old, key, why, request);
        };
    if (minted.key().token().equals(key.token()) || !minted.expiry().isAfter(old.expiry())) {
      throw new RotationFailure(
          NEW_KEY_INVALID, "Momento answered with the same key, or one that ends no later.");
    }
    log.step("stage", () -> store.stage(secret, versionId, old.renewed(minted)));
  }

  private MomentoKey.V1 requireRefreshable(KeySecret secret) {
    MomentoKey.V1 key =
        switch (secret.key()) {
          case MomentoKey.V1 v1 -> v1;
          case MomentoKey.V2 _ ->
              throw new RotationFailure(
                  KEY_NOT_REFRESHABLE, "The key is of the kind v2, for which there is no refresh.");
          case MomentoKey.Legacy _ ->
              throw new RotationFailure(
                  KEY_NOT_REFRESHABLE,
                  "The key is of the oldest kind, for which no refresh is known.");
        };
    return switch (secret.expiry()) {
      case Expiry.Never _ ->
          throw new RotationFailure(KEY_NOT_REFRESHABLE, "The key never expires.");
      case Expiry.At(Instant end) when !clock.instant().isBefore(end) ->
          throw new RotationFailure(KEY_EXPIRED, "The key expired at " + end + ".");
      case Expiry.At _, Expiry.Unknown _ -> key;
    };
  }

  private Duration timeToMint(RotationRequest request) {
    Duration left = timeLeft(request).minus(TIME_TO_FINISH);
    if (left.compareTo(SHORTEST_REFRESH) < 0) {
      throw new RotationFailure(
          OUT_OF_TIME, "Too little time was left to store a new key; none was made.");
    }
    return min(left, LONGEST_REFRESH);
  }

  /** Finds out what a refused refresh means, for one who may have to replace the key by hand. */
  private RotationFailure refused(
      Secret secret, KeySecret old, MomentoKey.V1 key, String why, RotationRequest request) {
    if (!store.describe(secret.arn()).labels().equals(secret.labels())) {
      return new RotationFailure(
          SUPERSEDED, "Another rotation has used the refresh token meanwhile (" + why + ").");
    }
    String state =
        switch (momento.verdict(key, min(timeLeft(request), LONGEST_QUESTION))) {
          case Verdict.Accepted _ ->
              "The current key still works; it expires: " + old.expiry() + ".";
          case Verdict.Rejected _ -> "The current key does not work any more.";
          case Verdict.Unknown _ -> "Whether the current key still works could not be found out.";
        };
    return new RotationFailure(
        REFRESH_REJECTED, "Momento refused to refresh the key (" + why + "). " + state);
  }

  /**
   * Stores the key of another request's pending version under this request's id, so that this
   * request is known to be done when it is delivered again.
   */
  private void adopt(Secret secret, Version pending, String versionId) {
    if (!pending.id().equals(versionId)) {
      log.step("adopt pending", () -> store.stage(secret, versionId, pending.value()));
    }
  }

  /** Reads the staged version back, and does not return before Momento has accepted its key. */
  private Expiry verify(Secret secret, String versionId, RotationRequest request) {
    Version staged =
        log.step("read pending", () -> store.read(secret, versionId))
            .orElseThrow(
                () ->
                    new RotationFailure(
                        SUPERSEDED,
                        "The version " + versionId + " is gone, though it was stored."));
    if (verdictOn(staged, request) instanceof Verdict.Rejected) {
      log.step("drop pending", () -> store.dropPending(secret, versionId));
      throw new RotationFailure(
          NEW_KEY_REJECTED, "Momento made a new key and then did not accept it.");
    }
    return KeySecret.parse(staged.value()).expiry();
  }

  /**
   * Returns what Momento says of a version's key, when that is certain.
   *
   * @throws RotationFailure {@code MOMENTO_UNAVAILABLE}, if it stays uncertain
   */
  private Verdict verdictOn(Version version, RotationRequest request) {
    Optional<MomentoKey.V1> key = keyIn(version);
    if (key.isEmpty()) {
      return new Verdict.Rejected();
    }
    Duration patience = min(timeLeft(request).minus(TIME_TO_PROMOTE), grace);
    if (patience.isNegative()) {
      throw new RotationFailure(
          OUT_OF_TIME, "Too little time was left to prove the new key; it waits as pending.");
    }
    Verdict verdict =
        log.step(
            "verify",
            () ->
                Failsafe.with(untilAccepted(patience))
                    .get(() -> momento.verdict(key.get(), LONGEST_QUESTION)));
    if (verdict instanceof Verdict.Unknown(String why)) {
      throw new RotationFailure(
          MOMENTO_UNAVAILABLE,
          "Momento could not be asked about the new key (" + why + "); it waits as pending.");
    }
    return verdict;
  }

  /**
   * Returns the key that a version holds; empty if it holds none that Momento could be asked of.
   */
  private static Optional<MomentoKey.V1> keyIn(Version version) {
    try {
      return KeySecret.parse(version.value()).key() instanceof MomentoKey.V1 key
          ? Optional.of(key)
          : Optional.empty();
    } catch (RotationFailure unreadable) {
      return Optional.empty();
    }
  }

  private static RetryPolicy<Verdict> untilAccepted(Duration patience) {
    return RetryPolicy.<Verdict>builder()
        .handleResultIf(verdict -> !(verdict instanceof Verdict.Accepted))
        .withMaxRetries(-1)
        .withBackoff(FIRST_WAIT, LONGEST_WAIT)
        .withJitter(0.2)
        .withMaxDuration(patience)
        .build();
  }

  private void promote(Secret secret, Version current, String versionId) {
    if (!log.step("promote", () -> store.promote(secret, current.id(), versionId))) {
      throw new RotationFailure(
          SUPERSEDED, "Somebody else made another version current meanwhile; it stays so.");
    }
  }

  private Duration timeLeft(RotationRequest request) {
    return Duration.between(clock.instant(), request.deadline());
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
