package keyrotation;

import static keyrotation.ReportedResult.AWAITING_FIRST_KEY;
import static keyrotation.ReportedResult.FIRST_KEY_ISSUED;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.ISSUER;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ENDPOINT_NOT_ALLOWED;
import static keyrotation.core.FailureReason.KEY_TOO_SHORT_LIVED;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.ROLE_NOT_ALLOWED;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.V2Key;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How an empty secret gets a first key. */
class FirstKeyTest extends FunctionTestBase {

  FirstKeyTest() {
    super(new SandboxedFunction(KeyKind.V2));
  }

  private static final Map<String, String> TAGS =
      Map.of("momento:role-id", "r-viewer", "momento:endpoint", MomentoServer.ENDPOINT);

  @BeforeEach
  void createEmptySecret() {
    function.storeManagementKey();
    var _ = function.state().create(SECRET, null, null, null);
    function.state().tag(SECRET, TAGS);
  }

  @Test
  void a_scheduled_run_has_the_first_key_issued() {
    assertThatResult(send("scheduler.json")).is(FIRST_KEY_ISSUED);

    V2Key first = currentKey();
    assertThat(first.roleId()).isEqualTo("r-viewer");
    assertThat(first.description()).startsWith(ISSUER).contains(function.current().id());
    assertThat(function.currentJson().path("endpoint").asText()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.current().labels()).noneMatch(StagingLabel.FIRST::equals);
    assertThatResult(ask("\"if_due\":true")).is(NOT_DUE);
    Leaks.assertNone(function);
  }

  @Test
  void the_same_request_again_issues_no_second_key() {
    assertThatResult(function.rotate("1")).is(FIRST_KEY_ISSUED);

    assertThatResult(function.rotate("1")).is(ReportedResult.ALREADY_ROTATED);

    assertThat(issuedByFunction()).hasSize(1);
  }

  @Test
  void without_the_tags_the_secret_waits_for_an_operators_key() {
    function.state().untag(SECRET, "momento:endpoint");

    assertThatResult(send("scheduler.json")).is(AWAITING_FIRST_KEY);

    assertThat(issuedByFunction()).isEmpty();
  }

  @Test
  void a_tag_yields_no_role_that_the_deployment_does_not_allow() {
    function.state().tag(SECRET, Map.of("momento:role-id", "r-owner"));

    assertThatResult(function::rotate).failedWith(ROLE_NOT_ALLOWED);

    assertThat(issuedByFunction()).isEmpty();
  }

  @Test
  void a_tag_sends_no_key_to_a_foreign_host() {
    function.state().tag(SECRET, Map.of("momento:endpoint", "momento.example.org"));

    assertThatResult(function::rotate).failedWith(ENDPOINT_NOT_ALLOWED);

    assertThat(issuedByFunction()).isEmpty();
  }

  @Test
  void a_key_that_momento_rejects_is_not_stored() {
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(Status.UNAUTHENTICATED.asRuntimeException()));

    assertThatResult(function::rotate).failedWith(NEW_KEY_REJECTED);

