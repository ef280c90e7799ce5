package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An HTTP proxy on the loopback interface that leads a domain's hosts to a server on this machine.
 *
 * <p>It answers the method CONNECT only, and refuses other hosts and ports than the domain's hosts
 * on port 443.
 */
public final class ConnectProxy implements AutoCloseable {

  private static final int LONGEST_REQUEST = 8192;

  private final String suffix;
  private final int targetPort;
  private final ServerSocket listener;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicInteger openTunnels = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private ConnectProxy(String domain, int targetPort) throws IOException {
    this.suffix = "." + domain + ":443";
    this.targetPort = targetPort;
    this.listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  /**
   * Starts a proxy on a free port.
   *
   * @param domain its hosts, without the domain itself, are led to the server
   * @param targetPort the server's port on the loopback interface
   */
  public static ConnectProxy start(String domain, int targetPort) {
    try {
      return new ConnectProxy(domain, targetPort);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the proxy's port on localhost. */
  public int port() {
    return listener.getLocalPort();
  }

  /** Returns the number of connections that the proxy forwards at present. */
  public int openTunnels() {
    return openTunnels.get();
  }

  @Override
  public void close() {
    closeQuietly(listener);
    sockets.forEach(ConnectProxy::closeQuietly);
    threads.close();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        keep(client);
        threads.execute(() -> serve(client));
      }
    } catch (IOException | RejectedExecutionException e) {
      // The proxy is closed.
    }
  }

  private void serve(Socket client) {
    try (client) {
      String request = readHead(client.getInputStream());
      if (!request.startsWith("CONNECT ")) {
        respond(client, "405 Method Not Allowed");
      } else if (!request.split(" ", 3)[1].endsWith(suffix)) {
        respond(client, "403 Forbidden");
      } else {
        tunnel(client);
      }
    } catch (IOException | RejectedExecutionException e) {
      // The client sees it as a broken connection.
    } finally {
      sockets.remove(client);
    }
  }

  private void tunnel(Socket client) throws IOException {
    try (Socket server = new Socket(InetAddress.getLoopbackAddress(), targetPort)) {
      keep(server);
      openTunnels.incrementAndGet();
      try {
        respond(client, "200 Connection established");
        threads.execute(() -> copy(server, client));
        copy(client, server);
      } finally {
        openTunnels.decrementAndGet();
        sockets.remove(server);
      }
    }
  }

  /** Copies until one of the two ends, and ends both. */
  private static void copy(Socket from, Socket to) {
    try (from;
        to) {
      var _ = from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException e) {
      // Either side has closed its connection.
    }
  }

  private void keep(Socket socket) throws IOException {
    sockets.add(socket);
    socket.setTcpNoDelay(true);
    if (listener.isClosed()) {
      socket.close();
      throw new IOException("The proxy is closed.");
    }
  }

  /** Reads a request line and headers, and nothing that follows. */
  private static String readHead(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n", head.length() - 4) < 0) {
      int next = in.read();
      if (next < 0 || head.length() == LONGEST_REQUEST) {
        throw new EOFException();
      }
      head.append((char) next);
    }
    return head.toString();
  }

  private static void respond(Socket client, String status) throws IOException {
    client.getOutputStream().write(("HTTP/1.1 " + status + "\r\n\r\n").getBytes(US_ASCII));
  }

  private static void closeQuietly(AutoCloseable socket) {
    try {
      socket.close();
    } catch (Exception e) {
      // It is of no use any more.
    }
  }
}
