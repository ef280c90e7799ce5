package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.PROBE;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.lang.reflect.Field;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import keyrotation.Scenario.Trigger;
import keyrotation.core.RateLimit;
import keyrotation.momento.MomentoClient;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.SecretStore;
import momento.sdk.auth.CredentialProvider;
import org.junit.jupiter.api.Test;

/** What a rotation does where nothing goes wrong. */
class RotationTest extends FunctionTestBase {

  @Test
  void makes_a_new_key_current_and_the_old_one_previous() {
    IssuedKey old = function.storeKey();
    Version before = function.current();

    JsonNode response = function.rotate();

    assertThatResult(response)
        .is(ROTATED)
        .hasVersion(function.current().id())
        .hasPreviousVersion(before.id())
        .expiresAt(function.now().truncatedTo(ChronoUnit.SECONDS).plus(LIFETIME));
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.currentJson().path("apiKey").asText()).isNotEqualTo(old.apiKey());
    assertThat(function.labels())
        .containsOnly(
            Map.entry(before.id(), Set.of(PREVIOUS)),
            Map.entry(function.current().id(), Set.of(CURRENT)));
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void makes_each_call_once_when_nothing_goes_wrong() {
    function.storeKey();

    function.rotate();

    assertThat(function.sandbox.callsSeen())
        .containsExactlyElementsOf(
            Arrays.stream(RotationCall.values()).map(RotationCall::action).toList());
  }

  @Test
  void writes_what_momentos_own_sdk_takes() {
    function.storeKey();

    function.rotate();

    CredentialProvider credentials =
        CredentialProvider.fromString(function.currentJson().path("apiKey").asText());
    assertThat(credentials.getControlEndpoint()).startsWith("control.");
    assertThat(function.currentJson().path("validUntil").asText())
        .isEqualTo("" + function.clock.instant().plus(LIFETIME).getEpochSecond());
    assertThat(function.currentJson().path("validUntil").isTextual()).isTrue();
  }

  @Test
  void finds_a_secret_by_its_arn() {
    function.storeKey();
    String arn = function.state().describe(SECRET).arn();

    assertThatResult(
            function.invoke(SandboxedFunction.manualEvent(arn), "1", Duration.ofMinutes(1)))
        .is(ROTATED)
        .isOf(SECRET);
    assertThat(function.log()).contains("\"secret\":\"" + SECRET + "\",\"step\":\"read_current\"");
  }

  @Test
  void rotates_a_rotated_key_again() {
    function.storeKey();
    function.rotate();
    function.clock.advance(Duration.ofDays(20));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(2);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void two_rotations_within_a_second_make_two_good_keys_that_end_at_the_same_time() {
    function.storeKey();
    function.rotate();
    String first = function.currentJson().path("validUntil").asText();

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.currentJson().path("validUntil").asText()).isEqualTo(first);
    assertThat(function.refreshes()).isEqualTo(2);
    function.clock.advance(Duration.ofHours(1));
    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void rotates_a_key_that_may_not_list_caches() {
    IssuedKey old = function.issueOldKey(Permissions.DATA_ONLY);
    function.store(old.consoleJson());

    assertThatResult(function.rotate()).is(ROTATED);
  }

  /** A restored snapshot of SnapStart does not know how much time has passed. */
  @Test
  void keeps_nothing_that_counts_time_from_one_invocation_to_the_next() {
    assertThat(RotationHandler.class.getDeclaredFields())
        .extracting(Field::getType)
        .doesNotContain(RateLimit.class, SecretStore.class, MomentoClient.class);
  }

  @Test
  void shows_nothing_secret_in_answers_errors_or_log() {
    function.storeKey();
    var _ = Trigger.MANUAL.request(function, "1");
    IssuedKey stranger = strangersKey();
    function.leaveSuccessor(stranger.consoleJson());
    function.momento().refuseNewKeysAtFirst(1000);
    var _ = Trigger.MANUAL.request(function, "2");
    function.clock.advance(Duration.ofMinutes(11));
    String quote = function.currentJson().toString();
    at(PROBE, new Fault.Refuse<>(SecretsManagerException.validation(quote)));
    var _ = Trigger.MANUAL.request(function, "3");
    answerEvery(REFRESH, Status.INTERNAL.withDescription(quote));
    var _ = Trigger.MANUAL.request(function, "4");

    assertThat(function.shown())
        .contains("\"step\":\"promote\"")
        .contains("NEW_KEY_REJECTED", "SECRETS_MANAGER_UNAVAILABLE", "MOMENTO_UNAVAILABLE");
    Invariants.nothingLeaks(function);
    Invariants.nothingLeaks(List.of(stranger), function.shown());
  }
}
