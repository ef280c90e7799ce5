package keyrotation.client;

import static io.grpc.Metadata.ASCII_STRING_MARSHALLER;

import grpc.cache_client.pubsub.PubsubGrpc;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;

/** A connection to Momento's topics with a key. */
final class TopicConnection implements AutoCloseable {

  private static final int HTTPS = 443;

  /** After this without data, the other side is asked for a sign of life. */
  private static final int KEEP_ALIVE_SECONDS = 10;

  private final ManagedChannel channel;
  private final PubsubGrpc.PubsubStub stub;

  TopicConnection(ApiKey key) {
    this.channel =
        Grpc.newChannelBuilderForAddress(key.hosts().cache(), HTTPS, TlsChannelCredentials.create())
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .disableRetry()
            .build();
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", ASCII_STRING_MARSHALLER), key.token());
    headers.put(
        Metadata.Key.of("agent", ASCII_STRING_MARSHALLER), "java:topic:key-rotation-client");
    headers.put(
        Metadata.Key.of("runtime-version", ASCII_STRING_MARSHALLER),
        System.getProperty("java.version"));
    this.stub =
        PubsubGrpc.newStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  PubsubGrpc.PubsubStub stub() {
    return stub;
  }

  @Override
  public void close() {
    channel.shutdown();
  }
}
