package keyrotation;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.failsafe.RateLimiter;
import io.grpc.TlsChannelCredentials;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import keyrotation.Settings.HostAndPort;
import org.junit.jupiter.api.Test;

class PatientMomentoTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @Test
  void does_not_wait_for_its_turn_longer_than_there_is_time() {
    RateLimiter<Object> hourly = RateLimiter.smoothBuilder(1, Duration.ofHours(1)).build();
    hourly.tryAcquirePermit();
    try (MomentoControlPlane nobody =
        new MomentoControlPlane(
            Optional.of(new HostAndPort("localhost", 1)), TlsChannelCredentials.create())) {
      PatientMomento momento =
          new PatientMomento(nobody, () -> NOW, Duration.ofMillis(300), hourly);

      assertThatThrownBy(
              () ->
                  momento.refresh(
                      MomentoKey.v1("cell.example.com", "a"),
                      new Sensitive("r"),
                      new RotationRequest("1", NOW.plus(Duration.ofMinutes(1)))))
          .isInstanceOf(RotationFailure.class)
          .hasMessage("Too little time was left to mint a key and store it.");
    }
  }
}
