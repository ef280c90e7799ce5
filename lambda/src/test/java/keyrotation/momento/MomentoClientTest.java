package keyrotation.momento;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import keyrotation.Settings;
import keyrotation.TimeLimits;
import keyrotation.VirtualTime;
import keyrotation.core.FailureReason;
import keyrotation.core.HostAndPort;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MomentoClientTest {

  private static final Duration GRACE = Duration.ofSeconds(15);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_key_of_which_momento_says_nothing_is_asked_about_for_a_short_time_while_others_wait(
      boolean othersWait) throws IOException {
    long limitInSeconds =
        (othersWait ? GRACE : Duration.ofMinutes(2).minus(TimeLimits.TO_VERIFY)).toSeconds();
    ManualClock clock = new ManualClock();
    VirtualTime time = new VirtualTime(clock);
    Instant start = time.instant();
    try (Sandbox sandbox = Sandbox.start(clock, RefreshTokens.REUSABLE);
        MomentoControlPlane controlPlane =
            new MomentoControlPlane(
                Settings.from(sandbox.environment()).controlEndpoint(),
                TlsChannelCredentials.newBuilder()
                    .trustManager(sandbox.authority().certificate())
                    .build(),
                time)) {
      sandbox
          .momento()
          .calls()
          .onEvery(
              MomentoServer.LIST_CACHES,
              new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
      MomentoClient momento = new MomentoClient(controlPlane, time, new RateLimit(5, time));

      Verdict verdict =
          momento.verify(
              MomentoKey.v1("cell.example.com", "a").credentials(),
              Optional.empty(),
              new RotationRequest("1", budget(time, Duration.ofMinutes(2)), () -> othersWait));

      assertThat(verdict).isInstanceOf(Verdict.Unknown.class);
      assertThat(Duration.between(start, time.instant()).toSeconds())
          .isBetween(limitInSeconds - 3, limitInSeconds - 1);
    }
  }

  @Test
  void a_call_with_a_permit_waits_for_earlier_ones() {
    VirtualTime time = new VirtualTime();
    Instant start = time.instant();
    RateLimit onePerSecond = new RateLimit(1, time);
    var _ = onePerSecond.callAtOnce(() -> "");

    Duration left =
        new RenewalPermits(onePerSecond)
            .call(budget(time, Duration.ofMinutes(1)), timeToRenew -> timeToRenew);

    assertThat(Duration.between(start, time.instant())).isEqualTo(Duration.ofSeconds(1));
    assertThat(left).isLessThan(Duration.ofSeconds(60));
  }

  @Test
  void a_permit_for_a_refresh_that_would_come_too_late_is_not_waited_for() {
    VirtualTime time = new VirtualTime();
    Instant start = time.instant();
    RateLimit hourly = new RateLimit(Duration.ofHours(1), time);
    var _ = hourly.acquire(1, Duration.ZERO);
    try (MomentoControlPlane unreachable =
        new MomentoControlPlane(
            Optional.of(new HostAndPort("localhost", 1)), TlsChannelCredentials.create(), time)) {
      MomentoClient momento = new MomentoClient(unreachable, time, hourly);

      assertThatThrownBy(
              () ->
                  momento.refresh(
                      MomentoKey.v1("cell.example.com", "a"),
                      new Sensitive("r"),
                      new RotationRequest("1", budget(time, Duration.ofMinutes(1)))))
          .isInstanceOfSatisfying(
              RotationException.class,
              e -> assertThat(e.reason()).isEqualTo(FailureReason.RATE_LIMITED_LOCALLY))
          .hasMessage(
              "A call that renews a key at Momento would have waited for a permit for more than the"
                  + " "
                  + Duration.ofMinutes(1).minus(TimeLimits.TO_REFRESH).toSeconds()
                  + " s that were left; MOMENTO_REFRESHES_PER_SECOND is the limit.");
      assertThat(time.instant()).isEqualTo(start);
    }
  }

  private static TimeBudget budget(Time time, Duration left) {
    return new TimeBudget(time, time.instant().plus(left), GRACE);
  }
}
