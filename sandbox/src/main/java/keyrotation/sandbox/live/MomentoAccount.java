package keyrotation.sandbox.live;

import static java.util.concurrent.TimeUnit.SECONDS;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.Permissions;
import grpc.permission_messages.PermissionsType;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import keyrotation.sandbox.live.LiveSettings.HostAndPort;
import momento.auth.AuthGrpc;
import momento.auth._GenerateApiTokenRequest;
import momento.auth._RefreshApiTokenRequest;

/**
 * A Momento account, whose super-user key generates short-lived keys for trials.
 *
 * <p>The generated keys can only read caches: a v1 super-user key can generate only data-only keys
 * (tested by Momento's JavaScript SDK). Of an error it keeps only the code and whether Momento's
 * trailer was present; the message might contain a key.
 */
final class MomentoAccount implements AutoCloseable {

  /** The lifetime of keys in most trials. */
  static final Duration KEY_LIFETIME = Duration.ofMinutes(30);

  private static final int TLS_PORT = 443;
  private static final int CALL_TIMEOUT_SECONDS = 20;
  private static final int ATTEMPTS = 4;
  private static final Duration RETRY_PAUSE = Duration.ofSeconds(2);

  /** Documented: Momento allows an account five calls to the auth service per second. */
  private static final Duration MIN_CALL_INTERVAL = Duration.ofMillis(250);

  /** The longest wait for a generated key to be accepted. */
  private static final Duration PROPAGATION_TIMEOUT = Duration.ofMinutes(10);

  private static final Metadata.Key<String> AUTHORIZATION = header("authorization");
  private static final Metadata.Key<String> AGENT = header("agent");
  private static final Metadata.Key<String> RUNTIME_VERSION = header("runtime-version");
  private static final Metadata.Key<String> ERR = header("err");

  /** Codes of temporary failures, which say nothing about a key. */
  private static final Set<Status.Code> UNAVAILABLE_CODES =
      Set.of(
          Status.Code.UNAVAILABLE,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.RESOURCE_EXHAUSTED,
          Status.Code.ABORTED,
          Status.Code.CANCELLED,
          Status.Code.INTERNAL,
          Status.Code.UNKNOWN);

  /**
   * An answer of Momento, without its message.
   *
   * @param hasErr whether Momento's trailer {@code err} was present
   */
  record Answer(Status.Code code, boolean hasErr) {

    boolean is(Status.Code other) {
      return code == other;
    }

    /** Tells whether the function treats this as the rejection of a refresh. */
    boolean rejectsRefresh() {
      return switch (code) {
        case INVALID_ARGUMENT, UNAUTHENTICATED, NOT_FOUND, FAILED_PRECONDITION -> true;
        case PERMISSION_DENIED -> hasErr;
        default -> false;
      };
    }

    @Override
    public String toString() {
      return code + (hasErr ? " with the trailer err" : "");
    }
  }

  /** The result of a refresh. */
  sealed interface Refresh {
    /** Momento returned a new key. */
    record Refreshed(ApiKey key) implements Refresh {}

    /** Momento refused. */
    record Refused(Answer answer) implements Refresh {}
  }

  /** Momento did not answer, or failed temporarily. */
  private static final class Unavailable extends InconclusiveException {
    private static final long serialVersionUID = 1L;

    private Unavailable(String call, Status.Code code, StatusRuntimeException e) {
      super("Momento's %s failed with %s (%s).".formatted(call, code, rootCauseName(e)));
    }
  }

  private final HostAndPort target;
  private final ApiKey superUser;
  private final Optional<ApiKey> spareKey;
  private final ManagedChannel channel;
  private final Poller poller;

