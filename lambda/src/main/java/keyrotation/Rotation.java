package keyrotation;

import static keyrotation.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.FailureReason.NEW_KEY_INVALID;
import static keyrotation.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.FailureReason.REFRESH_REJECTED;
import static keyrotation.FailureReason.ROTATION_NOT_ENABLED;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SECRET_MALFORMED;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.FailureReason.VERSION_NOT_PENDING;
import static keyrotation.FailureReason.VERSION_UNKNOWN;
import static keyrotation.SecretStore.CURRENT;
import static keyrotation.SecretStore.PENDING;
import static keyrotation.SecretStore.PREVIOUS;
import static keyrotation.SecretStore.REFRESHED;

import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import dev.failsafe.RetryPolicyBuilder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
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

  /** How many pending versions of no use are cleared away before a rotation gives up. */
  private static final int MOST_DROPS = 3;

  /** How old a key is at most that may be renewed to one which ends at the same time. */
  private static final Duration JUST_MADE = Duration.ofMinutes(1);

  /** How old a pending key is when a rejection of it is final. */
  private static final Duration TIME_TO_BE_KNOWN = Duration.ofMinutes(10);

  /** How long a key is offered to a store that refuses it: a right may be missing for a moment. */
  private static final Duration LONGEST_REFUSAL = Duration.ofSeconds(30);

  private static final Duration PAUSE = Duration.ofSeconds(1);

  /**
   * Where the key that a request makes is stored.
   *
   * @param stored what an earlier delivery of the request has stored there as pending
   */
  private record Place(String versionId, Optional<Version> stored) {}

  private final SecretStore store;
  private final PatientMomento momento;
  private final RenewalPolicy policy;
  private final InstantSource clock;
  private final RotationLog log;

  Rotation(
      SecretStore store,
      PatientMomento momento,
      RenewalPolicy policy,
      InstantSource clock,
      RotationLog log) {
    this.store = store;
    this.momento = momento;
    this.policy = policy;
    this.clock = clock;
    this.log = log;
  }

  /** Rotates a secret now. */
  RotationResult rotate(String secretId, RotationRequest request) {
    return rotate(secretId, request, false);
  }

  /** Rotates a secret if its key is due to be renewed. */
  RotationResult rotateIfDue(String secretId, RotationRequest request) {
    return rotate(secretId, request, true);
  }

  private RotationResult rotate(String secretId, RotationRequest request, boolean onlyIfDue) {
    return withCurrent(
        describe(secretId),
        (secret, current) -> rotate(secret, current, request, onlyIfDue, MOST_DROPS));
  }

  private RotationResult rotate(
      Secret secret, Version current, RotationRequest request, boolean onlyIfDue, int dropsLeft) {
    Optional<Place> place = placeFor(request, secret, current);
    if (place.isEmpty()) {
      return new RotationResult.AlreadyRotated(secret.name(), current.id());
    }
    String versionId = place.get().versionId();

    Optional<Version> pending = place.get().stored().or(() -> unfinished(secret, current));
    if (pending.isPresent()) {
      if (!isMadeOf(secret, pending.get(), current) || !isUseful(pending.get(), current, request)) {
        if (dropsLeft == 0) {
          throw new RotationFailure(
              SUPERSEDED, "Versions that are of no use were labelled as pending again and again.");
        }
        dropPending(secret, pending.get().id());
        return withCurrent(
            describe(secret.arn()),
            (again, now) -> rotate(again, now, request, onlyIfDue, dropsLeft - 1));
      }
      adopt(secret, pending.get(), versionId);
      Expiry expiry = verifyAndPromote(secret, current, versionId, request);
      return new RotationResult.Resumed(secret.name(), versionId, current.id(), expiry);
    }
    KeySecret old = KeySecret.parse(current.value());
    if (onlyIfDue && !isDue(secret, current, old.expiry())) {
      return new RotationResult.NotDue(secret.name(), current.id(), old.expiry());
    }
    mintAndStage(secret, current, old, versionId, request);
    Expiry expiry = verifyAndPromote(secret, current, versionId, request);
    return new RotationResult.Rotated(secret.name(), versionId, current.id(), expiry);
  }

  /** Finds out whether a rotation would go through, and stops short of minting. */
  RotationResult dryRun(String secretId, RotationRequest request) {
    return withCurrent(describe(secretId), (secret, current) -> dryRun(secret, current, request));
  }

  private RotationResult dryRun(Secret secret, Version current, RotationRequest request) {
    boolean resume =
        unfinished(secret, current)
            .filter(pending -> isMadeOf(secret, pending, current))
            .filter(pending -> isUseful(pending, current, request))
            .isPresent();
    if (!resume) {
      requireAcceptedAndRefreshable(current, request);
    }
    log.step("probe", current.id(), () -> store.probeWrite(secret, current));
    Expiry expiry = readable(current).map(KeySecret::expiry).orElse(new Expiry.Unknown());
    boolean due = isDue(secret, current, expiry);
    return new RotationResult.WouldRotate(secret.name(), current.id(), expiry, due, resume);
  }

  /** Secrets Manager decides on the age of a key whose secret it rotates by itself. */
  private boolean isDue(Secret secret, Version current, Expiry expiry) {
    return policy.isDue(current.created(), expiry, clock.instant(), !secret.rotationEnabled());
  }

  /**
   * Makes the previous version current again, if Momento still accepts its key. To go back once
   * more would undo that, so it is done only to an older version.
   */
  RotationResult rollBack(String secretId, RotationRequest request) {
    return withCurrent(describe(secretId), (secret, current) -> rollBack(secret, current, request));
  }

  private RotationResult rollBack(Secret secret, Version current, RotationRequest request) {
    Version previous =
        previous(secret)
            .orElseThrow(
                () -> new RotationFailure(CANNOT_ROLL_BACK, "There is no previous version."));
    boolean isBack = previous.created().isAfter(current.created());
    Version target = isBack ? current : previous;
    if (verdictOn(target, request) instanceof Verdict.Rejected) {
      throw new RotationFailure(
          CANNOT_ROLL_BACK,
          "The previous key is none that Momento accepts, or none that it can be asked about.");
    }
    if (!isBack) {
      promote(secret, current.id(), previous.id());
    }
    // Only now: had it come to nothing, the pending version would be needed. It still is if it was
    // made of the key that is current again.
    secret
        .labelled(PENDING)
        .filter(_ -> !waits(secret, target))
        .ifPresent(id -> dropPending(secret, id));
    return new RotationResult.RolledBack(
        secret.name(),
        target.id(),
        isBack ? previous.id() : current.id(),
        KeySecret.parse(target.value()).expiry());
  }

  /** Tells whether a version that was made of the current one waits as pending. */
  private boolean waits(Secret secret, Version current) {
    return unfinished(secret, current).filter(made -> isMadeOf(secret, made, current)).isPresent();
  }

  /** Does a step of Secrets Manager's own rotation, which gives the version's id. */
  RotationResult step(
      RotationStep step, String secretId, String versionId, RotationRequest request) {
    Secret secret = describe(secretId);
    List<String> labels = secret.labels().get(versionId);
    if (!secret.rotationEnabled()) {
      throw new RotationFailure(
          ROTATION_NOT_ENABLED, "Secrets Manager's own rotation is not enabled for the secret.");
    }
    if (labels == null) {
      throw new RotationFailure(VERSION_UNKNOWN, "The secret has no version " + versionId + ".");
    }
    if (labels.contains(CURRENT)) {
      return new RotationResult.AlreadyRotated(secret.name(), versionId);
    }
    if (!labels.contains(PENDING)) {
      throw new RotationFailure(
          VERSION_NOT_PENDING, "The version " + versionId + " is not labelled AWSPENDING.");
    }
    if (labels.contains(PREVIOUS)) {
      // Somebody has gone back from it.
      throw superseded(secret, versionId);
    }
    return withCurrent(
        secret, (described, current) -> step(step, described, current, versionId, request));
  }

  private RotationResult step(
      RotationStep step,
      Secret secret,
      Version current,
      String versionId,
      RotationRequest request) {
    Optional<Version> pending =
        log.step("read pending", versionId, () -> store.read(secret, versionId));
    if (pending.filter(made -> !isMadeOf(secret, made, current)).isPresent()) {
      throw superseded(secret, versionId);
    }
    switch (step) {
      case CREATE_SECRET -> {
        if (pending.isEmpty()) {
          mintAndStage(secret, current, KeySecret.parse(current.value()), versionId, request);
        } else if (!isAccepted(pending.get(), current, request)) {
          // Left as pending, Secrets Manager would try the same version for ever.
          dropPending(secret, versionId);
          throw new RotationFailure(
              NEW_KEY_REJECTED, "Momento still does not accept the new key; it was given up.");
        }
      }
      case SET_SECRET -> {}
      case TEST_SECRET -> {
        if (pending.isPresent()) {
          requireAccepted(pending.get(), request);
        } else {
          // So it is when rotation is switched on without rotating: nobody has filled the version.
          requireAcceptedAndRefreshable(current, request);
        }
      }
      case FINISH_SECRET -> {
        var _ = verifyAndPromote(secret, current, versionId, request);
      }
    }
    return new RotationResult.StepDone(secret.name(), step, versionId);
  }

  /** Ends the rotation unless the current key can be renewed and Momento accepts it. */
  private void requireAcceptedAndRefreshable(Version current, RotationRequest request) {
    var _ = requireRefreshable(KeySecret.parse(current.value()));
    if (verdictOn(current, request) instanceof Verdict.Rejected) {
      throw new RotationFailure(
          REFRESH_REJECTED, "Momento does not accept the current key, and would not refresh it.");
    }
  }

  /**
   * Ends the rotation unless Momento accepts a new key. It stays pending then: it may be all there
   * is, and a later request asks again before it is given up.
   */
  private void requireAccepted(Version pending, RotationRequest request) {
    if (verdictOn(pending, request) instanceof Verdict.Rejected) {
      throw rejected();
    }
  }

  private static RotationFailure rejected() {
    return new RotationFailure(
        NEW_KEY_REJECTED, "Momento does not accept the new key, which waits as pending.");
  }

  /**
   * Tells whether Momento accepts a pending key of an earlier request. If it does not, another may
   * be made; but not before it had time to be known everywhere, and not of a current key that
   * Momento does not accept either.
   */
  private boolean isAccepted(Version pending, Version current, RotationRequest request) {
    if (verdictOn(pending, request) instanceof Verdict.Accepted) {
      return true;
    }
    if (isYounger(pending, TIME_TO_BE_KNOWN)) {
      throw rejected();
    }
    requireAcceptedAndRefreshable(current, request);
    return false;
  }

  private Secret describe(String secretId) {
    Secret secret = log.step("describe", () -> store.describe(secretId));
    log.secretIs(secret.name());
    return secret;
  }

  /** Reads the current version and works on; without one there is nothing to work on. */
  private RotationResult withCurrent(
      Secret secret, BiFunction<Secret, Version, RotationResult> work) {
    return secret
        .labelled(CURRENT)
        .map(id -> work.apply(secret, readInTheEnd("read", secret, id)))
        .orElseGet(() -> new RotationResult.AwaitingFirstKey(secret.name()));
  }

  /**
   * Returns where this request may store a key; empty if the request has come to its end before.
   *
   * <p>A version id can be used only once. If the previous version is newer than a version of this
   * request, somebody has stored a key since and gone back: the request is done. Else the version
   * may still be pending; without any label it was rejected, and a repetition of the request goes
   * on to the next id, which is as little drawn by chance as the first.
   */
  private Optional<Place> placeFor(RotationRequest request, Secret secret, Version current) {
    String id = request.versionId(secret.arn());
    while (!id.equals(current.id())) {
      String candidate = id;
      Optional<Version> present =
          log.step("look for", candidate, () -> store.read(secret, candidate));
      if (present.isEmpty()) {
        return Optional.of(new Place(candidate, Optional.empty()));
      }
      List<String> labels = present.get().labels();
      // The labels may have moved on since the secret was described.
      List<String> before = secret.labels().getOrDefault(candidate, List.of());
      if (isOrWasCurrent(labels)
          || isOrWasCurrent(before)
          || !present.get().created().isAfter(current.created())) {
        return Optional.empty();
      }
      if (previous(secret)
          .filter(previous -> previous.created().isAfter(present.get().created()))
          .isPresent()) {
        return Optional.empty();
      }
      if (labels.contains(PENDING)) {
        return Optional.of(new Place(candidate, present));
      }
      id = RotationRequest.versionIdAfter(candidate);
    }
    return Optional.empty();
  }

  private static boolean isOrWasCurrent(List<String> labels) {
    return labels.contains(CURRENT) || labels.contains(PREVIOUS);
  }

  private Optional<Version> previous(Secret secret) {
    return secret
        .labelled(PREVIOUS)
        .flatMap(id -> log.step("read previous", id, () -> store.read(secret, id)));
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
        .flatMap(id -> log.step("read pending", id, () -> store.read(secret, id)))
        .filter(version -> version.labels().contains(PENDING))
        .filter(version -> !version.labels().contains(PREVIOUS))
        .filter(version -> version.created().isAfter(current.created()));
  }

  /**
   * Tells whether a pending version holds what the current key was refreshed to. Else somebody has
   * stored another key while it was made, or somebody else has labelled it.
   */
  private boolean isMadeOf(Secret secret, Version pending, Version current) {
    // The version may be younger than the description, made by another delivery of the request.
    return pending.created().isAfter(current.created())
        && (isMarked(secret, current) || isMarked(describe(secret.arn()), current));
  }

  private static boolean isMarked(Secret secret, Version current) {
    return secret.labelled(REFRESHED).equals(Optional.of(current.id()));
  }

  /**
   * Tells whether a pending version is worth taking up: it is another than the current one, ends no
   * earlier, can be renewed, and Momento accepts its key.
   */
  private boolean isUseful(Version pending, Version current, RotationRequest request) {
    Expiry now = readable(current).map(KeySecret::expiry).orElse(new Expiry.Unknown());
    boolean better =
        readable(pending)
            .filter(secret -> !pending.text().equals(current.text()))
            .filter(secret -> secret.refreshToken().isPresent())
            .filter(secret -> !now.isAfter(secret.expiry()))
            .isPresent();
    return better && isAccepted(pending, current, request);
  }

  /** Returns what a version holds; empty if that cannot be read. */
  private static Optional<KeySecret> readable(Version version) {
    try {
      return Optional.of(KeySecret.parse(version.value()));
    } catch (RotationFailure unreadable) {
      return Optional.empty();
    }
  }

  /** Mints only what can be stored: it proves the right to write first. */
  private void mintAndStage(
      Secret secret, Version current, KeySecret old, String versionId, RotationRequest request) {
    MomentoKey.V1 key = requireRefreshable(old);
    Sensitive refreshToken = old.refreshToken().orElseThrow();
    log.step("probe", current.id(), () -> store.probeWrite(secret, current));
    if (!log.step("mark", current.id(), () -> store.markRefreshed(secret, current.id()))) {
      throw new RotationFailure(
          SUPERSEDED, "Another rotation has begun to refresh another version meanwhile.");
    }
    MintedKey minted =
        switch (log.step("mint", () -> momento.refresh(key, refreshToken, request))) {
          case RefreshAnswer.Minted(MintedKey made) -> made;
          case RefreshAnswer.Rejected(String code) ->
              throw refused(secret, current, old, key, code, request);
          case RefreshAnswer.Unknown(NoAnswer why) ->
              throw new RotationFailure(
                  why.reason(), "Momento's refresh call ended in " + why.code() + ".");
        };
    // Two rotations within a second make keys that end at the same time.
    boolean isTwin = minted.expiry().equals(old.expiry()) && isYounger(current, JUST_MADE);
    if (minted.key().token().equals(key.token())
        || !(isTwin || minted.expiry().isAfter(old.expiry()))) {
      throw new RotationFailure(
          NEW_KEY_INVALID, "Momento answered with the same key, or one that ends no later.");
    }
    Sensitive renewed = old.renewed(minted);
    log.step(
        "stage",
        versionId,
        () ->
            Failsafe.with(whileThereIsTime(request))
                .run(() -> store.stage(secret, versionId, renewed)));
  }

  private boolean isYounger(Version version, Duration age) {
    return version.created().isAfter(clock.instant().minus(age));
  }

  /** What was minted may be all there is: it is not given up while it might be stored. */
  private RetryPolicy<Object> whileThereIsTime(RotationRequest request) {
    Duration time =
        Duration.between(clock.instant(), request.deadline()).minus(SecretStore.LONGEST_CALL);
    Instant endOfRefusals = clock.instant().plus(LONGEST_REFUSAL);
    RetryPolicyBuilder<Object> policy =
        RetryPolicy.builder()
            .handleIf(
                failure ->
                    failure instanceof RotationFailure why
                        && (why.reason() == SECRETS_MANAGER_UNAVAILABLE
                            || clock.instant().isBefore(endOfRefusals)));
    return time.compareTo(PAUSE) > 0
        ? policy.withMaxRetries(-1).withDelay(PAUSE).withMaxDuration(time).build()
        : policy.withMaxRetries(0).build();
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
    if (secret.refreshToken().isEmpty()) {
      throw new RotationFailure(
          KEY_NOT_REFRESHABLE, "The key came without a refresh token, as a disposable token does.");
    }
    if (!secret.hasRoom()) {
      throw new RotationFailure(
          SECRET_MALFORMED, "The secret's value leaves too little room for a new key.");
    }
    if (secret.expiry() instanceof Expiry.Never) {
      throw new RotationFailure(KEY_NOT_REFRESHABLE, "The key never expires.");
    }
    if (secret.expiry() instanceof Expiry.At(Instant end) && !clock.instant().isBefore(end)) {
      throw new RotationFailure(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    return key;
  }

  /** Finds out what a refused refresh means, for one who may have to replace the key by hand. */
  private RotationFailure refused(
      Secret secret,
      Version current,
      KeySecret old,
      MomentoKey.V1 key,
      String why,
      RotationRequest request) {
    // Another rotation may just be about to store what it has minted.
    if (Failsafe.with(SecretStore.whileSeeing(false)).get(() -> isOvertaken(secret, current))) {
      return new RotationFailure(
          SUPERSEDED, "Another rotation, or a person, has been here meanwhile (" + why + ").");
    }
    String state =
        switch (momento.verdictAtOnce(key, request)) {
          case Verdict.Accepted _ ->
              "The current key still works; it expires: " + old.expiry() + ".";
          case Verdict.Rejected _ -> "The current key does not work any more.";
          case Verdict.Unknown _ -> "Whether the current key still works could not be found out.";
        };
    return new RotationFailure(
        REFRESH_REJECTED, "Momento refused to refresh the key (" + why + "). " + state);
  }

  /** Tells whether another version has become current since, or a younger one waits as pending. */
  private boolean isOvertaken(Secret secret, Version current) {
    Secret now = describe(secret.arn());
    return !now.labelled(CURRENT).equals(Optional.of(current.id()))
        || unfinished(now, current).isPresent();
  }

  /**
   * Stores the key of another request's pending version under this request's id, so that this
   * request is known to be done when it is delivered again.
   */
  private void adopt(Secret secret, Version pending, String versionId) {
    if (!pending.id().equals(versionId)) {
      log.step("adopt pending", versionId, () -> store.stage(secret, versionId, pending.value()));
    }
  }

  /** Reads the staged version back, and makes it current once Momento has accepted its key. */
  private Expiry verifyAndPromote(
      Secret secret, Version current, String versionId, RotationRequest request) {
    Version staged = readInTheEnd("read pending", secret, versionId);
    requireAccepted(staged, request);
    promote(secret, current.id(), versionId);
    return KeySecret.parse(staged.value()).expiry();
  }

  private void promote(Secret secret, String from, String to) {
    if (!log.step("promote", to, () -> store.promote(secret, from, to))) {
      throw superseded(secret, to);
    }
  }

  /** Left as pending a version would be taken up again, over what somebody else has stored. */
  private RotationFailure superseded(Secret secret, String versionId) {
    dropPending(secret, versionId);
    return new RotationFailure(
        SUPERSEDED, "Somebody else made another version current meanwhile; it stays so.");
  }

  private void dropPending(Secret secret, String versionId) {
    log.step("drop pending", versionId, () -> store.dropPending(secret, versionId));
  }

  /** Reads a version that is known to be there, though a read may not see it at once. */
  private Version readInTheEnd(String step, Secret secret, String versionId) {
    return log.step(
        step,
        versionId,
        () ->
            Failsafe.with(SecretStore.<Optional<Version>>whileSeeing(Optional.empty()))
                .get(() -> store.read(secret, versionId))
                .orElseThrow(
                    () ->
                        new RotationFailure(
                            SECRETS_MANAGER_UNAVAILABLE,
                            "The version " + versionId + " has no value that can be read yet.")));
  }

  /**
   * Returns what Momento says of a version's key, when that is certain.
   *
   * @throws RotationFailure {@code MOMENTO_UNAVAILABLE}, {@code MOMENTO_THROTTLED} or {@code
   *     OUT_OF_TIME}, if it stays uncertain
   */
  private Verdict verdictOn(Version version, RotationRequest request) {
    Optional<MomentoKey> held = readable(version).map(KeySecret::key);
    if (held.isEmpty() || !(held.get() instanceof MomentoKey.V1 key)) {
      return new Verdict.Rejected();
    }
    Verdict verdict = log.step("verify", version.id(), () -> momento.verdict(key, request));
    if (verdict instanceof Verdict.Unknown(NoAnswer why)) {
      throw new RotationFailure(
          why.reason(),
          "Momento could not be asked about the key ("
              + why.code()
              + "); a new one that was stored waits as pending.");
    }
    return verdict;
  }
}
