package keyrotation.sandbox;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;

/** The v1 keys of a Momento account. */
final class V1Keys {

  private final InstantSource clock;
  private final RefreshTokens refreshTokens;
  private final Map<String, IssuedKey> keys = new HashMap<>();
  private final List<IssuedKey> issued = new ArrayList<>();
  private final Map<String, IssuedKey> parents = new HashMap<>();
  private final Set<String> spentRefreshTokens = new HashSet<>();
  private final Map<String, Integer> refusalsLeft = new HashMap<>();
  private int refusalsPerNewKey;
  private Status.Code refreshRefusalCode = Status.Code.INVALID_ARGUMENT;
  private Permissions permissionsOfNewKeys = Permissions.SUPER_USER;

  V1Keys(InstantSource clock, RefreshTokens refreshTokens) {
    this.clock = clock;
    this.refreshTokens = refreshTokens;
  }

  /**
   * Issues a key.
   *
   * @param validUntil {@link Instant#MAX} if it never expires
   */
  synchronized IssuedKey issue(Instant validUntil, Duration lifetime, Permissions permissions) {
    String claims =
        validUntil.equals(Instant.MAX)
            ? "{\"id\":\"%s\"}".formatted(Tokens.random(12))
            : "{\"id\":\"%s\",\"exp\":%d}"
                .formatted(Tokens.random(12), validUntil.getEpochSecond());
    String token = Tokens.jwt(claims);
    IssuedKey key =
        new IssuedKey(
            MomentoServer.ENDPOINT,
            token,
            // Tests search logs and reports for this prefix.
            "refresh-canary-" + Tokens.random(24),
            validUntil.equals(Instant.MAX)
                ? validUntil
                : Instant.ofEpochSecond(validUntil.getEpochSecond()),
            lifetime,
            permissions);
    keys.put(token, key);
    issued.add(key);
    return key;
  }

  /** Makes a key with the lifetime of another, as a call of {@code RefreshApiToken} does. */
  synchronized IssuedKey refresh(String token, String refreshToken) {
    IssuedKey old = keys.get(token);
    if (old == null || !old.refreshToken().equals(refreshToken)) {
      throw refusal("Invalid refresh token");
    }
    if (old.validUntilSeconds() == 0) {
      throw MomentoServer.error(Status.INVALID_ARGUMENT, "key_never_expires");
    }
    if (!isValid(old)) {
      throw refusal("The api key has expired");
    }
    if (refreshTokens == RefreshTokens.SINGLE_USE && !spentRefreshTokens.add(refreshToken)) {
      throw refusal("The refresh token was used before");
    }
    Permissions permissions =
        permissionsOfNewKeys == Permissions.DATA_ONLY ? Permissions.DATA_ONLY : old.permissions();
    IssuedKey fresh = issue(clock.instant().plus(old.lifetime()), old.lifetime(), permissions);
    refusalsLeft.put(fresh.token(), refusalsPerNewKey);
    parents.put(fresh.token(), old);
    return fresh;
  }

  /** Returns a valid key by its token. */
  synchronized Optional<IssuedKey> find(String token) {
    IssuedKey key = keys.get(token);
    return key != null && isValid(key) ? Optional.of(key) : Optional.empty();
  }

  /** Returns a key by the form that users hold, even if it has expired. */
  synchronized Optional<IssuedKey> findByApiKey(String apiKey) {
    return keys.values().stream().filter(key -> key.apiKey().equals(apiKey)).findFirst();
  }

  synchronized boolean accepts(String apiKey) {
    return findByApiKey(apiKey).filter(this::isValid).isPresent();
  }

  /** Tells whether a valid key is not yet known everywhere; each question counts as a call. */
  synchronized boolean isPropagating(IssuedKey key) {
    return refusalsLeft.merge(key.token(), -1, Integer::sum) >= 0;
  }

  /** Returns all keys issued so far, including those whose response was lost. */
  synchronized List<IssuedKey> issued() {
    return List.copyOf(issued);
  }

  /** Returns the key that was refreshed to make the given one. */
  synchronized Optional<IssuedKey> parentOf(String apiKey) {
    return findByApiKey(apiKey).flatMap(key -> Optional.ofNullable(parents.get(key.token())));
  }

  synchronized void refuseNewKeysAtFirst(int calls) {
    refusalsPerNewKey = calls;
  }

  synchronized void acceptAllKeys() {
    refusalsPerNewKey = 0;
    refusalsLeft.clear();
  }

  synchronized void refuseRefreshWith(Status.Code code) {
    refreshRefusalCode = code;
  }

  synchronized void limitNewKeysTo(Permissions permissions) {
    permissionsOfNewKeys = permissions;
  }

  /** Saves the keys; returns an action that restores them. */
  synchronized Runnable save() {
    Map<String, IssuedKey> savedKeys = new HashMap<>(keys);
    Map<String, IssuedKey> savedParents = new HashMap<>(parents);
    Set<String> savedSpent = new HashSet<>(spentRefreshTokens);
    Map<String, Integer> savedRefusals = new HashMap<>(refusalsLeft);
    return () -> {
      synchronized (this) {
        keys.clear();
        keys.putAll(savedKeys);
        parents.clear();
        parents.putAll(savedParents);
        spentRefreshTokens.clear();
        spentRefreshTokens.addAll(savedSpent);
        refusalsLeft.clear();
        refusalsLeft.putAll(savedRefusals);
      }
    };
  }

  private boolean isValid(IssuedKey key) {
    return clock.instant().isBefore(key.validUntil());
  }

  private StatusRuntimeException refusal(String description) {
    return refreshRefusalCode.toStatus().withDescription(description).asRuntimeException();
  }
}
