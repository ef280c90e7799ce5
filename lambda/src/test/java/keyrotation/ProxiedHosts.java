package keyrotation;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;

/**
 * Leads a test's own hosts to a proxy on this machine while it is open. All other hosts, and so the
 * other tests, go the way they went before.
 */
public final class ProxiedHosts extends ProxySelector implements AutoCloseable {

  private final ProxySelector previous = ProxySelector.getDefault();
  private final String host;
  private final int port;

  /** Leads connections to the host to the proxy on a port of localhost. */
  public ProxiedHosts(String host, int port) {
    this.host = host;
    this.port = port;
    ProxySelector.setDefault(this);
  }

  @Override
  public List<Proxy> select(URI uri) {
    return host.equals(uri.getHost())
        ? List.of(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("localhost", port)))
        : previous.select(uri);
  }

  @Override
  public void connectFailed(URI uri, SocketAddress proxy, IOException failure) {}

  @Override
  public void close() {
    ProxySelector.setDefault(previous);
  }
}
