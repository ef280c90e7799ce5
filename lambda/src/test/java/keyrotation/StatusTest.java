package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.STATUS;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Test;

/** What the function tells of its secrets without a change. */
class StatusTest extends FunctionTestBase {

  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration TOLERANCE = Duration.ofHours(2);

  StatusTest() {
    super(new SandboxedFunction(KeyKind.V2));
  }

  @Test
  void a_v2_key_is_shown_with_its_age_its_end_and_when_it_is_due() {
    function.storeManagementKey();
    V2Key key = issue(Optional.of(DAY.multipliedBy(90)));
    function.store(key.consoleJson());
    Instant stored = function.current().created();
    function.pass(DAY.multipliedBy(5));

    JsonNode status = status();

    assertThat(status.path("result").asText()).isEqualTo("STATUS");
    assertThat(status.path("kind").asText()).isEqualTo("v2");
    assertThat(status.path("version_id").asText()).isEqualTo(function.current().id());
    assertThat(instant(status, "stored")).isEqualTo(stored);
    assertThat(instant(status, "valid_until")).isEqualTo(key.validUntil());
    assertThat(instant(status, "due"))
        .isEqualTo(stored.plus(DAY.multipliedBy(30)).minus(TOLERANCE));
    assertThat(status.path("paused").asBoolean(true)).isFalse();
    assertThat(List.of("problem", "unfinished_version_id", "revoked_after", "next_own_rotation"))
        .noneMatch(status::has);
  }

  @Test
  void a_v1_key_needs_no_management_key() {
    function.store(
        function.momento().issue(DAY.multipliedBy(30), Permissions.SUPER_USER).consoleJson());

    assertThat(status().path("kind").asText()).isEqualTo("v1");
    assertThat(status().has("problem")).isFalse();
  }

