package keyrotation;

import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.KEY_OF_ANOTHER_ACCOUNT;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.NEW_KEY_REJECTED;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How a v1 key is replaced by a v2 key, when an operator asks for it. */
class V1ToV2Test extends FunctionTestBase {

  private static final String ROLE = "\"to_v2\":true,\"role_id\":\"r-viewer\"";

  private IssuedKey old;

  @BeforeEach
  void storeKeys() {
    function.storeManagementKey();
    old = function.storeKey();
  }

  @Test
  void stores_a_v2_key_with_the_endpoint_of_the_v1_key() {
    JsonNode entry = toV2("1", "");

    assertThatResult(entry)
        .is(ROTATED)
        .says("The old v1 key cannot be revoked. It expires: " + old.validUntil());
    V2Key issued = function.v2Keys().issued().getLast();
    JsonNode json = function.currentJson();
    assertThat(json.path("apiKey").asText()).isEqualTo(issued.token());
    assertThat(json.path("endpoint").asText()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(json.has("refreshToken")).isFalse();
    assertThat(issued.roleId()).isEqualTo("r-viewer");
    assertThat(function.momento().accepts(old.apiKey())).isTrue();
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void the_v2_key_is_rotated_as_any_other_from_then_on() {
    toV2("1", "");
    assertThatResult(askAs("\"if_due\":true", "2")).is(NOT_DUE);
    function.clock.advance(Duration.ofDays(30));

    assertThatResult(askAs("\"if_due\":true", "3")).is(ROTATED);

    assertThat(function.v2Keys().issued().getLast().roleId()).isEqualTo("r-viewer");
  }

  @Test
  void the_same_request_again_does_nothing() {
    toV2("same", "");

    assertThatResult(toV2("same", "")).is(ALREADY_ROTATED);

    assertThat(function.apiCalls().count(MomentoApiServer.ISSUE)).isEqualTo(1);
  }

  @Test
  void a_scheduled_run_resumes_after_a_crash() {
    function.clearFaults();
    function.awsCalls().onNth("UpdateSecretVersionStage", 1, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(event("\"to_v2\":true,\"role_id\":\"r-viewer\""), "1"))
        .isInstanceOf(RotationFixture.Outcome.Crashed.class);
    function.clearFaults();

    assertThatResult(askAs("\"if_due\":true", "2")).is(RESUMED);

    assertThat(function.currentJson().path("apiKey").asText())
        .isEqualTo(function.v2Keys().issued().getLast().token());
  }

  @Test
  void a_v1_key_that_an_earlier_rotation_has_stored_is_promoted_first() {
    stageOnly("1");

    assertThatResult(toV2("2", "")).is(RESUMED);
    assertThat(function.apiCalls().count(MomentoApiServer.ISSUE)).isZero();

    assertThatResult(toV2("3", "")).is(ROTATED);
    assertThat(function.v2Keys().issued().getLast().roleId()).isEqualTo("r-viewer");
  }

  @Test
  void a_key_that_lists_other_caches_is_revoked_and_not_stored() {
    before(
        RotationCall.PROBE, () -> function.momento().setCaches(Set.of("of", "another", "account")));

    assertThatResult(() -> toV2("1", "")).failedWith(KEY_OF_ANOTHER_ACCOUNT);

    assertThat(function.momento().accepts(function.v2Keys().issued().getLast().token())).isFalse();
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.successor()).isEmpty();
  }

  @Test
  void a_key_that_may_not_list_caches_is_revoked_and_not_stored() {
    function
        .v2Keys()
        .add(new V2Keys.Role("r-viewer", "Viewer", V2Keys.Role.Type.CUSTOM, false, false));

    assertThatResult(() -> toV2("1", "")).failedWith(KEY_OF_ANOTHER_ACCOUNT);

    assertThat(function.v2Keys().list()).noneMatch(key -> key.roleId().equals("r-viewer"));
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.successor()).isEmpty();
  }

  @Test
  void a_new_key_that_momento_rejects_is_revoked_and_not_stored() {
    // The first verification is of the v1 key.
    function
        .momento()
        .calls()
        .fromNth(
            MomentoServer.LIST_CACHES,
            2,
            new Fault.Refuse<>(Status.UNAUTHENTICATED.asRuntimeException()));

    assertThatResult(() -> toV2("1", "")).failedWith(NEW_KEY_REJECTED);

    assertThat(function.v2Keys().list()).noneMatch(key -> key.roleId().equals("r-viewer"));
    assertThat(function.successor()).isEmpty();
  }

  @Test
  void an_outage_is_no_sign_of_another_account() {
    answerEvery(RotationCall.VERIFY, Status.UNAVAILABLE);

    assertThatResult(() -> ask(ROLE, "1", Duration.ofSeconds(20))).failedWith(MOMENTO_UNAVAILABLE);

    assertThat(function.apiCalls().count(MomentoApiServer.ISSUE)).isZero();
  }

  @Test
  void a_key_that_could_not_be_compared_is_revoked_and_not_stored() {
    // The first verification is of the v1 key.
    function
        .momento()
        .calls()
        .fromNth(
            MomentoServer.LIST_CACHES,
            2,
            new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertThatResult(() -> ask(ROLE, "1", Duration.ofSeconds(40))).failedWith(MOMENTO_UNAVAILABLE);

    assertThat(function.v2Keys().list()).noneMatch(key -> key.roleId().equals("r-viewer"));
    assertThat(function.successor()).isEmpty();
    assertThat(function.momento().accepts(old.apiKey())).isTrue();
  }

  @Test
  void issues_no_key_that_there_is_no_time_to_compare_and_store() {
    assertThatResult(() -> ask(ROLE, "1", Duration.ofSeconds(20))).failedWith(OUT_OF_TIME);

    assertThat(function.apiCalls().count(MomentoApiServer.ISSUE)).isZero();
  }

  @Test
  void a_legacy_key_is_not_replaced() {
    function.store("{\"apiKey\":\"" + Jwt.with("{\"cp\":\"a.b\",\"c\":\"c.d\"}") + "\"}");

    assertThatResult(() -> toV2("1", "")).failedWith(KEY_NOT_REFRESHABLE).says("a legacy key");
  }

  @Test
  void an_expired_v1_key_is_replaced_if_the_operator_vouches_for_the_account() {
    function.clock.advance(Duration.ofDays(60));
    assertThatResult(() -> toV2("1", "")).failedWith(KEY_OF_ANOTHER_ACCOUNT);

    assertThatResult(toV2("2", ",\"account_unchecked\":true")).is(ROTATED);
  }

  @Test
  void the_operator_can_vouch_for_the_account() {
    function.momento().setCaches(Set.of());

    assertThatResult(toV2("1", ",\"account_unchecked\":true")).is(ROTATED);
  }

  private JsonNode toV2(String requestId, String more) {
    return askAs(ROLE + more, requestId);
  }

  private JsonNode askAs(String fields, String requestId) {
    return ask(fields, requestId, Duration.ofMinutes(1));
  }
}
