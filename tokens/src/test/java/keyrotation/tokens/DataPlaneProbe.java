package keyrotation.tokens;

import com.google.protobuf.ByteString;
import grpc.cache_client.ScsGrpc;
import grpc.cache_client._GetRequest;
import grpc.cache_client._SetRequest;
import grpc.cache_client.pubsub.PubsubGrpc;
import grpc.cache_client.pubsub._PublishRequest;
import grpc.cache_client.pubsub._SubscriptionRequest;
import grpc.cache_client.pubsub._TopicValue;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;

/** Tries what a token may do, by calls to the data plane. */
final class DataPlaneProbe implements AutoCloseable {

  /** A kind of call. */
  enum Call {
    GET,
    SET,
    PUBLISH,
    SUBSCRIBE
  }

  /**
   * A call of a kind.
   *
   * @param name the key of an item, or the name of a topic
   */
  record Access(Call call, String cache, String name) {}

  private final ManagedChannel channel;

  DataPlaneProbe(int port) {
    this.channel =
        OkHttpChannelBuilder.forAddress("localhost", port, TlsChannelCredentials.create()).build();
  }

  /** Makes a call with a token; returns the code with which it ended. */
  Status.Code attempt(String token, Access access) {
    ByteString key = ByteString.copyFromUtf8(access.name);
    ScsGrpc.ScsBlockingStub caches = with(ScsGrpc.newBlockingStub(channel), token, access);
    PubsubGrpc.PubsubBlockingStub topics = with(PubsubGrpc.newBlockingStub(channel), token, access);
    try {
      switch (access.call) {
        case GET -> {
          var _ = caches.get(_GetRequest.newBuilder().setCacheKey(key).build());
        }
        case SET -> {
          var _ =
              caches.set(
                  _SetRequest.newBuilder()
                      .setCacheKey(key)
                      .setCacheBody(key)
                      .setTtlMilliseconds(1)
                      .build());
        }
        case PUBLISH -> {
          var _ =
              topics.publish(
                  _PublishRequest.newBuilder()
                      .setCacheName(access.cache)
                      .setTopic(access.name)
                      .setValue(_TopicValue.newBuilder().setText("x"))
                      .build());
        }
        case SUBSCRIBE -> subscribe(topics, access);
      }
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private static void subscribe(PubsubGrpc.PubsubBlockingStub topics, Access access) {
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      context.run(
          () -> {
            var _ =
                topics
                    .subscribe(
                        _SubscriptionRequest.newBuilder()
                            .setCacheName(access.cache)
                            .setTopic(access.name)
                            .build())
                    .next();
          });
    }
  }

  private static <S extends AbstractStub<S>> S with(S stub, String token, Access access) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), token);
    headers.put(Metadata.Key.of("cache", Metadata.ASCII_STRING_MARSHALLER), access.cache);
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .withDeadlineAfter(30, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
