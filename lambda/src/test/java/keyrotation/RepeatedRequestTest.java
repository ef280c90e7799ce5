package keyrotation;

import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.DESCRIBE;
import static keyrotation.RotationCall.READ_CURRENT;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.RotationCall.STAGE;
import static keyrotation.RotationCall.VERIFY;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import keyrotation.Scenario.Trigger;
import keyrotation.core.RotationRequest;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A request that is delivered again, or twice at once, rotates once. */
class RepeatedRequestTest extends FunctionTestBase {

  @Test
  void does_nothing_when_the_same_request_is_delivered_again() {
    function.storeKey();
    function.rotate("same");
    Map<String, Set<String>> labels = function.labels();

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.labels()).isEqualTo(labels);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void does_nothing_when_a_request_is_delivered_again_after_others(int others) {
    function.storeKey();
    function.rotate("early");
    for (int i = 0; i < others; i++) {
      function.clock.advance(Duration.ofHours(1));
      function.rotate("other" + i);
    }

    assertThatResult(function.rotate("early")).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(1 + others);
  }

  @Test
  void recognizes_a_request_that_resumed_with_the_key_of_another() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());
    function.rotate("same");

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void the_same_request_tries_another_key_after_one_was_rejected() {
    restart(new SandboxedFunction(RefreshTokens.REUSABLE));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);
    assertThatResult(() -> function.rotate("same")).failedWith(NEW_KEY_REJECTED);
    function.clock.advance(Duration.ofMinutes(11));
    assertThatResult(() -> function.rotate("same")).failedWith(NEW_KEY_REJECTED);
    function.clock.advance(Duration.ofMinutes(11));
    function.momento().refuseNewKeysAtFirst(0);

    assertThatResult(function.rotate("same")).is(ROTATED);
    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(3);
  }

  @Test
  void a_rotation_that_an_operator_went_back_from_is_not_repeated_while_another_key_is_stored() {
    function.storeKey();
    Version old = function.current();
    assertThatResult(function.rotate("same")).is(ROTATED);
    var _ = function.state().moveLabel(SECRET, CURRENT, function.current().id(), old.id());
    before(READ_CURRENT, function::storeKeyAtOnce);

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);

    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_description_that_is_out_of_date_does_not_make_a_second_key() {
    function.storeKey();
    function.rotate("same");
    at(DESCRIBE, new Fault.ReadStale<>());

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_delivery_that_comes_while_another_stages_resumes_with_its_key() {
    function.storeKey();
    before(READ_CURRENT, () -> stageOnly("same"));

    assertThatResult(function.rotate("same")).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void two_deliveries_at_once_promote_one_key() {
    restart(new SandboxedFunction(RefreshTokens.REUSABLE));
    function.storeKey();
    before(STAGE, () -> function.rotate("same"));

    assertThatResult(function.rotate("same")).is(ROTATED);

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.refreshes()).isEqualTo(2);
    assertThat(function.state().describe(SECRET).versions()).hasSize(2);
  }

  @Test
  void a_request_whose_version_was_current_is_done_though_all_its_labels_are_gone() {
    function.storeKey();
    Version first = function.current();
    function.rotate("same");
    Version second = function.current();
    function.pass(Duration.ofMinutes(1));
    function.rotate("other");
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), first.id());
    assertThat(function.labels()).doesNotContainKey(second.id());

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
  }

  @Test
  void a_request_that_was_delivered_again_after_a_rollback_does_not_undo_it() {
    IssuedKey old = function.storeKey();
    Version first = function.current();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    answerEvery(VERIFY, Status.UNAVAILABLE);
    assertThatResult(() -> function.rotate("same")).failedWith(MOMENTO_UNAVAILABLE);
    function.momento().calls().clearFaults();
    assertThatResult(Trigger.ROLLBACK.request(function, "back")).is(ROLLED_BACK);

    assertThatResult(function.rotate("same")).is(ALREADY_ROTATED);
    assertThat(function.current().id()).isEqualTo(first.id());
  }

  @Test
  void a_request_whose_key_was_given_up_for_lack_of_permissions_is_not_done() {
    function.storeKey();
    function.momento().limitNewKeysTo(Permissions.DATA_ONLY);
    assertThatResult(() -> function.rotate("same")).failedWith(NEW_KEY_REJECTED);
    function.pass(Duration.ofMinutes(11));
    assertThatResult(() -> function.rotate("same")).failedWith(REFRESH_REJECTED);

    assertThatResult(() -> function.rotate("same")).failedWith(REFRESH_REJECTED);
  }

  @Test
  void a_version_of_the_request_that_is_no_better_than_the_current_one_is_not_resumed_with() {
    function.storeKey();
    Version current = function.current();
    String arn = function.state().describe(SECRET).arn();
    function
        .state()
        .put(
            SECRET,
            function.request("lambda-request/same").versionId(arn),
            new Value.Text(function.currentJson().toString()),
            Set.of(StagingLabel.replaces(current.id())));

    assertThatResult(function.rotate("same")).is(ROTATED);

    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_version_of_the_request_with_a_label_of_another_kind_does_not_end_it() {
    function.storeKey();
    String arn = function.state().describe(SECRET).arn();
    function.pass(Duration.ofSeconds(1));
    function
        .state()
        .put(
            SECRET,
            function.request("lambda-request/same").versionId(arn),
            new Value.Text(strangersKey().consoleJson()),
            Set.of("MINE"));

    assertThatResult(function.rotate("same")).is(ROTATED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"manual.json", "if-due.json", "scheduled-rule.json", "scheduler.json"})
  void the_same_event_twice_rotates_once(String sample) {
    function.storeKey();
    send(sample, "same");
    Version after = function.current();

    assertThatResult(send(sample, "same")).is(ALREADY_ROTATED);
    assertThat(function.current()).isEqualTo(after);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void the_same_schedule_at_the_same_time_rotates_once_whatever_lambda_calls_the_request() {
    function.storeKey();
    send("scheduler.json", "one");

    assertThatResult(send("scheduler.json", "other")).is(ALREADY_ROTATED);
  }

  @Test
  void a_rotation_that_was_rolled_back_before_another_is_not_done_again() {
    restart(new SandboxedFunction(RefreshTokens.REUSABLE));
    function.storeKey();
    send("manual.json", "early");
    send("rollback.json");
    send("manual.json");
    send("rollback.json");
    Map<String, Set<String>> labels = function.labels();

    assertThatResult(send("manual.json", "early")).is(ALREADY_ROTATED);
    assertThat(function.labels()).isEqualTo(labels);
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void a_rotation_that_was_undone_twice_is_not_done_again() {
    function.storeKey();
    String first = function.current().id();
    send("manual.json", "early");
    moveCurrentTo(first);
    function.storeKey();
    moveCurrentTo(first);
    Map<String, Set<String>> labels = function.labels();

    assertThatResult(send("manual.json", "early")).is(ALREADY_ROTATED);
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void an_older_key_under_the_requests_own_id_does_not_overrule_an_operators() {
    IssuedKey old = function.storeKey();
    String oldId = function.current().id();
    IssuedKey fromOld = function.momento().refresh(old);
    IssuedKey operators = function.storeKey();
    String arn = function.state().describe(SECRET).arn();
    RotationRequest same = function.request("lambda-request/same");
    before(
        REFRESH,
        () ->
            // Another delivery of the request has seen the old key as current.
            function
                .state()
                .put(
                    SECRET,
                    same.versionId(arn),
                    new Value.Text(fromOld.consoleJson()),
                    Set.of(StagingLabel.replaces(oldId))));

    assertThatResult(function.rotate("same")).is(ROTATED);

    String now = function.currentJson().path("apiKey").asText();
    assertThat(function.momento().parentOf(now)).contains(operators);
  }
}
