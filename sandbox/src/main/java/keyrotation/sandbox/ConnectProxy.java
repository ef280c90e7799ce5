package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * An HTTP proxy on the loopback interface that leads hosts to servers on this machine.
 *
 * <p>It answers the method CONNECT only, and refuses all other hosts and ports.
 */
public final class ConnectProxy implements AutoCloseable {

  private static final int LONGEST_REQUEST = 8192;

  private final Function<String, OptionalInt> targetPort;
  private final Queue<String> requested = new ConcurrentLinkedQueue<>();
  private volatile String refusal = "";
  private final ServerSocket listener;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicInteger openTunnels = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private ConnectProxy(Function<String, OptionalInt> targetPort) throws IOException {
    this.targetPort = targetPort;
    this.listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  /**
   * Starts a proxy on a free port.
   *
   * @param domain its hosts, without the domain itself, are led to the server, on port 443
   * @param targetPort the server's port on the loopback interface
   */
  public static ConnectProxy start(String domain, int targetPort) {
    String suffix = "." + domain + ":443";
    return start(host -> host.endsWith(suffix) ? OptionalInt.of(targetPort) : OptionalInt.empty());
  }

  /**
   * Starts a proxy on a free port.
   *
   * @param targetPorts the servers' ports on the loopback interface, by host and port, such as
   *     {@code a.example:443}
   */
  public static ConnectProxy start(Map<String, Integer> targetPorts) {
    Map<String, Integer> ports = Map.copyOf(targetPorts);
    return start(
        host -> ports.containsKey(host) ? OptionalInt.of(ports.get(host)) : OptionalInt.empty());
  }

  private static ConnectProxy start(Function<String, OptionalInt> targetPort) {
    try {
      return new ConnectProxy(targetPort);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the proxy's port on localhost. */
  public int port() {
    return listener.getLocalPort();
  }

  /** Returns the host and port of each CONNECT so far, in order, also of those that it refused. */
  public List<String> requested() {
    return List.copyOf(requested);
  }

  /**
   * Refuses all connections from now on.
   *
   * @param status such as {@code 407 Proxy Authentication Required}
   */
  public void refuse(String status) {
    refusal = status;
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
        return;
      }
      String host = request.split(" ", 3)[1];
      requested.add(host);
      OptionalInt port = targetPort.apply(host);
      if (!refusal.isEmpty()) {
        respond(client, refusal);
      } else if (port.isEmpty()) {
        respond(client, "403 Forbidden");
      } else {
        tunnel(client, port.getAsInt());
      }
    } catch (IOException | RejectedExecutionException e) {
      // The client sees it as a broken connection.
    } finally {
      sockets.remove(client);
    }
  }

  private void tunnel(Socket client, int port) throws IOException {
    try (Socket server = new Socket(InetAddress.getLoopbackAddress(), port)) {
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
