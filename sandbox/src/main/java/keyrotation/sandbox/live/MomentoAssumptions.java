package keyrotation.sandbox.live;

import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import keyrotation.sandbox.live.ControlPlane.Answer;
import keyrotation.sandbox.live.MomentoAccount.Refresh;

/** The function's assumptions about v1 Momento keys. */
final class MomentoAssumptions {

  static final List<Assumption<MomentoAccount>> ALL =
      List.of(
          new Assumption<>(
              "M1",
              "A refresh returns a different key for the same endpoint, with a refresh token and a"
                  + " later expiry.",
              MomentoAssumptions::refreshGivesALaterKey),
          new Assumption<>(
              "M2",
              "A refreshed key has the same lifetime as the old key.",
              MomentoAssumptions::refreshKeepsTheLifetime),
          new Assumption<>(
              "M3",
              "A data-only key can be refreshed repeatedly and stays a data-only key.",
              MomentoAssumptions::dataOnlyKeysAreRefreshed),
          new Assumption<>(
              "M4",
              "A refresh of a super-user key returns a super-user key.",
              MomentoAssumptions::superUserKeysAreRefreshed),
          new Assumption<>(
              "M5",
              "The old key stays valid after a refresh.",
              MomentoAssumptions::oldKeyStaysValid),
          new Assumption<>(
              "M6",
              "A used refresh token works again or is rejected.",
              MomentoAssumptions::usedRefreshToken),
          new Assumption<>(
              "M7",
              "A second use of a refresh token harms neither the old key nor the new key.",
              MomentoAssumptions::secondUseHarmsNoKey),
          new Assumption<>(
              "M8",
              "A refresh with another key's refresh token is rejected.",
              MomentoAssumptions::refreshTokenOfAnotherKey),
          new Assumption<>(
              "M9",
              "A refresh of an expired key is rejected.",
              MomentoAssumptions::refreshOfAnExpiredKey),
          new Assumption<>(
              "M10",
              "A refresh of a key that never expires is rejected.",
              MomentoAssumptions::refreshOfAKeyThatNeverExpires),
          new Assumption<>(
              "M11",
              "ListCaches with a super-user key is answered with OK.",
              account -> expect(Answer.OK, account.listCaches(account.superUser()))),
          new Assumption<>(
              "M12",
              "ListCaches with a data-only key is answered with PERMISSION_DENIED and the"
                  + " trailer err.",
              account ->
                  expect(
                      new Answer(Status.Code.PERMISSION_DENIED, true),
                      account.listCaches(account.generateKey(MomentoAccount.KEY_LIFETIME)))),
          new Assumption<>(
              "M13",
              "ListCaches with an expired key is answered with UNAUTHENTICATED.",
              MomentoAssumptions::listWithAnExpiredKey),
          new Assumption<>(
              "M14",
              "ListCaches with a JWT that is no key is answered with UNAUTHENTICATED or"
                  + " INVALID_ARGUMENT.",
              MomentoAssumptions::listWithNoKey),
          new Assumption<>(
              "M15",
              "A refreshed key is accepted within 15 seconds.",
              MomentoAssumptions::newKeyIsKnownSoon),
          new Assumption<>(
              "M16",
              "A key that was accepted once stays accepted.",
              MomentoAssumptions::acceptedKeyStaysAccepted),
          new Assumption<>(
              "M17",
              "The expiry in a key's token (claim exp) equals the expiry that Momento states beside"
                  + " it.",
              MomentoAssumptions::tokenNamesItsEnd));

  /** Long enough for two keys to expire in different seconds. */
  private static final Duration SHORT_PAUSE = Duration.ofSeconds(2);

  /** The lifetime of keys in trials of expired keys. */
  private static final Duration SHORT_LIFETIME = Duration.ofSeconds(5);

  /** The largest accepted difference between Momento's clock and this machine's. */
  static final Duration CLOCK_SKEW = Duration.ofMinutes(1);

  /** The longest wait for a key to be rejected after its stated expiry. */
  static final Duration EXPIRY_TIMEOUT = Duration.ofMinutes(2);

  /** How long the function waits for a new key to be accepted. */
  static final Duration PROPAGATION_GRACE = Duration.ofSeconds(15);

  /** The longest wait for a key; at that age the function gives up a new key that is rejected. */
  static final Duration PROPAGATION_DEADLINE = Duration.ofMinutes(10);

  static final int VERIFICATIONS = 10;
  static final Duration VERIFICATION_INTERVAL = Duration.ofSeconds(1);

  private MomentoAssumptions() {}

