package keyrotation;

import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.FailureReason.NEW_KEY_INVALID;
import static keyrotation.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.FailureReason.REFRESH_REJECTED;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SECRET_MALFORMED;
import static keyrotation.FailureReason.SUPERSEDED;
import static keyrotation.SecretStore.CURRENT;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.SecretStore.Secret;
import keyrotation.SecretStore.Version;

/** The making of a new key from the current one, up to where it is stored. */
final class KeyRenewal {

  /** How old a key is at most that may be renewed to one which ends at the same time. */
  private static final Duration JUST_MADE = Duration.ofMinutes(1);

  /** How long a key is offered to a store that refuses it: a right may be missing for a moment. */
  private static final Duration MAX_REFUSAL = Duration.ofSeconds(30);

  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final SecretStore store;
  private final SecretVersions versions;
  private final MomentoClient momento;
  private final Time time;
  private final RotationLog log;

  KeyRenewal(
      SecretStore store,
      SecretVersions versions,
      MomentoClient momento,
      Time time,
      RotationLog log) {
    this.store = store;
    this.versions = versions;
    this.momento = momento;
    this.time = time;
    this.log = log;
  }

  /**
   * Refreshes the current key and stores the new one as its successor. Nothing is refreshed unless
   * the right to write has been proved.
   *
   * @param labels what the new version is to carry beside the label of a successor
   * @return the id of the successor
   */
  String refreshAndStage(
      Secret secret,
      Version current,
      String versionId,
      List<String> labels,
      RotationRequest request) {
    KeySecret old = KeySecret.parse(current.value());
    MomentoKey.V1 key = requireRefreshable(old);
    Sensitive refreshToken = old.refreshToken().orElseThrow();
    if (secret.isFull() && secret.labelled(SecretVersions.labelFor(current.id())).isEmpty()) {
      throw new RotationException(
          QUOTA_EXCEEDED,
          "The secret has "
              + SecretStore.MAX_LABELS
              + " staging labels, which is the most that it can have.");
    }
    log.step(LogStep.PROBE_WRITE, current.id(), () -> store.probeWrite(secret, current));
    RefreshedKey refreshed =
        switch (log.step(LogStep.REFRESH, () -> momento.refresh(key, refreshToken, request))) {
          case RefreshResult.Refreshed(RefreshedKey made) -> made;
          case RefreshResult.Rejected(String code) ->
              throw explainRejectedRefresh(secret, current, old, key, code, request);
          case RefreshResult.Unknown(Unavailable why) ->
              throw new RotationException(
                  why.reason(), "Momento's refresh call ended in " + why.code() + ".");
        };
    // Two rotations within a second make keys that end at the same time.
    boolean isTwin =
        refreshed.expiry().equals(old.expiry())
            && current.created().isAfter(time.instant().minus(JUST_MADE));
    if (refreshed.key().token().equals(key.token())
        || !(isTwin || refreshed.expiry().isAfter(old.expiry()))) {
      throw new RotationException(
          NEW_KEY_INVALID, "Momento returned the same key, or one that expires no later.");
    }
    Sensitive renewed = old.renewed(refreshed);
    return log.step(
        LogStep.STAGE,
        versionId,
        () -> stage(secret, current, versionId, renewed, labels, request));
  }

  /** The new key may be all there is: it is not given up while it might be stored. */
  private String stage(
      Secret secret,
      Version current,
      String versionId,
      Sensitive renewed,
      List<String> labels,
      RotationRequest request) {
    Instant endOfRefusals = time.instant().plus(MAX_REFUSAL);
    Instant lastTry = request.deadline().minus(SecretStore.CALL_TIMEOUT);
    while (true) {
      try {
        return versions.stage(secret, current, versionId, renewed, labels);
      } catch (RotationException failure) {
        Instant next = time.instant().plus(PAUSE);
        boolean mayPass =
            failure.reason() == SECRETS_MANAGER_UNAVAILABLE || next.isBefore(endOfRefusals);
        if (!mayPass || !next.isBefore(lastTry)) {
          throw failure;
        }
      }
      time.sleep(PAUSE);
    }
  }

  /** Ends the rotation unless a key is one that can be refreshed and stored. */
  MomentoKey.V1 requireRefreshable(KeySecret secret) {
    MomentoKey.V1 key =
        switch (secret.key()) {
          case MomentoKey.V1 v1 -> v1;
          case MomentoKey.V2 _ ->
              throw new RotationException(
                  KEY_NOT_REFRESHABLE, "The key is a v2 key, which cannot be refreshed.");
          case MomentoKey.Legacy _ ->
              throw new RotationException(
                  KEY_NOT_REFRESHABLE, "The key is a legacy key, for which no refresh is known.");
        };
    if (secret.refreshToken().isEmpty()) {
      throw new RotationException(
          KEY_NOT_REFRESHABLE,
          "The secret has no refresh token; a disposable token never has one.");
    }
    if (!secret.hasRoom()) {
      throw new RotationException(
          SECRET_MALFORMED, "The secret's value is too large: a new key might not fit.");
    }
    if (secret.expiry() instanceof Expiry.Never) {
      throw new RotationException(KEY_NOT_REFRESHABLE, "The key never expires.");
    }
    if (secret.expiry() instanceof Expiry.At(Instant end) && !time.instant().isBefore(end)) {
      throw new RotationException(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    return key;
  }

  /** Finds out what a rejected refresh means, for an operator who may have to replace the key. */
  private RotationException explainRejectedRefresh(
      Secret secret,
      Version current,
      KeySecret old,
      MomentoKey.V1 key,
      String code,
      RotationRequest request) {
    // Another rotation may be about to store its new key at this moment.
    Secret now = versions.describeShowing(secret.arn(), seen -> isOvertaken(seen, current));
    if (isOvertaken(now, current)) {
      return new RotationException(
          SUPERSEDED,
          "Another rotation used the refresh token, or another version became AWSCURRENT"
              + " ("
              + code
              + ").");
    }
    String state =
        switch (momento.verifyOnce(key, request)) {
          case Verdict.Accepted _, Verdict.Denied _ ->
              "The current key still works; it expires: " + old.expiry() + ".";
          case Verdict.Rejected _ -> "The current key does not work any more.";
          case Verdict.Unknown _ -> "Whether the current key still works could not be found out.";
        };
    return new RotationException(
        REFRESH_REJECTED, "Momento rejected the refresh (" + code + "). " + state);
  }

  private boolean isOvertaken(Secret now, Version current) {
    return !now.labelled(CURRENT).equals(Optional.of(current.id()))
        || versions.successorOf(now, current).isPresent();
  }
}
