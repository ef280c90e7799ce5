package keyrotation;

import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.IssuedKey.Permissions.SUPER_USER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Keys;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The figures in the log that the metrics are made of. */
class LogFiguresTest extends FunctionTestBase {

  private static final Duration LIFE = Duration.ofDays(90);

  /** A few seconds of the runs themselves. */
  private static final Offset<Double> A_LITTLE = within(0.02);

  @Test
  void a_result_line_tells_how_the_current_key_is() {
    function.store(function.momento().issue(LIFE, SUPER_USER).consoleJson());
    function.pass(Duration.ofHours(12));

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("NOT_DUE");
    assertThat(line.path("trigger").asText()).isEqualTo("schedule");
    assertThat(line.path("days_to_expiry").asDouble()).isEqualTo(89.5, A_LITTLE);
    assertThat(line.path("key_age_days").asDouble()).isEqualTo(0.5, A_LITTLE);
    assertThat(line.path("expires_soon").asInt(-1)).isZero();
    assertThat(line.path("runs_overdue").asDouble(-1)).isZero();
    assertThat(line.path("days_without_key").asDouble(-1)).isZero();
    assertThat(line.path("own_rotation_overdue_hours").asDouble(-1)).isZero();
  }

  @Test
  void a_failed_run_tells_for_how_many_intervals_the_key_has_been_overdue() {
    function.store(function.momento().issue(LIFE, SUPER_USER).consoleJson());
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);

