package keyrotation;

import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.ROTATION_IN_PROGRESS;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each trigger does, with the events that are given as samples. */
class TriggerTest extends FunctionTestBase {

  @ParameterizedTest
  @CsvSource({
    "manual.json, ROTATED",
    "manual-secret-id.json, ROTATED",
    "if-due.json, ROTATED",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, ROTATED",
    "scheduler.json, ROTATED",
  })
  void a_key_that_expires_soon(String sample, ReportedResult result) {
    function.storeKey();

    assertThatResult(send(sample)).is(result);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, ROTATED",
    "manual-secret-id.json, ROTATED",
    "if-due.json, NOT_DUE",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, NOT_DUE",
    "scheduler.json, NOT_DUE",
  })
  void a_key_that_was_just_issued(String sample, ReportedResult result) {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    Version before = function.current();

    assertThatResult(send(sample)).is(result);
    assertThat(function.current().equals(before)).isEqualTo(!(result == ROTATED));
    assertThat(function.refreshes()).isEqualTo((result == ROTATED) ? 1 : 0);
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, RESUMED",
    "if-due.json, RESUMED",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, RESUMED",
  })
  void an_unfinished_rotation(String sample, ReportedResult result) {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.clock.advance(Duration.ofMinutes(1));
    function.leaveSuccessor(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThatResult(send(sample)).is(result);
    assertThat(function.refreshes()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, true",
    "if-due.json, true",
    "dry-run.json, true",
    "rollback.json, true",
    "scheduled-rule.json, false",
    "scheduler.json, false",
  })
  void a_secret_without_a_first_key(String sample, boolean isFailure) {
    function.state().create(SECRET, null, null, null);

    if (isFailure) {
      assertThatResult(() -> send(sample)).failedWith(AWAITING_FIRST_KEY);
    } else {
      assertThatResult(send(sample)).is(ReportedResult.AWAITING_FIRST_KEY);
    }
    assertThat(function.state().describe(SECRET).versions()).isEmpty();
  }

  @Test
  void a_rotation_that_failed_is_repeated_by_the_next_scheduled_run() {
    function.storeKey();
    answerEvery(REFRESH, Status.UNAVAILABLE);
    assertThatResult(() -> send("scheduler.json")).failedWith(MOMENTO_UNAVAILABLE);
    function.momento().calls().clearFaults();
    function.clock.advance(Duration.ofDays(1));

    assertThatResult(send("scheduler.json")).is(ROTATED);
  }

  @Test
  void a_run_leaves_a_fresh_key_to_secrets_managers_rotation_that_is_under_way() {
    function.store(function.issueFreshKey(Duration.ofHours(1)).consoleJson());
    function.enableRotation();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());

    assertThatResult(Trigger.SCHEDULE.request(function, "1"))
        .is(ReportedResult.ROTATION_IN_PROGRESS);
  }

  @Test
  void a_run_on_a_fresh_key_makes_two_calls_and_leaves_all_labels_alone() {
    function.storeKey();
    send("manual.json");
    Map<String, Set<String>> labels = function.labels();
    int before = function.awsCalls().seen().size();

    assertThatResult(send("if-due.json")).is(NOT_DUE);

    assertThat(function.awsCalls().seen().stream().skip(before))
        .containsExactly("DescribeSecret", "GetSecretValue");
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void a_scheduled_run_does_not_undo_that_an_operator_went_back_while_the_key_is_not_due() {
    IssuedKey old = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.store(old.consoleJson());
    Version source = function.current();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.store(function.issueOldKey(Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), source.id());

    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(NOT_DUE);
    function.pass(Duration.ofDays(1));
    assertThatResult(Trigger.SCHEDULE.request(function, "2")).is(RESUMED);
  }

  @Test
  void a_scheduled_run_leaves_secrets_managers_own_rotation_alone_for_an_hour() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    function.leavePending(fresh.consoleJson());
    Map<String, Set<String>> labels = function.labels();

    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(ROTATION_IN_PROGRESS);
    assertThat(function.labels()).isEqualTo(labels);
    function.pass(Duration.ofMinutes(61));

    assertThatResult(Trigger.SCHEDULE.request(function, "2")).is(RESUMED);
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_scheduled_run_does_not_take_awspending_on_the_current_version_for_a_rotation() {
    function.storeKey();
    function.enableRotation();
    function.state().moveLabel(SECRET, PENDING, null, function.current().id());

    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(ROTATED);
  }

  @Test
  void a_scheduled_run_resumes_though_the_key_is_not_due_and_there_is_a_previous_one() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.store(fresh.consoleJson());
    function.pass(Duration.ofMinutes(1));
    function.leaveSuccessor(function.momento().refresh(fresh).consoleJson());

    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(RESUMED);
  }
}
