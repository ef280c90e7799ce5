package keyrotation.sandbox;

import io.grpc.Attributes;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.SocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The connections of a gRPC server's clients: counts them, and can break them. */
final class Connections implements AutoCloseable {

  private final EventLoopGroup loops =
      new NioEventLoopGroup(2, new DefaultThreadFactory("momento-server", true));
  private final Set<SocketChannel> accepted = ConcurrentHashMap.newKeySet();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger made = new AtomicInteger();

  /** Has a server keep its connections here. */
  NettyServerBuilder of(NettyServerBuilder server) {
    return server
        .bossEventLoopGroup(loops)
        .workerEventLoopGroup(loops)
        .channelFactory(RecordingServerChannel::new)
        .addTransportFilter(new Counter());
  }

  /** Returns the number of connections whose TLS handshake has succeeded. */
  int open() {
    return open.get();
  }

  /** Returns the number of such connections so far, open or closed. */
  int made() {
    return made.get();
  }

  /** Resets all connections, as a failing network does. */
  void reset() {
    accepted.forEach(
        channel ->
            channel
                .eventLoop()
                .execute(
                    () -> {
                      channel.config().setSoLinger(0);
                      // Below TLS, which would say goodbye.
                      channel.unsafe().close(channel.unsafe().voidPromise());
                    }));
  }

  /** Stops the threads, after the server has stopped. */
  @Override
  public void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1, TimeUnit.SECONDS);
  }

  private final class RecordingServerChannel extends NioServerSocketChannel {
    @Override
    protected int doReadMessages(List<Object> messages) throws Exception {
      int count = super.doReadMessages(messages);
      for (Object message : messages.subList(messages.size() - count, messages.size())) {
        SocketChannel channel = (SocketChannel) message;
        accepted.add(channel);
        var _ = channel.closeFuture().addListener(_ -> accepted.remove(channel));
      }
      return count;
    }
  }

  private final class Counter extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      open.incrementAndGet();
      made.incrementAndGet();
      return attributes;
    }

    @Override
    public void transportTerminated(@Nullable Attributes attributes) {
      // Without attributes the connection was never ready.
      if (attributes != null) {
        open.decrementAndGet();
      }
    }
  }
}
