package keyrotation;

import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.SandboxedFunction.json;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Metadata;
import io.grpc.Status;
import java.lang.reflect.Field;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
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
import momento.sdk.auth.CredentialProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What happens to a secret, through the handler, on good days and on bad ones. */
@Execution(ExecutionMode.CONCURRENT)
class RotationTest {

  private SandboxedFunction function = new SandboxedFunction(RefreshTokens.SINGLE_USE);

  @AfterEach
  void stop() {
    function.close();
  }

  @Test
  void makes_a_new_key_current_and_the_old_one_previous() {
    IssuedKey old = function.storeKey();
    Version before = function.current();

    JsonNode answer = function.rotate();

    assertThat(answer.path("result").asText()).isEqualTo("ROTATED");
    assertThat(answer.path("secret").asText()).isEqualTo(SECRET);
    assertThat(answer.path("version_id").asText()).isEqualTo(function.current().id());
    assertThat(answer.path("previous_version_id").asText()).isEqualTo(before.id());
    assertThat(answer.path("valid_until").asText())
        .isEqualTo(function.now().truncatedTo(ChronoUnit.SECONDS).plus(LIFETIME).toString());
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.currentJson().path("apiKey").asText()).isNotEqualTo(old.apiKey());
    assertThat(function.labels())
        .containsOnly(
            Map.entry(before.id(), Set.of(PREVIOUS)),
            Map.entry(function.current().id(), Set.of(CURRENT)));
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void asks_nobody_twice_when_nothing_goes_wrong() {
    function.storeKey();

    function.rotate();

    assertThat(function.sandbox.callsSeen())
        .containsExactly(
            "DescribeSecret",
            "GetSecretValue",
            "GetSecretValue",
            "PutSecretValue",
            MomentoServer.REFRESH,
            "PutSecretValue",
            "GetSecretValue",
            MomentoServer.LIST_CACHES,
            "DescribeSecret",
            "UpdateSecretVersionStage",
            "UpdateSecretVersionStage");
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

    JsonNode answer =
        function
            .invoke(SandboxedFunction.manualEvent(arn), "1", Duration.ofMinutes(1))
            .path("secrets")
            .path(0);

    assertThat(answer.path("result").asText()).isEqualTo("ROTATED");
    assertThat(answer.path("secret").asText()).isEqualTo(SECRET);
    assertThat(function.log()).contains("\"secret\":\"" + SECRET + "\",\"step\":\"read_current\"");
  }

