package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.RotationCall.VERIFY;
import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which answers to ListCaches accept a key, which reject it, and which say nothing of it. */
class VerdictTest extends FunctionTestBase {

  /** That of the source, or of no key: it shows what a denial of the new key means. */
  private static final int SECOND_VERIFICATION = VERIFY.nth() + 1;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_key_for_data_alone_is_rotated_with_momentos_trailer_and_without(boolean hasTrailer) {
    function.store(function.issueOldKey(Permissions.DATA_ONLY).consoleJson());
    if (!hasTrailer) {
      function.momento().leaveOutTrailers();
    }

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void whether_a_server_tells_keys_apart_is_found_out_once_in_an_invocation() {
    function.store(function.issueOldKey(Permissions.DATA_ONLY).consoleJson());
    function.momento().leaveOutTrailers();

    function.rotate();

    // The new key, no key, and the key before.
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(3);
  }

  @Test
  void a_proxy_that_denies_every_call_accepts_no_key() {
    function.storeKey();
    String before = function.current().id();
    function.momento().putBehindProxy(true);

    assertThatResult(() -> function.rotate("same"))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says("PERMISSION_DENIED", "stays stored");
    assertThat(function.current().id()).isEqualTo(before);
    function.momento().putBehindProxy(false);

    assertThatResult(function.rotate("same")).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_proxy_that_denies_the_refresh_does_not_make_it_a_rejected_one() {
    function.storeKey();
    answerEvery(REFRESH, Status.PERMISSION_DENIED.withDescription("RBAC: access denied"));

    assertThatResult(function::rotate).failedWith(MOMENTO_UNAVAILABLE).says("PERMISSION_DENIED");
  }

  @Test
  void a_new_key_that_is_denied_what_the_key_before_may_do_is_rejected() {
    function.storeKey();
    String before = function.current().id();
    function.momento().limitNewKeysTo(Permissions.DATA_ONLY);

    assertThatResult(function::rotate).failedWith(NEW_KEY_REJECTED).says("unlike the key before");

    assertThat(function.current().id()).isEqualTo(before);
    assertThat(function.successor()).isPresent();
  }

  @Test
  void a_new_key_for_data_alone_waits_while_nothing_is_known_of_the_key_before() {
    function.store(function.issueOldKey(Permissions.DATA_ONLY).consoleJson());
    var calls = function.momento().calls();
    calls.onNth(
        VERIFY.action(),
        SECOND_VERIFICATION,
        new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(calls.count(MomentoServer.LIST_CACHES)).isEqualTo(4);
  }

  @Test
  void whether_a_server_tells_keys_apart_is_found_out_again_after_no_answer() {
    function.store(function.issueOldKey(Permissions.DATA_ONLY).consoleJson());
    function.momento().leaveOutTrailers();
    var calls = function.momento().calls();
    calls.onNth(
        VERIFY.action(),
        SECOND_VERIFICATION,
        new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"INVALID_ARGUMENT", "UNIMPLEMENTED", "NOT_FOUND", "FAILED_PRECONDITION"})
  void a_call_that_would_end_so_again_is_not_repeated(Status.Code code) {
    function.storeKey();
    String before = function.current().id();
    answerEvery(VERIFY, code.toStatus());

    assertThatResult(() -> function.rotate("1", Duration.ofMinutes(5)))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says(code.name());

    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(1);
    assertThat(function.current().id()).isEqualTo(before);
  }

  @Test
  void a_verification_is_not_repeated_where_momento_rules_a_retry_out() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofMillis(-1))));

    assertThatResult(function::rotate).failedWith(MOMENTO_THROTTLED);

    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(1);
  }

  @Test
  void a_verification_is_repeated_with_pauses_though_momento_asks_for_none() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ZERO)));

    assertThatResult(function::rotate).failedWith(MOMENTO_THROTTLED);

    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isBetween(20, 40);
  }

  @Test
  void a_refused_refresh_of_a_key_for_data_alone_says_that_the_key_still_works() {
    IssuedKey old = function.issueOldKey(Permissions.DATA_ONLY);
    function.store(old.consoleJson());
    var _ = function.momento().refresh(old);

    assertThatResult(function::rotate)
        .failedWith(REFRESH_REJECTED)
        .says("The current key still works");
    // Another rotation may be about to store its new key: it has looked for that five times.
    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(6);
  }

  @Test
  void a_rollback_leads_to_a_key_for_data_alone() {
    function.store(function.issueOldKey(Permissions.DATA_ONLY).consoleJson());
    function.storeKey();

    assertThatResult(Trigger.ROLLBACK.request(function, "1")).is(ROLLED_BACK);
  }
}
