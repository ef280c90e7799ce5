package keyrotation.sandbox.live;

import static keyrotation.sandbox.live.MomentoAssumptions.CLOCK_SKEW;
import static keyrotation.sandbox.live.MomentoAssumptions.EXPIRY_TIMEOUT;
import static keyrotation.sandbox.live.MomentoAssumptions.PROPAGATION_DEADLINE;
import static keyrotation.sandbox.live.MomentoAssumptions.PROPAGATION_GRACE;
import static keyrotation.sandbox.live.MomentoAssumptions.VERIFICATIONS;
import static keyrotation.sandbox.live.MomentoAssumptions.VERIFICATION_INTERVAL;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.sandbox.live.ControlPlane.Answer;

/** The function's assumptions about v2 Momento keys and the API that manages them. */
final class V2Assumptions {

  static final List<Assumption<V2Account>> ALL =
      List.of(
          new Assumption<>(
              "V1",
              "A v2 key is a JWT whose claim t is g and whose claim jti is the key's id in"
                  + " Momento's answer and list.",
              V2Assumptions::claimIsTheId),
          new Assumption<>(
              "V2",
              "Momento's answer and list repeat the role and a description of 150 characters"
                  + " unchanged.",
              V2Assumptions::orderIsRepeated),
          new Assumption<>(
              "V3",
              "A key expires when the order says, by its claim exp, the answer and the list; they"
                  + " state when it was issued.",
              V2Assumptions::expiryIsKept),
          new Assumption<>(
              "V4",
              "A key that is ordered to expire never has no claim exp, and no expiry in the"
                  + " answer.",
              V2Assumptions::neverHasNoClaim),
          new Assumption<>(
              "V5",
              "With exclude_refresh_token, a key comes without a refresh token.",
              V2Assumptions::refreshTokenIsExcluded),
          new Assumption<>(
              "V6",
              "ListCaches with a v2 key of the role r-viewer is answered with OK.",
              account -> {
                Answer answer = awaitAcceptance(account, account.issue());
                return expect(Answer.OK, answer);
              }),
          new Assumption<>(
              "V7", "A new v2 key is accepted within 15 seconds.", V2Assumptions::isAcceptedSoon),
          new Assumption<>(
              "V8",
              "A v2 key that was accepted once stays accepted.",
              V2Assumptions::acceptedKeyStaysAccepted),
          new Assumption<>(
              "V9", "A new v2 key is listed within 2.4 seconds.", V2Assumptions::isListedSoon),
          new Assumption<>(
              "V10",
              "ListCaches with a deleted v2 key is answered with UNAUTHENTICATED within ten"
                  + " minutes, and the list omits it.",
              V2Assumptions::deletedKeyIsRejected),
          new Assumption<>(
              "V11",
              "ListCaches with an expired v2 key is answered with UNAUTHENTICATED.",
              V2Assumptions::expiredKeyIsRejected),
          new Assumption<>(
              "V12",
              "The list omits an expired v2 key or shows it unchanged.",
              V2Assumptions::expiredKeyInTheList),
          new Assumption<>(
              "V13",
              "ListCaches with a v2 key whose role has no permission for caches is answered with"
                  + " PERMISSION_DENIED and the trailer err.",
              V2Assumptions::listWithoutPermission),
          new Assumption<>(
              "V14",
              "ListCaches with a forged JWT that has the claims of a valid v2 key is answered with"
                  + " UNAUTHENTICATED.",
              V2Assumptions::listWithAForgedKey),
          new Assumption<>(
              "V15",
              "The order of a key for an unknown role is refused with HTTP 404 and a JSON error.",
              V2Assumptions::unknownRole),
          new Assumption<>(
              "V16",
              "A call with an invalid management key is refused with HTTP 401 and a JSON error.",
              account ->
                  expectRefusal(
                      401, account.listWith(Jwt.forged(account.managementKey().token())))),
          new Assumption<>(
              "V17",
              "A call with a v2 key that may not manage keys is refused with HTTP 403 and a JSON"
                  + " error.",
              V2Assumptions::managementWithoutPermission),
          new Assumption<>(
              "V18",
              "A second deletion of a v2 key succeeds or is refused with HTTP 404 and a JSON"
                  + " error.",
              V2Assumptions::secondDeletion),
          new Assumption<>(
              "V19",
              "A list in several pages has an end, and shows each key once.",
              V2Assumptions::pagesShowEachKeyOnce));

  /** The function's descriptions are a little shorter. */
  private static final int DESCRIPTION_LENGTH = 150;