  private static Finding refreshGivesALaterKey(MomentoAccount account) throws InterruptedException {
    ApiKey old = account.generateKey(MomentoAccount.KEY_LIFETIME);
    account.poller().pause(SHORT_PAUSE);
    ApiKey fresh = account.refresh(old);
    return Finding.confirmedIf(
            !fresh.token().equals(old.token()), "The refreshed key equals the old key.")
        .and(
            () ->
                Finding.confirmedIf(
                    !fresh.refreshToken().isEmpty(), "The refreshed key has no refresh token."))
        .and(
            () ->
                Finding.confirmedIf(
                    fresh.endpoint().equals(old.endpoint()),
                    "The refreshed key has another endpoint."))
        .and(
            () ->
                Finding.confirmedIf(
                    fresh.validUntil().isAfter(old.validUntil()),
                    "The refreshed key expires at %s, the old key at %s."
                        .formatted(fresh.validUntil(), old.validUntil())));
  }

  private static Finding refreshKeepsTheLifetime(MomentoAccount account)
      throws InterruptedException {
    ApiKey old = account.generateKey(MomentoAccount.KEY_LIFETIME);
    account.poller().pause(SHORT_PAUSE);
    ApiKey fresh = account.refresh(old);
    Duration life = Duration.between(account.poller().now(), fresh.validUntil());
    return Finding.confirmedIf(
        life.minus(MomentoAccount.KEY_LIFETIME).abs().compareTo(CLOCK_SKEW) < 0,
        "The old key's lifetime was %d s; the refreshed key's is %d s."
            .formatted(MomentoAccount.KEY_LIFETIME.toSeconds(), life.toSeconds()));
  }

  private static Finding dataOnlyKeysAreRefreshed(MomentoAccount account)
      throws InterruptedException {
    ApiKey first = account.generateKey(MomentoAccount.KEY_LIFETIME);
    ApiKey third = account.refresh(account.refresh(first));
    return expect(account.listCaches(first), awaitPropagation(account, third));
  }

  private static Finding superUserKeysAreRefreshed(MomentoAccount account)
      throws InterruptedException {
    if (account.spareKey().isEmpty()) {
      return new Finding.NotTried(
          LiveSettings.SPARE_KEY_FILE
              + ": a second super-user key that expires; the check uses up its refresh token.");
    }
    ApiKey spare = account.spareKey().get();
    return expect(Answer.OK, account.listCaches(spare))
        .and(() -> expect(Answer.OK, awaitPropagation(account, account.refresh(spare))));
  }

  private static Finding oldKeyStaysValid(MomentoAccount account) throws InterruptedException {
    ApiKey old = account.generateKey(MomentoAccount.KEY_LIFETIME);
    Answer before = account.listCaches(old);
    var _ = account.refresh(old);
    account.poller().pause(SHORT_PAUSE);
    return expect(before, account.listCaches(old));
  }

  private static Finding usedRefreshToken(MomentoAccount account) throws InterruptedException {
    ApiKey old = account.generateKey(MomentoAccount.KEY_LIFETIME);
    var _ = account.refresh(old);
    return switch (account.refresh(old, old.refreshToken())) {
      case Refresh.Refreshed _ -> Finding.confirmed("Refresh tokens are reusable.");
      case Refresh.Refused(Answer answer) ->
          answer.rejectsRefresh()
              ? Finding.confirmed("Refresh tokens are single-use (%s).".formatted(answer))
              : new Finding.Refuted("The second use was refused with " + answer + ".");
    };
  }

  private static Finding secondUseHarmsNoKey(MomentoAccount account) throws InterruptedException {
    ApiKey old = account.generateKey(MomentoAccount.KEY_LIFETIME);
    ApiKey fresh = account.refresh(old);
    Answer before = awaitPropagation(account, fresh);
    var _ = account.refresh(old, old.refreshToken());
    account.poller().pause(SHORT_PAUSE);
    return expect(before, account.listCaches(fresh))
        .and(() -> expect(before, account.listCaches(old)));
  }

  private static Finding refreshTokenOfAnotherKey(MomentoAccount account)
      throws InterruptedException {
    ApiKey key = account.generateKey(MomentoAccount.KEY_LIFETIME);
    ApiKey other = account.generateKey(MomentoAccount.KEY_LIFETIME);
    return expectRejection(account.refresh(key, other.refreshToken()));
  }

  private static Finding refreshOfAnExpiredKey(MomentoAccount account) throws InterruptedException {
    ApiKey key = account.generateKey(SHORT_LIFETIME);
    var _ = awaitExpiry(account, key);
    return expectRejection(account.refresh(key, key.refreshToken()));
  }