    assertThat(function.state().describe(SECRET).versions()).isEmpty();
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void a_key_that_an_operator_stores_meanwhile_stays_current() {
    V2Key operators = (V2Key) function.issueFreshKey(Duration.ZERO);
    beforeStoring(() -> function.store(operators.consoleJson()));

    assertThatResult(function::rotate).failedWith(SUPERSEDED);

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertThat(issuedByFunction()).hasSize(1);
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void a_key_that_was_current_for_a_moment_is_not_revoked_at_once() {
    V2Key operators = (V2Key) function.issueFreshKey(Duration.ZERO);
    function
        .awsCalls()
        .onNth(
            "DescribeSecret", 2, new Fault.Before<>(() -> function.store(operators.consoleJson())));

    assertThatResult(function::rotate).failedWith(SUPERSEDED);

    assertThat(issuedByFunction()).allMatch(key -> function.v2Keys().accepts(key.token()));
  }

  @Test
  void two_runs_at_once_leave_one_key() {
    beforeStoring(() -> assertThatResult(function.rotate("other")).is(FIRST_KEY_ISSUED));

    assertThatResult(() -> function.rotate("one")).failedWith(SUPERSEDED);

    assertThat(issuedByFunction()).hasSize(2);
    assertThat(function.currentKeyWorks()).isTrue();
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void two_deliveries_of_one_request_at_once_leave_one_key() {
    beforeStoring(() -> assertThatResult(function.rotate("same")).is(FIRST_KEY_ISSUED));

    assertThatResult(function.rotate("same")).is(FIRST_KEY_ISSUED);

    assertThat(issuedByFunction()).hasSize(2);
    assertThat(function.currentKeyWorks()).isTrue();
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void a_description_that_lags_leaves_no_label_on_the_first_key() {
    function.awsCalls().onNth("DescribeSecret", 2, new Fault.ReadStale<>());

    assertThatResult(function.rotate()).is(FIRST_KEY_ISSUED);

    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void the_description_is_not_waited_for_once_it_shows_the_first_key() {
    assertThatResult(function.rotate()).is(FIRST_KEY_ISSUED);

    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(2);
  }

  @Test
  void a_key_that_was_never_stored_is_revoked_by_a_later_run() {
    function.clearFaults(); // There is ample time.
    function.awsCalls().onNth("PutSecretValue", 1, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(RotationFixture.manualEvent(SECRET), "1"))
        .isInstanceOf(Outcome.Crashed.class);
    function.clearFaults();
    function.pass(Duration.ofHours(2));

    JsonNode report =
        function.invoke(
            SampleEvents.read("scheduler.json", function.now()),
            UUID.randomUUID().toString(),
            Duration.ofMinutes(1));

    assertThat(report.path("secrets").path(0).path("result").asText())
        .isEqualTo(FIRST_KEY_ISSUED.name());
    assertThat(report.path("secrets").path(1).path("result").asText()).isEqualTo(REVOKED.name());
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void a_version_without_a_value_does_not_keep_the_first_key_from_being_current() {
    // Secrets Manager's own rotation has labelled a version without a value.
    function.enableRotation();
    assertThatResult(function.rotate()).is(FIRST_KEY_ISSUED);

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.apiCalls().count(ISSUE)).isEqualTo(1);
  }

  @Test
  void a_key_that_an_operator_stores_right_before_the_promotion_stays_current() {
    function.enableRotation();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
    V2Key operators = (V2Key) function.issueFreshKey(Duration.ZERO);
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            1,
            new Fault.Before<>(() -> function.store(operators.consoleJson())));

    assertThatResult(function::rotate).failedWith(SUPERSEDED);

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertNoLiveKeyButTheCurrentOne();
  }

  @Test
  void a_run_after_a_crash_makes_the_stored_key_current() {
    function.enableRotation();
    function.clearFaults();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
    function.awsCalls().onNth("UpdateSecretVersionStage", 1, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(RotationFixture.manualEvent(SECRET), "1"))
        .isInstanceOf(Outcome.Crashed.class);
    function.clearFaults();

    assertThatResult(function.rotate("2")).is(FIRST_KEY_ISSUED);

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.apiCalls().count(ISSUE)).isEqualTo(1);
  }

  @Test
  void a_key_that_would_live_too_short_is_not_issued() {
    function.state().tag(SECRET, Map.of("momento:key-lifetime-days", "1"));

    assertThatResult(function::rotate).failedWith(KEY_TOO_SHORT_LIVED);

    assertThat(issuedByFunction()).isEmpty();
  }

  private void beforeStoring(Runnable event) {
    function.awsCalls().onNth("PutSecretValue", 1, new Fault.Before<>(event));
  }

  private void assertNoLiveKeyButTheCurrentOne() {
    assertThat(issuedByFunction())
        .filteredOn(key -> function.v2Keys().accepts(key.token()))
        .allMatch(key -> function.currentJson().path("apiKey").asText().equals(key.apiKey()));
  }
}
