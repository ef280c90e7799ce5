package keyrotation.secretsmanager;

import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.ProxiedHosts;
import keyrotation.RotationHandler;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.sandbox.ConnectProxy;
import keyrotation.sandbox.SilentServer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * What calls to Secrets Manager say of a connection that cannot be made; nothing listens on port 1.
 */
class UnreachableSecretsManagerTest {

  /** A name may have 253 characters, so no server has to be asked about this one. */
  private static final String UNKNOWN = "too.long.".repeat(30) + "example:443";

  /** The SDK does not end an attempt to the millisecond. */
  private static final Duration LIMIT = TimeBudget.SECRETS_MANAGER_TIMEOUT.plusSeconds(2);

  @Test
  void the_connection_is_refused() {
    assertFails(
        "localhost:1", " got no answer: no connection to localhost:1 (connection refused).");
  }

  @Test
  void the_name_does_not_resolve() {
    assertFails(UNKNOWN, ": no connection to " + UNKNOWN + " (the host's name does not resolve).");
  }

  @Test
  void a_proxy_that_refuses_is_named() {
    try (ConnectProxy proxy = ConnectProxy.start(Map.of());
        ProxiedHosts _ = new ProxiedHosts("secretsmanager.proxied.example", proxy.port())) {
      for (String status : List.of("403 Forbidden", "407 Proxy Authentication Required")) {
        proxy.refuse(status);
        assertFails(
            "secretsmanager.proxied.example:443",
            "no connection to secretsmanager.proxied.example:443 through the proxy localhost:%d"
                    .formatted(proxy.port())
                + " (the proxy answered HTTP %s).".formatted(status.substring(0, 3)));
      }
    }
  }

  @Tag("slow")
  @Test
  void the_packets_are_dropped() {
    try (SilentServer server = SilentServer.startDropping()) {
      String host = "localhost:" + server.port();
      assertFails(host, " got no answer: no connection to " + host + " (timed out).");
    }
  }

  @Tag("slow")
  @Test
  void the_tls_handshake_is_not_answered() {
    try (SilentServer server = SilentServer.start()) {
      String host = "localhost:" + server.port();
      assertFails(host, " got no answer from " + host + " (");
    }
  }

  private static void assertFails(String host, String message) {
    Instant start = Instant.now();
    Time time = Time.system();
    try (SecretsManagerClient client =
        RotationHandler.configured(
            SecretsManagerClient.builder()
                .endpointOverride(URI.create("https://" + host))
                .region(Region.US_EAST_1)
                .credentialsProvider(AnonymousCredentialsProvider.create()))) {
      assertThatThrownBy(
              () ->
                  new SecretStore(client, Optional.empty(), new RateLimit(1000, time), time)
                      .describe("a"))
          .isInstanceOfSatisfying(
              RotationException.class,
              e -> {
                assertThat(e.reason()).isEqualTo(SECRETS_MANAGER_UNAVAILABLE);
                assertThat(e.what()).startsWith("secretsmanager:DescribeSecret").contains(message);
              });
    }
    assertThat(Duration.between(start, Instant.now())).isLessThan(LIMIT);
  }
}
