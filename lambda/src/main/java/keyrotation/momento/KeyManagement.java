package keyrotation.momento;

import static keyrotation.core.FailureReason.ISSUE_REJECTED;
import static keyrotation.core.FailureReason.MANAGEMENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;
import static keyrotation.core.FailureReason.ROLE_NOT_FOUND;
import static keyrotation.core.TimeBudget.LIST_TIMEOUT;
import static keyrotation.core.TimeBudget.REFRESH_TIMEOUT;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Predicate;
import keyrotation.core.FailureReason;
import keyrotation.core.Json;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;

/**
 * Manages the v2 keys of an account by a management key. It repeats calls that may succeed the next
 * time; they stay within the invocation's time and the account's rate limit, and wait for as long
 * as Momento asks for.
 *
 * <p>Every method throws a {@link RotationException} if Momento refuses the call, with the reason
 * {@code MANAGEMENT_KEY_REJECTED} if the management key is not valid or may not manage keys.
 */
public final class KeyManagement {

  private static final int MAX_RETRIES = 3;

  private final MomentoApiKeys api;
  private final RenewalPermits permits;
  private final Retry retry;

  /**
   * What a new key is to be.
   *
   * @param expiry never, or an instant
   */
  public record Order(String roleId, String description, Expiry expiry) {}

  /**
   * Prepares for calls.
   *
   * @param calls how many calls an account is allowed; shared by all rotations
   */
  public KeyManagement(MomentoApiKeys api, Time time, RateLimit calls) {
    this.api = api;
    this.permits = new RenewalPermits(calls);
    this.retry = new Retry(time);
  }

  /**
   * Has a key issued.
   *
   * <p>If a call fails and Momento may have issued a key, the call is repeated only once: Momento
   * may issue a key each time.
   *
   * @throws RotationException {@code ROLE_NOT_FOUND}, {@code ISSUE_REJECTED} or {@code
   *     NEW_KEY_INVALID} as well
   */
  public MomentoKey.V2 issue(Sensitive managementKey, Order order, TimeBudget budget) {
    ObjectNode request =
        Json.object()
            .put("role_id", order.roleId())
            .put("description", order.description())
            .put("exclude_refresh_token", true);
    if (order.expiry() instanceof Expiry.At(Instant end)) {
      request.put("expiry", end.getEpochSecond());
    } else {
      request.put("expiry", "never");
    }
    AtomicBoolean mayHaveIssued = new AtomicBoolean();
    ApiAnswer answer =
        call(
            budget,
            REFRESH_TIMEOUT,
            limit -> api.issue(managementKey, request, limit),
            failed -> !failed.mayHaveActed() || !mayHaveIssued.getAndSet(true));
    return switch (answer) {
      case ApiAnswer.Success(ObjectNode body, _) -> issued(managementKey, order, body, budget);
      case ApiAnswer.Refused refused when refused.status() == 404 ->
          throw new RotationException(
              ROLE_NOT_FOUND, "Momento has no role " + order.roleId() + " (" + refused + ").");
      default -> throw failure("issue a key", ISSUE_REJECTED, answer);
    };
  }

  /** Checks a new key. One that is not as ordered is revoked: it is stored nowhere. */
  private MomentoKey.V2 issued(
      Sensitive managementKey, Order order, ObjectNode body, TimeBudget budget) {
    MomentoKey.V2 key = requireV2(body.path("api_key").asText());
    boolean isAsOrdered =
        keyInfo(body.path("key_info"))
            .filter(stated -> stated.id().equals(key.id()))
            .filter(stated -> stated.roleId().equals(order.roleId()))
            .filter(stated -> stated.description().equals(order.description()))
            .filter(stated -> stated.neverExpires() == order.expiry() instanceof Expiry.Never)
            .isPresent();
    if (!isAsOrdered) {
      discard(managementKey, key.id(), budget);
      throw new RotationException(
          NEW_KEY_INVALID,
          "Momento returned a key of another id, role, description or expiry than was asked for.");
    }
    return key;
  }

  private static MomentoKey.V2 requireV2(String text) {
    try {
      if (MomentoKey.parse(text) instanceof MomentoKey.V2 key) {
        return key;
      }
    } catch (RotationException unreadable) {
      // It is not shown.
    }
    throw new RotationException(NEW_KEY_INVALID, "Momento's answer holds no usable v2 key.");
  }

  /** Revokes a key that was just issued and is stored nowhere, if possible. */
  public void discard(Sensitive managementKey, String keyId, TimeBudget budget) {
    try {
      revoke(managementKey, keyId, budget);
    } catch (RotationException left) {
      // Nothing holds the key, so it does no harm.
    }
  }

