package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ENDPOINT_NOT_ALLOWED;
import static keyrotation.core.FailureReason.EVENT_UNKNOWN;
import static keyrotation.core.FailureReason.KEY_OF_ANOTHER_ACCOUNT;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;
import static keyrotation.core.FailureReason.ROLE_NOT_ALLOWED;
import static keyrotation.core.FailureReason.ROLE_UNKNOWN;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.core.FailureReason.TAG_INVALID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attacks by those who may write a secret, tag it or invoke the function, and may not manage keys:
 * none of them yields a key of a stronger role, or has a key sent to a foreign host.
 */
class V2RightsTest extends FunctionTestBase {

  @Test
  void a_forged_key_with_the_id_of_an_owners_key_yields_no_owners_key() {
    function.storeManagementKey();
    V2Key owners = function.v2Keys().issue(V2Keys.OWNER, "console", Optional.empty());
    store(forged(owners.id()), MomentoServer.ENDPOINT);

    assertThatResult(function::rotate).failedWith(ROLE_UNKNOWN);

    assertNoKeyIssued();
  }

  @Test
  void a_denial_that_did_not_look_at_the_signature_proves_no_role() {
    function.storeManagementKey();
    V2Key owners = function.v2Keys().issue(V2Keys.OWNER, "console", Optional.empty());
    store(forged(owners.id()), MomentoServer.ENDPOINT);
    function
        .momento()
        .calls()
        .onEvery(MomentoServer.LIST_CACHES, new Fault.Refuse<>(MomentoServer.denied()));

    assertThatResult(function::rotate).failedWith(ROLE_UNKNOWN);

    assertNoKeyIssued();
  }

