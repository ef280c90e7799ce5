package keyrotation;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static keyrotation.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.FailureReason.NEW_KEY_INVALID;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
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
import keyrotation.Settings.HostAndPort;
import momento.auth.AuthGrpc;
import momento.auth._RefreshApiTokenRequest;
import momento.auth._RefreshApiTokenResponse;
import org.jspecify.annotations.Nullable;

/**
 * Momento's control plane, for one invocation: a connection may be dead after Lambda has frozen the
 * function, so none is kept for the next.
 */
final class MomentoControlPlane implements AutoCloseable {

  private static final int TLS_PORT = 443;
  private static final Metadata.Key<String> AUTHORIZATION = header("authorization");
  private static final Metadata.Key<String> AGENT = header("agent");
  private static final Metadata.Key<String> RUNTIME_VERSION = header("runtime-version");

  /** Momento's own refusals carry it; those of a proxy on the way do not. */
  private static final Metadata.Key<String> ERR = header("err");

  /** Codes that a repeated call would end in again. */
  private static final Set<Status.Code> PERMANENT =
      Set.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.ALREADY_EXISTS,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.OUT_OF_RANGE,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNIMPLEMENTED);

  /** A JWT of no key: its claims are an id alone, and its signature is made up. */
  private static final String JWT_OF_NO_KEY =
      "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6Im5vbmUifQ.bm8gc2lnbmF0dXJlIGZpdHMgdGhpcyB0b2tlbi4";

  /** How a gRPC server says when it wants to be asked again, in milliseconds; below 0 is never. */
  private static final Metadata.Key<String> PUSHBACK = header("grpc-retry-pushback-ms");

  private final Optional<HostAndPort> override;
  private final ChannelCredentials credentials;
  private final InstantSource clock;
  private final Map<HostAndPort, ManagedChannel> channels = new ConcurrentHashMap<>();
  private final Map<HostAndPort, Verdict> verdictsOnNoKey = new ConcurrentHashMap<>();

  /**
   * Prepares for calls; the first to a host connects to it.
   *
   * @param override where to call, whatever endpoint a key names
   * @param credentials whom to trust
   */
  MomentoControlPlane(
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
  RefreshResult refresh(MomentoKey.V1 key, Sensitive refreshToken, Duration limit) {
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
            code == Status.Code.PERMISSION_DENIED && isMomentos(e)
                ? new RefreshResult.Rejected(code.name())
                : new RefreshResult.Unknown(unavailable(code, e.getTrailers()));
      };
    }
  }

  /**
   * Asks whether a key is accepted, by a call that changes nothing.
   *
   * <p>A key that may not list caches is denied the call, and a proxy denies it to any key. Momento
   * is known by its trailer; without that, by answering otherwise to a token that is no key.
   *
   * @param limit how long all of that may take
   */
  Verdict verify(MomentoKey.V1 key, Duration limit) {
    Instant start = clock.instant();
    try {
      listCaches(key.endpoint(), key.token().value(), limit);
      return new Verdict.Accepted();
    } catch (StatusRuntimeException e) {
      Status.Code code = codeOf(e.getStatus());
      return switch (code) {
        case UNAUTHENTICATED -> new Verdict.Rejected(code.name());
        case PERMISSION_DENIED ->
            isMomentos(e)
                ? new Verdict.Denied()
                : deniedBySomeServer(
                    key.endpoint(), limit.minus(Duration.between(start, clock.instant())));
        default -> new Verdict.Unknown(unavailable(code, e.getTrailers()));
      };
    }
  }

  /** Finds out whose denial it was: a server that denies a call to any token knows no keys. */
  private Verdict deniedBySomeServer(String endpoint, Duration limit) {
    return switch (verifyNoKey(endpoint, limit)) {
      case Verdict.Rejected _ -> new Verdict.Denied();
      case Verdict.Unknown unknown -> unknown;
      case Verdict.Accepted _, Verdict.Denied _ ->
          new Verdict.Unknown(unavailable(Status.Code.PERMISSION_DENIED, null));
    };
  }

  /** Asks about a token that is no key, once for each host and invocation. */
  private Verdict verifyNoKey(String endpoint, Duration limit) {
    Verdict known = verdictsOnNoKey.get(target(endpoint));
    if (known != null) {
      return known;
    }
    Verdict verdict;
    try {
      listCaches(endpoint, JWT_OF_NO_KEY, limit);
      verdict = new Verdict.Accepted();
    } catch (StatusRuntimeException e) {
      Status.Code code = codeOf(e.getStatus());
      switch (code) {
        case UNAUTHENTICATED, INVALID_ARGUMENT -> verdict = new Verdict.Rejected(code.name());
        case PERMISSION_DENIED -> verdict = new Verdict.Denied();
        default -> {
          return new Verdict.Unknown(unavailable(code, e.getTrailers()));
        }
      }
    }
    verdictsOnNoKey.put(target(endpoint), verdict);
    return verdict;
  }

  private void listCaches(String endpoint, String token, Duration limit) {
    Metadata headers = headers();
    headers.put(AUTHORIZATION, token);
    var _ =
        ScsControlGrpc.newBlockingStub(channel(endpoint))
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .withDeadlineAfter(limit.toMillis(), MILLISECONDS)
            .listCaches(_ListCachesRequest.getDefaultInstance());
  }

  private static boolean isMomentos(StatusRuntimeException e) {
    return e.getTrailers() != null && e.getTrailers().containsKey(ERR);
  }

  private static Unavailable unavailable(Status.Code code, @Nullable Metadata trailers) {
    return new Unavailable(
        code == Status.Code.RESOURCE_EXHAUSTED ? MOMENTO_THROTTLED : MOMENTO_UNAVAILABLE,
        code.name(),
        PERMANENT.contains(code)
            ? Optional.of(Unavailable.NEVER)
            : Optional.ofNullable(trailers)
                .map(t -> t.get(PUSHBACK))
                .filter(text -> text.matches("-?\\d{1,9}"))
                .map(Long::parseLong)
                .map(millis -> millis < 0 ? Unavailable.NEVER : Duration.ofMillis(millis)));
  }

  /**
   * Returns the code of an answer, if it is Momento's. A proxy on the way answers with a status of
   * HTTP's alone; gRPC makes PERMISSION_DENIED of a 403, though Momento has never seen the key.
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
    // Without keep-alive, which is the default: a frozen function would seem to break it.
    return channels.computeIfAbsent(
        target(endpoint),
        t -> OkHttpChannelBuilder.forAddress(t.host(), t.port(), credentials).build());
  }

  /** Returns where the control plane of a key's endpoint is. */
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
