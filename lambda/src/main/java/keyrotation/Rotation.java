package keyrotation;

import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.FailureReason.NEW_KEY_INVALID;
import static keyrotation.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.FailureReason.OUT_OF_TIME;
import static keyrotation.FailureReason.REFRESH_REJECTED;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretStore.PREVIOUS;

import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
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

  /** Nothing is minted with less time left than storing it may take. */
  private static final Duration TIME_TO_STORE = SecretStore.LONGEST_CALL.plusSeconds(2);

  private static final Duration SHORTEST_REFRESH = Duration.ofSeconds(1);
  private static final Duration LONGEST_REFRESH = Duration.ofSeconds(20);
  private static final Duration LONGEST_LAG = Duration.ofSeconds(3);
  private static final Duration LONGEST_QUESTION = Duration.ofSeconds(5);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);

  /**
   * Where the key that a request makes is stored.
   *
   * @param stored what an earlier delivery of the request has stored there as pending
   */
  private record Place(String versionId, Optional<Version> stored) {}

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
    Optional<String> currentId = secret.labelled(CURRENT);
    if (currentId.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    Version current = readInTheEnd("read", secret, currentId.get());
    Optional<Place> place = placeFor(request, secret, current);
    if (place.isEmpty()) {
      return new RotationResult.AlreadyRotated(secret.name(), current.id());
    }
    String versionId = place.get().versionId();

    Optional<Version> pending = place.get().stored().or(() -> unfinished(secret, current));
    if (pending.isEmpty()) {
      mintAndStage(secret, current, versionId, request);
      Expiry expiry = verifyAndPromote(secret, current, versionId, request);
      return new RotationResult.Rotated(secret.name(), versionId, current.id(), expiry);
    }
    if (!isBetter(pending.get(), current)
        || verdictOn(pending.get(), request) instanceof Verdict.Rejected) {
      log.step("drop pending", () -> store.dropPending(secret, pending.get().id()));
      return rotate(secretId, request);
    }
    adopt(secret, pending.get(), versionId);
    Expiry expiry = verifyAndPromote(secret, current, versionId, request);
    return new RotationResult.Resumed(secret.name(), versionId, current.id(), expiry);
  }

  /**
   * Returns where this request may store a key; empty if the request has come to its end before.
   *
   * <p>A version id can be used only once. A version of this request that is newer than the current
   * one and yet has no label was rejected; a repetition of the request goes on to the next id then,
   * which is as little drawn by chance as the first.
   */
  private Optional<Place> placeFor(RotationRequest request, Secret secret, Version current) {
    String id = request.versionId(secret.arn());
    while (!id.equals(current.id())) {
      String candidate = id;
      Optional<Version> present = log.step("look for", () -> store.read(secret, candidate));
      if (present.isEmpty()) {
        return Optional.of(new Place(candidate, Optional.empty()));
      }
      List<String> labels = present.get().labels();
      if (labels.contains(CURRENT)
          || labels.contains(PREVIOUS)
          || !present.get().created().isAfter(current.created())) {
        return Optional.empty();
      }
      if (labels.contains(PENDING)) {
        return Optional.of(new Place(candidate, present));
      }
      id = RotationRequest.versionIdAfter(candidate);
    }
    return Optional.empty();
  }

  /**
   * Returns the pending version that an unfinished rotation has left.
   *
   * <p>A version that was promoted keeps its pending label, so one that is current or was it before
   * is none, nor is one that is older than the current version: what an operator has stored since,
   * or gone back to, must not be undone.
   */
  private Optional<Version> unfinished(Secret secret, Version current) {
    return secret
        .labelled(PENDING)
        .filter(id -> !id.equals(current.id()))
        .flatMap(id -> log.step("read pending", () -> store.read(secret, id)))
        .filter(version -> !version.labels().contains(PREVIOUS))
        .filter(version -> version.created().isAfter(current.created()));
  }

  /** Tells whether a pending version is worth taking up: it can be renewed, and ends later. */
  private static boolean isBetter(Version pending, Version current) {
    Optional<KeySecret> fresh = renewable(pending);
    try {
      Expiry now = KeySecret.parse(current.value()).expiry();
      return fresh.isPresent() && fresh.get().expiry().isAfter(now);
    } catch (RotationFailure currentIsBroken) {
      return fresh.isPresent();
    }
  }

  /** Returns what a version holds; empty if that is nothing that Momento could be asked about. */
  private static Optional<KeySecret> renewable(Version version) {
    try {
      return Optional.of(KeySecret.parse(version.value()))
          .filter(secret -> secret.key() instanceof MomentoKey.V1)
          .filter(secret -> secret.refreshToken().isPresent());
    } catch (RotationFailure unreadable) {
      return Optional.empty();
    }
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
    Duration left = timeLeft(request).minus(TIME_TO_STORE);
    if (left.compareTo(SHORTEST_REFRESH) < 0) {
      throw new RotationFailure(
          OUT_OF_TIME, "Too little time was left to store a new key; none was made.");
    }
    return min(left, LONGEST_REFRESH);
  }

  /** Finds out what a refused refresh means, for one who may have to replace the key by hand. */
  private RotationFailure refused(
      Secret secret, KeySecret old, MomentoKey.V1 key, String why, RotationRequest request) {
    Secret now = log.step("describe", () -> store.describe(secret.arn()));
    if (!now.labelled(CURRENT).equals(secret.labelled(CURRENT))
        || !now.labelled(PENDING).equals(secret.labelled(PENDING))) {
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

  /** Reads the staged version back, and makes it current once Momento has accepted its key. */
  private Expiry verifyAndPromote(
      Secret secret, Version current, String versionId, RotationRequest request) {
    Version staged = readInTheEnd("read pending", secret, versionId);
    if (verdictOn(staged, request) instanceof Verdict.Rejected) {
      log.step("drop pending", () -> store.dropPending(secret, versionId));
      throw new RotationFailure(
          NEW_KEY_REJECTED, "Momento made a new key and then did not accept it.");
    }
    if (!log.step("promote", () -> store.promote(secret, current.id(), versionId))) {
      // Left as pending it would be taken up by the next request, over what somebody else stored.
      log.step("drop pending", () -> store.dropPending(secret, versionId));
      throw new RotationFailure(
          SUPERSEDED, "Somebody else made another version current meanwhile; it stays so.");
    }
    return KeySecret.parse(staged.value()).expiry();
  }

  /** Reads a version that is known to be there, though a read may not see it at once. */
  private Version readInTheEnd(String step, Secret secret, String versionId) {
    return log.step(
        step,
        () ->
            Failsafe.with(until(Optional<Version>::isPresent, LONGEST_LAG))
                .get(() -> store.read(secret, versionId))
                .orElseThrow(
                    () ->
                        new RotationFailure(
                            SECRETS_MANAGER_UNAVAILABLE,
                            "The version " + versionId + " is there, but cannot be read yet.")));
  }

  /**
   * Returns what Momento says of a version's key, when that is certain.
   *
   * @throws RotationFailure {@code MOMENTO_UNAVAILABLE} or {@code OUT_OF_TIME}, if it stays
   *     uncertain
   */
  private Verdict verdictOn(Version version, RotationRequest request) {
    Optional<KeySecret> secret = renewable(version);
    if (secret.isEmpty() || !(secret.get().key() instanceof MomentoKey.V1 key)) {
      return new Verdict.Rejected();
    }
    Duration time = timeLeft(request).minus(LONGEST_QUESTION).minus(SecretStore.LONGEST_CALL);
    Duration patience = min(time, grace);
    if (patience.compareTo(FIRST_WAIT) <= 0) {
      throw outOfTimeToVerify();
    }
    Verdict verdict =
        log.step(
            "verify",
            () ->
                Failsafe.with(until(Verdict.Accepted.class::isInstance, patience))
                    .get(() -> momento.verdict(key, LONGEST_QUESTION)));
    return switch (verdict) {
      case Verdict.Accepted _ -> verdict;
      case Verdict.Unknown(String why) ->
          throw new RotationFailure(
              MOMENTO_UNAVAILABLE,
              "Momento could not be asked about the new key (" + why + "); it waits as pending.");
      case Verdict.Rejected _ when patience.compareTo(grace) < 0 -> throw outOfTimeToVerify();
      case Verdict.Rejected _ -> verdict;
    };
  }

  private static RotationFailure outOfTimeToVerify() {
    return new RotationFailure(
        OUT_OF_TIME, "Too little time was left to prove the new key; it waits as pending.");
  }

  private static <T> RetryPolicy<T> until(Predicate<T> done, Duration patience) {
    return RetryPolicy.<T>builder()
        .handleIf(failure -> false)
        .handleResultIf(result -> !done.test(result))
        .withMaxRetries(-1)
        .withBackoff(FIRST_WAIT, LONGEST_WAIT)
        .withJitter(0.2)
        .withMaxDuration(patience)
        .build();
  }

  private Duration timeLeft(RotationRequest request) {
    return Duration.between(clock.instant(), request.deadline());
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
