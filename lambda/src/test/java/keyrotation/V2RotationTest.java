package keyrotation;

import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ENDPOINT_MISSING;
import static keyrotation.core.FailureReason.KEY_OF_ANOTHER_ACCOUNT;
import static keyrotation.core.FailureReason.MANAGEMENT_KEY_MISSING;
import static keyrotation.core.FailureReason.MANAGEMENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_INVALID;
import static keyrotation.core.FailureReason.ROLE_NOT_FOUND;
import static keyrotation.core.FailureReason.ROLE_UNKNOWN;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.MomentoApiServer.LIST;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Test;

/** How v2 keys are rotated: another key is issued, and the old one keeps working. */
class V2RotationTest extends FunctionTestBase {

  @Test
  void issues_a_key_of_the_same_role_and_lifetime() {
    V2Key old = function.storeV2Key();

    JsonNode response = function.rotate();

    V2Key issued = currentKey();
    assertThatResult(response)
        .is(ROTATED)
        .hasVersion(function.current().id())
        .expiresAt(function.now().truncatedTo(ChronoUnit.SECONDS).plus(LIFETIME));
    assertThat(issued.id()).isNotEqualTo(old.id());
    assertThat(issued.roleId()).isEqualTo(old.roleId());
    assertThat(function.currentJson().path("endpoint").asText()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.momento().accepts(old.token())).as("the old key works").isTrue();
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void describes_the_key_by_the_secret_and_the_version_that_hold_it() {
    function.storeV2Key();

    function.rotate();

    assertThat(currentKey().description())
        .matches("momento-key-rotation/1 [0-9a-f]{20} " + function.current().id() + " " + SECRET);
  }

  @Test
  void keeps_other_fields_and_drops_a_refresh_token() {
    function.storeManagementKey();
    V2Key old = function.issueOldV2Key(V2Keys.VIEWER);
    function.store(
        "{\"note\":\"x\",\"authToken\":\"%s\",\"refreshToken\":\"r\",\"endpoint\":\"%s\",\"validUntil\":1}"
            .formatted(old.token(), MomentoServer.ENDPOINT));

    assertThatResult(function.rotate()).is(ROTATED);

    JsonNode json = function.currentJson();
    V2Key issued = function.v2Keys().issued().getLast();
    assertThat(json.properties().stream().map(Map.Entry::getKey))
        .containsExactly("note", "authToken", "endpoint", "validUntil");
    assertThat(json.path("authToken").asText()).isEqualTo(issued.token());
    assertThat(json.path("validUntil").asLong())
        .isEqualTo(issued.expiry().orElseThrow().getEpochSecond());
  }

  @Test
  void a_bare_key_stays_bare_and_has_its_endpoint_in_a_tag() {
    function.storeManagementKey();
    function.store(function.issueOldV2Key(V2Keys.OPERATOR).token());
    assertThatResult(function::rotate).failedWith(ENDPOINT_MISSING).says("\"endpoint\"");
    function.state().tag(SECRET, Map.of("momento:endpoint", MomentoServer.ENDPOINT));

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.current().value())
        .isEqualTo(new Value.Text(function.v2Keys().issued().getLast().token()));
  }

  @Test
  void a_key_that_never_expires_is_due_by_its_age() {
    function.storeManagementKey();
    function.store(
        function.v2Keys().issue(V2Keys.OPERATOR, "console", Optional.empty()).consoleJson());
    assertThatResult(ifDue()).is(NOT_DUE);
    function.clock.advance(Duration.ofDays(30));

    assertThatResult(ifDue()).is(ROTATED);

    assertThat(currentKey().expiry()).isEmpty();
  }

  @Test
  void a_tag_changes_the_lifetime() {
    function.storeV2Key();
    function.state().tag(SECRET, Map.of("momento:key-lifetime-days", "7"));

    function.rotate();

    assertThat(currentKey().expiry())
        .contains(function.now().truncatedTo(ChronoUnit.SECONDS).plus(Duration.ofDays(7)));
  }

  @Test
  void a_tag_can_name_a_role_that_may_not_list_caches() {
    restart(
        new SandboxedFunction(
            KeyKind.V2, Duration.ZERO, Map.of("MOMENTO_ALLOWED_ROLES", "r-data")));
    function.v2Keys().add(new V2Keys.Role("r-data", "Data", V2Keys.Role.Type.CUSTOM, false, false));
    function.storeV2Key();
    function.state().tag(SECRET, Map.of("momento:role-id", "r-data"));

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(currentKey().roleId()).isEqualTo("r-data");
  }