  @Test
  void a_key_that_may_not_list_caches_proves_its_role() {
    function.storeManagementKey();
    V2Keys.Role data = new V2Keys.Role("r-data", "Data", V2Keys.Role.Type.CUSTOM, false, false);
    function.v2Keys().add(data);
    function.store(function.issueOldV2Key(data).consoleJson());

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.v2Keys().issued().getLast().roleId()).isEqualTo("r-data");
  }

  @Test
  void a_forged_key_with_the_id_of_another_secrets_key_yields_no_key_of_its_role() {
    function.storeManagementKey();
    String otherSecrets = "momento-key-rotation/1 0123456789abcdef0123 v " + SECRET;
    V2Key others = function.v2Keys().issue(V2Keys.OWNER, otherSecrets, Optional.empty());
    store(forged(others.id()), MomentoServer.ENDPOINT);

    assertThatResult(function::rotate).failedWith(ROLE_UNKNOWN);

    assertNoKeyIssued();
  }

  @Test
  void a_tag_yields_no_role_that_the_deployment_does_not_allow() {
    function.storeV2Key();
    function.state().tag(SECRET, Map.of("momento:role-id", "r-owner"));

    assertThatResult(function::rotate).failedWith(ROLE_NOT_ALLOWED).says("r-owner");

    assertNoKeyIssued();
  }

  @Test
  void a_tag_yields_a_role_that_the_deployment_allows() {
    function.storeManagementKey();
    store(forged("k-1"), MomentoServer.ENDPOINT);
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.v2Keys().issued().getLast().roleId()).isEqualTo("r-viewer");
  }

  @Test
  void an_event_yields_no_role_that_the_deployment_does_not_allow() {
    function.storeManagementKey();
    function.storeKey();

    assertThatResult(() -> toV2("\"role_id\":\"r-owner\"")).failedWith(ROLE_NOT_ALLOWED);

    assertNoKeyIssued();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "attacker.example",
        "momentohq.com.attacker.example",
        "evilmomentohq.com",
        "momentohq.com",
        "momento.example"
      })
  void no_key_is_sent_to_a_foreign_host_that_the_value_names(String host) {
    function.storeManagementKey();
    store(forged("k-1"), host);
    function.state().tag(SECRET, Map.of("momento:role-id", "r-viewer"));

    assertThatResult(function::rotate).failedWith(ENDPOINT_NOT_ALLOWED);
    assertThatResult(() -> act("dry_run")).failedWith(ENDPOINT_NOT_ALLOWED);

    assertNothingSent();
  }

  @Test
  void no_key_is_sent_to_a_foreign_host_that_a_tag_names() {
    function.storeManagementKey();
    function.store(function.issueOldV2Key(V2Keys.OPERATOR).token());
    function.state().tag(SECRET, Map.of("momento:endpoint", "attacker.example"));

    assertThatResult(function::rotate).failedWith(ENDPOINT_NOT_ALLOWED);

    assertNothingSent();
  }

  @Test
  void no_successor_is_sent_to_a_foreign_host() {
    function.storeV2Key();
    var _ =
        function.leaveSuccessor(
            function
                .issueOldV2Key(V2Keys.OPERATOR)
                .consoleJson()
                .replace(MomentoServer.ENDPOINT, "attacker.example"));

    assertThatResult(function::rotate).failedWith(ENDPOINT_NOT_ALLOWED);

    assertNothingSent();
  }

  @Test
  void an_owners_key_that_is_stored_as_a_successor_is_not_promoted() {
    function.storeManagementKey();
    store(forged("k-1"), MomentoServer.ENDPOINT);
    V2Key owners = function.v2Keys().issue(V2Keys.OWNER, "console", Optional.empty());
    var _ = function.leaveSuccessor(owners.consoleJson());

    assertThatResult(function::rotate).failedWith(ROLE_UNKNOWN);

    assertThat(function.currentJson().path("apiKey").asText()).isNotEqualTo(owners.token());
    assertNoKeyIssued();
  }

  @Test
  void no_key_is_sent_to_a_foreign_host_that_a_v1_key_names() {
    function.storeManagementKey();
    String foreign = function.momento().issue(LIFETIME, Permissions.SUPER_USER).token();
    function.store(
        "{\"apiKey\":\"%s\",\"refreshToken\":\"r\"}"
            .formatted(
                Base64.getEncoder()
                    .encodeToString(
                        ("{\"endpoint\":\"attacker.example\",\"api_key\":\"" + foreign + "\"}")
                            .getBytes(UTF_8))));

    assertThatResult(() -> toV2("\"role_id\":\"r-viewer\"")).failedWith(ENDPOINT_NOT_ALLOWED);

    assertNothingSent();
  }

  @Test
  void a_v1_key_is_not_replaced_by_a_v2_key_of_another_account() {
    function.storeManagementKey();
    function.storeKey();
    function.momento().setCaches(Set.of());

    assertThatResult(() -> toV2("\"role_id\":\"r-viewer\""))
        .failedWith(KEY_OF_ANOTHER_ACCOUNT)
        .says("account_unchecked");

    assertNoKeyIssued();
  }

  @ParameterizedTest
  @CsvSource({
    "momento:role-id, r/viewer",
    "momento:role-id, eyJhbGciOi",
    "momento:key-lifetime-days, 0",
    "momento:key-lifetime-days, soon",
    "momento:rotate-after-days, 1000",
    "momento:rotate-after-days, weekly",
  })
  void a_tag_that_cannot_be_read_is_named(String tag, String value) {
    function.storeV2Key();
    function.state().tag(SECRET, Map.of(tag, value));

    assertThatResult(function::rotate).failedWith(TAG_INVALID).says(tag);

    assertNoKeyIssued();
  }

  @ParameterizedTest
  @ValueSource(strings = {"https://cell.momentohq.com", "cell.momentohq.com:443", "cell/x", ""})
  void an_endpoint_that_is_no_host_name_is_named(String endpoint) {
    function.storeManagementKey();
    store(function.issueOldV2Key(V2Keys.OPERATOR).token(), endpoint);

    assertThatResult(function::rotate).failedWith(SECRET_MALFORMED).says("\"endpoint\"");

    assertNothingSent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"t\":\"gr\",\"akid\":\"k-1\"}",
        "{\"t\":\"g\",\"jti\":\"../roles\"}",
        "{\"t\":\"g\",\"jti\":\"k-1/../../roles\"}",
        "{\"t\":\"g\"}",
      })
  void a_token_that_is_no_v2_key_is_refused(String claims) {
    function.storeManagementKey();
    store(Jwt.with(claims), MomentoServer.ENDPOINT);

    assertThatResult(function::rotate).failedWith(KEY_UNREADABLE);

    assertNothingSent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"to_v2\":true",
        "\"to_v2\":true,\"role_id\":\"r/viewer\"",
        "\"to_v2\":true,\"role_id\":7",
        "\"to_v2\":\"yes\",\"role_id\":\"r-viewer\"",
        "\"to_v2\":false,\"role_id\":\"r-viewer\"",
        "\"role_id\":\"r-viewer\"",
        "\"to_v2\":true,\"role_id\":\"r-viewer\",\"dry_run\":true",
      })
  void an_event_that_asks_for_a_v2_key_wrongly_starts_nothing(String fields) {
    function.storeManagementKey();
    function.storeKey();

    assertThatThrownBy(() -> ask(fields)).hasMessageContaining(EVENT_UNKNOWN.name());

    assertNothingSent();
  }

  private void store(String token, String endpoint) {
    function.store("{\"apiKey\":\"%s\",\"endpoint\":\"%s\"}".formatted(token, endpoint));
    function.pass(Duration.ofDays(1));
  }

  private static String forged(String id) {
    return Jwt.with("{\"t\":\"g\",\"jti\":\"" + id + "\"}");
  }

  private JsonNode toV2(String fields) {
    return ask("\"to_v2\":true," + fields);
  }

  private JsonNode act(String action) {
    return ask("\"" + action + "\":true");
  }

  private void assertNoKeyIssued() {
    assertThat(function.apiCalls().count(MomentoApiServer.ISSUE)).isZero();
  }

  private void assertNothingSent() {
    assertThat(function.sandbox.callsSeen())
        .doesNotContain(
            MomentoApiServer.ISSUE,
            MomentoApiServer.LIST,
            MomentoServer.LIST_CACHES,
            MomentoServer.REFRESH);
  }
}
