package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a rotation refreshes the key, and how it handles Momento's answers. */
class RefreshTest extends FunctionTestBase {

  @Test
  void refreshes_no_key_without_the_right_to_write() {
    IssuedKey old = function.storeKey();
    denyEvery("PutSecretValue");

    assertThatResult(function::rotate)
        .failedWith(ACCESS_DENIED)
        .says("secretsmanager:PutSecretValue");

    assertThat(function.refreshes()).isZero();
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
  }

  @Test
  void the_probe_of_the_right_to_write_changes_nothing() {
    function.storeKey();
    Version before = function.current();
    answerEvery(REFRESH, Status.UNAVAILABLE);

    assertThatResult(function::rotate).failedWith(MOMENTO_UNAVAILABLE);

    assertThat(function.awsCalls().seen()).contains("PutSecretValue");
    assertThat(function.labels()).containsOnly(Map.entry(before.id(), Set.of(CURRENT)));
    assertThat(function.current().value()).isEqualTo(before.value());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 1000})
  void refreshes_no_key_when_too_little_time_is_left_to_store_a_new_one(long missingMillis) {
    function.storeKey();

    assertThatResult(() -> function.rotate("1", TimeLimits.TO_REFRESH.minusMillis(missingMillis)))
        .failedWith(OUT_OF_TIME)
        .says("Too little time was left to renew");

    assertThat(function.refreshes()).isZero();
  }

  @Test
  void a_key_is_refreshed_again_after_a_lost_answer_where_the_refresh_token_allows_it() {
    restart(new SandboxedFunction(RefreshTokens.REUSABLE));
    function.storeKey();
    function.momento().calls().onNext(MomentoServer.REFRESH, new Fault.DropResponse<>());

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void a_lost_answer_to_a_refresh_with_a_single_use_token_is_reported_with_the_keys_expiry() {
    IssuedKey old = function.storeKey();
    function.momento().calls().onNext(MomentoServer.REFRESH, new Fault.DropResponse<>());

    assertThatResult(function::rotate)
        .failedWith(REFRESH_REJECTED)
        .says("still works; it expires: " + old.validUntil());
  }

  @Test
  void repeats_a_throttled_refresh_no_earlier_than_momento_asks_for() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofMillis(700))));

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.momento().calls().pauseBefore(MomentoServer.REFRESH, 2))
        .isGreaterThanOrEqualTo(Duration.ofMillis(700));
  }

  @Test
  void repeats_a_throttled_refresh_where_momento_asks_for_no_pause() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH, new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ZERO)));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void overlooks_a_retry_after_that_is_no_number() {
    function.storeKey();
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "soon");
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(Status.RESOURCE_EXHAUSTED.asRuntimeException(trailers)));

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void does_not_wait_for_a_retry_after_beyond_the_deadline() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofHours(1))));

    assertThatResult(function::rotate).failedWith(MOMENTO_THROTTLED).says("RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void does_not_repeat_a_refresh_where_momento_rules_a_retry_out() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofMillis(-1))));

    assertThatResult(function::rotate).failedWith(MOMENTO_THROTTLED).says("RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_up_a_throttled_refresh_after_four_tries() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(MomentoServer.REFRESH, new Fault.Refuse<>(MomentoServer.throttled()));

    assertThatResult(function::rotate).failedWith(MOMENTO_THROTTLED).says("RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(4);
  }

  @ParameterizedTest
  @EnumSource(NewKeyFlaw.class)
  void a_response_without_a_better_key_is_not_stored(NewKeyFlaw flaw) {
    IssuedKey old = function.storeKey();
    Version before = function.current();
    function
        .momento()
        .alterRefreshAnswers(
            answer ->
                switch (flaw) {
                  case SAME_KEY -> answer.toBuilder().setApiKey(old.token()).build();
                  case NO_KEY -> answer.toBuilder().clearApiKey().build();
                  case GARBLED_KEY -> answer.toBuilder().setApiKey("a b").build();
                  case NO_REFRESH_TOKEN -> answer.toBuilder().clearRefreshToken().build();
                  case NO_ENDPOINT -> answer.toBuilder().clearEndpoint().build();
                  case ENDPOINT_WITH_PATH -> answer.toBuilder().setEndpoint("a.b/c").build();
                  case NO_LATER ->
                      answer.toBuilder().setValidUntil(old.validUntilSeconds()).build();
                  case BEFORE_1970 -> answer.toBuilder().setValidUntil(-1).build();
                  case BEYOND_ALL_TIME -> answer.toBuilder().setValidUntil(Long.MAX_VALUE).build();
                });

    function.clock.advance(Duration.ofMinutes(2));

    assertThatResult(function::rotate)
        .failedWith(NEW_KEY_INVALID)
        .says("The current key was not changed");

    assertThat(function.state().describe(SECRET).versions())
        .extracting(Version::id)
        .containsExactly(before.id());
  }

  enum NewKeyFlaw {
    SAME_KEY,
    NO_KEY,
    GARBLED_KEY,
    NO_REFRESH_TOKEN,
    NO_ENDPOINT,
    ENDPOINT_WITH_PATH,
    NO_LATER,
    BEFORE_1970,
    BEYOND_ALL_TIME
  }

  @Test
  void a_new_key_that_never_expires_expires_later_than_any() {
    function.storeKey();
    String opaque = function.momento().issueNonExpiring().token();
    function
        .momento()
        .alterRefreshAnswers(
            answer -> answer.toBuilder().setApiKey(opaque).setValidUntil(0).build());

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.currentJson().path("validUntil").asText()).isEqualTo("0");
  }
}
