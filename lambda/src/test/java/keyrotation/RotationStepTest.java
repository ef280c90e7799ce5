package keyrotation;

import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.STEP_DONE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.DESCRIBE;
import static keyrotation.RotationCall.DESCRIBE_AGAIN;
import static keyrotation.RotationCall.PROBE;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.RotationCall.STAGE;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.ROTATION_NOT_ENABLED;
import static keyrotation.core.FailureReason.SECRET_PAUSED;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.core.FailureReason.VERSION_NOT_PENDING;
import static keyrotation.core.FailureReason.VERSION_UNKNOWN;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.core.FailureReason;
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

/** The steps of Secrets Manager's own rotation, one at a time. */
class RotationStepTest extends FunctionTestBase {

  @Test
  void is_refused_where_it_is_not_enabled() {
    function.storeKey();
    String token = pendingVersion();

    assertStepIsRefused("createSecret", token, ROTATION_NOT_ENABLED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"createSecret", "setSecret", "finishSecret"})
  void is_refused_where_the_secret_is_paused(String step) {
    enableRotation();
    String token = pendingVersion();
    function.state().tag(SECRET, Map.of("momento:paused", "true"));

    assertStepIsRefused(step, token, SECRET_PAUSED);
  }

  @Test
  void is_refused_for_a_version_that_is_not_known() {
    enableRotation();

    assertStepIsRefused("createSecret", UUID.randomUUID().toString(), VERSION_UNKNOWN);
  }

  @Test
  void is_refused_for_a_version_that_is_not_pending() {
    enableRotation();
    Version old = function.current();
    function.rotateSecret();

    assertStepIsRefused("createSecret", old.id(), VERSION_NOT_PENDING);
  }

