package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.STEP_DONE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;

/** What becomes of the rotations that an older version of the function has begun. */
class OlderFunctionTest extends FunctionTestBase {

  @Test
  void an_older_functions_unfinished_rotation_is_resumed_and_its_labels_come_off() {
    IssuedKey fresh = function.momento().refresh(function.storeKey());
    function.leaveAsOlderFunction(fresh.consoleJson());

    assertThatResult(function.rotate()).is(RESUMED);

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.labelled(PENDING)).isEmpty();
    assertThat(function.labelled(StagingLabel.REFRESHED)).isEmpty();
  }

  @Test
  void a_scheduled_run_resumes_an_older_functions_rotation_though_the_key_is_not_due() {
    IssuedKey current = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.store(current.consoleJson());
    function.leaveAsOlderFunction(function.momento().refresh(current).consoleJson());

    assertThatResult(Scenario.Trigger.SCHEDULE.request(function, "1")).is(RESUMED);
  }

  @Test
  void an_older_functions_labels_come_off_where_its_rotation_was_finished() {
    function.storeKey();
    Version old = function.current();
    Version fresh =
        function.leaveAsOlderFunction(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, old.id(), fresh.id());

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.labelled(PENDING)).isEmpty();
    assertThat(function.labelled(StagingLabel.REFRESHED)).isEmpty();
  }

  @Test
  void an_older_functions_version_does_not_overrule_an_operators_key() {
    IssuedKey old = function.storeKey();
    function.leaveAsOlderFunction(function.momento().refresh(old).consoleJson());
    IssuedKey operators = function.storeKey();

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.momento().parentOf(function.currentJson().path("apiKey").asText()))
        .contains(operators);
  }

  @Test
  void a_version_that_was_current_is_not_taken_for_an_older_functions_successor() {
    IssuedKey old = function.storeKey();
    String first = function.current().id();
    Version left = function.leaveAsOlderFunction(function.momento().refresh(old).consoleJson());
    function.pass(Duration.ofSeconds(1));
    function.state().moveLabel(SECRET, CURRENT, first, left.id());
    function.state().moveLabel(SECRET, CURRENT, left.id(), first);
    function.awsCalls().onEvery("DescribeSecret", new Fault.Lag<>(LAG));

    assertThatResult(Trigger.DRY_RUN.request(function, "1")).wouldNotResume();
  }

  @Test
  void a_step_finishes_what_an_older_function_has_begun() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    Version begun = function.leaveAsOlderFunction(fresh.consoleJson());

    assertThatResult(step("setSecret", begun.id())).is(STEP_DONE);
    assertThatResult(step("finishSecret", begun.id())).is(STEP_DONE);

    assertThat(function.current().id()).isEqualTo(begun.id());
    assertThat(function.labelled(StagingLabel.REFRESHED)).isEmpty();
  }

  @Test
  void a_version_of_an_older_function_that_is_older_than_the_current_one_is_not_resumed_with() {
    function.storeKey();
    Version older =
        function.put(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson(), PENDING);
    function.storeKey();
    function.markRefreshed(function.current());

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.current().value()).isNotEqualTo(older.value());
  }

  @Test
  void a_version_of_an_older_function_is_not_resumed_with_after_an_operator_went_back() {
    function.storeKey();
    Version source = function.current();
    function.leaveAsOlderFunction(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.storeKey();
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), source.id());

    assertThatResult(function.rotate()).is(ROTATED);
  }
}