  private static Finding refreshOfAKeyThatNeverExpires(MomentoAccount account)
      throws InterruptedException {
    // The check generates no such key, because it could not delete it.
    if (account.superUser().expires()) {
      return new Finding.NotTried(
          LiveSettings.KEY_FILE + ": a key that never expires; the given key expires.");
    }
    return expectRejection(account.refresh(account.superUser(), "none"));
  }

  private static Finding listWithAnExpiredKey(MomentoAccount account) throws InterruptedException {
    Answer answer = awaitExpiry(account, account.generateKey(SHORT_LIFETIME));
    return Finding.confirmedIf(
        answer.is(Status.Code.UNAUTHENTICATED), "Momento answered %s.".formatted(answer));
  }

  private static Finding listWithNoKey(MomentoAccount account) throws InterruptedException {
    Answer answer = account.listCaches(Jwt.UNKNOWN);
    return answer.is(Status.Code.UNAUTHENTICATED) || answer.is(Status.Code.INVALID_ARGUMENT)
        ? Finding.confirmed("Momento answered " + answer + ".")
        : new Finding.Refuted("Momento answered " + answer + ".");
  }

  private static Finding newKeyIsKnownSoon(MomentoAccount account) throws InterruptedException {
    ApiKey fresh = account.refresh(account.generateKey(MomentoAccount.KEY_LIFETIME));
    Instant start = account.poller().now();
    Answer answer = awaitPropagation(account, fresh);
    Duration time = Duration.between(start, account.poller().now());
    if (answer.is(Status.Code.UNAUTHENTICATED)) {
      return new Finding.Refuted(
          "The key is still rejected after %d minutes."
              .formatted(PROPAGATION_DEADLINE.toMinutes()));
    }
    String took = "It took %d ms.".formatted(time.toMillis());
    return time.compareTo(PROPAGATION_GRACE) <= 0
        ? Finding.confirmed(took)
        : new Finding.Refuted(took);
  }

  private static Finding acceptedKeyStaysAccepted(MomentoAccount account)
      throws InterruptedException {
    ApiKey fresh = account.refresh(account.generateKey(MomentoAccount.KEY_LIFETIME));
    Answer first = awaitPropagation(account, fresh);
    Finding finding = Finding.confirmed();
    for (int i = 0; i < VERIFICATIONS && finding instanceof Finding.Confirmed; i++) {
      account.poller().pause(VERIFICATION_INTERVAL);
      finding = expect(first, account.listCaches(fresh));
    }
    return finding;
  }

  private static Finding tokenNamesItsEnd(MomentoAccount account) throws InterruptedException {
    ApiKey made = account.generateKey(MomentoAccount.KEY_LIFETIME);
    for (ApiKey key : List.of(made, account.refresh(made))) {
      if (key.expiryClaim().isEmpty()) {
        return Finding.confirmed("The token has no claim exp.");
      }
      if (!key.expiryClaim().get().equals(key.validUntil())) {
        return new Finding.Refuted(
            "The token's claim exp is %s; Momento states %s."
                .formatted(key.expiryClaim().get(), key.validUntil()));
      }
    }
    return Finding.confirmed("The token's claim exp is the stated expiry.");
  }

  /** Verifies a new key until it is accepted or the function would give it up. */
  private static Answer awaitPropagation(MomentoAccount account, ApiKey fresh)
      throws InterruptedException {
    return account
        .poller()
        .await(
            "a new key to be accepted",
            PROPAGATION_DEADLINE,
            () -> account.listCaches(fresh),
            answer -> !answer.is(Status.Code.UNAUTHENTICATED));
  }

  /** Waits for a data-only key to expire, and verifies it until the answer changes. */
  private static Answer awaitExpiry(MomentoAccount account, ApiKey key)
      throws InterruptedException {
    account.poller().pause(SHORT_LIFETIME);
    return account
        .poller()
        .await(
            "a key to expire",
            EXPIRY_TIMEOUT,
            () -> account.listCaches(key),
            answer -> !answer.is(Status.Code.PERMISSION_DENIED));
  }

  private static Finding expect(Answer expected, Answer answer) {
    return Finding.confirmedIf(
        answer.equals(expected), "Momento answered %s; expected: %s.".formatted(answer, expected));
  }

  private static Finding expectRejection(Refresh refresh) {
    return switch (refresh) {
      case Refresh.Refreshed _ -> new Finding.Refuted("Momento returned a key.");
      case Refresh.Refused(Answer answer) ->
          answer.rejectsRefresh()
              ? Finding.confirmed("It was refused with " + answer + ".")
              : new Finding.Refuted("It was refused with " + answer + ".");
    };
  }
}
