package keyrotation;

import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.V2Key;
import org.junit.jupiter.api.Test;

/** The revocation of replaced v2 keys on request. */
class RevokePreviousTest extends RevocationTestBase {

  @Test
  void previous_keys_are_revoked_at_once_when_asked() {
    V2Key oldest = currentKey();
    rotateLater();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(List.of(oldest, old)).noneMatch(key -> function.v2Keys().accepts(key.token()));
    assertThat(function.currentKeyWorks()).isTrue();
    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");
  }

  @Test
  void a_previous_key_is_revoked_when_asked_though_no_run_would_revoke_it() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "off"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_key_under_an_operators_label_alone_is_not_revoked_when_asked() {
    V2Key kept = currentKey();
    label(function.current().id(), "OPERATORS_LABEL");
    var _ = rotateUntilLabelsAreLost();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(kept.token())).isTrue();
  }

  @Test
  void nothing_is_revoked_when_asked_if_a_value_is_not_understood() {
    V2Key old = currentKey();
    rotateLater();
    var _ = function.put("a key of a kind that is not known yet", "OPERATORS_LABEL");

    assertThatResult(() -> ask("\"revoke_previous\":true")).failedWith(SECRET_MALFORMED, REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void an_empty_secret_has_no_keys_to_be_revoked_when_asked() {
    restartWith(Map.of());
    var _ = function.state().create(SECRET, null, null, null);

    assertThatResult(() -> ask("\"revoke_previous\":true")).failedWith(AWAITING_FIRST_KEY);
  }

  @Test
  void v1_keys_are_not_revoked_when_asked_and_need_no_management_key() {
    restart(new SandboxedFunction(KeyKind.V1_WITH_REUSABLE_TOKEN));
    function.storeKey();
    assertThatResult(function.rotate()).is(ROTATED);

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");
  }

  @Test
  void nothing_is_revoked_when_asked_if_another_secret_cannot_be_read() {
    V2Key old = rotateKeyWithCopy();
    // After it, the others are looked at, which it is one of.
    for (int call : List.of(2, 3)) {
      function
          .awsCalls()
          .onNth(
              "DescribeSecret",
              call,
              new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", "copy")));
    }

    assertThatResult(() -> ask("\"revoke_previous\":true"))
        .failedWith(ACCESS_DENIED, REVOKED)
        .says("no key was revoked");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_secret_that_does_not_exist_keeps_no_key_from_being_revoked_when_asked() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",missing"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void no_further_secret_is_read_when_asked_once_there_is_no_time_to_revoke() {
    V2Key old = rotateKeyWithCopy();
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            1,
            new Fault.Before<>(() -> function.clock.advance(Duration.ofSeconds(55))));

    assertThatResult(() -> ask("\"revoke_previous\":true"))
        .failedWith(OUT_OF_TIME, REVOKED)
        .says("Too little time was left to revoke keys.");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void keys_in_versions_without_a_label_are_revoked_at_once_when_asked() {
    V2Key oldest = currentKey();
    rotateLater();
    var _ = takeTimesOff();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(oldest.token())).isFalse();
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void neither_the_current_key_nor_a_successor_is_revoked_when_asked() {
    rotateLater();
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("1");
    V2Key successor = issuedByFunction().getLast();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.v2Keys().accepts(successor.token())).isTrue();
  }

  @Test
  void a_key_that_another_secret_holds_is_not_revoked_when_asked() {
    V2Key old = rotateKeyWithCopy();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_revocation_that_failed_is_repeated_by_the_next_run() {
    V2Key old = currentKey();
    rotateLater();
    function.apiCalls().onEvery(REVOKE, new Fault.Refuse<>(MomentoApiException.internal()));
    assertNotRevoked(runAfter(AFTER_GRACE), MOMENTO_UNAVAILABLE);
    function.apiCalls().clearFaults();

    assertRevoked(run());

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }
}
