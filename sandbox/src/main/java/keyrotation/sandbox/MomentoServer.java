package keyrotation.sandbox;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._Cache;
import grpc.control_client._ListCachesRequest;
import grpc.control_client._ListCachesResponse;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import keyrotation.sandbox.DataPermission.AllData;
import keyrotation.sandbox.IssuedKey.Permissions;
import momento.auth.AuthGrpc;
import momento.auth._GenerateApiTokenRequest;
import momento.auth._GenerateApiTokenResponse;
import momento.auth._RefreshApiTokenRequest;
import momento.auth._RefreshApiTokenResponse;

/**
 * A stand-in for Momento over gRPC and TLS on the loopback interface: of the control plane {@code
 * RefreshApiToken}, {@code GenerateApiToken} and {@code ListCaches}, {@code
 * GenerateDisposableToken}, and the {@link DataPlane}.
 *
 * <p>{@code sandbox/README.md} describes what it models.
 */
public final class MomentoServer implements AutoCloseable {

  /** The name of the refresh call in {@link #calls}. */
  public static final String REFRESH = "RefreshApiToken";

  /** The name of the call that generates a key, in {@link #calls}. */
  public static final String GENERATE = "GenerateApiToken";

  /** The name of the call that generates a disposable token, in {@link #calls}. */
  public static final String GENERATE_TOKEN = "GenerateDisposableToken";

  /** The name of the call that verifies a key, in {@link #calls}. */
  public static final String LIST_CACHES = "ListCaches";

  /** How often a refresh token can be used; Momento's behavior is not documented. */
  public enum RefreshTokens {
    /** Once. */
    SINGLE_USE,
    /** Any number of times while its key is valid. */
    REUSABLE
  }

  /** The endpoint of all keys. */
  public static final String ENDPOINT = "cell-1.sandbox.momento.example";

  static final Metadata.Key<String> AUTHORIZATION = header("authorization");
  private static final Metadata.Key<String> AGENT = header("agent");
  private static final Metadata.Key<String> RUNTIME_VERSION = header("runtime-version");
  private static final Metadata.Key<String> ERR = header("err");
  private static final Metadata.Key<String> PUSHBACK = header("grpc-retry-pushback-ms");
  static final Context.Key<String> CALLERS_TOKEN = Context.key("token");

  private final InstantSource clock;
  private final V1Keys v1Keys;
  private final V2Keys v2Keys;
  private final FaultInjector<StatusRuntimeException> calls;
  private final List<String> callers = new ArrayList<>();
  private final Set<String> confirmedTokens = new HashSet<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Connections connections = new Connections();
  private final TokenService tokens;
  private final DataPlane dataPlane;
  private final Server server;
  private Set<String> caches = Set.of("sessions", "prices");
  private UnaryOperator<_RefreshApiTokenResponse> alteration = UnaryOperator.identity();
  private boolean sendsTrailers = true;
  private boolean isBehindProxy;

