package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.SandboxedFunction.manualEvent;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;
import static keyrotation.core.FailureReason.EVENT_UNKNOWN;
import static keyrotation.core.FailureReason.INTERNAL_ERROR;
import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;
import static keyrotation.core.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_DELETED;
import static keyrotation.core.FailureReason.SECRET_IS_REPLICA;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicInteger;
import keyrotation.core.FailureReason;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Value;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be rotated ends in an error with its own reason, and leaves everything as it was. */
class BadInputTest extends FunctionTestBase {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "\"momento/authentication-token\"",
        "{}",
        "{\"secret\": \"momento/authentication-token\"}",
        "{\"momento_auth_token_secret_name\": 7}",
        "{\"momento_auth_token_secret_name\": null}",
        "{\"momento_auth_token_secret_name\": \" \"}",
        "{\"momento_auth_token_secret_name\": \"a b\"}",
        "{\"momento_auth_token_secret_name\": \"a\", \"momento_auth_token_secret_name\": \"b\"}",
        "{\"momento_auth_token_secret_name\": \"a\", \"dry-run\": true}",
        "{\"momento_auth_token_secret_name\": \"a\"} {}",
        "{\"momento_auth_token_secret_name\": 1e9999999999}",
      })
  void an_event_of_no_known_form(String event) {
    assertThatThrownBy(() -> invoke(event))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageStartingWith("EVENT_UNKNOWN: ")
        .hasMessageContaining("momento_auth_token_secret_name")
        .hasMessageEndingWith(
            "{\"request_id\":\"1\",\"failed\":true,\"secrets\":[],"
                + "\"reason\":\"EVENT_UNKNOWN\",\"needs\":\"person\"}");
    assertThat(function.log()).contains("EVENT_UNKNOWN");
    assertThat(function.awsCalls().seen()).isEmpty();
  }

  @Test
  void a_key_in_place_of_a_secrets_name() {
    String key = function.issueOldKey(Permissions.SUPER_USER).apiKey();

    String cutOff = key.substring(0, key.length() - 1);
    String token = jwt("{\"exp\":1}");
    // The beginning that keys have is that of a JSON object without space in it.
    byte[] json = Base64.getDecoder().decode(key);
    String spaced =
        Base64.getEncoder().encodeToString(("\n" + new String(json, UTF_8)).getBytes(UTF_8));
    for (String pasted :
        new String[] {key, jwt("{\"t\":\"g\"}"), cutOff, token, spaced, "momento/" + key}) {
      assertThatThrownBy(() -> invoke(manualEvent(pasted))).hasMessageNotContaining(pasted);
      assertThatReport(() -> invoke(manualEvent(pasted))).isRefusedWith(EVENT_UNKNOWN);
      assertThat(function.log()).doesNotContain(pasted);
    }
  }

  @Test
  void a_name_with_the_letters_that_a_key_begins_with_is_a_name() {
    assertThatReport(() -> invoke(manualEvent("momento/keyJuggler")))
        .ofOnlySecret("momento/keyJuggler")
        .failedWith(SECRET_NOT_FOUND);
  }

  @Test
  void a_secret_that_does_not_exist() {
    assertThatReport(() -> invoke(manualEvent("momento/unknown")))
        .ofOnlySecret("momento/unknown")
        .failedWith(SECRET_NOT_FOUND);
  }

  @Test
  void a_secret_without_a_value() {
    function.state().create(SECRET, null, null, null);

    assertThatResult(function::rotate).failedWith(AWAITING_FIRST_KEY);
    assertThat(function.state().describe(SECRET).versions()).isEmpty();
  }

  @Test
  void a_secret_that_is_scheduled_for_deletion() {
    function.storeKey();
    function.state().delete(SECRET, false);

    assertFails(SECRET_DELETED, "restore-secret");
  }

  @Test
  void a_secret_that_is_binary() {
    function.store(new Value.Binary("AAEC"));

    assertFails(SECRET_MALFORMED, "binary");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "hello",
        "7",
        "[]",
        "{",
        "{} {}",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": 1e9999999999}"
      })
  void a_secret_that_is_no_json_object(String value) {
    function.store(value);

    assertFails(SECRET_MALFORMED, "is not a JSON object");
  }

  @Test
  void a_secret_without_a_key() {
    function.store("{\"refreshToken\": \"r\", \"validUntil\": \"1\"}");

    assertFails(SECRET_MALFORMED, "apiKey");
  }

  @Test
  void a_secret_whose_fields_are_of_the_wrong_kind() {
    function.store("{\"apiKey\": 7}");
    assertFails(SECRET_MALFORMED, "apiKey");

    String key = function.issueOldKey(Permissions.SUPER_USER).apiKey();
    function.store("{\"apiKey\": \"" + key + "\", \"refreshToken\": {}}");
    assertFails(SECRET_MALFORMED, "refreshToken");

    function.store("{\"apiKey\": \"" + key + "\", \"refreshToken\": \"r\", \"validUntil\": []}");
    assertFails(SECRET_MALFORMED, "validUntil");

    function.store(
        "{\"apiKey\": \"" + key + "\", \"refreshToken\": \"r\", \"validUntil\": \"soon\"}");
    assertFails(SECRET_MALFORMED, "validUntil");
  }

  @Test
  void a_secret_without_room_for_a_new_key() {
    String json = function.issueOldKey(Permissions.SUPER_USER).consoleJson();
    String start = json.replace("}", ",\"note\":\"");
    function.store(start + "x".repeat(65_536 - start.length() - 2) + "\"}");

    assertFails(SECRET_MALFORMED, "too large");
  }

  @Test
  void a_secret_with_two_different_keys() {
    String one = function.issueOldKey(Permissions.SUPER_USER).apiKey();
    String other = function.issueOldKey(Permissions.SUPER_USER).apiKey();
    function.store("{\"apiKey\": \"" + one + "\", \"authToken\": \"" + other + "\"}");

    assertFails(SECRET_MALFORMED, "two different keys");
  }

  @Test
  void a_key_that_is_none() {
    function.store("{\"apiKey\": \"hello\", \"refreshToken\": \"r\"}");

    assertFails(KEY_UNREADABLE, "neither a JWT nor base64");
  }

  @Test
  void a_legacy_key() {
    function.store(
        "{\"apiKey\": \"" + jwt("{\"cp\":\"a.b\",\"c\":\"c.d\"}") + "\", \"refreshToken\": \"r\"}");

    assertFails(KEY_NOT_REFRESHABLE, "a legacy key");
  }

  @Test
  void a_disposable_token() {
    IssuedKey token = function.momento().issue(Duration.ofHours(1), Permissions.DATA_ONLY);
    function.store("{\"apiKey\": \"" + token.apiKey() + "\"}");

    assertFails(KEY_NOT_REFRESHABLE, "has no refresh token");
  }

  @Test
  void a_bare_key() {
    function.store(function.issueOldKey(Permissions.SUPER_USER).apiKey());

    assertFails(KEY_NOT_REFRESHABLE, "a bare key");
  }

  @Test
  void a_key_that_never_expires() {
    function.store(function.momento().issueNonExpiring().consoleJson());

    assertFails(KEY_NOT_REFRESHABLE, "never expires");
  }

  @Test
  void an_expired_key() {
    IssuedKey key = function.storeKey();
    function.clock.advance(Duration.ofDays(3));

    assertFails(KEY_EXPIRED, "expired at " + key.validUntil());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"})
  void an_action_that_the_role_does_not_allow(String action) {
    function.storeKey();
    denyEvery(action);

    assertThatResult(function::rotate)
        .failedWith(ACCESS_DENIED)
        .says("secretsmanager:" + action + " on " + SECRET);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_secrets_manager_that_does_not_answer() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery("DescribeSecret", new Fault.Refuse<>(SecretsManagerException.unavailable()));

    assertFails(SECRETS_MANAGER_UNAVAILABLE, "secretsmanager:DescribeSecret");
  }

  @Test
  void a_fault_of_the_function_itself() {
    function.storeKey();
    String quote = function.currentJson().path("apiKey").asText();
    AtomicInteger looks = new AtomicInteger();
    function.handlersClock =
        () -> {
          // The look for the deadline comes first, and the log looks before and after each step.
          if (looks.incrementAndGet() == 6) {
            throw new IllegalStateException(quote);
          }
          return function.clock.instant();
        };

    assertFails(INTERNAL_ERROR, "java.lang.IllegalStateException");
    assertThat(function.log()).contains("INTERNAL_ERROR").doesNotContain(quote);
  }

  @Test
  void a_quota_of_secrets_manager_that_is_used_up() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.limitExceeded("Too many versions.")));

    assertFails(QUOTA_EXCEEDED, "secretsmanager:PutSecretValue");
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void a_gateway_in_place_of_secrets_manager() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery("DescribeSecret", new Fault.Refuse<>(SecretsManagerException.badGateway()));

    assertFails(SECRETS_MANAGER_UNAVAILABLE, "HTTP status 502");
  }

  @Test
  void a_replica() {
    function.storeKey();
    function.state().replicate(SECRET, "eu-west-1");

    assertFails(SECRET_IS_REPLICA, "its primary is in eu-west-1");
    assertThat(function.awsCalls().seen()).containsExactly("DescribeSecret");
  }

  @Test
  void a_replicas_primary_is_rotated() {
    function.storeKey();
    function.state().replicate(SECRET, "us-east-1");

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @ParameterizedTest
  @EnumSource(names = {"PROBE", "PROMOTE"})
  void a_replica_that_is_not_described_as_one(RotationCall call) {
    function.storeKey();
    at(call, new Fault.Refuse<>(SecretsManagerException.replica()));

    assertThatResult(function::rotate)
        .failedWith(SECRET_IS_REPLICA)
        .says(" SECRET_IS_REPLICA: secretsmanager:" + call.action());
  }

  @Test
  void an_expiry_in_milliseconds() {
    IssuedKey key = function.issueOldKey(Permissions.SUPER_USER);
    String seconds = "" + key.validUntilSeconds();
    function.store(key.consoleJson().replace("\"" + seconds + "\"", "\"" + seconds + "000\""));

    assertFails(SECRET_MALFORMED, "\"validUntil\"");
    assertThat(function.momento().calls().seen()).isEmpty();
  }

  @Test
  void a_secret_of_a_kind_that_cannot_be_written() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.invalidRequest("It is a replica.")));

    assertFails(ACCESS_DENIED, "secretsmanager:PutSecretValue");
  }

  private JsonNode invoke(String event) {
    return function.invoke(event, "1", Duration.ofMinutes(1));
  }

  private void assertFails(FailureReason reason, String fact) {
    Secret before = function.state().describe(SECRET);
    assertThatResult(function::rotate).failedWith(reason).says(fact);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
    assertThat(function.refreshes()).isZero();
  }

  private static String jwt(String claims) {
    return Jwt.with(claims);
  }
}
