package keyrotation.momento;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.stream.Collectors.toSet;
import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._Cache;
import grpc.control_client._ListCachesRequest;
import grpc.control_client._ListCachesResponse;
import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import keyrotation.core.ConnectionFailure;
import keyrotation.core.HostAndPort;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import momento.auth.AuthGrpc;
import momento.auth._RefreshApiTokenRequest;
import momento.auth._RefreshApiTokenResponse;

/**
 * Momento's control plane (gRPC). Each invocation has its own: Lambda freezes the function between
 * two invocations, and a connection may be dead afterwards.
 */
public final class MomentoControlPlane implements AutoCloseable {

  private static final int TLS_PORT = 443;
  private static final Metadata.Key<String> AUTHORIZATION = header("authorization");
  private static final Metadata.Key<String> AGENT = header("agent");
  private static final Metadata.Key<String> RUNTIME_VERSION = header("runtime-version");

  /** A trailer of Momento's refusals. A refusal of a proxy on the way does not have it. */
  private static final Metadata.Key<String> ERR = header("err");

  /** Codes with which a repeated call would end again. */
  private static final Set<Status.Code> PERMANENT =
      Set.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.ALREADY_EXISTS,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.OUT_OF_RANGE,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNIMPLEMENTED);

  /** A well-formed JWT that is not a key: it has an id alone, and an invalid signature. */
  private static final String INVALID_TOKEN =
      "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6Im5vbmUifQ.bm8gc2lnbmF0dXJlIGZpdHMgdGhpcyB0b2tlbi4";

  /** How many milliseconds a client has to wait before it tries again (gRPC); below 0: forever. */
  private static final Metadata.Key<String> PUSHBACK = header("grpc-retry-pushback-ms");

  private final Optional<HostAndPort> override;
  private final ChannelCredentials credentials;
  private final InstantSource clock;
  private final Map<HostAndPort, ManagedChannel> channels = new ConcurrentHashMap<>();
  private final Map<HostAndPort, Verdict> verdictsOnInvalidToken = new ConcurrentHashMap<>();

  /**
   * Prepares for calls; the first to a host connects to it.
   *
   * @param override the server to call in place of the one that a key names
   * @param credentials the certificates to trust
   */
  public MomentoControlPlane(
      Optional<HostAndPort> override, ChannelCredentials credentials, InstantSource clock) {
    this.override = override;
    this.credentials = credentials;
    this.clock = clock;
  }

  /**
   * Asks for a new key in exchange for a refresh token. The old key stays valid until it expires.
   *
   * @throws RotationException {@code NEW_KEY_INVALID}
   */
  public RefreshResult refresh(MomentoKey.V1 key, Sensitive refreshToken, Duration limit) {
    var request =
        _RefreshApiTokenRequest.newBuilder()
            .setApiKey(key.token().value())
            .setRefreshToken(refreshToken.value())
            .build();
    try {
      var answer =
          AuthGrpc.newBlockingStub(channel(key.endpoint()))
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers()))
              .withDeadlineAfter(limit.toMillis(), MILLISECONDS)
              .refreshApiToken(request);
      return new RefreshResult.Refreshed(refreshed(answer));
    } catch (StatusRuntimeException e) {
      Status.Code code = codeOf(e.getStatus());
      return switch (code) {
        case INVALID_ARGUMENT, UNAUTHENTICATED, NOT_FOUND, FAILED_PRECONDITION ->
            new RefreshResult.Rejected(code.name());
        default ->
            code == Status.Code.PERMISSION_DENIED && hasMomentosTrailer(e)
                ? new RefreshResult.Rejected(code.name())
                : new RefreshResult.Unknown(unavailable(key.endpoint(), e));
      };
    }
  }

  /**
   * Asks whether a key is accepted, by a call that changes nothing.
   *
   * <p>Momento denies the call to a key that may not list caches; a proxy may deny it to any key. A
   * denial is Momento's if it has Momento's trailer, or if the server answers otherwise to a token
   * that is not a key.
   *
   * @param limit how long all of that may take
   */
  public Verdict verify(Credentials key, Duration limit) {
    Instant start = clock.instant();
    try {
      return accepted(listCaches(key.endpoint(), key.token().value(), limit));
    } catch (StatusRuntimeException e) {
      Status.Code code = codeOf(e.getStatus());
      return switch (code) {
        case UNAUTHENTICATED -> new Verdict.Rejected(code.name());
        case PERMISSION_DENIED ->
            hasMomentosTrailer(e)
                ? new Verdict.Denied()
                : denialWithoutTrailer(
                    key.endpoint(), limit.minus(Duration.between(start, clock.instant())));
        default -> new Verdict.Unknown(unavailable(key.endpoint(), e));
      };
    }
  }

  /** Finds out whether Momento sent a denial, by asking for a token that is not a key. */
  private Verdict denialWithoutTrailer(String endpoint, Duration limit) {
    return switch (verifyInvalidToken(endpoint, limit)) {
      case Verdict.Rejected _ -> new Verdict.Denied();
      case Verdict.Unknown unknown -> unknown;
      case Verdict.Accepted _, Verdict.Denied _ ->
          new Verdict.Unknown(
              unavailable(Status.Code.PERMISSION_DENIED, Optional.empty(), Optional.empty()));
    };
  }

  /** Verifies a token that is not a key, once for each host and invocation. */
  private Verdict verifyInvalidToken(String endpoint, Duration limit) {
    Verdict known = verdictsOnInvalidToken.get(target(endpoint));
    if (known != null) {
      return known;
    }
    Verdict verdict;
    try {
      verdict = accepted(listCaches(endpoint, INVALID_TOKEN, limit));
    } catch (StatusRuntimeException e) {
      Status.Code code = codeOf(e.getStatus());
      switch (code) {
        case UNAUTHENTICATED, INVALID_ARGUMENT -> verdict = new Verdict.Rejected(code.name());
        case PERMISSION_DENIED -> verdict = new Verdict.Denied();
        default -> {
          return new Verdict.Unknown(unavailable(endpoint, e));
        }
      }
    }
    verdictsOnInvalidToken.put(target(endpoint), verdict);
    return verdict;
  }

  private static Verdict accepted(_ListCachesResponse answer) {
    return new Verdict.Accepted(
        answer.getCacheList().stream().map(_Cache::getCacheName).collect(toSet()));
  }

  private _ListCachesResponse listCaches(String endpoint, String token, Duration limit) {
    Metadata headers = headers();
    headers.put(AUTHORIZATION, token);
    return ScsControlGrpc.newBlockingStub(channel(endpoint))
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .withDeadlineAfter(limit.toMillis(), MILLISECONDS)
        .listCaches(_ListCachesRequest.getDefaultInstance());
  }

  private static boolean hasMomentosTrailer(StatusRuntimeException e) {
    return e.getTrailers() != null && e.getTrailers().containsKey(ERR);
  }

  private Unavailable unavailable(String endpoint, StatusRuntimeException e) {
    return unavailable(
        codeOf(e.getStatus()),
        noConnection(target(endpoint), e),
        Optional.ofNullable(e.getTrailers()));
  }

  /** Describes a connection that was not made; empty if there was one. */
  private static Optional<String> noConnection(HostAndPort host, StatusRuntimeException e) {
    Status status = e.getStatus();
    // What gRPC says of a call that was over before it was sent.
    boolean hasWaited =
        status.getCode() == Status.Code.DEADLINE_EXCEEDED
            && String.valueOf(status.getDescription()).contains("waiting_for_connection");
    return hasWaited
        ? Optional.of(ConnectionFailure.timedOut(host))
        : ConnectionFailure.describe(host, e);
  }

  private static Unavailable unavailable(
      Status.Code code, Optional<String> noConnection, Optional<Metadata> trailers) {
    return new Unavailable(
        code == Status.Code.RESOURCE_EXHAUSTED ? MOMENTO_THROTTLED : MOMENTO_UNAVAILABLE,
        noConnection.map(text -> code + ": " + text).orElse(code.name()),
        PERMANENT.contains(code)
            ? Optional.of(Unavailable.NEVER)
            : trailers
                .map(t -> t.get(PUSHBACK))
                .filter(text -> text.matches("-?\\d{1,9}"))
                .map(Long::parseLong)
                .map(millis -> millis < 0 ? Unavailable.NEVER : Duration.ofMillis(millis)));
  }

  /**
   * Returns the status code of an answer. If a proxy on the way has answered, with an HTTP status
   * alone, the code is UNAVAILABLE: gRPC turns a 403 into PERMISSION_DENIED, though Momento has
   * never seen the key.
   */
  static Status.Code codeOf(Status status) {
    String description = status.getDescription();
    return description != null && description.startsWith("HTTP status code")
        ? Status.Code.UNAVAILABLE
        : status.getCode();
  }

  @Override
  public void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
  }

  private static RefreshedKey refreshed(_RefreshApiTokenResponse answer) {
    if (answer.getRefreshToken().isEmpty() || !Expiry.isPlausible(answer.getValidUntil())) {
      throw new RotationException(
          NEW_KEY_INVALID, "Momento's answer lacks a refresh token or has an implausible expiry.");
    }
    try {
      return new RefreshedKey(
          MomentoKey.v1(answer.getEndpoint(), answer.getApiKey()),
          new Sensitive(answer.getRefreshToken()),
          Expiry.ofEpochSeconds(answer.getValidUntil()));
    } catch (RotationException unreadable) {
      throw new RotationException(
          NEW_KEY_INVALID, "Momento's answer holds no usable key: " + unreadable.what());
    }
  }

  private ManagedChannel channel(String endpoint) {
    // No keep-alive, as is the default: it would break a connection while the function is frozen.
    return channels.computeIfAbsent(
        target(endpoint),
        t -> OkHttpChannelBuilder.forAddress(t.host(), t.port(), credentials).build());
  }

  /** Returns the address of the control plane for a key's endpoint. */
  HostAndPort target(String endpoint) {
    return override.orElse(new HostAndPort("control." + endpoint, TLS_PORT));
  }

  private static Metadata headers() {
    Metadata headers = new Metadata();
    headers.put(AGENT, "java:key-rotation:1");
    headers.put(RUNTIME_VERSION, "java:" + Runtime.version().feature());
    return headers;
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
