package keyrotation;

import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which stored key a rotation resumes with, and what becomes of the labels. */
@Execution(ExecutionMode.CONCURRENT)
class SuccessorTest {

  private static final Duration LAG = Duration.ofMillis(200);

  private final SandboxedFunction function = new SandboxedFunction(RefreshTokens.SINGLE_USE);

  @AfterEach
  void stop() {
    function.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"DescribeSecret", "GetSecretValue"})
  void a_read_that_lags_loses_no_key_of_secrets_managers_own_rotation(String action) {
    function.storeKey();
    function.awsCalls().onEvery(action, new Fault.Lag<>(LAG));

    for (int rotation = 1; rotation <= 2; rotation++) {
      function.pass(Duration.ofHours(5));
      function.state().settle();
      assertThat(Trigger.SECRETS_MANAGER.request(function, ""))
          .isInstanceOf(RotationFixture.Outcome.Answered.class);
      assertThat(function.refreshes()).isEqualTo(rotation);
      assertThat(function.current().labels()).containsExactly(CURRENT);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MANUAL", "SCHEDULE", "SECRETS_MANAGER"})
  void a_version_from_which_a_test_of_rotation_took_awspending_is_resumed_with(Trigger way) {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    function.leavePending(fresh.consoleJson());
    function.enableRotation();
    assertThat(function.labelled(PENDING)).isEmpty();

    var _ = way.request(function, "1");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void a_version_that_was_current_is_not_resumed_with_after_two_rollbacks() {
    function.storeKey();
    Version first = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.storeKey();
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), first.id());

    assertThatThrownBy(function::rotate).hasMessageContaining("REFRESH_REJECTED");

    assertThat(function.current().id()).isEqualTo(first.id());
  }

  @Test
  void an_older_key_under_the_requests_own_id_does_not_overrule_an_operators() {
    IssuedKey old = function.storeKey();
    String oldId = function.current().id();
    IssuedKey fromOld = function.momento().refresh(old);
    IssuedKey operators = function.storeKey();
    String arn = function.state().describe(SECRET).arn();
    RotationRequest same = function.request("lambda-request/same");
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Before<>(
                () ->
                    // Another delivery of the request has seen the old key as current.
                    function
                        .state()
                        .put(
                            SECRET,
                            same.versionId(arn),
                            new Value.Text(fromOld.consoleJson()),
                            Set.of(StagingLabel.replaces(oldId)))));

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");

    String now = function.currentJson().path("apiKey").asText();
    assertThat(function.momento().parentOf(now)).contains(operators);
  }

  @Test
  void a_copy_of_a_key_that_an_operator_went_back_from_is_not_resumed_with() {
    function.storeKey();
    Version first = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.leaveSuccessor(RotationFixture.json(left).toString());

    assertThatThrownBy(function::rotate).hasMessageContaining("REFRESH_REJECTED");

    assertThat(function.successor()).isEmpty();
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

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");
  }

  @Test
  void a_request_that_was_delivered_again_after_a_rollback_does_not_undo_it() {
    IssuedKey old = function.storeKey();
    Version first = function.current();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    var calls = function.momento().calls();
    calls.onEvery(
        MomentoServer.LIST_CACHES, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    assertThatThrownBy(() -> function.rotate("same")).hasMessageContaining("MOMENTO_UNAVAILABLE");
    calls.clearFaults();
    assertThat(result(Trigger.ROLLBACK.request(function, "back"))).isEqualTo("ROLLED_BACK");

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");
    assertThat(function.current().id()).isEqualTo(first.id());
  }

  @Test
  void a_request_whose_key_was_given_up_for_lack_of_permissions_is_not_done() {
    function.storeKey();
    function.momento().limitNewKeysTo(Permissions.DATA_ONLY);
    assertThatThrownBy(() -> function.rotate("same")).hasMessageContaining("NEW_KEY_REJECTED");
    function.pass(Duration.ofMinutes(11));
    assertThatThrownBy(() -> function.rotate("same")).hasMessageContaining("REFRESH_REJECTED");

    assertThatThrownBy(() -> function.rotate("same")).hasMessageContaining("REFRESH_REJECTED");
  }

  @Test
  void awspending_comes_off_a_previous_version_and_a_copy_of_the_current_one() {
    function.storeKey();
    function.rotate();
    String previous = function.labelled(PREVIOUS).orElseThrow().id();
    function.state().moveLabel(SECRET, PENDING, null, previous);
    assertThat(result(Trigger.IF_DUE.request(function, "1"))).isEqualTo("NOT_DUE");
    assertThat(function.labelled(PENDING)).isEmpty();

    var _ = function.put(function.currentJson().toString(), PENDING);
    assertThat(result(Trigger.IF_DUE.request(function, "2"))).isEqualTo("NOT_DUE");
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void refreshes_no_key_for_which_there_is_no_label_left() {
    function.storeKey();
    for (int i = 2; i <= 20; i++) {
      function.state().moveLabel(SECRET, "OPERATORS_" + i, null, function.current().id());
    }

    assertThatThrownBy(function::rotate)
        .hasMessageContaining("QUOTA_EXCEEDED: The secret has 20 staging labels");
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void gives_up_labels_of_sources_that_are_gone_where_it_needs_one() {
    function.storeKey();
    for (int i = 2; i <= 16; i++) {
      function.state().moveLabel(SECRET, "OPERATORS_" + i, null, function.current().id());
    }
    for (int i = 17; i <= 20; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void a_step_that_was_done_finds_it_done_though_a_description_is_older() {
    function.storeKey();
    function.enableRotation();
    String token = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, token);
    for (String step : new String[] {"createSecret", "testSecret", "finishSecret"}) {
      assertThat(step(step, token).path("result").asText()).isEqualTo("STEP_DONE");
    }
    // The label comes off after the promotion: two writes have to be unseen.
    function.state().settle();
    function.state().moveLabel(SECRET, "OTHER", null, token);
    Version old = function.labelled(PREVIOUS).orElseThrow();
    function.state().moveLabel(SECRET, CURRENT, token, old.id());
    function.state().moveLabel(SECRET, CURRENT, old.id(), token);
    function.awsCalls().onNext("DescribeSecret", new Fault.ReadStale<>());

    assertThat(step("finishSecret", token).path("result").asText()).isEqualTo("ALREADY_ROTATED");
  }

  @Test
  void a_step_looks_for_its_version_again_until_a_description_shows_it() {
    function.storeKey();
    function.enableRotation();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);
    function.awsCalls().onNth("DescribeSecret", 1, new Fault.ReadStale<>());
    function.awsCalls().onNth("DescribeSecret", 2, new Fault.ReadStale<>());
    int before = function.awsCalls().count("DescribeSecret");

    assertThat(step("testSecret", begun).path("result").asText()).isEqualTo("STEP_DONE");

    assertThat(function.awsCalls().count("DescribeSecret") - before).isEqualTo(3);
  }

  @Test
  void a_run_that_has_looked_before_an_operator_went_back_does_not_undo_that() {
    function.storeKey();
    Version first = function.current();
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            2,
            new Fault.Before<>(
                () -> {
                  assertThat(function.rotate("other").path("result").asText()).isEqualTo("RESUMED");
                  function.state().moveLabel(SECRET, CURRENT, function.current().id(), first.id());
                }));

    assertThatThrownBy(() -> function.rotate("one")).hasMessageContaining("SUPERSEDED");

    assertThat(function.current().id()).isEqualTo(first.id());
  }

  @Test
  void another_source_is_left_in_place_and_counts_again_when_an_operator_goes_back_to_it() {
    IssuedKey old = function.storeKey();
    Version source = function.current();
    IssuedKey fresh = function.momento().refresh(old);
    Version successor = function.leaveSuccessor(fresh.consoleJson());
    function.storeKey();
    function.rotate();
    assertThat(function.labels()).containsKey(successor.id());

    function.state().moveLabel(SECRET, CURRENT, function.current().id(), source.id());

    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
  }

  @Test
  void a_scheduled_run_does_not_undo_that_an_operator_went_back_while_the_key_is_not_due() {
    IssuedKey old = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.store(old.consoleJson());
    Version source = function.current();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.store(function.issueOldKey(Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), source.id());

    assertThat(result(Trigger.SCHEDULE.request(function, "1"))).isEqualTo("NOT_DUE");
    function.pass(Duration.ofDays(1));
    assertThat(result(Trigger.SCHEDULE.request(function, "2"))).isEqualTo("RESUMED");
  }

  @Test
  void the_label_comes_off_the_version_of_a_run_that_died_when_it_had_promoted_it() {
    function.storeKey();
    Version old = function.current();
    Version fresh =
        function.leaveSuccessor(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, old.id(), fresh.id());

    assertThat(result(Trigger.IF_DUE.request(function, "1"))).isEqualTo("NOT_DUE");

    assertThat(function.labels())
        .containsOnly(
            Map.entry(old.id(), Set.of(PREVIOUS)), Map.entry(fresh.id(), Set.of(CURRENT)));
  }

  @Test
  void a_label_that_cannot_be_taken_off_fails_no_rotation_and_comes_off_later() {
    function.storeKey();
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            2,
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("UpdateSecretVersionStage", SECRET)));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.current().labels()).hasSize(2);
    assertThat(result(Trigger.IF_DUE.request(function, "1"))).isEqualTo("NOT_DUE");
    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void labels_of_sources_that_are_gone_stay_up_to_five() {
    function.storeKey();
    for (int i = 0; i < 7; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(
            function.labels().values().stream()
                .flatMap(Set::stream)
                .filter(label -> label.startsWith(StagingLabel.REPLACES)))
        .hasSize(5);
  }

  @Test
  void an_older_functions_unfinished_rotation_is_resumed_and_its_labels_come_off() {
    IssuedKey fresh = function.momento().refresh(function.storeKey());
    function.leaveAsOlderFunction(fresh.consoleJson());

    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.labelled(PENDING)).isEmpty();
    assertThat(function.labelled(StagingLabel.REFRESHED)).isEmpty();
  }

  @Test
  void an_older_functions_labels_come_off_where_its_rotation_was_finished() {
    function.storeKey();
    Version old = function.current();
    Version fresh =
        function.leaveAsOlderFunction(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, old.id(), fresh.id());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.labelled(PENDING)).isEmpty();
    assertThat(function.labelled(StagingLabel.REFRESHED)).isEmpty();
  }

  @Test
  void an_older_functions_version_does_not_overrule_an_operators_key() {
    IssuedKey old = function.storeKey();
    function.leaveAsOlderFunction(function.momento().refresh(old).consoleJson());
    IssuedKey operators = function.storeKey();

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.momento().parentOf(function.currentJson().path("apiKey").asText()))
        .contains(operators);
  }

  @Test
  void a_step_finds_its_work_done_where_a_run_has_resumed_with_its_key() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    Version pending = function.leavePending(function.momento().refresh(old).consoleJson());
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    String current = function.current().id();

    for (String step : new String[] {"createSecret", "setSecret", "testSecret", "finishSecret"}) {
      JsonNode answer = step(step, pending.id());
      assertThat(answer.path("result").asText()).isEqualTo("ALREADY_ROTATED");
      assertThat(answer.path("version_id").asText()).isEqualTo(current);
    }

    assertThat(function.current().id()).isEqualTo(current);
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_step_takes_awspending_off_a_version_whose_key_is_current_under_another_id() {
    function.storeKey();
    function.enableRotation();
    Version copy = function.put(function.currentJson().toString(), PENDING);

    assertThat(step("finishSecret", copy.id()).path("result").asText())
        .isEqualTo("ALREADY_ROTATED");

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_scheduled_run_leaves_secrets_managers_own_rotation_alone_for_an_hour() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    function.leavePending(fresh.consoleJson());
    Map<String, Set<String>> labels = function.labels();

    assertThat(result(Trigger.SCHEDULE.request(function, "1"))).isEqualTo("ROTATION_IN_PROGRESS");
    assertThat(function.labels()).isEqualTo(labels);
    function.pass(Duration.ofMinutes(61));

    assertThat(result(Trigger.SCHEDULE.request(function, "2"))).isEqualTo("RESUMED");
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void awspending_stays_on_the_version_of_a_rotation_by_secrets_manager_that_has_just_begun() {
    function.storeKey();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.labelled(PENDING).map(Version::id)).contains(begun);
  }

  @Test
  void awspending_stays_on_the_version_that_has_just_begun_though_another_is_resumed_with() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");

    assertThat(function.labelled(PENDING).map(Version::id)).contains(begun);
  }

  @Test
  void awspending_stays_on_the_current_version() {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, PENDING, null, function.current().id());

    assertThat(result(Trigger.IF_DUE.request(function, "1"))).isEqualTo("NOT_DUE");

    assertThat(function.current().labels()).containsExactly(CURRENT, PENDING);
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

    assertThat(resumes()).isFalse();
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

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");

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

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void an_expired_key_is_reported_as_expired_though_its_successor_is_rejected() {
    function.storeKey();
    function.leaveSuccessor(strangersKey().consoleJson());
    function.pass(LIFETIME);

    assertThatThrownBy(function::rotate).hasMessageContaining("KEY_EXPIRED");
  }

  @Test
  void a_rollback_takes_awspending_off_a_version_beside_the_successor() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThat(result(Trigger.ROLLBACK.request(function, "1"))).isEqualTo("ROLLED_BACK");

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  /** Issues a key of another account, which Momento rejects here. */
  private static IssuedKey strangersKey() {
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      return other.momento().issue(LIFETIME.plus(LIFETIME), Permissions.SUPER_USER);
    }
  }

  @Test
  void a_scheduled_run_does_not_take_awspending_on_the_current_version_for_a_rotation() {
    function.storeKey();
    function.enableRotation();
    function.state().moveLabel(SECRET, PENDING, null, function.current().id());

    assertThat(result(Trigger.SCHEDULE.request(function, "1"))).isEqualTo("ROTATED");
  }

  @Test
  void a_step_finishes_what_an_older_function_has_begun() {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    Version begun = function.leaveAsOlderFunction(fresh.consoleJson());

    assertThat(step("setSecret", begun.id()).path("result").asText()).isEqualTo("STEP_DONE");
    assertThat(step("finishSecret", begun.id()).path("result").asText()).isEqualTo("STEP_DONE");

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

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
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

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void a_scheduled_run_resumes_though_the_key_is_not_due_and_there_is_a_previous_one() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.store(fresh.consoleJson());
    function.pass(Duration.ofMinutes(1));
    function.leaveSuccessor(function.momento().refresh(fresh).consoleJson());

    assertThat(result(Trigger.SCHEDULE.request(function, "1"))).isEqualTo("RESUMED");
  }

  @Test
  void a_label_of_a_source_that_is_there_is_no_stray_one() {
    String last = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    function.storeKey();
    function
        .state()
        .put(
            SECRET,
            last,
            new Value.Text(function.issueOldKey(Permissions.SUPER_USER).consoleJson()),
            Set.of());
    Version successor = function.leaveSuccessor("{}");
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    for (int i = 0; i < 5; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThat(result(Trigger.IF_DUE.request(function, "1"))).isEqualTo("NOT_DUE");

    assertThat(function.labels()).containsKey(successor.id());
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
    function
        .awsCalls()
        .onNth(
            "PutSecretValue",
            isResuming ? 1 : 2,
            new Fault.Before<>(
                () -> function.state().put(SECRET, token, strangers, Set.of(PENDING, label))));

    assertThatThrownBy(() -> step("createSecret", token)).hasMessageContaining("SUPERSEDED");

    assertThat(function.successor()).isPresent();
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
  }

  @Test
  void a_step_that_comes_again_takes_the_label_off_that_the_first_has_left() {
    IssuedKey old = function.storeKey();
    Version source = function.current();
    function.enableRotation();
    Version fresh = function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, source.id(), fresh.id());

    assertThat(step("finishSecret", fresh.id()).path("result").asText())
        .isEqualTo("ALREADY_ROTATED");

    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void a_rollback_leaves_awspending_on_the_successor_of_the_key_that_it_leads_back_to() {
    IssuedKey old = function.storeKey();
    Version pending = function.leavePending(function.momento().refresh(old).consoleJson());
    function.storeKey();

    assertThat(result(Trigger.ROLLBACK.request(function, "1"))).isEqualTo("ROLLED_BACK");

    assertThat(function.labelled(PENDING).map(Version::id)).contains(pending.id());
  }

  @Test
  void a_dry_run_does_not_promise_to_resume_with_a_copy_or_a_key_that_would_be_given_up() {
    function.storeKey();
    Version first = function.current();
    function.storeKey();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.leaveSuccessor(RotationFixture.json(left).toString());
    assertThat(resumes()).isFalse();

    function.storeKey();
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      function.leaveSuccessor(
          other.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    }
    function.pass(Duration.ofMinutes(11));
    assertThat(resumes()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"DescribeSecret", "GetSecretValue"})
  void a_version_that_was_current_is_not_taken_for_a_successor_by_a_read_that_lags(String action) {
    IssuedKey old = function.storeKey();
    String first = function.current().id();
    Version left = function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.pass(Duration.ofSeconds(1));
    function.state().moveLabel(SECRET, CURRENT, first, left.id());
    function.state().moveLabel(SECRET, CURRENT, left.id(), first);
    function.awsCalls().onEvery(action, new Fault.Lag<>(LAG));

    assertThat(resumes()).isFalse();
  }

  private boolean resumes() {
    return ((RotationFixture.Outcome.Answered) Trigger.DRY_RUN.request(function, "1"))
        .report()
        .path("secrets")
        .path(0)
        .path("resume")
        .asBoolean(true);
  }

  private JsonNode step(String step, String versionId) {
    String event =
        """
        {"Step":"%s","SecretId":"%s","ClientRequestToken":"%s","RotationToken":"none"}\
        """
            .formatted(step, SECRET, versionId);
    return function
        .invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1))
        .path("secrets")
        .path(0);
  }

  private static String result(RotationFixture.Outcome ending) {
    return ending instanceof RotationFixture.Outcome.Answered(JsonNode report)
        ? report.path("secrets").path(0).path("result").asText()
        : ending.toString();
  }
}
