package keyrotation.sandbox.live;

import grpc.permission_messages.CacheRole;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.Permissions;
import grpc.permission_messages.PermissionsType;
import io.grpc.ChannelCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import keyrotation.sandbox.live.ControlPlane.Answer;
import keyrotation.sandbox.live.LiveSettings.HostAndPort;
import momento.auth._GenerateApiTokenRequest;
import momento.auth._RefreshApiTokenRequest;

/**
 * A Momento account, whose super-user key generates short-lived keys for trials.
 *
 * <p>The generated keys can only read caches: a v1 super-user key can generate only data-only keys
 * (tested by Momento's JavaScript SDK).
 */
final class MomentoAccount implements AutoCloseable {

  /** The lifetime of keys in most trials. */
  static final Duration KEY_LIFETIME = Duration.ofMinutes(30);

  /** Documented: Momento allows an account five calls to the auth service per second. */
  private static final Duration MIN_CALL_INTERVAL = Duration.ofMillis(250);

  /** The longest wait for a generated key to be accepted. */
  private static final Duration PROPAGATION_TIMEOUT = Duration.ofMinutes(10);

  /** The result of a refresh. */
  sealed interface Refresh {
    /** Momento returned a new key. */
    record Refreshed(ApiKey key) implements Refresh {}

    /** Momento refused. */
    record Refused(Answer answer) implements Refresh {}
  }

  private final ControlPlane controlPlane;
  private final ApiKey superUser;
  private final Optional<ApiKey> spareKey;
  private final Poller poller;

  private MomentoAccount(
      ControlPlane controlPlane, ApiKey superUser, Optional<ApiKey> spareKey, Poller poller) {
    this.controlPlane = controlPlane;
    this.superUser = superUser;
    this.spareKey = spareKey;
    this.poller = poller;
  }

  /**
   * Connects and verifies the key.
   *
   * @throws InconclusiveException if Momento cannot be reached, or the key is no super-user key
   */
  static MomentoAccount connect(
      ApiKey superUser, LiveSettings settings, ChannelCredentials trust, Poller poller)
      throws InterruptedException {
    MomentoAccount account =
        new MomentoAccount(
            new ControlPlane(superUser.endpoint(), settings, trust, poller),
            superUser,
            settings.spareKey(),
            poller);
    try {
      if (!account.listCaches(superUser).is(Status.Code.OK)) {
        // A super-user key can still generate keys, even if ListCaches is denied.
        var _ = account.generateKey(KEY_LIFETIME);
      }
      return account;
    } catch (UnavailableException e) {
      account.close();
      throw account.controlPlane.unreachable(e);
    } catch (InconclusiveException e) {
      account.close();
      throw e;
    }
  }

  /** Returns the address of the control plane. */
  HostAndPort target() {
    return controlPlane.target();
  }

  /** Returns the configured key; its refresh token must not be used. */
  ApiKey superUser() {
    return superUser;
  }

  /** Returns the configured key that may be refreshed. */
  Optional<ApiKey> spareKey() {
    return spareKey;
  }

  Poller poller() {
    return poller;
  }

  /** Generates a data-only key with this lifetime, and waits until it is accepted. */
  ApiKey generateKey(Duration life) throws InterruptedException {
    var request =
        _GenerateApiTokenRequest.newBuilder()
            .setAuthToken(superUser.token())
            .setPermissions(readCaches())
            .setExpires(
                _GenerateApiTokenRequest.Expires.newBuilder()
                    .setValidForSeconds((int) life.toSeconds()))
            .build();
    poller.pause(MIN_CALL_INTERVAL);
    try {
      var made = controlPlane.auth().generateApiToken(request);
      ApiKey key =
          key(made.getEndpoint(), made.getApiKey(), made.getRefreshToken(), made.getValidUntil());
      var _ =
          poller.await(
              "a key to be accepted",
              min(life, PROPAGATION_TIMEOUT),
              () -> controlPlane.listCachesOnce(key.token()),
              answer -> !answer.is(Status.Code.UNAUTHENTICATED));
      return key;
    } catch (StatusRuntimeException e) {
      throw new InconclusiveException(
          "Momento did not generate a key with the key of %s (%s)."
                  .formatted(LiveSettings.KEY_FILE, ControlPlane.answer("GenerateApiToken", e))
              + " It must be a v1 super-user key that has not expired.");
    }
  }

  /** Refreshes a key with any refresh token. */
  Refresh refresh(ApiKey key, String refreshToken) throws InterruptedException {
    poller.pause(MIN_CALL_INTERVAL);
    try {
      var fresh =
          controlPlane
              .auth()
              .refreshApiToken(
                  _RefreshApiTokenRequest.newBuilder()
                      .setApiKey(key.token())
                      .setRefreshToken(refreshToken)
                      .build());
      return new Refresh.Refreshed(
          key(
              fresh.getEndpoint(),
              fresh.getApiKey(),
              fresh.getRefreshToken(),
              fresh.getValidUntil()));
    } catch (StatusRuntimeException e) {
      return new Refresh.Refused(ControlPlane.answer("RefreshApiToken", e));
    }
  }

  /**
   * Refreshes a key with its own refresh token.
   *
   * @throws RefutedException if Momento refuses
   */
  ApiKey refresh(ApiKey key) throws InterruptedException {
    return switch (refresh(key, key.refreshToken())) {
      case Refresh.Refreshed(ApiKey fresh) -> fresh;
      case Refresh.Refused(Answer answer) ->
          throw new RefutedException("Momento refused to refresh a key: " + answer + ".");
    };
  }

  /** Calls ListCaches, which verifies a key without side effects. */
  Answer listCaches(ApiKey key) throws InterruptedException {
    return listCaches(key.token());
  }

  /** The same with any token. */
  Answer listCaches(String token) throws InterruptedException {
    return controlPlane.listCaches(token);
  }

  @Override
  public void close() {
    controlPlane.close();
  }

  private static Permissions readCaches() {
    return Permissions.newBuilder()
        .setExplicit(
            ExplicitPermissions.newBuilder()
                .addPermissions(
                    PermissionsType.newBuilder()
                        .setCachePermissions(
                            PermissionsType.CachePermissions.newBuilder()
                                .setRole(CacheRole.CacheReadOnly)
                                .setAllCaches(PermissionsType.All.getDefaultInstance()))))
        .build();
  }

  private static ApiKey key(String endpoint, String token, String refreshToken, long validUntil) {
    return new ApiKey(endpoint, token, refreshToken, Instant.ofEpochSecond(validUntil));
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}