  private MomentoAccount(
      HostAndPort target,
      ApiKey superUser,
      Optional<ApiKey> spareKey,
      ManagedChannel channel,
      Poller poller) {
    this.target = target;
    this.superUser = superUser;
    this.spareKey = spareKey;
    this.channel = channel;
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
    HostAndPort target =
        settings
            .controlEndpoint()
            .orElse(new HostAndPort("control." + superUser.endpoint(), TLS_PORT));
    MomentoAccount account =
        new MomentoAccount(
            target,
            superUser,
            settings.spareKey(),
            Grpc.newChannelBuilderForAddress(target.host(), target.port(), trust).build(),
            poller);
    try {
      if (!account.listCaches(superUser).is(Status.Code.OK)) {
        // A super-user key can still generate keys, even if ListCaches is denied.
        var _ = account.generateKey(KEY_LIFETIME);
      }
      return account;
    } catch (Unavailable e) {
      account.close();
      throw new InconclusiveException(
          "Momento's control plane at %s cannot be reached. %s".formatted(target, e.reason())
              + " Check MOMENTO_CONTROL_ENDPOINT, the network and the certificates.");
    } catch (InconclusiveException e) {
      account.close();
      throw e;
    }
  }

  /** Returns the address of the control plane. */
  HostAndPort target() {
    return target;
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
      var made = auth().generateApiToken(request);
      ApiKey key =
          key(made.getEndpoint(), made.getApiKey(), made.getRefreshToken(), made.getValidUntil());
      var _ =
          poller.await(
              "a key to be accepted",
              min(life, PROPAGATION_TIMEOUT),
              () -> listCachesOnce(key.token()),
              answer -> !answer.is(Status.Code.UNAUTHENTICATED));
      return key;
    } catch (StatusRuntimeException e) {
      throw new InconclusiveException(
          "Momento did not generate a key with the key of %s (%s)."
                  .formatted(LiveSettings.KEY_FILE, answer("GenerateApiToken", e))
              + " It must be a v1 super-user key that has not expired.");
    }
  }

  /** Refreshes a key with any refresh token. */
  Refresh refresh(ApiKey key, String refreshToken) throws InterruptedException {
    poller.pause(MIN_CALL_INTERVAL);
    try {
      var fresh =
          auth()
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
      return new Refresh.Refused(answer("RefreshApiToken", e));
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
    for (int attempt = 1; ; attempt++) {
      try {
        return listCachesOnce(token);
      } catch (Unavailable e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
        poller.pause(RETRY_PAUSE);
      }
    }
  }

  private Answer listCachesOnce(String token) {
    Metadata headers = headers();
    headers.put(AUTHORIZATION, token);
    try {
      var _ =
          ScsControlGrpc.newBlockingStub(channel)
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
              .withDeadlineAfter(CALL_TIMEOUT_SECONDS, SECONDS)
              .listCaches(_ListCachesRequest.getDefaultInstance());
      return new Answer(Status.Code.OK, false);
    } catch (StatusRuntimeException e) {
      return answer("ListCaches", e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  private AuthGrpc.AuthBlockingStub auth() {
    return AuthGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers()))
        .withDeadlineAfter(CALL_TIMEOUT_SECONDS, SECONDS);
  }

  /** Returns the headers that Momento's SDKs send with each call. */
  private static Metadata headers() {
    Metadata headers = new Metadata();
    headers.put(AGENT, "java:key-rotation-live-check:1");
    headers.put(RUNTIME_VERSION, "java:" + Runtime.version().feature());
    return headers;
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

  private static Answer answer(String call, StatusRuntimeException e) {
    String description = Optional.ofNullable(e.getStatus().getDescription()).orElse("");
    // A proxy's HTTP status, which gRPC translates to a code.
    Status.Code code =
        description.startsWith("HTTP status code")
            ? Status.Code.UNAVAILABLE
            : e.getStatus().getCode();
    if (UNAVAILABLE_CODES.contains(code)) {
      throw new Unavailable(call, code, e);
    }
    return new Answer(code, e.getTrailers() != null && e.getTrailers().containsKey(ERR));
  }

  private static Duration min(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
