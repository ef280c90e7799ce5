package keyrotation.rotation;

import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.secretsmanager.StagingLabel.CURRENT;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoClient;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.RefreshResult;
import keyrotation.momento.RefreshedKey;
import keyrotation.momento.Unavailable;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/** Renews v1 keys: Momento exchanges a key and its refresh token for new ones. */
public final class RefreshTokenRenewal implements KeyRenewal {

  /**
   * The age up to which a key may be renewed to one that ends at the same time: expiries are
   * counted in seconds, and two refreshes may follow within one.
   */
  private static final Duration MAX_TWIN_AGE = Duration.ofMinutes(1);

  private final SecretVersions versions;
  private final KeyVerification verification;
  private final MomentoClient momento;
  private final InstantSource clock;
  private final RotationLog log;

  public RefreshTokenRenewal(
      SecretVersions versions,
      KeyVerification verification,
      MomentoClient momento,
      InstantSource clock,
      RotationLog log) {
    this.versions = versions;
    this.verification = verification;
    this.momento = momento;
    this.clock = clock;
    this.log = log;
  }

  /** A v1 key tells all that is known before the refresh. */
  @Override
  public void requireRenewable(RotationTask task) {
    var _ = prepare(task);
  }

  @Override
  public Prepared prepare(RotationTask task) {
    KeySecret secret = task.current().requireKey();
    MomentoKey.V1 key = requireV1(secret);
    Sensitive refreshToken = requireRefreshToken(secret);
    secret.requireRoom();
    if (secret.expiry() instanceof Expiry.Never) {
      throw new RotationException(KEY_NOT_REFRESHABLE, "The key never expires.");
    }
    if (secret.expiry() instanceof Expiry.At(Instant end) && !clock.instant().isBefore(end)) {
      throw new RotationException(KEY_EXPIRED, "The key expired at " + end + ".");
    }
    return _ -> renew(task, key, refreshToken);
  }

  @Override
  public void rehearse(RotationTask task) {
    var _ = prepare(task);
    verification.requireCurrentKeyAccepted(task);
  }

  /** Tells nothing: Momento cannot revoke a v1 key. */
  @Override
  public boolean isRevoked(RotationTask task) {
    return false;
  }

  /** Tells that it is: a refresh keeps the permissions. */
  @Override
  public boolean isIntended(RotationTask task, KeyVersion stored) {
    return true;
  }

  @Override
  public Verdict verifySuccessor(RotationTask task, KeyVersion successor) {
    return verification.verifySuccessor(task, successor);
  }

  private static MomentoKey.V1 requireV1(KeySecret secret) {
    return switch (secret.key()) {
      case MomentoKey.V1 v1 -> v1;
      case MomentoKey.V2 _ ->
          throw new RotationException(
              KEY_NOT_REFRESHABLE, "The key is a v2 key, which is not refreshed.");
      case MomentoKey.Legacy _ ->
          throw new RotationException(
              KEY_NOT_REFRESHABLE, "The key is a legacy key, for which no refresh is known.");
    };
  }

  private static Sensitive requireRefreshToken(KeySecret secret) {
    return secret
        .refreshToken()
        .orElseThrow(
            () ->
                new RotationException(
                    KEY_NOT_REFRESHABLE,
                    "The v1 key has no refresh token beside it; a disposable token never has"
                        + " one."));
  }

  private Sensitive renew(RotationTask task, MomentoKey.V1 key, Sensitive refreshToken) {
    KeySecret old = task.current().requireKey();
    RefreshedKey refreshed =
        switch (log.step(
            LogStep.REFRESH, () -> momento.refresh(key, refreshToken, task.request()))) {
          case RefreshResult.Refreshed(RefreshedKey renewed) -> renewed;
          case RefreshResult.Rejected(String code) -> throw explainRejectedRefresh(task, code);
          case RefreshResult.Unknown(Unavailable why) ->
              throw new RotationException(
                  why.reason(), "Momento's refresh call ended in " + why.code() + ".");
        };
    boolean isTwin =
        refreshed.expiry().equals(old.expiry())
            && task.current().created().isAfter(clock.instant().minus(MAX_TWIN_AGE));
    if (refreshed.key().token().equals(key.token())
        || !(isTwin || refreshed.expiry().isAfter(old.expiry()))) {
      throw new RotationException(
          NEW_KEY_INVALID, "Momento returned the same key, or one that expires no later.");
    }
    return old.renewed(refreshed);
  }

  /** Finds out what a rejected refresh means, for an operator who may have to replace the key. */
  private RotationException explainRejectedRefresh(RotationTask task, String code) {
    // Another rotation may be about to store its new key at this moment.
    Secret now =
        versions.describeEventually(task.secret().arn(), seen -> isOvertaken(task.with(seen)));
    if (isOvertaken(task.with(now))) {
      return new RotationException(
          SUPERSEDED,
          "Another rotation used the refresh token, or another version became AWSCURRENT"
              + " ("
              + code
              + ").");
    }
    KeySecret old = task.current().requireKey();
    String state =
        switch (momento.verifyOnce(requireV1(old).credentials(), task.request())) {
          case Verdict.Accepted _, Verdict.Denied _ ->
              "The current key still works; it expires: " + old.expiry() + ".";
          case Verdict.Rejected _ -> "The current key does not work any more.";
          case Verdict.Unknown _ -> "Whether the current key still works could not be found out.";
        };
    return new RotationException(
        REFRESH_REJECTED, "Momento rejected the refresh (" + code + "). " + state);
  }

  private boolean isOvertaken(RotationTask now) {
    return !now.secret().labelled(CURRENT).equals(Optional.of(now.current().id()))
        || versions.successorOf(now).isPresent();
  }
}
