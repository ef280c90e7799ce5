package keyrotation.momento;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import keyrotation.Settings;
import keyrotation.core.HostAndPort;
import keyrotation.core.Time;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import org.junit.jupiter.api.Test;

class MomentoControlPlaneTest {

  @Test
  void calls_the_control_plane_of_the_keys_endpoint_unless_another_is_set() {
    assertThat(controlPlane(Optional.empty()).target("cell.example.com"))
        .isEqualTo(new HostAndPort("control.cell.example.com", 443));
    assertThat(
            controlPlane(Optional.of(new HostAndPort("elsewhere", 8443)))
                .target("cell.example.com"))
        .isEqualTo(new HostAndPort("elsewhere", 8443));
  }

  @Test
  void does_not_take_a_proxys_answer_for_momentos() {
    assertThat(MomentoControlPlane.codeOf(Status.PERMISSION_DENIED))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(
            MomentoControlPlane.codeOf(
                Status.PERMISSION_DENIED.withDescription(
                    "HTTP status code 403\ninvalid content-type: text/html")))
        .isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void a_control_plane_out_of_reach_is_no_verdict() {
    // No process listens on port 1, and to connect to it fails at once.
    try (MomentoControlPlane momento = controlPlane(Optional.of(new HostAndPort("localhost", 1)))) {
      assertThat(
              momento.verify(
                  MomentoKey.v1("cell.example.com", "a").credentials(), Duration.ofSeconds(5)))
          .isInstanceOf(Verdict.Unknown.class);
    }
  }

  @Test
  void names_the_function_to_momento() throws IOException {
    try (Sandbox sandbox = Sandbox.start(new ManualClock(), RefreshTokens.REUSABLE);
        MomentoControlPlane momento = controlPlane(sandbox)) {
      var _ =
          momento.verify(
              MomentoKey.v1("cell.example.com", "a").credentials(), Duration.ofSeconds(5));

      assertThat(sandbox.momento().callers()).containsExactly("java:key-rotation:1 on java:25");
    }
  }

  @Test
  void leaves_no_connection_behind() throws IOException {
    try (Sandbox sandbox = Sandbox.start(new ManualClock(), RefreshTokens.REUSABLE)) {
      MomentoControlPlane momento = controlPlane(sandbox);
      IssuedKey issued = sandbox.momento().issue(Duration.ofDays(1), Permissions.SUPER_USER);
      MomentoKey.V1 key = MomentoKey.v1("cell.example.com", issued.token());
      assertThat(momento.verify(key.credentials(), Duration.ofSeconds(5)))
          .isInstanceOf(Verdict.Accepted.class);

      momento.close();

      assertThat(momento.verify(key.credentials(), Duration.ofSeconds(5)))
          .isInstanceOf(Verdict.Unknown.class);
    }
  }

  private static MomentoControlPlane controlPlane(Sandbox sandbox) throws IOException {
    return new MomentoControlPlane(
        Settings.from(sandbox.environment()).controlEndpoint(),
        TlsChannelCredentials.newBuilder().trustManager(sandbox.authority().certificate()).build(),
        Time.system());
  }

  private static MomentoControlPlane controlPlane(Optional<HostAndPort> override) {
    return new MomentoControlPlane(override, TlsChannelCredentials.create(), Time.system());
  }
}
