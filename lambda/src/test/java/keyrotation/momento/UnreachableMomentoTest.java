package keyrotation.momento;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.TlsChannelCredentials;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import keyrotation.ProxiedHosts;
import keyrotation.core.HostAndPort;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.sandbox.ConnectProxy;
import keyrotation.sandbox.SilentServer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What calls to Momento say of a connection that cannot be made; nothing listens on port 1. */
class UnreachableMomentoTest {

  private static final HostAndPort CLOSED = new HostAndPort("localhost", 1);

  /** A name may have 253 characters, so no server has to be asked about this one. */
  private static final HostAndPort UNKNOWN =
      new HostAndPort("too.long.".repeat(30) + "example", 443);

  private static final HostAndPort PROXIED = new HostAndPort("momento.proxied.example", 443);
  private static final Duration SHORT = Duration.ofSeconds(1);

  /** Leaves five seconds for a call, and no time for another one. */
  private static final Duration ONE_ATTEMPT = Duration.ofSeconds(15);

  @Test
  void the_control_plane_refuses_the_connection() {
    assertThat(verify(CLOSED))
        .isEqualTo("UNAVAILABLE: no connection to localhost:1 (connection refused)");
    assertThat(refresh(CLOSED))
        .isEqualTo("UNAVAILABLE: no connection to localhost:1 (connection refused)");
  }

  @Test
  void the_control_planes_name_does_not_resolve() {
    assertThat(verify(UNKNOWN))
        .isEqualTo(
            "UNAVAILABLE: no connection to %s (the host's name does not resolve)"
                .formatted(UNKNOWN));
  }

  @Test
  void the_control_planes_host_drops_the_packets() {
    try (SilentServer server = SilentServer.startDropping()) {
      assertThat(verify(local(server)))
          .isEqualTo("DEADLINE_EXCEEDED: no connection to %s (timed out)".formatted(local(server)));
    }
  }

  @Test
  void the_control_planes_host_does_not_answer_the_tls_handshake() {
    try (SilentServer server = SilentServer.start()) {
      assertThat(verify(local(server)))
          .isEqualTo("DEADLINE_EXCEEDED: no connection to %s (timed out)".formatted(local(server)));
    }
  }

  @Test
  void the_api_refuses_the_connection() {
    assertListFails(
        CLOSED, "ended in ConnectException: no connection to localhost:1 (connection refused).");
  }

  @Test
  void the_apis_name_does_not_resolve() {
    assertListFails(
        UNKNOWN, "no connection to %s (the host's name does not resolve).".formatted(UNKNOWN));
  }

  @Tag("slow")
  @Test
  void the_apis_host_drops_the_packets() {
    try (SilentServer server = SilentServer.startDropping()) {
      assertListFails(
          local(server),
          "HttpConnectTimeoutException: no connection to %s (timed out).".formatted(local(server)));
    }
  }

  @Tag("slow")
  @Test
  void the_apis_host_does_not_answer_the_tls_handshake() {
    try (SilentServer server = SilentServer.start()) {
      assertListFails(local(server), local(server).toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"403 Forbidden", "407 Proxy Authentication Required"})
  void a_proxy_that_refuses_is_named(String status) {
    try (ConnectProxy proxy = ConnectProxy.start(Map.of());
        ProxiedHosts _ = new ProxiedHosts(PROXIED.host(), proxy.port())) {
      proxy.refuse(status);
      String message =
          "no connection to %s through the proxy localhost:%d (the proxy answered HTTP %s)"
              .formatted(PROXIED, proxy.port(), status.substring(0, 3));

      assertThat(verify(PROXIED)).isEqualTo("UNAVAILABLE: " + message);
      assertListFails(PROXIED, message);
      assertThat(proxy.requested()).contains(PROXIED.toString()).containsOnly(PROXIED.toString());
    }
  }

  @Test
  void a_proxy_that_does_not_run_is_named() {
    try (ProxiedHosts _ = new ProxiedHosts(PROXIED.host(), 1)) {
      String message =
          "no connection to %s through the proxy localhost:1 (connection refused)"
              .formatted(PROXIED);

      assertThat(verify(PROXIED)).isEqualTo("UNAVAILABLE: " + message);
      assertListFails(PROXIED, message);
    }
  }

  private static HostAndPort local(SilentServer server) {
    return new HostAndPort("localhost", server.port());
  }

  private static String verify(HostAndPort host) {
    try (MomentoControlPlane momento = controlPlane(host)) {
      Verdict verdict = momento.verify(MomentoKey.v1("cell.example.com", "a").credentials(), SHORT);
      assertThat(verdict).isInstanceOf(Verdict.Unknown.class);
      return ((Verdict.Unknown) verdict).why().code();
    }
  }

  private static String refresh(HostAndPort host) {
    try (MomentoControlPlane momento = controlPlane(host)) {
      RefreshResult result =
          momento.refresh(MomentoKey.v1("cell.example.com", "a"), new Sensitive("b"), SHORT);
      assertThat(result).isInstanceOf(RefreshResult.Unknown.class);
      return ((RefreshResult.Unknown) result).why().code();
    }
  }

  private static MomentoControlPlane controlPlane(HostAndPort host) {
    return new MomentoControlPlane(
        Optional.of(host), TlsChannelCredentials.create(), Time.system());
  }

  /** Lists keys. */
  private static void assertListFails(HostAndPort host, String message) {
    Time time = Time.system();
    try (MomentoApiKeys api = new MomentoApiKeys(host, HttpClient.newBuilder(), time)) {
      TimeBudget budget = new TimeBudget(time, time.instant().plus(ONE_ATTEMPT), Duration.ZERO);
      assertThatThrownBy(
              () ->
                  new KeyManagement(api, time, new RateLimit(1000, time))
                      .list(new Sensitive("a"), budget))
          .isInstanceOfSatisfying(
              RotationException.class, e -> assertThat(e.what()).contains(message));
    }
  }
}
