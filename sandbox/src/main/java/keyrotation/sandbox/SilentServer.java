package keyrotation.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

/** A server on the loopback interface that never answers: connections to it stay silent. */
public final class SilentServer implements AutoCloseable {

  private static final int ATTEMPT_MILLIS = 100;

  private final ServerSocket listener;
  private final List<Socket> queued = new ArrayList<>();

  private SilentServer(int backlog) throws IOException {
    listener = new ServerSocket(0, backlog, InetAddress.getLoopbackAddress());
  }

  /** Starts a server on a free port. Connections to it are made. */
  public static SilentServer start() {
    try {
      return new SilentServer(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts a server to which no connection is made, as where a firewall drops the packets. */
  public static SilentServer startDropping() {
    try {
      SilentServer server = new SilentServer(1);
      server.fillQueue();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The kernel drops what asks for a connection while as many wait as it queues. */
  private void fillQueue() throws IOException {
    while (true) {
      Socket socket = new Socket();
      queued.add(socket);
      try {
        socket.connect(
            new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort()),
            ATTEMPT_MILLIS);
      } catch (SocketTimeoutException full) {
        return;
      }
    }
  }

  /** Returns the server's port on localhost. */
  public int port() {
    return listener.getLocalPort();
  }

  @Override
  public void close() {
    try {
      for (Socket socket : queued) {
        socket.close();
      }
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
