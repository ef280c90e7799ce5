package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static keyrotation.sandbox.DataPlaneFixture.until;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectProxyTest {

  private static final String ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

  private final ServerSocket server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
  private final ConnectProxy proxy = ConnectProxy.start("momento.example", server.getLocalPort());
  private final Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port());

  ConnectProxyTest() throws IOException {
    client.setSoTimeout(30_000);
    server.setSoTimeout(30_000);
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    proxy.close();
    server.close();
  }

  @Test
  void a_host_of_the_domain_is_led_to_the_server() throws IOException {
    send("CONNECT cache.momento.example:443 HTTP/1.1\r\nHost: cache\r\n\r\nping");

    try (Socket accepted = server.accept()) {
      assertThat(accepted.getInputStream().readNBytes(4)).asString(US_ASCII).isEqualTo("ping");
      accepted.getOutputStream().write("pong".getBytes(US_ASCII));
      assertThat(client.getInputStream().readNBytes(ESTABLISHED.length() + 4))
          .asString(US_ASCII)
          .isEqualTo(ESTABLISHED + "pong");
      assertThat(proxy.openTunnels()).isEqualTo(1);
    }
  }

  @Test
  void a_tunnel_ends_with_either_side() throws IOException {
    send("CONNECT cache.momento.example:443 HTTP/1.1\r\n\r\n");
    server.accept().close();
    assertThat(client.getInputStream().readAllBytes()).asString(US_ASCII).isEqualTo(ESTABLISHED);

    Socket other = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
    send(other, "CONNECT cache.momento.example:443 HTTP/1.1\r\n\r\n");
    try (Socket accepted = server.accept()) {
      other.close();
      assertThat(accepted.getInputStream().read()).isEqualTo(-1);
    }
    until(() -> proxy.openTunnels() == 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CONNECT momento.example:443 HTTP/1.1",
        "CONNECT cache.momento.example:80 HTTP/1.1",
        "CONNECT cache.momento.example.org:443 HTTP/1.1",
        "CONNECT localhost:443 HTTP/1.1"
      })
  void other_hosts_and_ports_are_refused(String request) throws IOException {
    send(request + "\r\n\r\n");

    assertThat(client.getInputStream().readAllBytes())
        .asString(US_ASCII)
        .isEqualTo("HTTP/1.1 403 Forbidden\r\n\r\n");
  }

  @Test
  void a_proxy_for_named_hosts_counts_what_is_asked_for_and_may_refuse_all() throws IOException {
    try (ConnectProxy named = ConnectProxy.start(Map.of("a.example:8443", server.getLocalPort()));
        Socket first = new Socket(InetAddress.getLoopbackAddress(), named.port());
        Socket second = new Socket(InetAddress.getLoopbackAddress(), named.port())) {
      send(first, "CONNECT a.example:8443 HTTP/1.1\r\n\r\n");
      assertThat(first.getInputStream().readNBytes(ESTABLISHED.length()))
          .asString(US_ASCII)
          .isEqualTo(ESTABLISHED);
      named.refuse("407 Proxy Authentication Required");
      send(second, "CONNECT b.example:443 HTTP/1.1\r\n\r\n");

      assertThat(second.getInputStream().readAllBytes())
          .asString(US_ASCII)
          .startsWith("HTTP/1.1 407 ");
      assertThat(named.requested()).containsExactly("a.example:8443", "b.example:443");
    }
  }

  @Test
  void other_methods_are_refused() throws IOException {
    send("GET http://cache.momento.example:443 HTTP/1.1\r\n\r\n");

    assertThat(client.getInputStream().readAllBytes())
        .asString(US_ASCII)
        .isEqualTo("HTTP/1.1 405 Method Not Allowed\r\n\r\n");
  }

  @Test
  void a_closed_proxy_ends_its_tunnels() throws IOException {
    send("CONNECT cache.momento.example:443 HTTP/1.1\r\n\r\n");
    try (Socket accepted = server.accept()) {
      assertThat(client.getInputStream().readNBytes(ESTABLISHED.length())).isNotEmpty();

      proxy.close();

      assertThat(client.getInputStream().read()).isEqualTo(-1);
      assertThat(accepted.getInputStream().read()).isEqualTo(-1);
    }
  }

  private void send(String text) throws IOException {
    send(client, text);
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(US_ASCII));
  }
}