  @Test
  void rotates_a_rotated_key_again() {
    function.storeKey();
    function.rotate();
    function.clock.advance(Duration.ofDays(20));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(2);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void does_nothing_when_the_same_request_is_delivered_again() {
    function.storeKey();
    function.rotate("same");
    Map<String, Set<String>> labels = function.labels();

    JsonNode answer = function.rotate("same");

    assertThat(answer.path("result").asText()).isEqualTo("ALREADY_ROTATED");
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

    assertThat(function.rotate("early").path("result").asText()).isEqualTo("ALREADY_ROTATED");
    assertThat(function.refreshes()).isEqualTo(1 + others);
  }

  @Test
  void two_rotations_within_a_second_make_two_good_keys_that_end_at_the_same_time() {
    function.storeKey();
    function.rotate();
    String first = function.currentJson().path("validUntil").asText();

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.currentJson().path("validUntil").asText()).isEqualTo(first);
    assertThat(function.refreshes()).isEqualTo(2);
    function.clock.advance(Duration.ofHours(1));
    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void rotates_a_key_that_may_not_list_caches() {
    IssuedKey old = function.issueOldKey(Permissions.DATA_ONLY);
    function.store(old.consoleJson());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void waits_for_a_new_key_to_be_known() {
    stop();
    function = new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(2);

    assertThat(function.rotate("1", Duration.ofMinutes(1)).path("result").asText())
        .isEqualTo("ROTATED");
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(3);
  }

  @Test
  void mints_nothing_without_the_right_to_write() {
    IssuedKey old = function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", SECRET)));

    assertFails("ACCESS_DENIED", "secretsmanager:PutSecretValue");

    assertThat(function.refreshes()).isZero();
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
  }

  @Test
  void the_proof_of_the_right_to_write_changes_nothing() {
    function.storeKey();
    Version before = function.current();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertFails("MOMENTO_UNAVAILABLE", SECRET);

    assertThat(function.awsCalls().seen()).contains("PutSecretValue");
    assertThat(function.labels()).containsOnly(Map.entry(before.id(), Set.of(CURRENT)));
    assertThat(function.current().value()).isEqualTo(before.value());
  }

  @ParameterizedTest
  @ValueSource(longs = {10_000, 10_999})
  void mints_nothing_when_too_little_time_is_left_to_store_it(long millis) {
    function.storeKey();

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMillis(millis)))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("OUT_OF_TIME")
        .hasMessageContaining("Too little time was left to refresh");

    assertThat(function.refreshes()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {11_000, 11_200, 13_200})
  void leaves_a_new_key_as_pending_when_too_little_time_is_left_to_prove_it(long millis) {
    function.storeKey();

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMillis(millis)))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("OUT_OF_TIME")
        .hasMessageContaining("stays stored");

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isZero();
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
  }

  @ParameterizedTest
  @CsvSource({"13300, NEW_KEY_REJECTED", "13299, OUT_OF_TIME"})
  void calls_a_new_key_rejected_only_if_there_was_time_for_all_of_the_grace(
      long millis, String reason) {
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMillis(millis)))
        .hasMessageContaining(reason);

    assertThat(function.successor()).isPresent();
  }

  @Test
  void proves_and_promotes_a_pending_key_instead_of_minting_another() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());

    JsonNode answer = function.rotate();

    assertThat(answer.path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isZero();
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void knows_a_request_that_took_up_the_pending_key_of_another() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());
    function.rotate("same");

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void takes_up_a_rotation_that_ended_between_storing_and_promoting() {
    function.storeKey();
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            1,
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("UpdateSecretVersionStage", SECRET)));
    assertFails("same", "ACCESS_DENIED", "UpdateSecretVersionStage");

    JsonNode answer = function.rotate("same");

    assertThat(answer.path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void heals_a_broken_current_version_with_the_pending_key() {
    function.store("{}");
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());

    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void does_not_put_an_older_pending_key_over_what_an_operator_has_stored() {
    function.storeKey();
    IssuedKey stale = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    Version pending = function.leaveSuccessor(stale.consoleJson());
    IssuedKey operators = function.storeKey();

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.labels()).containsKey(pending.id());

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentJson().path("apiKey").asText())
        .isNotIn(stale.apiKey(), operators.apiKey());
    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void gives_up_a_successor_that_momento_rejects_and_refreshes_again() {
    function.storeKey();
    Version dead = function.leaveSuccessor(strangersKey().consoleJson());
    function.clock.advance(Duration.ofMinutes(11));

    JsonNode answer = function.rotate();

    assertThat(answer.path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.labels()).doesNotContainKey(dead.id());
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void does_not_resume_with_a_value_that_is_no_key() {
    function.storeKey();
    Version junk = function.leaveSuccessor("hello");

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.labels()).doesNotContainKey(junk.id());
  }

  @Test
  void passes_over_a_pending_label_without_a_value() {
    function.storeKey();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void neither_promotes_nor_condemns_a_key_that_nobody_could_ask_about() {
    function.storeKey();
    Version before = function.current();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));

    assertFails("MOMENTO_UNAVAILABLE", "stays stored");

    assertThat(function.current().id()).isEqualTo(before.id());
    Version pending = function.successor().orElseThrow();
    function.momento().calls().clearFaults();
    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.current().value()).isEqualTo(pending.value());
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void outlasts_a_momento_that_is_out_of_reach_for_longer_than_the_grace() {
    function.storeKey();
    for (int call = 1; call <= 3; call++) {
      function
          .momento()
          .calls()
          .onNth(
              MomentoServer.LIST_CACHES,
              call,
              new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    }

    assertThat(function.rotate("1", Duration.ofMinutes(1)).path("result").asText())
        .isEqualTo("ROTATED");
  }

  @Test
  void a_key_that_momento_made_and_does_not_accept_is_not_promoted() {
    IssuedKey old = function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertFails("NEW_KEY_REJECTED", "current key was not changed");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.successor()).isPresent();
  }

  @Test
  void a_key_that_momento_does_not_accept_yet_is_asked_about_again() {
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.clock.advance(Duration.ofMinutes(9));
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.momento().acceptAllKeys();

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_no_new_key_up_while_momento_accepts_not_even_the_current_one() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(Status.UNAUTHENTICATED.asRuntimeException()));
    assertFails("same", "NEW_KEY_REJECTED", "stays stored");
    function.clock.advance(Duration.ofMinutes(11));
    assertFails("same", "REFRESH_REJECTED", "rejects the current key");
    function.momento().calls().clearFaults();

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void the_same_request_tries_another_key_after_one_was_rejected() {
    stop();
    function = new SandboxedFunction(RefreshTokens.REUSABLE);
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);
    assertFails("same", "NEW_KEY_REJECTED", SECRET);
    function.clock.advance(Duration.ofMinutes(11));
    assertFails("same", "NEW_KEY_REJECTED", SECRET);
    function.clock.advance(Duration.ofMinutes(11));
    function.momento().refuseNewKeysAtFirst(0);

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");
    assertThat(function.refreshes()).isEqualTo(3);
  }

  @Test
  void a_rotation_that_somebody_went_back_from_is_not_done_again_while_an_operator_stores_a_key() {
    function.storeKey();
    Version old = function.current();
    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");
    var _ = function.state().moveLabel(SECRET, CURRENT, function.current().id(), old.id());
    function.awsCalls().onNext("GetSecretValue", new Fault.Before<>(function::storeKeyAtOnce));

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");

    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void what_an_operator_stores_while_a_key_is_minted_stays() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    function
        .momento()
        .calls()
        .onNext(MomentoServer.REFRESH, new Fault.Before<>(() -> storeAtOnce(operators)));

    assertFails("same", "SUPERSEDED", "left in place");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertThat(function.successor()).isEmpty();
    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void what_an_operator_stores_while_a_key_is_minted_stays_even_if_nobody_looks_afterwards() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    function
        .momento()
        .calls()
        .onNext(MomentoServer.REFRESH, new Fault.Before<>(() -> storeAtOnce(operators)));
    stageOnly("same");

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void resumes_with_no_version_that_an_operator_has_labelled_pending() {
    function.storeKey();
    String strangers = function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson();
    var _ = function.put(strangers, PENDING);

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void goes_on_trying_to_store_a_minted_key_while_there_is_time() {
    function.storeKey();
    // Three times three tries: the AWS SDK's own are used up twice.
    for (int call = 2; call <= 8; call++) {
      function
          .awsCalls()
          .onNth("PutSecretValue", call, new Fault.Refuse<>(SecretsManagerException.unavailable()));
    }

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void goes_on_trying_to_store_a_minted_key_even_where_that_is_refused() {
    function.storeKey();
    function.awsCalls().onNth("PutSecretValue", 2, notAllowedToPut());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_up_storing_a_minted_key_where_it_is_refused_for_half_a_minute() {
    function.storeKey();
    function.awsCalls().fromNth("PutSecretValue", 2, notAllowedToPut());
    function.handlersClock =
        () ->
            function.clock.instant().plusSeconds(20L * function.awsCalls().count("PutSecretValue"));

    assertThatThrownBy(() -> function.rotate("1", Duration.ofMinutes(5)))
        .hasMessageContaining("ACCESS_DENIED");
    assertThat(function.awsCalls().count("PutSecretValue")).isEqualTo(3);
  }

  private static Fault<SecretsManagerException> notAllowedToPut() {
    return new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", SECRET));
  }

  @Test
  void gives_up_storing_a_minted_key_when_there_is_no_time_for_another_try() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Before<>(() -> function.clock.advance(Duration.ofSeconds(5))));
    function
        .awsCalls()
        .fromNth("PutSecretValue", 2, new Fault.Refuse<>(SecretsManagerException.badGateway()));

    assertFails("SECRETS_MANAGER_UNAVAILABLE", "secretsmanager:PutSecretValue");
  }

  @Test
  void does_not_undo_that_an_operator_went_back_to_the_previous_key() {
    function.storeKey();
    Version old = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), old.id());

    assertFails("REFRESH_REJECTED", "still works");
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void does_not_resume_with_a_key_that_ends_earlier_or_cannot_be_renewed() {
    IssuedKey old = function.storeKey();
    Version same = function.leaveSuccessor(old.consoleJson());
    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.labels()).doesNotContainKey(same.id());

    IssuedKey shorter = function.momento().issue(Duration.ofHours(1), Permissions.SUPER_USER);
    Version ending = function.leaveSuccessor(shorter.consoleJson());
    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.labels()).doesNotContainKey(ending.id());

    IssuedKey fresh = function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER);
    Version bare = function.leaveSuccessor("{\"apiKey\":\"" + fresh.apiKey() + "\"}");
    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.labels()).doesNotContainKey(bare.id());
  }

  @Test
  void does_not_resume_with_a_value_that_is_binary() {
    function.storeKey();
    function.clock.advance(Duration.ofSeconds(1));
    String id = UUID.randomUUID().toString();
    String label = StagingLabel.replaces(function.current().id());
    function.state().put(SECRET, id, new Value.Binary("AAEC"), Set.of(label));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.labels()).doesNotContainKey(id);
  }

  @Test
  void does_not_condemn_a_new_key_for_want_of_time() {
    stop();
    function = new SandboxedFunction(RefreshTokens.SINGLE_USE, Duration.ofSeconds(20));
    function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    assertThatThrownBy(
            () ->
                function.invoke(
                    SandboxedFunction.manualEvent(SECRET), "1", Duration.ofMillis(13_500)))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("OUT_OF_TIME")
        .hasMessageContaining("stays stored");

    assertThat(function.successor()).isPresent();
  }

  @Test
  void what_an_operator_stores_meanwhile_stays() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    function
        .awsCalls()
        .onNth("UpdateSecretVersionStage", 1, new Fault.Before<>(() -> storeAtOnce(operators)));

    assertFails("SUPERSEDED", "AWSCURRENT");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
  }

  @ParameterizedTest
  @CsvSource({
    "DescribeSecret, 2",
    "GetSecretValue, 3",
    "PutSecretValue, 2",
    "UpdateSecretVersionStage, 2",
  })
  void lost_answers_of_secrets_manager_do_no_harm(String action, int times) {
    for (int call = 1; call <= times; call++) {
      function.storeKey();
      int minted = function.refreshes();
      int before = function.awsCalls().count(action);
      // The JDK's HTTP client hides the first from the AWS SDK by asking again.
      function.awsCalls().onNth(action, call, new Fault.DropResponse<>());
      function.awsCalls().onNth(action, call + 1, new Fault.DropResponse<>());

      assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

      assertThat(function.awsCalls().count(action)).isGreaterThanOrEqualTo(before + times + 2);
      assertThat(function.refreshes()).isEqualTo(minted + 1);
      assertThat(function.currentKeyWorks()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({"GetSecretValue, 1", "GetSecretValue, 2", "GetSecretValue, 3"})
  void a_read_that_does_not_see_the_latest_write_does_no_harm(String action, int call) {
    function.storeKey();
    function.storeKey();
    function.awsCalls().onNth(action, call, new Fault.ReadStale<>());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void gives_up_on_a_current_version_that_no_read_sees() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery("GetSecretValue", new Fault.Refuse<>(SecretsManagerException.notFound("")));

    assertFails("SECRETS_MANAGER_UNAVAILABLE", "no readable value yet");
    assertThat(function.awsCalls().count("GetSecretValue")).isEqualTo(5);
  }

  @Test
  void a_description_that_is_out_of_date_does_not_make_a_second_key() {
    function.storeKey();
    function.rotate("same");
    function.awsCalls().onNext("DescribeSecret", new Fault.ReadStale<>());

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ALREADY_ROTATED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_delivery_that_comes_while_another_stages_takes_up_its_key() {
    function.storeKey();
    function.awsCalls().onNext("GetSecretValue", new Fault.Before<>(() -> stageOnly("same")));

    JsonNode answer = function.rotate("same");

    assertThat(answer.path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  /** Stores a key as an operator does, and takes no time over it. */
  private void storeAtOnce(IssuedKey key) {
    function
        .state()
        .put(
            SECRET,
            UUID.randomUUID().toString(),
            new Value.Text(key.consoleJson()),
            Set.of(CURRENT));
  }

  /** Carries a request out up to the point where its key is stored as pending. */
  private void stageOnly(String requestId) {
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    assertThatThrownBy(() -> function.rotate(requestId, Duration.ofSeconds(14)))
        .hasMessageContaining("MOMENTO_UNAVAILABLE")
        .hasMessageContaining("stays stored");
    function.momento().calls().clearFaults();
  }

  @Test
  void looks_again_where_a_label_is_said_not_to_have_moved_and_seems_to_be_where_it_was() {
    function.storeKey();
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            1,
            new Fault.FailAfterwards<>(
                SecretsManagerException.invalidParameter("It is not attached to that version.")));
    function.awsCalls().onNth("DescribeSecret", 3, new Fault.ReadStale<>());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"})
  void throttling_passes(String action) {
    function.storeKey();
    function.awsCalls().onNext(action, new Fault.Refuse<>(SecretsManagerException.throttled()));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void an_update_that_is_done_and_told_as_failed_is_seen_to_be_done() {
    function.storeKey();
    function
        .awsCalls()
        .onNext(
            "UpdateSecretVersionStage",
            new Fault.FailAfterwards<>(
                SecretsManagerException.invalidParameter("It is not attached to that version.")));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_lost_new_key_is_minted_again_where_the_refresh_token_allows_it() {
    stop();
    function = new SandboxedFunction(RefreshTokens.REUSABLE);
    function.storeKey();
    function.momento().calls().onNext(MomentoServer.REFRESH, new Fault.DropResponse<>());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void a_lost_new_key_of_a_spent_refresh_token_is_told_with_the_time_that_is_left() {
    IssuedKey old = function.storeKey();
    function.momento().calls().onNext(MomentoServer.REFRESH, new Fault.DropResponse<>());

    assertFails("REFRESH_REJECTED", "still works; it expires: " + old.validUntil());
  }

  @Test
  void asks_a_throttling_momento_again_but_not_before_it_wants_to_be_asked() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofMillis(700))));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.momento().calls().pauseBefore(MomentoServer.REFRESH, 2))
        .isGreaterThanOrEqualTo(Duration.ofMillis(700));
  }

  @Test
  void asks_a_momento_again_at_once_that_does_not_mind() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH, new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ZERO)));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void does_not_mind_a_time_to_ask_again_that_is_none() {
    function.storeKey();
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "soon");
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(Status.RESOURCE_EXHAUSTED.asRuntimeException(trailers)));

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
  }

  @Test
  void does_not_wait_longer_for_momento_than_there_is_time() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofHours(1))));

    assertFails("MOMENTO_THROTTLED", "RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void does_not_ask_a_momento_again_that_never_wants_to_be_asked() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(MomentoServer.throttledFor(Duration.ofMillis(-1))));

    assertFails("MOMENTO_THROTTLED", "RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void gives_up_on_a_throttling_momento_after_some_tries() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(MomentoServer.REFRESH, new Fault.Refuse<>(MomentoServer.throttled()));

    assertFails("MOMENTO_THROTTLED", "RESOURCE_EXHAUSTED");
    assertThat(function.refreshes()).isEqualTo(4);
  }

  @Test
  void two_deliveries_at_once_promote_one_key() {
    stop();
    function = new SandboxedFunction(RefreshTokens.REUSABLE);
    function.storeKey();
    function
        .awsCalls()
        .onNth("PutSecretValue", 2, new Fault.Before<>(() -> function.rotate("same")));

    assertThat(function.rotate("same").path("result").asText()).isEqualTo("ROTATED");

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.refreshes()).isEqualTo(2);
    assertThat(function.state().describe(SECRET).versions()).hasSize(2);
  }

  @Test
  void a_refused_refresh_is_no_cause_for_alarm_where_an_operator_has_stored_another_key() {
    IssuedKey old = function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Before<>(
                () -> {
                  var _ = function.momento().refresh(old);
                  storeAtOnce(operators);
                }));

    assertFails("SUPERSEDED", "another version became AWSCURRENT");
    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(2);
  }

  @Test
  void a_refused_refresh_is_no_cause_for_alarm_where_another_rotation_stores_its_key_just_then() {
    IssuedKey fresh = function.momento().refresh(function.storeKey());
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            3,
            new Fault.Before<>(
                () -> {
                  var _ = function.leaveSuccessor(fresh.consoleJson());
                }));

    assertFails("SUPERSEDED", "Another rotation used the refresh token");
    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(3);
  }

  @Test
  void does_not_repeat_a_read_that_is_refused() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "GetSecretValue",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("GetSecretValue", SECRET)));

    assertFails("ACCESS_DENIED", "secretsmanager:GetSecretValue");
    assertThat(function.awsCalls().count("GetSecretValue")).isEqualTo(1);
  }

  @Test
  void a_refresh_token_that_another_rotation_has_spent_is_no_cause_for_alarm() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(MomentoServer.REFRESH, new Fault.Before<>(() -> function.rotate("other")));

    assertFails("one", "SUPERSEDED", "Another rotation");

    assertThat(function.currentKeyWorks()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(NewKeyFlaw.class)
  void an_answer_that_is_no_better_key_is_not_stored(NewKeyFlaw flaw) {
    IssuedKey old = function.storeKey();
    Version before = function.current();
    function
        .momento()
        .alterRefreshAnswers(
            answer ->
                switch (flaw) {
                  case SAME_KEY -> answer.toBuilder().setApiKey(old.token()).build();
                  case NO_KEY -> answer.toBuilder().clearApiKey().build();
                  case GARBLED_KEY -> answer.toBuilder().setApiKey("a b").build();
                  case NO_REFRESH_TOKEN -> answer.toBuilder().clearRefreshToken().build();
                  case NO_ENDPOINT -> answer.toBuilder().clearEndpoint().build();
                  case ENDPOINT_WITH_PATH -> answer.toBuilder().setEndpoint("a.b/c").build();
                  case NO_LATER ->
                      answer.toBuilder().setValidUntil(old.validUntilSeconds()).build();
                  case BEFORE_1970 -> answer.toBuilder().setValidUntil(-1).build();
                  case BEYOND_ALL_TIME -> answer.toBuilder().setValidUntil(Long.MAX_VALUE).build();
                });

    function.clock.advance(Duration.ofMinutes(2));

    assertFails("NEW_KEY_INVALID", "The current key was not changed");

    assertThat(function.state().describe(SECRET).versions())
        .extracting(Version::id)
        .containsExactly(before.id());
  }

  enum NewKeyFlaw {
    SAME_KEY,
    NO_KEY,
    GARBLED_KEY,
    NO_REFRESH_TOKEN,
    NO_ENDPOINT,
    ENDPOINT_WITH_PATH,
    NO_LATER,
    BEFORE_1970,
    BEYOND_ALL_TIME
  }

  @Test
  void a_new_key_that_never_expires_is_later_than_any() {
    function.storeKey();
    String opaque = function.momento().issueNonExpiring().token();
    function
        .momento()
        .alterRefreshAnswers(
            answer -> answer.toBuilder().setApiKey(opaque).setValidUntil(0).build());

    assertThat(function.rotate().path("result").asText()).isEqualTo("ROTATED");
    assertThat(function.currentJson().path("validUntil").asText()).isEqualTo("0");
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
    function
        .awsCalls()
        .onNth("PutSecretValue", 1, new Fault.Refuse<>(SecretsManagerException.validation(quote)));
    var _ = Trigger.MANUAL.request(function, "3");
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH,
            new Fault.Refuse<>(Status.INTERNAL.withDescription(quote).asRuntimeException()));
    var _ = Trigger.MANUAL.request(function, "4");

    assertThat(function.shown())
        .contains("\"step\":\"promote\"")
        .contains("NEW_KEY_REJECTED", "SECRETS_MANAGER_UNAVAILABLE", "MOMENTO_UNAVAILABLE");
    Invariants.nothingLeaks(function);
    Invariants.nothingLeaks(List.of(stranger), function.shown());
  }

  private IssuedKey strangersKey() {
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      return other.momento().issue(LIFETIME, Permissions.SUPER_USER);
    }
  }

  private void assertFails(String reason, String fact) {
    assertFails(UUID.randomUUID().toString(), reason, fact);
  }

  private void assertFails(String requestId, String reason, String fact) {
    assertThatThrownBy(() -> function.rotate(requestId))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageStartingWith(SECRET + " was not rotated. " + reason + ": ")
        .hasMessageContaining(fact);
  }
}