  @Test
  void a_value_that_a_new_key_might_not_fit_into_has_no_key_issued() {
    function.storeManagementKey();
    function.store(
        "{\"apiKey\":\"%s\",\"endpoint\":\"%s\",\"note\":\"%s\"}"
            .formatted(
                function.issueOldV2Key(V2Keys.VIEWER).token(),
                MomentoServer.ENDPOINT,
                "x".repeat(62_000)));

    assertThatResult(function::rotate).failedWith(SECRET_MALFORMED).says("too large");

    assertThat(function.apiCalls().count(ISSUE)).isZero();
  }

  @Test
  void both_kinds_are_rotated_in_one_scheduled_run() {
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",v2")));
    function.storeManagementKey();
    V2Key old = function.issueOldV2Key(V2Keys.OPERATOR);
    var _ =
        function
            .state()
            .create("v2", new Value.Text(old.consoleJson()), UUID.randomUUID().toString(), null);
    function.storeKey();

    JsonNode report = send("scheduler.json");

    assertThat(report.path("secrets"))
        .extracting(entry -> entry.path("result").asText())
        .containsExactly("ROTATED", "ROTATED");
  }

  @Test
  void a_dry_run_issues_no_key() {
    function.storeV2Key();

    assertThatResult(act("dry_run")).is(WOULD_ROTATE);

    assertThat(function.apiCalls().count(ISSUE)).isZero();
  }

  @Test
  void resumes_with_a_stored_key_after_a_crash() {
    function.storeV2Key();
    stageV2Only("same");
    V2Key staged = function.v2Keys().issued().getLast();

    assertThatResult(function.rotate("other")).is(RESUMED);

    assertThat(currentKey()).isEqualTo(staged);
    assertThat(function.apiCalls().count(ISSUE)).isEqualTo(1);
  }

  @Test
  void gives_up_a_successor_whose_role_is_no_longer_asked_for() {
    function.storeV2Key();
    stageV2Only("same");
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));

    assertThatResult(function.rotate("other")).is(ROTATED);

    assertThat(currentKey().roleId()).isEqualTo("r-viewer");
  }

  @Test
  void gives_up_a_successor_whose_role_was_asked_for_once() {
    function.storeV2Key();
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));
    stageV2Only("same");
    function.state().untag(SECRET, "momento:role-id");

    assertThatResult(function.rotate("other")).is(ROTATED);

    assertThat(currentKey().roleId()).isEqualTo("r-operator");
  }

  @Test
  void a_request_that_gave_its_key_up_is_not_done_before_it_has_another() {
    function.storeV2Key();
    stageV2Only("same");
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));
    function.apiCalls().onEvery(ISSUE, new Fault.Refuse<>(MomentoApiException.throttled()));
    assertThatResult(() -> function.rotate("same")).failedWith(MOMENTO_THROTTLED);
    function.clearFaults();

    assertThatResult(function.rotate("same")).is(ROTATED);

    assertThat(currentKey().roleId()).isEqualTo("r-viewer");
  }

  @Test
  void a_second_look_at_the_list_that_fails_spares_the_keys_that_are_listed() {
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "foreign," + SECRET)));
    function.storeV2Key();
    V2Key hidden = function.issueOldV2Key(V2Keys.OPERATOR);
    var _ =
        function
            .state()
            .create(
                "foreign",
                new Value.Text(hidden.consoleJson()),
                UUID.randomUUID().toString(),
                null);
    function.pass(RotationFixture.STORED_FOR);
    function.sandbox.momentoApi().alterAnswers(body -> body.replace(hidden.id(), "another"));
    function.apiCalls().fromNth(LIST, 2, new Fault.Refuse<>(MomentoApiException.internal()));

    assertThatThrownBy(() -> send("scheduler.json"))
        .hasMessageContaining("foreign was not rotated")
        .hasMessageNotContaining(SECRET + " was not rotated");

    assertThat(issuedByFunction()).singleElement().isEqualTo(currentKey());
  }

  @Test
  void a_dry_run_tells_that_a_revoked_key_is_due() {
    function.storeManagementKey();
    V2Key fresh = storeFreshKey(V2Keys.VIEWER);
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));
    assertThat(function.v2Keys().revoke(fresh.id())).isTrue();

    assertThatResult(act("dry_run")).is(WOULD_ROTATE).isDue();
  }

  @Test
  void an_error_of_the_management_keys_secret_names_that_secret() {
    function.storeV2Key();
    function.state().delete(MANAGEMENT_SECRET, false);

    assertThatResult(function::rotate).failedWith(MANAGEMENT_KEY_MISSING).says(MANAGEMENT_SECRET);
  }

  @Test
  void a_v2_key_is_not_rotated_where_no_management_key_is_named() {
    restart(
        new SandboxedFunction(
            KeyKind.V2, Duration.ZERO, Map.of("MOMENTO_MANAGEMENT_KEY_SECRET", "")));
    function.storeV2Key();

    assertThatResult(function::rotate)
        .failedWith(MANAGEMENT_KEY_MISSING)
        .says("No management key is named.");
  }

  @Test
  void asks_once_more_after_a_lost_response_and_stores_the_second_key() {
    function.storeV2Key();
    function.apiCalls().onNth(ISSUE, 1, new Fault.DropResponse<>());

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(issuedByFunction()).hasSize(2).last().isEqualTo(currentKey());
  }

  @Test
  void asks_no_third_time_after_lost_responses() {
    V2Key old = function.storeV2Key();
    function.apiCalls().onEvery(ISSUE, new Fault.DropResponse<>());

    assertThatResult(function::rotate).failedWith(MOMENTO_UNAVAILABLE);

    assertThat(issuedByFunction()).hasSize(2);
    assertThat(currentKey()).isEqualTo(old);
    function.clearFaults();
    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void a_key_that_cannot_be_stored_is_replaced_by_another_one() {
    function.storeV2Key();
    at(RotationCall.STAGE, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(SandboxedFunction.manualEvent(SECRET), "same"))
        .isInstanceOf(RotationFixture.Outcome.Crashed.class);
    function.clearFaults();

    assertThatResult(function.rotate("same")).is(ROTATED);
    assertThat(issuedByFunction()).hasSize(2);
  }

  @Test
  void waits_for_a_new_key_to_be_accepted() {
    restart(new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20)));
    function.storeV2Key();
    function.v2Keys().refuseNewKeysAtFirst(2);

    assertThatResult(function.rotate("1", Duration.ofMinutes(1))).is(ROTATED);
  }

  @Test
  void a_key_that_was_revoked_in_the_console_is_due_at_once() {
    function.storeManagementKey();
    V2Key fresh = storeFreshKey(V2Keys.VIEWER);
    assertThatResult(ifDue()).is(NOT_DUE);
    assertThat(function.v2Keys().revoke(fresh.id())).isTrue();
    assertThatResult(this::ifDue).failedWith(ROLE_UNKNOWN).says("does not accept the current key");
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));

    assertThatResult(ifDue()).is(ROTATED);

    assertThat(currentKey().roleId()).isEqualTo("r-viewer");
    assertThat(currentKey().expiry())
        .contains(function.now().truncatedTo(ChronoUnit.SECONDS).plus(Duration.ofDays(90)));
  }

  @Test
  void momento_is_not_asked_about_a_key_that_it_lists_and_that_is_not_due() {
    function.storeManagementKey();
    var _ = storeFreshKey(V2Keys.OPERATOR);

    assertThatResult(ifDue()).is(NOT_DUE);

    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isZero();
  }

  @Test
  void a_key_that_is_listed_late_is_not_taken_for_a_revoked_one() {
    function.storeManagementKey();
    var _ = storeFreshKey(V2Keys.OPERATOR);
    function.apiCalls().onNth(LIST, 1, new Fault.Lag<>(Duration.ofDays(400)));

    assertThatResult(ifDue()).is(NOT_DUE);
  }

  @Test
  void an_expired_key_that_the_function_issued_is_replaced() {
    function.storeV2Key();
    function.rotate();
    function.clock.advance(LIFETIME.plusDays(1));
    assertThat(function.currentKeyWorks()).isFalse();

    assertThatResult(ifDue()).is(ROTATED);

    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_key_that_is_listed_late_is_found() {
    function.storeV2Key();
    function.apiCalls().onNth(LIST, 1, new Fault.Lag<>(Duration.ofDays(400)));

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void a_key_of_another_account_is_not_replaced() {
    function.storeV2Key();
    function.apiCalls().onEvery(LIST, new Fault.Lag<>(Duration.ofDays(400)));

    assertThatResult(function::rotate).failedWith(KEY_OF_ANOTHER_ACCOUNT);
    assertThatResult(this::ifDue).failedWith(KEY_OF_ANOTHER_ACCOUNT);

    assertThat(function.apiCalls().count(ISSUE)).isZero();
  }

  @Test
  void a_role_that_was_removed_is_named() {
    function.storeV2Key();
    function.v2Keys().remove(V2Keys.OPERATOR);

    assertThatResult(function::rotate).failedWith(ROLE_NOT_FOUND).says("r-operator");
  }

  @Test
  void a_management_key_that_is_missing_is_reported_before_a_key_is_due() {
    var _ = storeFreshKey(V2Keys.OPERATOR);

    assertThatResult(this::ifDue).failedWith(MANAGEMENT_KEY_MISSING).says(MANAGEMENT_SECRET);
  }

  @Test
  void a_management_key_that_is_rejected_or_may_not_manage_keys_is_reported() {
    V2Key old = function.storeV2Key();
    function
        .state()
        .put(
            MANAGEMENT_SECRET,
            UUID.randomUUID().toString(),
            new Value.Text(old.consoleJson()),
            Set.of());
    assertThatResult(function::rotate)
        .failedWith(MANAGEMENT_KEY_REJECTED)
        .says("role does not allow");
    function.v2Keys().revoke(old.id());

    assertThatResult(function::rotate).failedWith(MANAGEMENT_KEY_REJECTED).says("rejects");
  }

  @Test
  void a_failed_look_at_the_list_does_not_fail_a_run_for_a_key_that_is_not_due() {
    function.storeManagementKey();
    var _ = storeFreshKey(V2Keys.OPERATOR);
    function.apiCalls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.internal()));

    assertThatResult(ifDue()).is(NOT_DUE);
  }

  @Test
  void a_list_that_cannot_be_read_takes_no_time_of_other_secrets() {
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a,b,c,d," + SECRET)));
    function.storeManagementKey();
    for (String name : List.of("a", "b", "c", "d")) {
      var _ =
          function
              .state()
              .create(
                  name,
                  new Value.Text(function.issueOldV2Key(V2Keys.OPERATOR).consoleJson()),
                  UUID.randomUUID().toString(),
                  null);
    }
    function.storeKey();
    function.apiCalls().onEvery(LIST, new Fault.Refuse<>(MomentoApiException.internal()));

    assertThatThrownBy(() -> send("scheduler.json")).hasMessageContaining("MOMENTO_UNAVAILABLE");

    assertThat(function.apiCalls().count(LIST)).as("one call, and its repetitions").isEqualTo(4);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_key_whose_description_was_cut_short_is_not_stored_and_is_revoked() {
    V2Key old = function.storeV2Key();
    function.sandbox.momentoApi().cutDescriptionsTo(30);

    assertThatResult(function::rotate).failedWith(NEW_KEY_INVALID);

    assertThat(currentKey()).isEqualTo(old);
    assertThat(function.apiCalls().count(REVOKE)).isEqualTo(1);
    assertThat(function.v2Keys().list())
        .extracting(V2Key::roleId)
        .doesNotContainSequence("r-operator", "r-operator");
  }

  @Test
  void secrets_managers_own_rotation_issues_a_key() {
    function.storeV2Key();

    assertThat(function.rotateSecret()).isInstanceOf(RotationFixture.Outcome.Answered.class);

    assertThat(issuedByFunction()).hasSize(1).last().isEqualTo(currentKey());
  }

  @Test
  void rolls_back_to_the_key_before() {
    V2Key old = function.storeV2Key();
    function.rotate();

    assertThatResult(act("rollback")).is(ReportedResult.ROLLED_BACK);

    assertThat(currentKey()).isEqualTo(old);
  }

  @Test
  void shows_no_key() {
    function.storeV2Key();
    function.rotate();

    Leaks.assertNone(function);
  }

  private JsonNode ifDue() {
    return act("if_due");
  }

  private JsonNode act(String action) {
    return ask("\"" + action + "\":true");
  }

  /** Stores a v2 key that is not due, as an operator does. */
  private V2Key storeFreshKey(V2Keys.Role role) {
    V2Key key = function.v2Keys().issueAged(role, "console", Duration.ZERO, LIFETIME);
    function.store(key.consoleJson());
    return key;
  }
}
