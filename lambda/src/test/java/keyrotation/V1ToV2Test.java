package keyrotation;

import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.KEY_OF_ANOTHER_ACCOUNT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Set;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.V2Key;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How a v1 key is replaced by a v2 key, when an operator asks for it. */
class V1ToV2Test extends FunctionTestBase {

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
    assertThatResult(invoke("\"if_due\":true", "2")).is(NOT_DUE);
    function.clock.advance(Duration.ofDays(30));

    assertThatResult(invoke("\"if_due\":true", "3")).is(ROTATED);

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
    function.awsCalls().onNth("UpdateSecretVersionStage", 1, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(event("\"to_v2\":true,\"role_id\":\"r-viewer\""), "1"))
        .isInstanceOf(RotationFixture.Outcome.Crashed.class);
    function.clearFaults();

    assertThatResult(invoke("\"if_due\":true", "2")).is(RESUMED);

    assertThat(function.currentJson().path("apiKey").asText())
        .isEqualTo(function.v2Keys().issued().getLast().token());
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
  void the_operator_can_vouch_for_the_account() {
    function.momento().setCaches(Set.of());

    assertThatResult(toV2("1", ",\"account_unchecked\":true")).is(ROTATED);
  }

  private JsonNode toV2(String requestId, String more) {
    return invoke("\"to_v2\":true,\"role_id\":\"r-viewer\"" + more, requestId);
  }

  private JsonNode invoke(String fields, String requestId) {
    return function.invoke(event(fields), requestId, Duration.ofMinutes(1)).path("secrets").path(0);
  }

  private static String event(String fields) {
    return "{\"momento_auth_token_secret_name\":\"%s\",%s}".formatted(SECRET, fields);
  }
}