    // A v1 key is due after a day, less two hours.
    for (int day = 1; day <= 3; day++) {
      function.pass(Duration.ofDays(1));
      JsonNode line = runAndRead();
      assertThat(line.path("reason").asText()).isEqualTo("MOMENTO_UNAVAILABLE");
      assertThat(line.path("runs_overdue").asDouble()).isEqualTo(day - 1 + 2 / 24.0, A_LITTLE);
      assertThat(line.path("days_to_expiry").asDouble()).isEqualTo(90 - day, A_LITTLE);
      assertThat(runLine().path("failed_wait").asInt()).isOne();
      assertThat(runLine().path("failed_person").asInt(-1)).isZero();
    }
    function.momento().calls().clearFaults();
    function.pass(Duration.ofDays(1));

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("ROTATED");
    assertThat(line.path("runs_overdue").asDouble(-1)).isZero();
    assertThat(line.path("key_age_days").asDouble(-1)).isZero();
    assertThat(line.path("days_to_expiry").asDouble()).isEqualTo(90, A_LITTLE);
  }

  @Test
  void a_key_expires_soon_if_two_more_runs_might_come_too_late() {
    function.store(function.momento().issue(Duration.ofDays(4), SUPER_USER).consoleJson());
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);
    function.pass(Duration.ofHours(69));
    assertThat(runAndRead().path("expires_soon").asInt(-1)).isZero();

    function.pass(Duration.ofHours(1));

    assertThat(runAndRead().path("expires_soon").asInt()).isOne();
  }

  @Test
  void a_key_that_never_expires_has_no_days_to_expiry() {
    restart(new SandboxedFunction(KeyKind.V2));
    function.storeManagementKey();
    function.store(
        function.v2Keys().issue(V2Keys.OPERATOR, "console", Optional.empty()).consoleJson());

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("NOT_DUE");
    assertThat(line.has("days_to_expiry")).isFalse();
    assertThat(line.path("expires_soon").asInt(-1)).isZero();
    assertThat(line.path("runs_overdue").asDouble(-1)).isZero();
  }

  @Test
  void a_paused_secret_is_overdue_only_when_its_key_comes_near_its_end() {
    function.store(function.momento().issue(LIFE, SUPER_USER).consoleJson());
    function.state().tag(SECRET, Map.of("momento:paused", "true"));
    function.pass(Duration.ofDays(59));
    JsonNode young = runAndRead();
    assertThat(young.path("result").asText()).isEqualTo("PAUSED");
    assertThat(young.path("runs_overdue").asDouble(-1)).isZero();

    function.pass(Duration.ofDays(3));

    assertThat(runAndRead().path("runs_overdue").asDouble()).isEqualTo(2, A_LITTLE);
  }

  @Test
  void a_tag_that_cannot_be_read_hides_no_figure() {
    function.store(function.momento().issue(LIFE, SUPER_USER).consoleJson());
    function.state().tag(SECRET, Map.of("momento:paused", "perhaps"));

    JsonNode line = runAndRead();

    assertThat(line.path("reason").asText()).isEqualTo("TAG_INVALID");
    assertThat(line.path("days_to_expiry").asDouble()).isEqualTo(90, A_LITTLE);
  }

  @Test
  void replicas_that_failed_are_counted_for_each_secret_and_for_the_run() {
    restart(
        new SandboxedFunction(
            KeyKind.V1_WITH_REUSABLE_TOKEN,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",b")));
    function.clearFaults(); // There is ample time.
    for (String secret : List.of(SECRET, "b")) {
      function
          .state()
          .create(
              secret,
              new Value.Text(function.momento().issue(LIFE, SUPER_USER).consoleJson()),
              UUID.randomUUID().toString(),
              null);
    }
    assertThat(runAndRead().has("replicas_failed")).isFalse();
    assertThat(runLine().path("replicas_failed").asInt(-1)).as("so that an alarm ends").isZero();
    function.state().addReplicas(SECRET, List.of("eu-west-1", "us-west-2"));
    function.state().addReplicas("b", List.of("eu-west-1"));
    function.state().replicaLags(SECRET, "us-west-2", true);
    assertThat(runAndRead().path("replicas_failed").asInt(-1)).isZero();

    function.state().replicaFails(SECRET, "eu-west-1");
    function.state().replicaFails(SECRET, "us-west-2");
    function.state().replicaFails("b", "eu-west-1");
    var _ = runAndRead();

    assertThat(lines("result").reversed().subList(0, 2))
        .extracting(line -> line.path("secret").asText() + line.path("replicas_failed"))
        .containsExactlyInAnyOrder(SECRET + 2, "b1");
    assertThat(runLine().path("replicas_failed").asInt()).isEqualTo(3);
  }

  @Test
  void a_run_that_could_not_read_any_secret_ends_no_alarm_on_replicas() {
    var _ = runAndRead();

    assertThat(runLine().path("failed_person").asInt()).isOne();
    assertThat(runLine().has("replicas_failed")).isFalse();
  }

  @Test
  void an_empty_secret_has_been_without_a_key_since_it_was_created() {
    function.state().create(SECRET, null, null, null);
    function.pass(Duration.ofDays(3));

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("AWAITING_FIRST_KEY");
    assertThat(line.path("days_without_key").asDouble()).isEqualTo(3, A_LITTLE);
    assertThat(line.has("runs_overdue")).isFalse();
    assertThat(runLine().path("without_key").asInt()).isOne();
  }

  @Test
  void an_issued_first_key_has_figures() {
    restart(new SandboxedFunction(KeyKind.V2));
    function.storeManagementKey();
    function.state().create(SECRET, null, null, null);
    function
        .state()
        .tag(
            SECRET,
            Map.of(
                "momento:role-id", "r-viewer",
                "momento:endpoint", MomentoServer.ENDPOINT,
                "momento:key-lifetime-days", "90"));
    function.clearFaults(); // There is ample time.
    function.pass(Duration.ofDays(3));

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("FIRST_KEY_ISSUED");
    assertThat(line.path("days_without_key").asDouble(-1)).isZero();
    assertThat(line.path("days_to_expiry").asDouble()).isEqualTo(90, A_LITTLE);
    assertThat(runLine().path("rotated").asInt()).isOne();
  }

  @Test
  void own_rotation_is_overdue_after_its_next_date() {
    function.store(function.momento().issue(LIFE, SUPER_USER).consoleJson());
    function.enableRotation();
    Instant next = function.state().describe(SECRET).rotation().orElseThrow().next();
    assertThat(runAndRead().path("own_rotation_overdue_hours").asDouble(-1)).isZero();
    function.pass(Duration.between(function.now(), next).plusHours(5));

    assertThat(runAndRead().path("own_rotation_overdue_hours").asDouble()).isEqualTo(5, A_LITTLE);
    function.state().tag(SECRET, Map.of("momento:paused", "true"));
    assertThat(runAndRead().path("own_rotation_overdue_hours").asDouble(-1)).isZero();
  }

  @Test
  void each_trigger_is_named() {
    function.storeKey();
    var _ = Trigger.MANUAL.request(function, "1");
    assertThat(lastResult().path("trigger").asText()).isEqualTo("manual");

    var _ = function.rotateSecret();
    assertThat(lastResult().path("trigger").asText()).isEqualTo("secrets_manager");
    assertThat(lines("run")).isEmpty();
  }

  @Test
  void the_last_line_of_a_scheduled_run_counts_what_it_did() {
    restart(
        new SandboxedFunction(
            RefreshTokens.REUSABLE,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "missing," + SECRET)));
    function.storeKey();
    function.clearFaults(); // There is ample time.

    var _ = Trigger.SCHEDULE.request(function, "1");

    JsonNode last = RotationFixture.parse(function.log().lines().toList().getLast());
    assertThat(last).isEqualTo(runLine());
    assertThat(last.path("trigger").asText()).isEqualTo("schedule");
    assertThat(last.path("outcome").asText()).isEqualTo("done");
    assertThat(last.path("secrets").asInt()).isEqualTo(2);
    assertThat(last.path("rotated").asInt()).isOne();
    assertThat(last.path("failed_person").asInt()).isOne();
    assertThat(last.path("failed_wait").asInt(-1)).isZero();
    assertThat(last.path("without_key").asInt(-1)).isZero();
    assertThat(last.has("management_key_expires_soon")).isFalse();
  }

  @Test
  void a_key_of_an_unfinished_rotation_counts_as_rotated() {
    function.storeKey();
    stageOnly("1");
    function.clearFaults(); // There is ample time.

    JsonNode line = runAndRead();

    assertThat(line.path("result").asText()).isEqualTo("RESUMED");
    assertThat(runLine().path("rotated").asInt()).isOne();
  }

  @Test
  void the_last_line_has_the_worst_figures_of_all_secrets() {
    restart(
        new SandboxedFunction(
            RefreshTokens.REUSABLE,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "young,paused,empty")));
    create("paused", LIFE);
    function.state().create("empty", null, null, null);
    function.state().tag("paused", Map.of("momento:paused", "true"));
    function.pass(Duration.ofDays(63));
    create("young", Duration.ofDays(4));
    function.clearFaults(); // There is ample time.

    var _ = Trigger.SCHEDULE.request(function, "1");

    assertThat(runLine().path("days_to_expiry").asDouble()).isEqualTo(4, A_LITTLE);
    assertThat(runLine().path("runs_overdue").asDouble()).isEqualTo(3, A_LITTLE);
    assertThat(runLine().path("key_age_days").asDouble()).isEqualTo(63, A_LITTLE);
    assertThat(runLine().path("days_without_key").asDouble()).isEqualTo(63, A_LITTLE);
    assertThat(runLine().path("expires_soon").asInt(-1)).isZero();
    assertThat(runLine().path("own_rotation_overdue_hours").asDouble(-1)).isZero();
  }

  private void create(String secret, Duration life) {
    function
        .state()
        .create(
            secret,
            new Value.Text(function.momento().issue(life, SUPER_USER).consoleJson()),
            UUID.randomUUID().toString(),
            null);
  }

  @Test
  void an_operator_hears_two_weeks_before_the_management_key_expires() {
    restart(new SandboxedFunction(KeyKind.V2));
    storeManagementKey(Duration.ofDays(15));
    var _ = function.storeV2Key();

    var _ = runAndRead();
    assertThat(runLine().path("management_key_expires_soon").asInt(-1)).isZero();
    function.pass(Duration.ofDays(2));
    var _ = runAndRead();

    assertThat(runLine().path("management_key_expires_soon").asInt()).isOne();
    assertThat(runLine().path("management_key_days_to_expiry").asDouble()).isBetween(12.0, 13.0);
  }

  @Test
  void the_management_key_is_watched_in_a_run_that_needs_it_for_nothing() {
    restart(new SandboxedFunction(KeyKind.V2));
    storeManagementKey(Duration.ofDays(13));
    var _ = function.storeV2Key();
    function.state().tag(SECRET, Map.of("momento:paused", "true"));

    assertThat(runAndRead().path("result").asText()).isEqualTo("PAUSED");

    assertThat(runLine().path("management_key_expires_soon").asInt()).isOne();
  }

  @Test
  void a_management_key_that_runs_rotate_may_have_a_short_life() {
    restart(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", MANAGEMENT_SECRET)));
    storeManagementKey(Duration.ofDays(10));
    var _ = Trigger.SCHEDULE.request(function, "1");
    assertThat(runLine().path("management_key_expires_soon").asInt(-1)).isZero();

    function.pass(Duration.ofDays(7));
    var _ = Trigger.SCHEDULE.request(function, "2");

    assertThat(runLine().path("rotated").asInt()).isOne();
    assertThat(runLine().path("management_key_expires_soon").asInt(-1)).isZero();
    assertThat(runLine().path("management_key_days_to_expiry").asDouble()).isGreaterThan(9);
  }

  @Test
  void revoked_keys_are_counted() {
    restart(new SandboxedFunction(KeyKind.V2));
    var _ = function.storeV2Key();
    var _ = function.rotate();
    function.pass(Duration.ofDays(1));
    var _ = function.rotate();

    var _ = Trigger.REVOKE_PREVIOUS.request(function, "1");

    assertThat(lastResult().path("result").asText()).isEqualTo("REVOKED");
    assertThat(lastResult().path("keys_revoked").asInt()).isOne();
  }

  private void storeManagementKey(Duration left) {
    var _ =
        function
            .state()
            .create(
                MANAGEMENT_SECRET,
                new Value.Text(
                    function
                        .v2Keys()
                        .issueAged(V2Keys.OWNER, "console", Duration.ofSeconds(1), left)
                        .consoleJson()),
                UUID.randomUUID().toString(),
                null);
  }

  /** Makes a scheduled run, which may fail, and returns the line of the rotation. */
  private JsonNode runAndRead() {
    int before = lines("result").size();
    var _ = Trigger.SCHEDULE.request(function, UUID.randomUUID().toString());
    return lines("result").get(before);
  }

  private JsonNode lastResult() {
    return lines("result").getLast();
  }

  private JsonNode runLine() {
    return lines("run").getLast();
  }

  private List<JsonNode> lines(String step) {
    return function
        .log()
        .lines()
        .map(RotationFixture::parse)
        .filter(line -> line.path("step").asText().equals(step))
        .toList();
  }
}
