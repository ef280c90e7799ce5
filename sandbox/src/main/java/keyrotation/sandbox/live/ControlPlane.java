package keyrotation.sandbox.live;

import static java.util.concurrent.TimeUnit.SECONDS;

import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.MetadataUtils;
import java.util.Optional;
import java.util.Set;
import keyrotation.sandbox.live.LiveSettings.HostAndPort;
import momento.auth.AuthGrpc;

/**
 * Momento's control plane. Of an error it keeps only the code and whether Momento's trailer was
 * present; the message might contain a key.
 */
final class ControlPlane implements AutoCloseable {

  private static final int TLS_PORT = 443;
  private static final int CALL_TIMEOUT_SECONDS = 20;

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

    static final Answer OK = new Answer(Status.Code.OK, false);

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

  private final HostAndPort target;
  private final ManagedChannel channel;
  private final Poller poller;

  /**
   * Prepares for calls; the first one connects.
   *
   * @param endpoint the endpoint of the keys
   */
  ControlPlane(String endpoint, LiveSettings settings, ChannelCredentials trust, Poller poller) {
    this.target =
        settings.controlEndpoint().orElse(new HostAndPort("control." + endpoint, TLS_PORT));
    this.channel = Grpc.newChannelBuilderForAddress(target.host(), target.port(), trust).build();
    this.poller = poller;
  }

  HostAndPort target() {
    return target;
  }

  /** Returns what ends the check if the first call to the control plane fails. */
  InconclusiveException unreachable(UnavailableException e) {
    return new InconclusiveException(
        "Momento's control plane at %s cannot be reached. %s".formatted(target, e.reason())
            + " Check MOMENTO_CONTROL_ENDPOINT, the network and the certificates.");
  }

  /** Calls ListCaches, which verifies a key without side effects. */
  Answer listCaches(String token) throws InterruptedException {
    return UnavailableException.retry(poller, () -> listCachesOnce(token));
  }

  Answer listCachesOnce(String token) {
    Metadata headers = headers();
    headers.put(AUTHORIZATION, token);
    try {
      var _ =
          prepared(ScsControlGrpc.newBlockingStub(channel), headers)
              .listCaches(_ListCachesRequest.getDefaultInstance());
      return Answer.OK;
    } catch (StatusRuntimeException e) {
      return answer("ListCaches", e);
    }
  }

  /** Returns a client of the auth service, for one call. */
  AuthGrpc.AuthBlockingStub auth() {
    return prepared(AuthGrpc.newBlockingStub(channel), headers());
  }

  private static <S extends AbstractBlockingStub<S>> S prepared(S stub, Metadata headers) {
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .withDeadlineAfter(CALL_TIMEOUT_SECONDS, SECONDS);
  }

  /**
   * Returns Momento's refusal.
   *
   * @throws UnavailableException if the error is a temporary failure
   */
  static Answer answer(String call, StatusRuntimeException e) {
    String description = Optional.ofNullable(e.getStatus().getDescription()).orElse("");
    // A proxy's HTTP status, which gRPC translates to a code.
    Status.Code code =
        description.startsWith("HTTP status code")
            ? Status.Code.UNAVAILABLE
            : e.getStatus().getCode();
    if (UNAVAILABLE_CODES.contains(code)) {
      throw new UnavailableException(
          call, "%s (%s)".formatted(code, InconclusiveException.rootCauseName(e)));
    }
    return new Answer(code, e.getTrailers() != null && e.getTrailers().containsKey(ERR));
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Returns the headers that Momento's SDKs send with each call. */
  private static Metadata headers() {
    Metadata headers = new Metadata();
    headers.put(AGENT, "java:key-rotation-live-check:1");
    headers.put(RUNTIME_VERSION, "java:" + Runtime.version().feature());
    return headers;
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
