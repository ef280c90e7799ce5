package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.VERIFY;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import keyrotation.core.FailureReason;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How a rotation verifies a new key before it promotes it. */
class VerificationTest extends FunctionTestBase {

  @Test
  void waits_for_a_new_key_to_be_accepted() {
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20)));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(2);

    assertThatResult(function.rotate("1", Duration.ofMinutes(1))).is(ROTATED);
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(3);
  }

  @Test
  void asks_the_host_of_a_v2_keys_own_endpoint() {
    restart(
        new SandboxedFunction(KeyKind.V2, Duration.ZERO, Map.of("MOMENTO_CONTROL_ENDPOINT", "")));
    function.storeV2Key();

    try (HostsAsked asked = new HostsAsked(MomentoServer.ENDPOINT)) {
      assertThatResult(() -> function.rotate("1", Duration.ofSeconds(20)))
          .failedWith(MOMENTO_UNAVAILABLE);

      assertThat(asked.hosts()).containsOnly("control." + MomentoServer.ENDPOINT);
    }
  }

  /** Notes which hosts of a domain are connected to, and leads each such connection nowhere. */
  private static final class HostsAsked extends ProxySelector implements AutoCloseable {

    private final String domain;
    private final ProxySelector usual = ProxySelector.getDefault();
    private final Set<String> hosts = ConcurrentHashMap.newKeySet();

    HostsAsked(String domain) {
      this.domain = domain;
      ProxySelector.setDefault(this);
    }

    Set<String> hosts() {
      return hosts;
    }

    @Override
    public List<Proxy> select(URI uri) {
      String host = Objects.requireNonNullElse(uri.getHost(), "");
      if (!host.endsWith(domain)) {
        return usual.select(uri);
      }
      hosts.add(host);
      return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("localhost", 1)));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {}

    @Override
    public void close() {
      ProxySelector.setDefault(usual);
    }
  }

  static Stream<Duration> leaves_a_successor_when_too_little_time_is_left_to_verify_it() {
    return Stream.of(
        TimeLimits.TO_REFRESH,
        TimeLimits.TO_REFRESH.plusMillis(200),
        TimeLimits.TO_VERIFY.plus(TimeLimits.FIRST_PAUSE));
  }

  @ParameterizedTest
  @MethodSource
  void leaves_a_successor_when_too_little_time_is_left_to_verify_it(Duration timeLeft) {
    function.storeKey();

    assertThatResult(() -> function.rotate("1", timeLeft))
        .failedWith(OUT_OF_TIME)
        .says("stays stored");

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isZero();
    assertThatResult(function.rotate()).is(RESUMED);
  }

  @ParameterizedTest
  @CsvSource({"0, NEW_KEY_REJECTED", "1, OUT_OF_TIME"})
  void reports_a_new_key_as_rejected_only_after_all_of_the_grace(
      long missingMillis, FailureReason reason) {
    Duration grace = Duration.ofSeconds(1);
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, grace));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    Duration timeLeft = TimeLimits.TO_VERIFY.plus(grace).minusMillis(missingMillis);
    assertThatResult(() -> function.rotate("1", timeLeft)).failedWith(reason);

    assertThat(function.successor()).isPresent();
  }

  @Test
  void neither_promotes_nor_gives_up_a_key_that_could_not_be_verified() {
    function.storeKey();
    Version before = function.current();
    answerEvery(VERIFY, Status.UNAVAILABLE);

    assertThatResult(function::rotate).failedWith(MOMENTO_UNAVAILABLE).says("stays stored");

    assertThat(function.current().id()).isEqualTo(before.id());
    Version pending = function.successor().orElseThrow();
    function.momento().calls().clearFaults();
    assertThatResult(function.rotate()).is(RESUMED);
    assertThat(function.current().value()).isEqualTo(pending.value());
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void verifies_for_longer_than_the_grace_while_momento_is_unavailable() {
    function.storeKey();
    for (int call = 1; call <= 3; call++) {
      function
          .momento()
          .calls()
          .onNth(
              MomentoServer.LIST_CACHES,
              call,
              new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    }

    assertThatResult(function.rotate("1", Duration.ofMinutes(1))).is(ROTATED);
  }

  @Test
  void a_new_key_that_momento_rejects_is_not_promoted() {
    IssuedKey old = function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatResult(function::rotate)
        .failedWith(NEW_KEY_REJECTED)
        .says("current key was not changed");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.successor()).isPresent();
  }

  @Test
  void a_key_that_momento_does_not_accept_yet_is_verified_again() {
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);
    assertThatResult(() -> function.rotate("same"))
        .failedWith(NEW_KEY_REJECTED)
        .says("stays stored");
    function.clock.advance(Duration.ofMinutes(9));
    assertThatResult(() -> function.rotate("same"))
        .failedWith(NEW_KEY_REJECTED)
        .says("stays stored");
    function.momento().acceptAllKeys();

    assertThatResult(function.rotate("same")).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_no_new_key_up_while_momento_accepts_not_even_the_current_one() {
    function.storeKey();
    answerEvery(VERIFY, Status.UNAUTHENTICATED);
    assertThatResult(() -> function.rotate("same"))
        .failedWith(NEW_KEY_REJECTED)
        .says("stays stored");
    function.clock.advance(Duration.ofMinutes(11));
    assertThatResult(() -> function.rotate("same"))
        .failedWith(REFRESH_REJECTED)
        .says("rejects the current key");
    function.momento().calls().clearFaults();

    assertThatResult(function.rotate("same")).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void does_not_reject_a_new_key_when_time_runs_out() {
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20)));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatResult(
            () ->
                function.invoke(
                    SandboxedFunction.manualEvent(SECRET),
                    "1",
                    TimeLimits.TO_VERIFY.plusMillis(500)))
        .failedWith(OUT_OF_TIME)
        .says("stays stored");

    assertThat(function.successor()).isPresent();
  }
}