  private MomentoServer(
      CertificateAuthority authority, InstantSource clock, RefreshTokens refreshTokens)
      throws IOException {
    this.clock = clock;
    this.v1Keys = new V1Keys(clock, refreshTokens);
    this.v2Keys = new V2Keys(clock);
    this.calls = new FaultInjector<>(clock);
    this.tokens = new TokenService(clock, calls, this::makerOfTokens);
    this.dataPlane = new DataPlane(clock, calls, this::dataGrant, this::hasCache);
    CallerInterceptor interceptor = new CallerInterceptor();
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                authority.credentialsForLocalhost())
            .executor(threads)
            .addService(ServerInterceptors.intercept(new AuthService(), interceptor))
            .addService(ServerInterceptors.intercept(new ControlService(), interceptor))
            .addService(ServerInterceptors.intercept(tokens, interceptor))
            .addServices(dataPlane.services())
            // Momento's SDKs send a ping every few seconds; by default a server disconnects them.
            .permitKeepAliveTime(1, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true);
    this.server = connections.of(builder).build().start();
    threads.execute(dataPlane::watchKeys);
  }

  /** Starts a server on a free port, with a certificate for localhost from the authority. */
  public static MomentoServer start(
      CertificateAuthority authority, InstantSource clock, RefreshTokens refreshTokens) {
    try {
      return new MomentoServer(authority, clock, refreshTokens);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns host and port: the value of {@code MOMENTO_CONTROL_ENDPOINT}. */
  public String controlEndpoint() {
    return "localhost:" + server.getPort();
  }

  /** Returns the server's port on localhost. */
  public int port() {
    return server.getPort();
  }

  /** Returns the caches and topics. */
  public DataPlane dataPlane() {
    return dataPlane;
  }

  /** Returns the number of clients' open connections. */
  public int openConnections() {
    return connections.open();
  }

  /** Returns the number of connections that clients have made so far. */
  public int connectionsMade() {
    return connections.made();
  }

  /** Breaks all open connections; clients may connect again. */
  public void disconnectClients() {
    connections.reset();
  }

  /** Returns the recorded calls, by method name, and the planned faults. */
  public FaultInjector<StatusRuntimeException> calls() {
    return calls;
  }

  /** Returns the account's v2 keys, which {@code ListCaches} accepts, too. */
  public V2Keys v2Keys() {
    return v2Keys;
  }

  /** Returns each call's client and runtime, as its headers state them. */
  public synchronized List<String> callers() {
    return List.copyOf(callers);
  }

  /** Issues a key that expires, as the console does. */
  public IssuedKey issue(Duration lifetime, Permissions permissions) {
    return issueAged(lifetime, Duration.ZERO, permissions);
  }

  /** Issues a key of which this age has already elapsed. */
  public IssuedKey issueAged(Duration lifetime, Duration age, Permissions permissions) {
    return v1Keys.issue(clock.instant().plus(lifetime).minus(age), lifetime, permissions);
  }

  /** Issues a key that never expires. */
  public IssuedKey issueNonExpiring() {
    return v1Keys.issue(Instant.MAX, Duration.ZERO, Permissions.SUPER_USER);
  }

  /** Refreshes a key as a call does; this uses its refresh token. */
  public IssuedKey refresh(IssuedKey key) {
    return v1Keys.refresh(key.token(), key.refreshToken());
  }

  /** Returns all keys issued so far, including those whose response was lost. */
  public List<IssuedKey> issued() {
    return v1Keys.issued();
  }

  /** Returns the disposable tokens generated so far, including those whose response was lost. */
  public List<DisposableToken> tokens() {
    return tokens.all();
  }

  /** Returns the key from which the given {@code apiKey} was refreshed. */
  public Optional<IssuedKey> parentOf(String apiKey) {
    return v1Keys.parentOf(apiKey);
  }

  /** Saves the keys and tokens; returns an action that restores them. */
  synchronized Runnable save() {
    Runnable restoreV1Keys = v1Keys.save();
    Runnable restoreV2Keys = v2Keys.save();
    Runnable restoreTokens = tokens.save();
    Set<String> savedConfirmedTokens = new HashSet<>(confirmedTokens);
    return () -> {
      restoreV1Keys.run();
      restoreV2Keys.run();
      restoreTokens.run();
      synchronized (this) {
        confirmedTokens.clear();
        confirmedTokens.addAll(savedConfirmedTokens);
      }
    };
  }

  /** Tells whether the given {@code apiKey} is valid. */
  public boolean accepts(String apiKey) {
    return v2Keys.accepts(apiKey) || v1Keys.accepts(apiKey);
  }

  /** Tells whether a response has confirmed to a caller that the given {@code apiKey} is valid. */
  public synchronized boolean hasConfirmed(String apiKey) {
    // A v2 key is its own token.
    return confirmedTokens.contains(apiKey)
        || v1Keys
            .findByApiKey(apiKey)
            .map(IssuedKey::token)
            .filter(confirmedTokens::contains)
            .isPresent();
  }

  private synchronized boolean isLive(String token) {
    return !isBehindProxy && (v2Keys.accepts(token) || v1Keys.find(token).isPresent());
  }

  /** Returns what a caller may do on the data plane; empty if it has no valid key or token. */
  private Optional<DataPlane.Grant> dataGrant(String token) {
    // Narrower permissions of v1 keys are not modeled.
    return v1Keys
        .find(token)
        .map(_ -> new DataPlane.Grant(AllData.READ_WRITE, ""))
        .or(() -> v2Keys.find(token).map(key -> new DataPlane.Grant(dataPermission(key), "")))
        .or(
            () ->
                tokens
                    .find(token)
                    .map(t -> new DataPlane.Grant(new ScopedData(t.permissions()), t.id())));
  }

  private DataPermission dataPermission(V2Key key) {
    return v2Keys.role(key).map(V2Keys.Role::data).orElse(AllData.NONE);
  }

  private synchronized boolean hasCache(String name) {
    return caches.contains(name);
  }

  private synchronized void confirm(String token) {
    confirmedTokens.add(token);
  }

  /** Refuses this number of first calls with each key refreshed later, to simulate propagation. */
  public void refuseNewKeysAtFirst(int calls) {
    v1Keys.refuseNewKeysAtFirst(calls);
  }

  /** Ends the propagation of all keys: each valid key is accepted. */
  public void acceptAllKeys() {
    v1Keys.acceptAllKeys();
  }

  /** Sets the code that refuses a refresh of an expired key or with a wrong refresh token. */
  public void refuseRefreshWith(Status.Code code) {
    v1Keys.refuseRefreshWith(code);
  }

  /** Limits the permissions of keys refreshed later. */
  public void limitNewKeysTo(Permissions permissions) {
    v1Keys.limitNewKeysTo(permissions);
  }

  /** Omits Momento's trailer {@code err} when it denies a permission. */
  public synchronized void leaveOutTrailers() {
    sendsTrailers = false;
  }

  /** Adds or removes a proxy in front that denies each ListCaches call without asking Momento. */
  public synchronized void putBehindProxy(boolean isBehindProxy) {
    this.isBehindProxy = isBehindProxy;
  }

  /** Changes the responses to refreshes; the new key itself is not changed. */
  public synchronized void alterRefreshAnswers(UnaryOperator<_RefreshApiTokenResponse> change) {
    alteration = change;
  }

  /** Returns Momento's error for too many calls. */
  public static StatusRuntimeException throttled() {
    return error(Status.RESOURCE_EXHAUSTED, "operations_rate_limit_exceeded");
  }

  /** The same, with a pause that the client must keep before it retries. */
  public static StatusRuntimeException throttledFor(Duration pause) {
    StatusRuntimeException error = throttled();
    Metadata trailers = new Metadata();
    trailers.put(PUSHBACK, Long.toString(pause.toMillis()));
    trailers.put(ERR, "operations_rate_limit_exceeded");
    return error.getStatus().asRuntimeException(trailers);
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      // The last calls still use the threads.
      var _ = server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    threads.shutdownNow();
    connections.close();
  }

  private synchronized _RefreshApiTokenResponse refresh(_RefreshApiTokenRequest request) {
    IssuedKey fresh = v1Keys.refresh(request.getApiKey(), request.getRefreshToken());
    return alteration.apply(
        _RefreshApiTokenResponse.newBuilder()
            .setApiKey(fresh.token())
            .setRefreshToken(fresh.refreshToken())
            .setEndpoint(fresh.endpoint())
            .setValidUntil(fresh.validUntilSeconds())
            .build());
  }

  /**
   * Generates a v1 key. According to the tests of Momento's JavaScript SDK, only a super-user key
   * generates keys, only data-only keys, and only with at least one permission.
   */
  private _GenerateApiTokenResponse generate(_GenerateApiTokenRequest request) {
    IssuedKey caller =
        v1Keys.find(request.getAuthToken()).orElseThrow(MomentoServer::unauthenticated);
    if (caller.permissions() != Permissions.SUPER_USER || !request.getPermissions().hasExplicit()) {
      throw error(
          Status.PERMISSION_DENIED.withDescription("Insufficient permissions"),
          "momento_general_err");
    }
    if (request.getPermissions().getExplicit().getPermissionsCount() == 0) {
      throw error(Status.INVALID_ARGUMENT, "momento_general_err");
    }
    IssuedKey key =
        switch (request.getExpiryCase()) {
          case EXPIRES ->
              issue(
                  Duration.ofSeconds(request.getExpires().getValidForSeconds()),
                  Permissions.DATA_ONLY);
          case NEVER -> v1Keys.issue(Instant.MAX, Duration.ZERO, Permissions.DATA_ONLY);
          case EXPIRY_NOT_SET -> throw error(Status.INVALID_ARGUMENT, "momento_general_err");
        };
    return _GenerateApiTokenResponse.newBuilder()
        .setApiKey(key.token())
        .setRefreshToken(key.refreshToken())
        .setEndpoint(key.endpoint())
        .setValidUntil(key.validUntilSeconds())
        .build();
  }

  /**
   * Returns the key of a call that may make tokens. Momento does not document which v2 keys may;
   * here they are those that may do everything on the data plane.
   */
  private SandboxKey makerOfTokens(String token) {
    if (tokens.find(token).isPresent()) {
      throw denied();
    }
    Optional<V2Key> v2Key = v2Keys.find(token);
    if (v2Key.isPresent()) {
      if (v2Keys.isPropagating(v2Key.get())) {
        throw unauthenticated();
      }
      if (dataPermission(v2Key.get()) != AllData.READ_WRITE) {
        throw denied();
      }
      return v2Key.get();
    }
    IssuedKey key = validV1Key(token);
    if (key.permissions() != Permissions.SUPER_USER) {
      throw denied();
    }
    return key;
  }

  /** Returns a valid key that Momento knows everywhere, or counts a refusal. */
  private IssuedKey validV1Key(String token) {
    IssuedKey key = v1Keys.find(token).orElseThrow(MomentoServer::unauthenticated);
    if (v1Keys.isPropagating(key)) {
      throw unauthenticated();
    }
    return key;
  }

  private synchronized _ListCachesResponse cachesVisibleTo(String token) {
    if (isBehindProxy) {
      throw Status.PERMISSION_DENIED.withDescription("RBAC: access denied").asRuntimeException();
    }
    Optional<V2Key> v2Key = v2Keys.find(token);
    if (v2Key.isPresent()) {
      return cachesVisibleTo(v2Key.get());
    }
    if (tokens.find(token).isPresent()) {
      throw permissionDenied();
    }
    if (validV1Key(token).permissions() == Permissions.DATA_ONLY) {
      throw permissionDenied();
    }
    return allCaches();
  }

  private _ListCachesResponse cachesVisibleTo(V2Key key) {
    if (v2Keys.isPropagating(key)) {
      throw unauthenticated();
    }
    if (v2Keys.role(key).filter(V2Keys.Role::listsCaches).isEmpty()) {
      throw permissionDenied();
    }
    return allCaches();
  }

  private _ListCachesResponse allCaches() {
    _ListCachesResponse.Builder response = _ListCachesResponse.newBuilder();
    caches.forEach(name -> response.addCache(_Cache.newBuilder().setCacheName(name)));
    return response.build();
  }

  /** Sets the names of the account's caches. */
  public synchronized void setCaches(Set<String> names) {
    caches = Set.copyOf(names);
  }

  /** Momento's answer to a key that may not make the call. */
  public static StatusRuntimeException denied() {
    return error(Status.PERMISSION_DENIED, "momento_general_err");
  }

  private StatusRuntimeException permissionDenied() {
    return sendsTrailers ? denied() : Status.PERMISSION_DENIED.asRuntimeException();
  }

  /** Momento's answer to a token that is no valid key. */
  static StatusRuntimeException unauthenticated() {
    return error(Status.UNAUTHENTICATED, "invalid_credentials");
  }

  static StatusRuntimeException error(Status status, String err) {
    Metadata trailers = new Metadata();
    trailers.put(ERR, err);
    return status.asRuntimeException(trailers);
  }

  /** Executes a call, with the fault planned for it, and sends its response. */
  static <T> void answer(
      FaultInjector<StatusRuntimeException> calls,
      String action,
      StreamObserver<T> caller,
      Supplier<T> work) {
    answer(
        calls,
        action,
        caller,
        work,
        content -> {
          caller.onNext(content);
          caller.onCompleted();
        });
  }

  /**
   * Does the same for a call that may have more than one response.
   *
   * @param work what the call does at first; its result is given to {@code respond}
   */
  static <T> void answer(
      FaultInjector<StatusRuntimeException> calls,
      String action,
      StreamObserver<?> caller,
      Supplier<T> work,
      Consumer<T> respond) {
    try {
      switch (calls.answer(action, _ -> work.get())) {
        case FaultInjector.Answer.Whole<T>(T content) -> respond.accept(content);
        case FaultInjector.Answer.Half<T> _, FaultInjector.Answer.None<T> _ ->
            // A client sees this if the connection breaks during its call.
            throw Status.UNAVAILABLE.withDescription("End of stream").asRuntimeException();
      }
    } catch (StatusRuntimeException e) {
      caller.onError(e);
    } catch (InterruptedException e) {
      // The server is closed, and its connections with it.
      Thread.currentThread().interrupt();
    }
  }

  private final class AuthService extends AuthGrpc.AuthImplBase {
    @Override
    public void refreshApiToken(
        _RefreshApiTokenRequest request, StreamObserver<_RefreshApiTokenResponse> caller) {
      answer(calls, REFRESH, caller, () -> refresh(request));
    }

    @Override
    public void generateApiToken(
        _GenerateApiTokenRequest request, StreamObserver<_GenerateApiTokenResponse> caller) {
      answer(calls, GENERATE, caller, () -> generate(request));
    }
  }

  private final class ControlService extends ScsControlGrpc.ScsControlImplBase {
    @Override
    public void listCaches(_ListCachesRequest request, StreamObserver<_ListCachesResponse> caller) {
      String token = CALLERS_TOKEN.get();
      answer(
          calls,
          LIST_CACHES,
          new ConfirmationRecorder(token, caller),
          () -> cachesVisibleTo(token));
    }
  }

  /** Forwards a response, and records if it confirms that the key is valid. */
  private final class ConfirmationRecorder implements StreamObserver<_ListCachesResponse> {
    private final String token;
    private final StreamObserver<_ListCachesResponse> caller;

    ConfirmationRecorder(String token, StreamObserver<_ListCachesResponse> caller) {
      this.token = token;
      this.caller = caller;
    }

    @Override
    public void onNext(_ListCachesResponse answer) {
      confirm(token);
      caller.onNext(answer);
    }

    @Override
    public void onError(Throwable refusal) {
      // PERMISSION_DENIED also confirms that a key is valid, if Momento itself sends it.
      if (Status.fromThrowable(refusal).getCode() == Status.Code.PERMISSION_DENIED
          && isLive(token)) {
        confirm(token);
      }
      caller.onError(refusal);
    }

    @Override
    public void onCompleted() {
      caller.onCompleted();
    }
  }

  static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private synchronized void recordCaller(Metadata headers) {
    callers.add(headers.get(AGENT) + " on " + headers.get(RUNTIME_VERSION));
  }

  private final class CallerInterceptor implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      recordCaller(headers);
      String token = Optional.ofNullable(headers.get(AUTHORIZATION)).orElse("");
      Context context = Context.current().withValue(CALLERS_TOKEN, token);
      return Contexts.interceptCall(context, call, headers, next);
    }
  }
}