  @Test
  void nothing_is_changed_and_momento_is_not_called() {
    function.storeManagementKey();
    var _ = function.storeV2Key();
    var _ = function.rotate();
    Map<?, ?> labels = function.labels();
    int before = function.sandbox.callsSeen().size();

    var _ = status();

    assertThat(function.sandbox.callsSeen().subList(before, function.sandbox.callsSeen().size()))
        .containsOnly("DescribeSecret", "GetSecretValue");
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void what_will_be_revoked_is_shown_with_its_time() {
    function.storeManagementKey();
    var _ = function.storeV2Key();
    var _ = function.rotate(); // Only keys that the function has had issued are revoked.
    String replaced = function.current().id();
    function.pass(DAY);
    var _ = function.rotate();

    JsonNode status = status();

    assertThat(Instant.parse(status.path("revoked_after").path(replaced).asText()))
        .isBetween(
            function.now().plus(DAY.multipliedBy(6)), function.now().plus(DAY.multipliedBy(8)));
  }

  @Test
  void an_unfinished_rotation_is_shown() {
    function.storeManagementKey();
    var _ = function.storeV2Key();
    stageV2Only("1");

    assertThat(status().path("unfinished_version_id").asText())
        .isEqualTo(function.successor().orElseThrow().id());
  }

  @Test
  void each_replica_is_shown_with_its_status_and_why_it_failed() {
    function.storeManagementKey();
    var _ = function.storeV2Key();
    assertThat(status().has("replicas")).isFalse();
    function.state().addReplicas(SECRET, List.of("eu-central-1", "eu-west-1", "us-west-2"));
    function.state().replicaLags(SECRET, "eu-west-1", true);
    function.state().replicaFails(SECRET, "us-west-2");

    JsonNode status = status();

    assertThat(status.path("replicas"))
        .isEqualTo(
            RotationFixture.parse(
                """
                [{"region":"eu-central-1","status":"InSync"},
                 {"region":"eu-west-1","status":"InProgress"},
                 {"region":"us-west-2","status":"Failed","status_message":
                  "Replication failed: Secret name %s already exists in region us-west-2."}]
                """
                    .formatted(SECRET)));
    assertThat(status.path("message").asText())
        .endsWith(" Its replication to us-west-2 has failed.");
    assertThat(status.has("problem")).as("with the next rotation").isFalse();
  }

  @Test
  void a_tag_says_at_what_age_a_key_is_due_and_a_paused_one_never_is() {
    function.storeManagementKey();
    function.store(issue(Optional.of(DAY.multipliedBy(90))).consoleJson());
    function.state().tag(SECRET, Map.of("momento:rotate-after-days", "7"));
    Instant stored = function.current().created();

    assertThat(instant(status(), "due"))
        .isEqualTo(stored.plus(DAY.multipliedBy(7)).minus(TOLERANCE));

    function.state().tag(SECRET, Map.of("momento:paused", "true"));
    assertThat(status().has("due")).isFalse();
    assertThat(status().path("paused").asBoolean()).isTrue();
  }

  @Test
  void secrets_managers_own_rotation_is_shown_with_its_next_date() {
    function.storeManagementKey();
    function.store(issue(Optional.empty()).consoleJson());
    assertThat(status().has("next_own_rotation")).isFalse();
    function.enableRotation();

    assertThat(instant(status(), "next_own_rotation"))
        .isEqualTo(function.state().describe(SECRET).rotation().orElseThrow().next());
    assertThat(status().has("due")).as("by its age").isFalse();
  }

  @Test
  void a_problem_is_shown_with_its_reason_and_the_next_step() {
    function.store("not a key");

    JsonNode problem = status().path("problem");

    assertThat(problem.path("reason").asText()).isEqualTo("SECRET_MALFORMED");
    assertThat(problem.path("needs").asText()).isEqualTo("person");
    assertThat(problem.path("next_step").asText()).startsWith("Store {\"apiKey\"");
    assertThat(status().path("kind").asText()).isEqualTo("unknown");
    assertThat(status().path("message").asText()).contains("SECRET_MALFORMED", "Store {");
  }

  @Test
  void what_hinders_the_next_rotation_is_a_problem_today() {
    function.store(issue(Optional.empty()).consoleJson());
    assertProblem("MANAGEMENT_KEY_MISSING");
    function.storeManagementKey();
    assertThat(status().has("problem")).isFalse();

    function.state().tag(SECRET, Map.of("momento:rotate-after-days", "soon"));
    assertProblem("TAG_INVALID");
    assertThat(status().has("due")).isFalse();
    function.state().untag(SECRET, "momento:rotate-after-days");

    function.store(issue(Optional.of(DAY)).consoleJson());
    assertProblem("KEY_TOO_SHORT_LIVED");

    function.store(
        "{\"apiKey\":\"%s\",\"endpoint\":\"evil.example.com\"}"
            .formatted(issue(Optional.empty()).token()));
    assertProblem("ENDPOINT_NOT_ALLOWED");

    function.store(function.momento().issueNonExpiring().consoleJson());
    assertProblem("KEY_NOT_REFRESHABLE");

    function.store(
        function.momento().issue(Duration.ofHours(60), Permissions.SUPER_USER).consoleJson());
    function.pass(DAY.multipliedBy(3));
    assertProblem("KEY_EXPIRED");
  }

  private void assertProblem(String reason) {
    assertThat(status().path("problem").path("reason").asText()).isEqualTo(reason);
  }

  @Test
  void an_empty_secret_waits_for_a_key_unless_its_tags_have_one_issued() {
    function.state().create(SECRET, null, null, null);
    assertProblem("AWAITING_FIRST_KEY");
    assertThat(status().has("kind")).isFalse();
    function.state().tag(SECRET, Map.of("momento:rotate-after-days", "soon"));
    assertProblem("TAG_INVALID");
    function.state().untag(SECRET, "momento:rotate-after-days");

    function
        .state()
        .tag(
            SECRET,
            Map.of("momento:role-id", "r-viewer", "momento:endpoint", MomentoServer.ENDPOINT));

    assertThat(status().has("problem")).isFalse();
  }

  @Test
  void the_status_of_all_secrets_shows_each_even_one_that_does_not_exist() {
    restart(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", MANAGEMENT_SECRET + ",missing," + SECRET)));
    function
        .state()
        .create(
            MANAGEMENT_SECRET,
            new Value.Text(
                function.v2Keys().issue(V2Keys.OWNER, "console", Optional.empty()).consoleJson()),
            UUID.randomUUID().toString(),
            null);
    var _ = function.storeV2Key();
    function.clearFaults(); // There is ample time.

    JsonNode report = function.invoke("{\"status\":true}", "1", Duration.ofMinutes(1));

    assertThatReport(report)
        .hasSecrets("missing", SECRET, MANAGEMENT_SECRET)
        .hasResults(STATUS, STATUS, STATUS);
    assertThat(report.at("/secrets/0/problem/reason").asText()).isEqualTo("SECRET_NOT_FOUND");
    assertThat(report.path("management_key_valid_until").asText()).isEqualTo("never");
  }

  private V2Key issue(Optional<Duration> life) {
    return function
        .v2Keys()
        .issue(V2Keys.OPERATOR, "console", life.map(duration -> function.now().plus(duration)));
  }

  private JsonNode status() {
    return ask("\"status\":true");
  }

  private static Instant instant(JsonNode status, String field) {
    return Instant.parse(status.path(field).asText());
  }
}