  /** What the names of secrets, which the function adds to descriptions, can consist of. */
  private static final String NAME = " 0123456789abcdef-/_+=.@-AZ";

  /** The lifetime of keys in trials of expired keys; the clocks may differ by some seconds. */
  private static final Duration SHORT_LIFETIME = Duration.ofSeconds(30);

  /** How long the function waits for a new key to be listed. */
  private static final Duration LISTING_GRACE = Duration.ofMillis(2_400);

  private static final int PAGES = 3;

  private V2Assumptions() {}

  private static Finding claimIsTheId(V2Account account) throws InterruptedException {
    TrialKey key = account.issue();
    return Finding.confirmedIf(
            key.claims().path("t").asText().equals("g"), "The key's claim t is not g.")
        .and(
            () ->
                Finding.confirmedIf(
                    key.claims().path("jti").asText().equals(key.info().id()),
                    "The key's claim jti is not the key_id of the answer."))
        .and(
            () ->
                Finding.confirmedIf(
                    account.findEventually(key.info().id()).isPresent(),
                    "The list does not show the key's id."))
        .and(
            () ->
                Finding.confirmedIf(
                    account.find(account.managementKey().id()).isPresent(),
                    "The list does not show the claim jti of the management key."));
  }

  private static Finding orderIsRepeated(V2Account account) throws InterruptedException {
    String name = NAME.repeat(DESCRIPTION_LENGTH);
    String description = (account.descriptions() + name).substring(0, DESCRIPTION_LENGTH);
    TrialKey key =
        account.issue(description, Optional.of(account.inSeconds(V2Account.KEY_LIFETIME)));
    return repeats(description, "answer", key.info())
        .and(() -> repeats(description, "list", listed(account, key)));
  }

  private static Finding repeats(String description, String where, KeyInfo info)
      throws InterruptedException {
    return Finding.confirmedIf(
            info.roleId().equals(V2Account.ROLE), "The %s states another role.".formatted(where))
        .and(
            () ->
                Finding.confirmedIf(
                    info.description().equals(description),
                    "The %s has a description of %d characters; ordered: %d."
                        .formatted(where, info.description().length(), description.length())));
  }

  private static Finding expiryIsKept(V2Account account) throws InterruptedException {
    Instant now = account.poller().now();
    Instant expiry = account.inSeconds(V2Account.KEY_LIFETIME);
    TrialKey key = account.issue(account.descriptions(), Optional.of(expiry));
    long claim = key.claims().path("exp").asLong();
    return Finding.confirmedIf(
            claim == expiry.getEpochSecond(),
            "The claim exp is %d; ordered: %d.".formatted(claim, expiry.getEpochSecond()))
        .and(() -> hasDates(now, expiry, "answer", key.info()))
        .and(() -> hasDates(now, expiry, "list", listed(account, key)));
  }

  private static Finding hasDates(Instant issued, Instant expiry, String where, KeyInfo info)
      throws InterruptedException {
    return Finding.confirmedIf(
            info.expiresAt() == expiry.getEpochSecond(),
            "The %s states the expiry %d; ordered: %d."
                .formatted(where, info.expiresAt(), expiry.getEpochSecond()))
        .and(
            () ->
                Finding.confirmedIf(
                    Math.abs(info.issuedAt() - issued.getEpochSecond()) < CLOCK_SKEW.toSeconds(),
                    "The %s states that the key was issued at %d; the order was made at %d."
                        .formatted(where, info.issuedAt(), issued.getEpochSecond())));
  }

  private static Finding neverHasNoClaim(V2Account account) throws InterruptedException {
    TrialKey key = account.issue(account.descriptions(), Optional.empty());
    // Deleted at once, because it would not expire; close() tries again if this fails.
    var _ = account.delete(key.info().id());
    return Finding.confirmedIf(!key.claims().has("exp"), "The key has a claim exp.")
        .and(
            () ->
                Finding.confirmedIf(
                    key.info().expiresAt() == 0,
                    "The answer states the expiry %d.".formatted(key.info().expiresAt())))
        .and(() -> listStatesTheExpiryOf(account, account.managementKey()));
  }

  /** The key that was deleted at once is not listed; the management key may never expire, too. */
  private static Finding listStatesTheExpiryOf(V2Account account, ManagementKey key)
      throws InterruptedException {
    long claim = Jwt.claims(key.token()).path("exp").asLong();
    return account
        .find(key.id())
        .map(
            listed ->
                Finding.confirmedIf(
                    listed.expiresAt() == claim,
                    "The list states the expiry %d for the management key; its claim exp is %d."
                        .formatted(listed.expiresAt(), claim)))
        .orElse(Finding.confirmed());
  }

