package keyrotation;

import static keyrotation.SandboxedFunction.SECRET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import java.time.Duration;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a rotation verifies a new key before it promotes it. */
class VerificationTest extends FunctionTestBase {

  @Test
  void waits_for_a_new_key_to_be_known() {
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20)));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(2);

    assertThat(function.rotate("1", Duration.ofMinutes(1)).path("result").asText())
        .isEqualTo("ROTATED");
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(longs = {11_000, 11_200, 13_200})
  void leaves_a_new_key_as_pending_when_too_little_time_is_left_to_prove_it(long millis) {
    function.storeKey();

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMillis(millis)))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("OUT_OF_TIME")
        .hasMessageContaining("stays stored");

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isZero();
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
  }

  @ParameterizedTest
  @CsvSource({"13300, NEW_KEY_REJECTED", "13299, OUT_OF_TIME"})
  void calls_a_new_key_rejected_only_if_there_was_time_for_all_of_the_grace(
      long millis, String reason) {
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMillis(millis)))
        .hasMessageContaining(reason);

    assertThat(function.successor()).isPresent();
  }

  @Test
  void neither_promotes_nor_condemns_a_key_that_nobody_could_ask_about() {
    function.storeKey();
    Version before = function.current();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertFails("MOMENTO_UNAVAILABLE", "stays stored");

    assertThat(function.current().id()).isEqualTo(before.id());
    Version pending = function.successor().orElseThrow();
    function.momento().calls().clearFaults();
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.current().value()).isEqualTo(pending.value());
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void outlasts_a_momento_that_is_out_of_reach_for_longer_than_the_grace() {
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

    assertThat(function.rotate("1", Duration.ofMinutes(1)).path("result").asText())
        .isEqualTo("ROTATED");
  }

  @Test
  void a_key_that_momento_made_and_does_not_accept_is_not_promoted() {
    IssuedKey old = function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertFails("NEW_KEY_REJECTED", "current key was not changed");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.successor()).isPresent();
  }

  @Test
  void a_key_that_momento_does_not_accept_yet_is_asked_about_again() {
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.clock.advance(Duration.ofMinutes(9));
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.momento().acceptAllKeys();

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_no_new_key_up_while_momento_accepts_not_even_the_current_one() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(Status.UNAUTHENTICATED.asRuntimeException()));
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.clock.advance(Duration.ofMinutes(11));
    assertFails("same", "REFRESH_REJECTED", "rejects the current key");
    function.momento().calls().clearFaults();

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void does_not_condemn_a_new_key_for_want_of_time() {
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20)));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatThrownBy(
            () ->
                function.invoke(
                    SandboxedFunction.manualEvent(SECRET), "1", Duration.ofMillis(13_500)))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("OUT_OF_TIME")
        .hasMessageContaining("stays stored");

    assertThat(function.successor()).isPresent();
  }
}
