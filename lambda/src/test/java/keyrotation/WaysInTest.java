package keyrotation;

import static java.time.temporal.ChronoUnit.DAYS;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each way in does, with the events that are given as samples. */
class WaysInTest {

  private final SandboxedFunction function = new SandboxedFunction(RefreshTokens.REUSABLE);

  @AfterEach
  void stop() {
    function.close();
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, ROTATED",
    "manual-secret-id.json, ROTATED",
    "if-due.json, ROTATED",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, ROTATED",
    "scheduler.json, ROTATED",
  })
  void a_key_with_little_life_left(String sample, String result) {
    function.storeKey();

    assertThat(result(send(sample))).isEqualTo(result);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, ROTATED",
    "manual-secret-id.json, ROTATED",
    "if-due.json, NOT_DUE",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, NOT_DUE",
    "scheduler.json, NOT_DUE",
  })
  void a_key_that_was_just_made(String sample, String result) {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    Version before = function.current();

    assertThat(result(send(sample))).isEqualTo(result);
    assertThat(function.current().equals(before)).isEqualTo(!result.equals("ROTATED"));
    assertThat(function.refreshes()).isEqualTo(result.equals("ROTATED") ? 1 : 0);
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, RESUMED",
    "if-due.json, RESUMED",
    "dry-run.json, WOULD_ROTATE",
    "scheduled-rule.json, RESUMED",
  })
  void an_unfinished_rotation(String sample, String result) {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.clock.advance(Duration.ofMinutes(1));
    function.leaveSuccessor(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThat(result(send(sample))).isEqualTo(result);
    assertThat(function.refreshes()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "manual.json, true",
    "if-due.json, true",
    "dry-run.json, true",
    "rollback.json, true",
    "scheduled-rule.json, false",
    "scheduler.json, false",
  })
  void a_secret_that_awaits_its_first_key(String sample, boolean isFailure) {
    function.state().create(SECRET, null, null, null);

    if (isFailure) {
      assertThatThrownBy(() -> send(sample))
          .isInstanceOf(InvocationFailedException.class)
          .hasMessageContaining("AWAITING_FIRST_KEY");
    } else {
      assertThat(result(send(sample))).isEqualTo("AWAITING_FIRST_KEY");
    }
    assertThat(function.state().describe(SECRET).versions()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"manual.json", "if-due.json", "scheduled-rule.json", "scheduler.json"})
  void the_same_event_twice_rotates_once(String sample) {
    function.storeKey();
    send(sample, "same");
    Version after = function.current();

    assertThat(result(send(sample, "same"))).isEqualTo("ALREADY_ROTATED");
    assertThat(function.current()).isEqualTo(after);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void the_same_schedule_at_the_same_time_rotates_once_whatever_lambda_calls_the_request() {
    function.storeKey();
    send("scheduler.json", "one");

    assertThat(result(send("scheduler.json", "other"))).isEqualTo("ALREADY_ROTATED");
  }

  @Test
  void a_renewal_that_failed_is_tried_again_at_the_next_check() {
    function.storeKey();
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.REFRESH, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    assertThatThrownBy(() -> send("scheduler.json"))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageContaining("MOMENTO_UNAVAILABLE");
    function.momento().calls().clearFaults();
    function.clock.advance(Duration.ofDays(1));

    assertThat(result(send("scheduler.json"))).isEqualTo("ROTATED");
  }

  @Test
  void a_dry_run_says_what_would_be_done_and_changes_nothing() {
    function.storeKey();
    var before = function.state().describe(SECRET);

    JsonNode answer = secret(send("dry-run.json"));

    assertThat(answer.path("due").asBoolean()).isTrue();
    assertThat(answer.path("resume").asBoolean(true)).isFalse();
    assertThat(function.awsCalls().seen()).contains("PutSecretValue");
    assertThat(function.momento().calls().seen()).containsExactly(MomentoServer.LIST_CACHES);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
  }

  @Test
  void a_dry_run_does_not_promise_to_take_up_what_a_rotation_would_drop() {
    function.storeKey();
    var _ =
        function.put(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson(), PENDING);
    assertThat(secret(send("dry-run.json")).path("resume").asBoolean(true)).isFalse();

    function.storeKey();
    function.leaveSuccessor("{}");
    assertThat(secret(send("dry-run.json")).path("resume").asBoolean(true)).isFalse();
  }

  @Test
  void a_check_of_a_fresh_key_costs_three_calls_and_leaves_all_labels_alone() {
    function.storeKey();
    send("manual.json");
    Map<String, Set<String>> labels = function.labels();
    int before = function.awsCalls().seen().size();

    assertThat(result(send("if-due.json"))).isEqualTo("NOT_DUE");

    assertThat(function.awsCalls().seen().stream().skip(before))
        .containsExactly("DescribeSecret", "GetSecretValue", "GetSecretValue");
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void a_dry_run_fails_where_a_rotation_would() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", SECRET)));
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("ACCESS_DENIED");
    function.awsCalls().clearFaults();

    function.clock.advance(Duration.ofDays(3));
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("KEY_EXPIRED");

    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      IssuedKey strangers = other.momento().issue(LIFETIME, Permissions.SUPER_USER);
      function.store(strangers.consoleJson());
    }
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("REFRESH_REJECTED");
  }

  @Test
  void a_rollback_makes_the_previous_key_current_and_leaves_nothing_pending() {
    IssuedKey old = function.storeKey();
    send("manual.json");
    Version left = function.current();

    JsonNode answer = secret(send("rollback.json"));

    assertThat(answer.path("result").asText()).isEqualTo("ROLLED_BACK");
    assertThat(answer.path("previous_version_id").asText()).isEqualTo(left.id());
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.labels())
        .containsOnly(
            Map.entry(function.current().id(), Set.of(CURRENT)),
            Map.entry(left.id(), Set.of(PREVIOUS)));
  }

  @Test
  void a_rollback_delivered_twice_goes_back_once() {
    function.storeKey();
    send("manual.json");
    send("rollback.json");
    Map<String, Set<String>> labels = function.labels();

    assertThat(result(send("rollback.json"))).isEqualTo("ROLLED_BACK");
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void a_rotation_that_was_rolled_back_before_another_is_not_done_again() {
    function.storeKey();
    send("manual.json", "early");
    send("rollback.json");
    send("manual.json");
    send("rollback.json");
    Map<String, Set<String>> labels = function.labels();

    assertThat(result(send("manual.json", "early"))).isEqualTo("ALREADY_ROTATED");
    assertThat(function.labels()).isEqualTo(labels);
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @Test
  void a_rotation_that_was_undone_twice_is_not_done_again() {
    function.storeKey();
    String first = function.current().id();
    send("manual.json", "early");
    moveCurrentTo(first);
    function.storeKey();
    moveCurrentTo(first);
    Map<String, Set<String>> labels = function.labels();

    assertThat(result(send("manual.json", "early"))).isEqualTo("ALREADY_ROTATED");
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void a_rollback_leaves_no_unfinished_rotation_to_be_taken_up() {
    function.storeKey();
    send("manual.json");
    function.leavePending(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());

    send("rollback.json");

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_rollback_leaves_what_was_made_of_the_key_that_it_leads_back_to() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    function.clock.advance(Duration.ofHours(1));
    assertThat(result(send("rollback.json"))).isEqualTo("ROLLED_BACK");

    assertThat(result(send("manual.json"))).isEqualTo("RESUMED");
  }

  @Test
  void a_rollback_drops_nothing_before_it_has_gone_back() {
    function.storeKey();
    Version old = function.current();
    send("manual.json");
    function.leavePending(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());
    function
        .awsCalls()
        .fromNth(
            "UpdateSecretVersionStage",
            2,
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("UpdateSecretVersionStage", SECRET)));

    assertThatThrownBy(() -> send("rollback.json")).hasMessageContaining("ACCESS_DENIED");
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void a_rollback_that_fails_leaves_an_unfinished_rotation_to_be_taken_up() {
    function.storeKey();
    send("manual.json");
    function.leaveSuccessor(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());
    function
        .awsCalls()
        .onNext(
            "UpdateSecretVersionStage",
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("UpdateSecretVersionStage", SECRET)));
    assertThatThrownBy(() -> send("rollback.json")).hasMessageContaining("ACCESS_DENIED");

    assertThat(result(send("manual.json"))).isEqualTo("RESUMED");
  }

  @Test
  void a_rollback_that_died_half_way_is_done_by_the_next() {
    function.storeKey();
    Version old = function.current();
    send("manual.json");
    moveCurrentTo(old.id());

    assertThat(result(send("rollback.json"))).isEqualTo("ROLLED_BACK");
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void a_dry_run_knows_that_an_unfinished_rotation_would_heal_a_broken_secret() {
    function.store("{}");
    function.leaveSuccessor(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThat(secret(send("dry-run.json")).path("resume").asBoolean()).isTrue();
  }

  @Test
  void there_is_no_rollback_without_a_previous_key_or_to_a_dead_one() {
    function.storeKey();
    assertThatThrownBy(() -> send("rollback.json")).hasMessageContaining("CANNOT_ROLL_BACK");

    send("manual.json");
    Version current = function.current();
    function.clock.advance(Duration.ofDays(3));
    assertThatThrownBy(() -> send("rollback.json")).hasMessageContaining("CANNOT_ROLL_BACK");
    assertThat(function.current()).isEqualTo(current);
  }

  @Test
  void there_is_no_rollback_to_what_is_no_key_that_momento_can_be_asked_about() {
    for (String value : List.of("{}", "{\"apiKey\":\"" + Jwt.with("{\"t\":\"g\"}") + "\"}")) {
      function.store(value);
      function.storeKey();

      assertThatThrownBy(() -> send("rollback.json")).hasMessageContaining("CANNOT_ROLL_BACK");
    }
  }

  @Test
  void a_rotation_after_a_rollback_makes_a_new_key() {
    function.storeKey();
    send("manual.json");
    Version left = function.current();
    send("rollback.json");

    assertThat(result(send("manual.json"))).isEqualTo("ROTATED");
    assertThat(function.current().id()).isNotEqualTo(left.id());
  }

  /** As somebody does at the console. */
  private void moveCurrentTo(String versionId) {
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), versionId);
  }

  private JsonNode send(String sample) {
    return send(sample, UUID.randomUUID().toString());
  }

  private JsonNode send(String sample, String requestId) {
    return function.invoke(sample(sample, function.now()), requestId, Duration.ofMinutes(1));
  }

  /** Returns a sample, which is as if it had been sent now if it is a scheduled event. */
  static String sample(String name, Instant now) {
    return sample(name)
        .replaceAll("\"time\": \"[^\"]*\"", "\"time\": \"" + now.truncatedTo(DAYS) + "\"");
  }

  static String sample(String name) {
    try {
      return Files.readString(Path.of("../events", name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static JsonNode secret(JsonNode report) {
    assertThat(report.path("failed").asBoolean(true)).isFalse();
    assertThat(report.path("secrets")).hasSize(1);
    return report.path("secrets").path(0);
  }

  private static String result(JsonNode report) {
    return secret(report).path("result").asText();
  }
}