  private static Finding refreshTokenIsExcluded(V2Account account) throws InterruptedException {
    return Finding.confirmedIf(
        !account.issue().hasRefreshToken(), "The answer contains a refresh token.");
  }

  private static Finding isAcceptedSoon(V2Account account) throws InterruptedException {
    TrialKey key = account.issue();
    Instant start = account.poller().now();
    Answer answer = awaitAcceptance(account, key);
    if (answer.is(Status.Code.UNAUTHENTICATED)) {
      return new Finding.Refuted(
          "The key is still rejected after %d minutes."
              .formatted(PROPAGATION_DEADLINE.toMinutes()));
    }
    return tookAtMost(PROPAGATION_GRACE, start, account);
  }

  private static Finding acceptedKeyStaysAccepted(V2Account account) throws InterruptedException {
    TrialKey key = account.issue();
    Answer first = awaitAcceptance(account, key);
    Finding finding = Finding.confirmed();
    for (int i = 0; i < VERIFICATIONS && finding instanceof Finding.Confirmed; i++) {
      account.poller().pause(VERIFICATION_INTERVAL);
      finding = expect(first, account.listCaches(key.token()));
    }
    return finding;
  }

  private static Finding isListedSoon(V2Account account) throws InterruptedException {
    TrialKey key = account.issue();
    Instant start = account.poller().now();
    return account.findEventually(key.info().id()).isPresent()
        ? tookAtMost(LISTING_GRACE, start, account)
        : new Finding.Refuted("The list does not show the key.");
  }

  private static Finding deletedKeyIsRejected(V2Account account) throws InterruptedException {
    TrialKey key = acceptedKey(account, V2Account.KEY_LIFETIME);
    ApiAnswer deletion = account.delete(key.info().id());
    if (!(deletion instanceof ApiAnswer.Success)) {
      return new Finding.Refuted("The deletion was answered with " + deletion + ".");
    }
    Instant start = account.poller().now();
    Answer answer =
        account
            .poller()
            .await(
                "a deleted key to be rejected",
                PROPAGATION_DEADLINE,
                () -> account.listCaches(key.token()),
                seen -> !seen.is(Status.Code.OK));
    if (!answer.is(Status.Code.UNAUTHENTICATED)) {
      return new Finding.Refuted("Momento answered %s.".formatted(answer));
    }
    Finding finding = tookAtMost(PROPAGATION_DEADLINE, start, account);
    return finding.and(
        () ->
            account.isOmittedEventually(key.info().id())
                ? finding
                : new Finding.Refuted("The list still shows the deleted key."));
  }

  private static Finding expiredKeyIsRejected(V2Account account) throws InterruptedException {
    TrialKey key = acceptedKey(account, SHORT_LIFETIME);
    account.poller().pause(SHORT_LIFETIME);
    Answer answer =
        account
            .poller()
            .await(
                "a key to expire",
                EXPIRY_TIMEOUT,
                () -> account.listCaches(key.token()),
                seen -> !seen.is(Status.Code.OK));
    return isRejected(answer);
  }

  private static Finding expiredKeyInTheList(V2Account account) throws InterruptedException {
    TrialKey key = issue(account, SHORT_LIFETIME);
    KeyInfo before = listed(account, key);
    // Longer than its life, in case that Momento's clock is a little behind.
    account.poller().pause(SHORT_LIFETIME.multipliedBy(2));
    return account
        .find(key.info().id())
        .map(
            after ->
                after.equals(before)
                    ? Finding.confirmed("The list shows expired keys.")
                    : new Finding.Refuted("The list shows the expired key with other data."))
        .orElseGet(() -> Finding.confirmed("The list omits expired keys."));
  }

  private static Finding listWithoutPermission(V2Account account) throws InterruptedException {
    Answer answer = account.listCaches(account.managementKey().token());
    return answer.is(Status.Code.OK)
        ? new Finding.NotTried(
            LiveSettings.MANAGEMENT_KEY_FILE
                + ": a key whose role has no permission for caches; the given key's role has.")
        : expect(new Answer(Status.Code.PERMISSION_DENIED, true), answer);
  }

  private static Finding listWithAForgedKey(V2Account account) throws InterruptedException {
    TrialKey key = acceptedKey(account, V2Account.KEY_LIFETIME);
    return isRejected(account.listCaches(Jwt.forged(key.token())))
        .and(() -> isRejected(account.listCaches(Jwt.forged(account.managementKey().token()))));
  }

