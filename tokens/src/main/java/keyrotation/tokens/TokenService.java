package keyrotation.tokens;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import grpc.permission_messages.Permissions;
import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import keyrotation.client.ApiKey;
import momento.token.TokenGrpc;
import momento.token._GenerateDisposableTokenRequest;
import momento.token._GenerateDisposableTokenRequest.Expires;
import momento.token._GenerateDisposableTokenResponse;

/** Momento's token service (gRPC), called with one key. */
final class TokenService implements AutoCloseable {

  private static final int HTTPS = 443;
  private static final Duration CALL_TIMEOUT = Duration.ofMillis(2_500);

  /** A token that is made twice does no harm, so a call is repeated that was not answered. */
  private static final Map<String, ?> RETRIES =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(Map.of("service", TokenGrpc.SERVICE_NAME)),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts",
                      3.0,
                      "initialBackoff",
                      "0.1s",
                      "maxBackoff",
                      "1s",
                      "backoffMultiplier",
                      3.0,
                      "retryableStatusCodes",
                      List.of("UNAVAILABLE")))));

  private final ApiKey key;
  private final ManagedChannel channel;
  private final TokenGrpc.TokenStub stub;

  /** Prepares for calls; the first one connects. */
  TokenService(ApiKey key, ChannelCredentials credentials) {
    this.key = key;
    this.channel =
        OkHttpChannelBuilder.forAddress(key.hosts().token(), HTTPS, credentials)
            .defaultServiceConfig(RETRIES)
            .disableServiceConfigLookUp()
            .build();
    Metadata headers = new Metadata();
    headers.put(header("authorization"), key.token());
    headers.put(header("agent"), "java:tokens:key-rotation");
    headers.put(header("runtime-version"), "java:" + Runtime.version().feature());
    this.stub =
        TokenGrpc.newStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /**
   * Makes a token.
   *
   * @param tokenId what Momento shows of the token's holder, at most 64 characters
   * @return the token; a failed call fails it with gRPC's exception
   */
  CompletableFuture<_GenerateDisposableTokenResponse> generate(
      Permissions permissions, Duration lifetime, String tokenId) {
    var request =
        _GenerateDisposableTokenRequest.newBuilder()
            .setAuthToken(key.token())
            .setExpires(
                Expires.newBuilder().setValidForSeconds(Math.toIntExact(lifetime.toSeconds())))
            .setPermissions(permissions)
            .setTokenId(tokenId)
            .build();
    return call(request).exceptionallyCompose(failure -> callAnew(request, failure));
  }

  /**
   * Makes a call that took too long again, over a new connection: Lambda freezes the function
   * between two requests, and what is between it and Momento may forget a connection meanwhile.
   */
  private CompletableFuture<_GenerateDisposableTokenResponse> callAnew(
      _GenerateDisposableTokenRequest request, Throwable failure) {
    if (Status.fromThrowable(failure).getCode() != Status.Code.DEADLINE_EXCEEDED) {
      return CompletableFuture.failedFuture(failure);
    }
    channel.enterIdle();
    return call(request);
  }

  private CompletableFuture<_GenerateDisposableTokenResponse> call(
      _GenerateDisposableTokenRequest request) {
    Answer answer = new Answer();
    stub.withDeadlineAfter(CALL_TIMEOUT.toMillis(), MILLISECONDS)
        .generateDisposableToken(request, answer);
    return answer;
  }

  @Override
  public void close() {
    channel.shutdown();
  }

  private static Metadata.Key<String> header(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** The future of a call with one response. */
  private static final class Answer extends CompletableFuture<_GenerateDisposableTokenResponse>
      implements StreamObserver<_GenerateDisposableTokenResponse> {
    @Override
    public void onNext(_GenerateDisposableTokenResponse response) {
      complete(response);
    }

    @Override
    public void onError(Throwable failure) {
      completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {}
  }
}