  /**
   * Revokes a key. One that does not exist any more is revoked.
   *
   * @param keyId as Momento has stated it
   */
  public void revoke(Sensitive managementKey, String keyId, TimeBudget budget) {
    ApiAnswer answer =
        call(budget, LIST_TIMEOUT, limit -> api.revoke(managementKey, keyId, limit), _ -> true);
    boolean isGone = answer instanceof ApiAnswer.Refused(int status, String _) && status == 404;
    if (!isGone && !(answer instanceof ApiAnswer.Success)) {
      throw failure("revoke a key", MOMENTO_UNAVAILABLE, answer);
    }
  }

  /**
   * Lists all keys that are not revoked. Keys that Momento describes in an unknown form are left
   * out.
   */
  public KeyListing list(Sensitive managementKey, TimeBudget budget) {
    List<KeyInfo> keys = new ArrayList<>();
    int entries = 0;
    Set<String> tokens = new HashSet<>();
    String nextToken = "";
    while (tokens.add(nextToken)) {
      String token = nextToken;
      ApiAnswer answer =
          call(budget, LIST_TIMEOUT, limit -> api.list(managementKey, token, limit), _ -> true);
      if (!(answer instanceof ApiAnswer.Success(ObjectNode body, Optional<Duration> clockSkew))) {
        throw failure("list keys", MOMENTO_UNAVAILABLE, answer);
      }
      if (!body.path("key_info").isArray()) {
        throw new RotationException(MOMENTO_UNAVAILABLE, "Momento's list of keys is no list.");
      }
      entries += body.path("key_info").size();
      body.path("key_info").forEach(entry -> keyInfo(entry).ifPresent(keys::add));
      nextToken = body.path("next_token").asText("");
      if (nextToken.isEmpty() || body.path("next_token").isNull()) {
        return new KeyListing(List.copyOf(keys), keys.size() == entries, clockSkew);
      }
    }
    throw new RotationException(
        MOMENTO_UNAVAILABLE, "Momento's list of keys has no end: a page comes again.");
  }

  /**
   * Finds out whether a key can manage keys: it may list them, and revoke them. It asks to revoke a
   * key that does not exist.
   *
   * @throws RotationException {@code MANAGEMENT_KEY_REJECTED}, if it cannot
   */
  public void requireManages(Sensitive key, TimeBudget budget) {
    var _ = list(key, budget);
    revoke(key, UUID.randomUUID().toString(), budget);
  }

  private static Optional<KeyInfo> keyInfo(JsonNode entry) {
    String id = entry.path("key_id").asText();
    JsonNode end = entry.path("expires_at_epoch_seconds");
    boolean isReadable =
        MomentoKey.ID.matcher(id).matches()
            && MomentoKey.ID.matcher(entry.path("role_id").asText()).matches()
            && entry.path("issued_at_epoch_seconds").canConvertToLong()
            && Expiry.isPlausible(entry.path("issued_at_epoch_seconds").asLong())
            && Expiry.isPlausible(end.asLong());
    return isReadable
        ? Optional.of(
            new KeyInfo(
                id,
                entry.path("role_id").asText(),
                entry.path("description").asText(),
                Instant.ofEpochSecond(entry.path("issued_at_epoch_seconds").asLong()),
                Expiry.ofEpochSeconds(end.asLong())))
        : Optional.empty();
  }

  /** Makes a call, and repeats it after a failure while there is time and {@code mayRepeat}. */
  private ApiAnswer call(
      TimeBudget budget,
      Duration timeout,
      Function<Duration, ApiAnswer> call,
      Predicate<ApiAnswer.Unknown> mayRepeat) {
    return retry.call(
        () -> permits.call(budget, left -> call.apply(Collections.min(List.of(left, timeout)))),
        answer ->
            answer instanceof ApiAnswer.Unknown failed && mayRepeat.test(failed)
                ? Optional.of(new Retry.Again(budget.latestRefresh(), failed.why().retryAfter()))
                : Optional.empty(),
        MAX_RETRIES);
  }

  /**
   * Explains why a call failed.
   *
   * @param refusal the reason if Momento refused the call, and not for the management key
   */
  private static RotationException failure(String what, FailureReason refusal, ApiAnswer answer) {
    return switch (answer) {
      case ApiAnswer.Refused refused when refused.status() == 401 ->
          new RotationException(
              MANAGEMENT_KEY_REJECTED, "Momento rejects the management key (" + refused + ").");
      case ApiAnswer.Refused refused when refused.status() == 403 ->
          new RotationException(
              MANAGEMENT_KEY_REJECTED,
              "The management key's role does not allow it to " + what + " (" + refused + ").");
      case ApiAnswer.Refused refused ->
          new RotationException(refusal, "Momento refused to " + what + " (" + refused + ").");
      case ApiAnswer.Unknown(Unavailable why, boolean _) ->
          new RotationException(
              why.reason(),
              "The call that asks Momento to " + what + " ended in " + why.code() + ".");
      case ApiAnswer.Success _ -> throw new IllegalArgumentException("a success is no failure");
    };
  }
}