  private static Finding isRejected(Answer answer) {
    return Finding.confirmedIf(
        answer.is(Status.Code.UNAUTHENTICATED), "Momento answered %s.".formatted(answer));
  }

  private static Finding unknownRole(V2Account account) throws InterruptedException {
    Optional<Instant> expiry = Optional.of(account.inSeconds(V2Account.KEY_LIFETIME));
    return expectRefusal(
        404, account.order("r-live-check-unknown", account.descriptions(), expiry));
  }

  private static Finding managementWithoutPermission(V2Account account)
      throws InterruptedException {
    TrialKey key = acceptedKey(account, V2Account.KEY_LIFETIME);
    ApiAnswer answer =
        account
            .poller()
            .await(
                "a new key to be known to the API",
                PROPAGATION_DEADLINE,
                () -> account.listWith(key.token()),
                seen -> !seen.isRefusedWith(401));
    return expectRefusal(403, answer);
  }

  private static Finding secondDeletion(V2Account account) throws InterruptedException {
    TrialKey key = account.issue();
    ApiAnswer first = account.delete(key.info().id());
    if (!(first instanceof ApiAnswer.Success)) {
      return new Finding.Refuted("The first deletion was answered with " + first + ".");
    }
    ApiAnswer second = account.delete(key.info().id());
    String seen = "It was answered with " + second + ".";
    return second instanceof ApiAnswer.Success || second.isRefusedWith(404)
        ? Finding.confirmed(seen)
        : new Finding.Refuted(seen);
  }

  private static Finding pagesShowEachKeyOnce(V2Account account) throws InterruptedException {
    List<TrialKey> keys = List.of(account.issue(), account.issue());
    for (TrialKey key : keys) {
      var _ = listed(account, key);
    }
    int all = account.list(V2Account.LARGEST_PAGE).size();
    List<String> ids =
        account.list(Math.clamp(all / PAGES, 1, V2Account.LARGEST_PAGE)).stream()
            .map(KeyInfo::id)
            .toList();
    return Finding.confirmedIf(
        keys.stream().allMatch(key -> ids.stream().filter(key.info().id()::equals).count() == 1),
        "The pages omit a key, or show it more than once.");
  }

  /** Has a key issued with this lifetime. */
  private static TrialKey issue(V2Account account, Duration life) throws InterruptedException {
    ApiAnswer answer =
        account.order(V2Account.ROLE, account.descriptions(), Optional.of(account.inSeconds(life)));
    if (answer instanceof ApiAnswer.Success(JsonNode body)) {
      return TrialKey.of(body);
    }
    throw new InconclusiveException(
        "Momento issued no key that expires in %d s: %s.".formatted(life.toSeconds(), answer));
  }

  /** The same; waits until the key is accepted. */
  private static TrialKey acceptedKey(V2Account account, Duration life)
      throws InterruptedException {
    TrialKey key = issue(account, life);
    Answer answer = awaitAcceptance(account, key);
    if (!answer.is(Status.Code.OK)) {
      throw new InconclusiveException("Momento answered %s to a new key.".formatted(answer));
    }
    return key;
  }

  /** Verifies a new key until it is accepted or the function would give it up. */
  private static Answer awaitAcceptance(V2Account account, TrialKey key)
      throws InterruptedException {
    return account
        .poller()
        .await(
            "a new key to be accepted",
            PROPAGATION_DEADLINE,
            () -> account.listCaches(key.token()),
            answer -> !answer.is(Status.Code.UNAUTHENTICATED));
  }

  private static KeyInfo listed(V2Account account, TrialKey key) throws InterruptedException {
    return account
        .findEventually(key.info().id())
        .orElseThrow(() -> new RefutedException("The list does not show the key."));
  }

  private static Finding tookAtMost(Duration limit, Instant start, V2Account account) {
    Duration time = Duration.between(start, account.poller().now());
    String took = "It took %d ms.".formatted(time.toMillis());
    return time.compareTo(limit) <= 0 ? Finding.confirmed(took) : new Finding.Refuted(took);
  }

  private static Finding expect(Answer expected, Answer answer) {
    return Finding.confirmedIf(
        answer.equals(expected), "Momento answered %s; expected: %s.".formatted(answer, expected));
  }

  private static Finding expectRefusal(int status, ApiAnswer answer) {
    return answer.isRefusedWith(status)
        ? Finding.confirmed("It was answered with " + answer + ".")
        : new Finding.Refuted("It was answered with " + answer + ".");
  }
}