  @Test
  void is_done_where_the_version_is_current() {
    enableRotation();

    assertThatResult(step("createSecret", function.current().id())).is(ALREADY_ROTATED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"createSecret", "setSecret", "testSecret"})
  void a_step_that_is_done_twice_does_nothing_the_second_time(String step) {
    enableRotation();
    String token = pendingVersion();
    step("createSecret", token);
    step(step, token);
    var before = function.state().describe(SECRET);

    assertThatResult(step(step, token)).is(STEP_DONE);

    assertThat(function.state().describe(SECRET)).isEqualTo(before);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"testSecret", "finishSecret"})
  void does_not_go_on_with_a_key_that_momento_does_not_accept(String step) {
    enableRotation();
    String token = pendingVersion();
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      String strangers = other.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson();
      String label = StagingLabel.replaces(function.current().id());
      function.state().put(SECRET, token, new Value.Text(strangers), Set.of(PENDING, label));
    }
    Version before = function.current();

    assertThatResult(() -> step(step, token)).failedWith(NEW_KEY_REJECTED);

    assertThat(function.current()).isEqualTo(before);
  }

  @Test
  void a_key_that_momento_still_does_not_accept_is_dropped_when_it_is_asked_for_again() {
    enableRotation();
    String token = pendingVersion();
    function.momento().refuseNewKeysAtFirst(1000);
    var _ = step("createSecret", token);
    assertThatResult(() -> step("testSecret", token)).failedWith(NEW_KEY_REJECTED);
    assertThatResult(() -> step("createSecret", token)).failedWith(NEW_KEY_REJECTED);
    assertThat(function.labelled(PENDING)).isPresent();
    function.clock.advance(Duration.ofMinutes(11));

    assertThatResult(() -> step("createSecret", token)).failedWith(NEW_KEY_REJECTED);

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void does_not_promote_again_where_an_operator_has_gone_back() {
    enableRotation();
    Version old = function.current();
    function.rotateSecret();
    String left = function.current().id();
    function.state().moveLabel(SECRET, PENDING, null, left);
    function.state().moveLabel(SECRET, CURRENT, left, old.id());

    assertThatResult(() -> step("createSecret", left)).failedWith(SUPERSEDED);

    assertThat(function.current().id()).isEqualTo(old.id());
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_refresh_token_that_the_same_step_has_spent_is_no_cause_for_alarm() {
    enableRotation();
    String token = pendingVersion();
    before(REFRESH, () -> step("createSecret", token));

    assertThatResult(() -> step("createSecret", token)).failedWith(SUPERSEDED);
  }

  @Test
  void does_not_finish_over_what_an_operator_has_stored_meanwhile() {
    enableRotation();
    String token = pendingVersion();
    String source = function.current().id();
    step("createSecret", token);
    IssuedKey operators = function.storeKey();

    assertThatResult(() -> step("finishSecret", token)).failedWith(SUPERSEDED);

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertThat(function.labels()).containsEntry(token, Set.of(StagingLabel.replaces(source)));
  }

  @Test
  void does_not_finish_over_what_an_operator_has_stored_during_the_refresh() {
    enableRotation();
    String token = pendingVersion();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    before(REFRESH, () -> function.store(operators.consoleJson()));

    step("createSecret", token);
    assertThatResult(() -> step("testSecret", token)).failedWith(SUPERSEDED);
    assertThatResult(() -> step("finishSecret", token)).failedWith(VERSION_NOT_PENDING);

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
  }

  @Test
  void resumes_with_its_key_when_an_operator_goes_back_to_the_source() {
    enableRotation();
    String token = pendingVersion();
    String source = function.current().id();
    step("createSecret", token);
    function.storeKey();
    assertThatResult(() -> step("finishSecret", token)).failedWith(SUPERSEDED);

    function.state().moveLabel(SECRET, "AWSCURRENT", function.current().id(), source);

    assertThatResult(function.rotate()).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void an_empty_secret_fails_and_asks_for_a_first_key() {
    function.state().create(SECRET, null, null, null);
    function.enableRotation();
    String token = pendingVersion();

    assertStepIsRefused("createSecret", token, AWAITING_FIRST_KEY);
  }

  @Test
  void the_token_of_a_rotation_is_shown_nowhere() {
    enableRotation();
    String token = pendingVersion();
    JsonNode response = step("createSecret", token);

    assertThat(response + function.log()).contains(token).doesNotContain("canary");
  }

  @Test
  void a_step_that_was_done_finds_it_done_though_a_description_is_older() {
    function.storeKey();
    function.enableRotation();
    String token = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, token);
    for (String step : new String[] {"createSecret", "testSecret", "finishSecret"}) {
      assertThatResult(step(step, token)).is(STEP_DONE);
    }
    // The label comes off after the promotion: two writes have to be unseen.
    function.state().settle();
    function.state().moveLabel(SECRET, "OTHER", null, token);
    Version old = function.labelled(PREVIOUS).orElseThrow();
    function.state().moveLabel(SECRET, CURRENT, token, old.id());
    function.state().moveLabel(SECRET, CURRENT, old.id(), token);
    at(DESCRIBE, new Fault.ReadStale<>());

    assertThatResult(step("finishSecret", token)).is(ALREADY_ROTATED);
  }

  @Test
  void a_step_looks_for_its_version_again_until_a_description_shows_it() {
    function.storeKey();
    function.enableRotation();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);
    at(DESCRIBE, new Fault.ReadStale<>());
    at(DESCRIBE_AGAIN, new Fault.ReadStale<>());
    int before = function.awsCalls().count("DescribeSecret");

    assertThatResult(step("testSecret", begun)).is(STEP_DONE);

    assertThat(function.awsCalls().count("DescribeSecret") - before).isEqualTo(3);
  }

  @Test
  void a_step_finds_its_work_done_where_a_run_has_resumed_with_its_key() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    Version pending = function.leavePending(function.momento().refresh(old).consoleJson());
    assertThatResult(function.rotate()).is(RESUMED);
    String current = function.current().id();

    for (String step : new String[] {"createSecret", "setSecret", "testSecret", "finishSecret"}) {
      assertThatResult(step(step, pending.id())).is(ALREADY_ROTATED).hasVersion(current);
    }

    assertThat(function.current().id()).isEqualTo(current);
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_step_takes_awspending_off_a_version_whose_key_is_current_under_another_id() {
    function.storeKey();
    function.enableRotation();
    Version copy = function.put(function.currentJson().toString(), PENDING);

    assertThatResult(step("finishSecret", copy.id())).is(ALREADY_ROTATED);

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_step_does_not_go_on_with_a_version_that_holds_the_key_of_another_source(
      boolean isResuming) {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    if (isResuming) {
      function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    }
    String token = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, token);
    Value strangers =
        new Value.Text(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    String label = StagingLabel.replaces(UUID.randomUUID().toString());
    // A step that resumes writes nothing but the version that it adopts.
    before(
        isResuming ? PROBE : STAGE,
        () -> function.state().put(SECRET, token, strangers, Set.of(PENDING, label)));

    assertThatResult(() -> step("createSecret", token)).failedWith(SUPERSEDED);

    assertThat(function.successor()).isPresent();
    assertThatResult(function.rotate()).is(RESUMED);
  }

  @Test
  void a_step_that_comes_again_takes_the_label_off_that_the_first_has_left() {
    IssuedKey old = function.storeKey();
    Version source = function.current();
    function.enableRotation();
    Version fresh = function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, source.id(), fresh.id());

    assertThatResult(step("finishSecret", fresh.id())).is(ALREADY_ROTATED);

    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  private void enableRotation() {
    function.storeKey();
    function.enableRotation();
  }

  private String pendingVersion() {
    String token = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, token);
    return token;
  }

  /** Asserts that a step is refused, and that the secret is as it was. */
  private void assertStepIsRefused(String step, String token, FailureReason reason) {
    var before = function.state().describe(SECRET);
    assertThatResult(() -> step(step, token)).failedWith(reason);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
    assertThat(function.log()).doesNotContain("canary");
  }
}
