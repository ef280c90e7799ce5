package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.DESCRIBE_AGAIN;
import static keyrotation.RotationCall.PROMOTE;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;

import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a rotation does about lost answers, stale reads and refused calls of Secrets Manager. */
class SecretsManagerFaultsTest extends FunctionTestBase {

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"REFRESH", "VERIFY"})
  void a_lost_answer_of_secrets_manager_does_no_harm(RotationCall call) {
    function.storeKey();
    // The JDK's HTTP client hides the first from the AWS SDK by asking again.
    for (int attempt = 0; attempt < 2; attempt++) {
      function.awsCalls().onNth(call.action(), call.nth() + attempt, new Fault.DropResponse<>());
    }

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.awsCalls().count(call.action()))
        .isGreaterThanOrEqualTo(call.ofSameAction() + 2);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"READ_CURRENT", "FIND_VERSION", "READ_SUCCESSOR"})
  void a_read_that_does_not_see_the_latest_write_does_no_harm(RotationCall call) {
    function.storeKey();
    function.storeKey();
    at(call, new Fault.ReadStale<>());

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void gives_up_on_a_current_version_that_no_read_sees() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery("GetSecretValue", new Fault.Refuse<>(SecretsManagerException.notFound("")));

    assertThatResult(function::rotate)
        .failedWith(SECRETS_MANAGER_UNAVAILABLE)
        .says("no readable value yet");
    assertThat(function.awsCalls().count("GetSecretValue")).isEqualTo(5);
  }

  @Test
  void describes_again_where_a_label_seems_not_to_have_moved_after_an_error() {
    function.storeKey();
    at(
        PROMOTE,
        new Fault.FailAfterwards<>(
            SecretsManagerException.invalidParameter("It is not attached to that version.")));
    // The first description after DESCRIBE_AGAIN.
    function
        .awsCalls()
        .onNth(DESCRIBE_AGAIN.action(), DESCRIBE_AGAIN.nth() + 1, new Fault.ReadStale<>());

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"})
  void throttling_passes(String action) {
    function.storeKey();
    function.awsCalls().onNext(action, new Fault.Refuse<>(SecretsManagerException.throttled()));

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void an_update_that_took_effect_and_was_reported_as_failed_counts_as_done() {
    function.storeKey();
    at(
        PROMOTE,
        new Fault.FailAfterwards<>(
            SecretsManagerException.invalidParameter("It is not attached to that version.")));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void does_not_repeat_a_read_that_is_refused() {
    function.storeKey();
    denyEvery("GetSecretValue");

    assertThatResult(function::rotate)
        .failedWith(ACCESS_DENIED)
        .says("secretsmanager:GetSecretValue");
    assertThat(function.awsCalls().count("GetSecretValue")).isEqualTo(1);
  }
}
