package keyrotation.sandbox;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import grpc.cache_client.ScsGrpc;
import grpc.cache_client._DeleteRequest;
import grpc.cache_client._GetRequest;
import grpc.cache_client._GetResponse;
import grpc.cache_client._SetRequest;
import grpc.cache_client.pubsub.PubsubGrpc;
import grpc.cache_client.pubsub._PublishRequest;
import grpc.cache_client.pubsub._SubscriptionItem;
import grpc.cache_client.pubsub._SubscriptionRequest;
import grpc.cache_client.pubsub._TopicValue;
import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.Permissions;
import grpc.permission_messages.PermissionsType;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import momento.auth.AuthGrpc;
import momento.auth._RefreshApiTokenRequest;
import momento.token.TokenGrpc;
import momento.token._GenerateDisposableTokenRequest;
import momento.token._GenerateDisposableTokenRequest.Expires;
import momento.token._GenerateDisposableTokenResponse;

/** A stand-in for Momento, and calls of its data plane with the stubs. */
final class DataPlaneFixture implements AutoCloseable {

  static final String CACHE = "sessions";
  static final String TOPIC = "logins";

  final MomentoServer server;
  private final ManagedChannel channel;

  DataPlaneFixture(InstantSource clock) {
    CertificateAuthority authority = new CertificateAuthority();
    server = MomentoServer.start(authority, clock, RefreshTokens.REUSABLE);
    try {
      channel =
          Grpc.newChannelBuilder(
                  server.controlEndpoint(),
                  TlsChannelCredentials.newBuilder().trustManager(authority.certificate()).build())
              .build();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Issues a v2 key that does not expire. */
  V2Key issue(V2Keys.Role role) {
    return server.v2Keys().issue(role, "", Optional.empty());
  }

  /** Generates a token for an hour with a key, or another token. */
  String generateToken(String callersToken, PermissionsType... permissions) {
    return generateToken(
            callersToken,
            _GenerateDisposableTokenRequest.newBuilder()
                .setAuthToken(callersToken)
                .setExpires(Expires.newBuilder().setValidForSeconds(3600))
                .setPermissions(
                    Permissions.newBuilder()
                        .setExplicit(
                            ExplicitPermissions.newBuilder()
                                .addAllPermissions(List.of(permissions))))
                .build())
        .getApiKey();
  }

  _GenerateDisposableTokenResponse generateToken(
      String callersToken, _GenerateDisposableTokenRequest request) {
    return with(callersToken, "", TokenGrpc.newBlockingStub(channel))
        .generateDisposableToken(request);
  }

  void listCaches(String token) {
    var _ =
        with(token, "", ScsControlGrpc.newBlockingStub(channel))
            .listCaches(_ListCachesRequest.getDefaultInstance());
  }

  void refresh(String token) {
    var _ =
        AuthGrpc.newBlockingStub(channel)
            .refreshApiToken(_RefreshApiTokenRequest.newBuilder().setApiKey(token).build());
  }

  _GetResponse get(String token, String cache, String key) {
    return caches(token, cache)
        .get(_GetRequest.newBuilder().setCacheKey(ByteString.copyFromUtf8(key)).build());
  }

  void set(String token, String cache, String key, String value, Duration ttl) {
    var _ =
        caches(token, cache)
            .set(
                _SetRequest.newBuilder()
                    .setCacheKey(ByteString.copyFromUtf8(key))
                    .setCacheBody(ByteString.copyFromUtf8(value))
                    .setTtlMilliseconds(ttl.toMillis())
                    .build());
  }

  void delete(String token, String cache, String key) {
    var _ =
        caches(token, cache)
            .delete(_DeleteRequest.newBuilder().setCacheKey(ByteString.copyFromUtf8(key)).build());
  }

  void publish(String token, String cache, String topic, String value) {
    var _ =
        with(token, "", PubsubGrpc.newBlockingStub(channel))
            .publish(
                _PublishRequest.newBuilder()
                    .setCacheName(cache)
                    .setTopic(topic)
                    .setValue(_TopicValue.newBuilder().setText(value))
                    .build());
  }

  void publish(String token, int... values) {
    IntStream.of(values).forEach(value -> publish(token, CACHE, TOPIC, Integer.toString(value)));
  }

  /** Opens a subscription for messages from now on. */
  Stream subscribe(String token) {
    return subscribe(token, CACHE, TOPIC, 0, 0);
  }

  Stream subscribe(String token, String cache, String topic, long resumeAt, long page) {
    Stream stream = new Stream(Integer.MAX_VALUE);
    subscribe(token, cache, topic, resumeAt, page, stream);
    return stream;
  }

  /** Opens a subscription whose client reads no more than its first items. */
  Stream subscribeSlowly(String token, int readItems) {
    Stream stream = new Stream(readItems);
    subscribe(token, CACHE, TOPIC, 0, 0, stream);
    return stream;
  }

  private void subscribe(
      String token, String cache, String topic, long resumeAt, long page, Stream stream) {
    with(token, "", PubsubGrpc.newStub(channel))
        .subscribe(
            _SubscriptionRequest.newBuilder()
                .setCacheName(cache)
                .setTopic(topic)
                .setResumeAtTopicSequenceNumber(resumeAt)
                .setSequencePage(page)
                .build(),
            stream);
  }

  /** Makes each call of the data plane and returns their outcome. */
  List<Status.Code> outcomes(String token) {
    return List.of(
        outcome(() -> get(token, CACHE, "a")),
        outcome(() -> set(token, CACHE, "a", "1", Duration.ofMinutes(1))),
        outcome(() -> delete(token, CACHE, "a")),
        outcome(() -> publish(token, 1)),
        outcome(() -> subscribe(token).opened().cancel()));
  }

  static Status.Code outcome(Runnable call) {
    try {
      call.run();
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  /** Closes the client's connection. */
  void disconnect() {
    channel.shutdownNow();
  }

  /** Waits until the condition holds, at most 30 seconds. */
  static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }

  private ScsGrpc.ScsBlockingStub caches(String token, String cache) {
    return with(token, cache, ScsGrpc.newBlockingStub(channel));
  }

  private static <S extends AbstractStub<S>> S with(String token, String cache, S stub) {
    Metadata headers = new Metadata();
    headers.put(MomentoServer.AUTHORIZATION, token);
    if (!cache.isEmpty()) {
      headers.put(MomentoServer.header("cache"), cache);
    }
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** What a subscription receives. */
  static final class Stream
      implements ClientResponseObserver<_SubscriptionRequest, _SubscriptionItem> {
    private final int readItems;
    private final BlockingQueue<_SubscriptionItem> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Boolean> begun = new CompletableFuture<>();
    private final CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();
    private final CompletableFuture<ClientCallStreamObserver<_SubscriptionRequest>> call =
        new CompletableFuture<>();

    private Stream(int readItems) {
      this.readItems = readItems;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<_SubscriptionRequest> started) {
      started.disableAutoRequestWithInitial(readItems);
      call.complete(started);
    }

    @Override
    public void onNext(_SubscriptionItem item) {
      received.add(item);
      begun.complete(true);
    }

    @Override
    public void onError(Throwable error) {
      end.complete((StatusRuntimeException) error);
      begun.complete(false);
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK.asRuntimeException());
      begun.complete(false);
    }

    void cancel() {
      call.join().cancel("The test has seen enough.", null);
    }

    /** Reads everything from now on. */
    void readOn() {
      call.join().request(Integer.MAX_VALUE);
    }

    /** Returns the next item as a text, such as {@code 3: value}. */
    String next() {
      _SubscriptionItem item = nextItem();
      return switch (item.getKindCase()) {
        case HEARTBEAT -> "heartbeat";
        case DISCONTINUITY ->
            "discontinuity from %d to %d on page %d"
                .formatted(
                    item.getDiscontinuity().getLastTopicSequence(),
                    item.getDiscontinuity().getNewTopicSequence(),
                    item.getDiscontinuity().getNewSequencePage());
        case ITEM ->
            item.getItem().getTopicSequenceNumber() + ": " + item.getItem().getValue().getText();
        case KIND_NOT_SET -> throw new AssertionError("An empty item came.");
      };
    }

    /** Waits for the next item. */
    _SubscriptionItem nextItem() {
      try {
        _SubscriptionItem item = received.poll(30, SECONDS);
        if (item == null) {
          throw new AssertionError("No item came.");
        }
        return item;
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    List<String> next(int count) {
      return IntStream.range(0, count).mapToObj(_ -> next()).toList();
    }

    /** Waits for the heartbeat with which a subscription begins. */
    Stream opened() {
      if (!begun.orTimeout(30, SECONDS).join()) {
        throw end.join();
      }
      assertThat(next()).isEqualTo("heartbeat");
      return this;
    }

    /** Tells whether nothing has come since the last item that was read. */
    boolean isQuiet() {
      return received.isEmpty() && !end.isDone();
    }

    /** Waits for the end and returns its error. */
    StatusRuntimeException end() {
      return end.orTimeout(30, SECONDS).join();
    }
  }
}
