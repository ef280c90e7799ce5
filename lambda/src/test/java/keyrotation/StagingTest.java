package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.RotationCall.STAGE;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerException;
import org.junit.jupiter.api.Test;

/** How a rotation stores a new key. */
class StagingTest extends FunctionTestBase {

  @Test
  void repeats_storing_a_new_key_while_there_is_time() {
    function.storeKey();
    // Three times three tries: the AWS SDK's own are used up twice.
    for (int tries = 0; tries < 7; tries++) {
      function
          .awsCalls()
          .onNth(
              STAGE.action(),
              STAGE.nth() + tries,
              new Fault.Refuse<>(SecretsManagerException.unavailable()));
    }

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void repeats_storing_a_new_key_even_where_that_is_denied() {
    function.storeKey();
    deny(STAGE);

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_up_storing_a_new_key_that_is_denied_for_half_a_minute() {
    function.storeKey();
    denyFrom(STAGE);
    function.handlersClock =
        () ->
            function.clock.instant().plusSeconds(20L * function.awsCalls().count("PutSecretValue"));

    assertThatResult(() -> function.rotate("1", Duration.ofMinutes(5))).failedWith(ACCESS_DENIED);
    assertThat(function.awsCalls().count("PutSecretValue")).isEqualTo(3);
  }

  @Test
  void gives_up_storing_a_new_key_when_there_is_no_time_for_another_try() {
    function.storeKey();
    before(REFRESH, () -> function.clock.advance(Duration.ofSeconds(5)));
    from(STAGE, new Fault.Refuse<>(SecretsManagerException.badGateway()));

    assertThatResult(function::rotate)
        .failedWith(SECRETS_MANAGER_UNAVAILABLE)
        .says("secretsmanager:PutSecretValue");
  }
}
