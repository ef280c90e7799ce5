package keyrotation.sandbox.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LiveCheckTest {

  private LiveCheckFixture fixture = new LiveCheckFixture(RefreshTokens.SINGLE_USE);

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void confirms_every_assumption_in_the_sandbox() throws Exception {
    LiveCheckFixture.Run run = fixture.run();

    assertThat(LiveCheck.assumptions())
        .allSatisfy(
            assumption ->
                assertThat(run.row(assumption.id()))
                    .contains("confirmed  " + assumption.statement()));
    assertThat(run.output())
        .endsWith(
            "%n%d confirmed, 0 refuted, 0 not tried, 0 errors%n"
                .formatted(LiveCheck.assumptions().size()));
    assertThat(run.passed()).isTrue();
  }

  @Test
  void states_which_of_two_acceptable_answers_it_got() throws Exception {
    assertThat(fixture.run("M6").row("M6")).contains("confirmed", "single-use (INVALID_ARGUMENT)");
    close();
    fixture = new LiveCheckFixture(RefreshTokens.REUSABLE);
    assertThat(fixture.run("M6").row("M6")).contains("confirmed", "reusable");
  }

  @Test
  void names_the_missing_prerequisite_of_a_row() throws Exception {
    fixture.environment.remove("LIVE_MOMENTO_SPARE_KEY_FILE");
    fixture.environment.remove("LIVE_ROTATION_FUNCTION_ARN");
    fixture.environment.remove("LIVE_REPLICA_REGION");
    IssuedKey expiring =
        fixture.sandbox.momento().issue(Duration.ofDays(1), Permissions.SUPER_USER);
    fixture.environment.put(
        "LIVE_MOMENTO_KEY_FILE", fixture.fileOf("other", expiring.consoleJson()));

    fixture.manageKeysWith(V2Keys.OWNER);

    LiveCheckFixture.Run run = fixture.run("M4, M10, V13, S22, S25");

    assertThat(run.row("M4")).contains("not tried", "needs: LIVE_MOMENTO_SPARE_KEY_FILE");
    assertThat(run.row("M10")).contains("not tried", "LIVE_MOMENTO_KEY_FILE", "never expires");
    assertThat(run.row("V13")).contains("not tried", "LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "caches");
    assertThat(run.row("S22")).contains("not tried", "LIVE_REPLICA_REGION");
    assertThat(run.row("S25")).contains("not tried", "LIVE_ROTATION_FUNCTION_ARN", "us-east-1");
    assertThat(run.output()).contains("0 confirmed, 0 refuted, 5 not tried, 0 errors");
    assertThat(run.passed()).isTrue();
  }

  @Test
  void tests_one_service_without_credentials_of_the_other() throws Exception {
    fixture.environment.put("LIVE_ONLY", "M1, V1, S1");
    LiveCheckFixture.Run momento = fixture.runWithoutAws();
    assertThat(momento.row("M1")).contains("confirmed");
    assertThat(momento.row("S1")).contains("not tried", "AWS credentials, and AWS_REGION");

    fixture.environment.remove("LIVE_MOMENTO_KEY_FILE");
    LiveCheckFixture.Run secretsManager = fixture.run();
    assertThat(secretsManager.row("M1")).contains("not tried", "LIVE_MOMENTO_KEY_FILE");
    assertThat(secretsManager.row("V1")).contains("confirmed");
    assertThat(secretsManager.row("S1")).contains("confirmed");

    LiveCheckFixture.Run v2Keys = fixture.runWithoutAws();
    assertThat(v2Keys.row("V1")).contains("confirmed");
    assertThat(v2Keys.row("S1")).contains("not tried");

    fixture.environment.remove("LIVE_MOMENTO_MANAGEMENT_KEY_FILE");
    assertThat(fixture.run().row("V1"))
        .contains("not tried", "needs: LIVE_MOMENTO_MANAGEMENT_KEY_FILE");
  }

  @Test
  void prints_an_explanation_if_there_are_no_credentials() throws Exception {
    fixture.environment.clear();

    LiveCheckFixture.Run run = fixture.runWithoutAws();

    assertThat(run.passed()).isFalse();
    assertThat(run.output())
        .contains("AWS_REGION", "LIVE_MOMENTO_KEY_FILE", "LIVE_MOMENTO_SPARE_KEY_FILE")
        .contains("LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "20 v2 keys")
        .contains("LIVE_ROTATION_FUNCTION_ARN", "LIVE_REPLICA_REGION", "docs/assumptions.md")
        .contains("secretsmanager:CreateSecret", "cents")
        .hasLineCount(18);
    assertThat(fixture.sandbox.callsSeen()).isEmpty();
  }

  @Test
  void does_not_run_trials_that_need_a_function_without_permission_to_invoke_it() throws Exception {
    String other = LiveCheckFixture.FUNCTION.replace(":live", ":other");
    fixture.environment.put("LIVE_ROTATION_FUNCTION_ARN", other);

    assertThat(fixture.run("S26").row("S26"))
        .contains("not tried", "permission", "docs/assumptions.md");
  }

  @Test
  void reports_failures_unrelated_to_an_assumption_as_errors() throws Exception {
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", "it")));
    LiveCheckFixture.Run run = fixture.run("S1");
    assertThat(run.row("S1"))
        .contains(
            "error", "AccessDeniedException without the permission secretsmanager:PutSecretValue");
    assertThat(run.passed()).isFalse();

    fixture
        .sandbox
        .momento()
        .calls()
        .onEvery(MomentoServer.REFRESH, new Fault.Refuse<>(MomentoServer.throttled()));
    assertThat(fixture.run("M1").row("M1")).contains("error", "RESOURCE_EXHAUSTED");
  }

  @Test
  void generates_keys_that_expire_within_an_hour_and_does_not_use_the_configured_refresh_token()
      throws Exception {
    IssuedKey given = fixture.sandbox.momento().issue(Duration.ofDays(1), Permissions.SUPER_USER);
    fixture.environment.put("LIVE_MOMENTO_KEY_FILE", fixture.fileOf("given", given.consoleJson()));
    List<IssuedKey> before = fixture.sandbox.momento().issued();

    var _ = fixture.runWithoutAws();

    assertThat(fixture.sandbox.momento().issued())
        .filteredOn(key -> !before.contains(key))
        .filteredOn(key -> key.permissions() == Permissions.DATA_ONLY)
        .hasSizeGreaterThan(20)
        .allMatch(
            key -> key.validUntil().isBefore(fixture.clock.instant().plus(Duration.ofHours(1))));
    // Momento would reject a used refresh token.
    assertThat(fixture.sandbox.momento().refresh(given)).isNotNull();
  }

  @Test
  void issues_v2_keys_that_can_only_read_caches_and_deletes_each_of_them() throws Exception {
    var _ = fixture.runWithoutAws();

    assertThat(fixture.issuedV2Keys())
        .hasSizeBetween(15, 20)
        .allMatch(key -> key.roleId().equals("r-viewer"))
        .allMatch(key -> key.description().startsWith("momento-key-rotation-live-check/"))
        .filteredOn(key -> key.expiry().isPresent())
        .allMatch(
            key -> key.validUntil().isBefore(fixture.clock.instant().plus(Duration.ofHours(1))));
    assertThat(fixture.undeletedKeys()).isEmpty();
  }

  @Test
  void deletes_the_only_key_that_never_expires_at_once() throws Exception {
    var _ = fixture.runWithoutAws();
    assertThat(fixture.issuedV2Keys()).filteredOn(key -> key.expiry().isEmpty()).hasSize(1);

    List<String> before = fixture.sandbox.momentoApi().calls().seen();
    var _ = fixture.run("V4");

    assertThat(fixture.sandbox.momentoApi().calls().seen().stream().skip(before.size()))
        .startsWith(MomentoApiServer.LIST, MomentoApiServer.ISSUE, MomentoApiServer.REVOKE);
  }

  @Test
  void keeps_the_pace_of_five_calls_a_second() throws Exception {
    var _ = fixture.runWithoutAws();

    FaultInjector<MomentoApiException> calls = fixture.sandbox.momentoApi().calls();
    for (String action :
        List.of(MomentoApiServer.ISSUE, MomentoApiServer.LIST, MomentoApiServer.REVOKE)) {
      assertThat(IntStream.rangeClosed(2, calls.count(action)))
          .hasSizeGreaterThan(10)
          .allMatch(n -> calls.pauseBefore(action, n).compareTo(Duration.ofMillis(200)) >= 0);
    }
  }

  @Test
  void deletes_its_v2_keys_when_interrupted() {
    fixture
        .sandbox
        .momentoApi()
        .calls()
        .onNext(MomentoApiServer.ISSUE, new Fault.After<>(fixture::interrupt));

    assertThatThrownBy(() -> fixture.run("V8")).isInstanceOf(InterruptedException.class);

    assertThat(fixture.issuedV2Keys()).hasSize(1);
    assertThat(fixture.undeletedKeys()).isEmpty();
  }

  @Test
  void deletes_its_v2_keys_after_an_error() throws Exception {
    fixture
        .sandbox
        .momento()
        .calls()
        .fromNth(MomentoServer.LIST_CACHES, 3, new Fault.Refuse<>(MomentoServer.throttled()));

    assertThat(fixture.run("V8").row("V8")).contains("error", "RESOURCE_EXHAUSTED");

    assertThat(fixture.issuedV2Keys()).hasSize(1);
    assertThat(fixture.undeletedKeys()).isEmpty();
  }

  @Test
  void deletes_a_v2_key_whose_response_was_lost_even_if_it_is_listed_late() throws Exception {
    fixture.sandbox.momentoApi().calls().onNext(MomentoApiServer.ISSUE, new Fault.DropResponse<>());
    fixture
        .sandbox
        .momentoApi()
        .calls()
        .onEvery(MomentoApiServer.LIST, new Fault.Lag<>(Duration.ofSeconds(5)));

    assertThat(fixture.run("V5").row("V5")).contains("error", "POST /api-keys", "no response");

    assertThat(fixture.issuedV2Keys()).hasSize(1);
    assertThat(fixture.undeletedKeys()).isEmpty();
  }

  @Test
  void names_the_v2_keys_that_it_could_not_delete() throws Exception {
    fixture
        .sandbox
        .momentoApi()
        .calls()
        .onEvery(MomentoApiServer.REVOKE, new Fault.Refuse<>(MomentoApiException.forbidden()));

    LiveCheckFixture.Run run = fixture.run("V5");

    assertThat(run.output())
        .contains("console, delete", fixture.undeletedKeys().getFirst().description());
    assertThat(run.passed()).isFalse();
  }

  @Test
  void reports_what_a_gateway_answers_as_an_error() throws Exception {
    fixture
        .sandbox
        .momentoApi()
        .calls()
        .onNext(MomentoApiServer.ISSUE, new Fault.Refuse<>(MomentoApiException.ofGateway(403)));
    assertThat(fixture.run("V5").row("V5")).contains("error", "HTTP 403 without a JSON error");

    fixture
        .sandbox
        .momentoApi()
        .calls()
        .onNext(MomentoApiServer.ISSUE, new Fault.Refuse<>(MomentoApiException.throttled()));
    assertThat(fixture.run("V5").row("V5")).contains("error", "HTTP 429");
  }

  @Test
  void repeats_calls_of_the_api_that_may_be_repeated() throws Exception {
    FaultInjector<MomentoApiException> calls = fixture.sandbox.momentoApi().calls();
    calls.onNth(MomentoApiServer.LIST, 2, new Fault.Refuse<>(MomentoApiException.internal()));
    calls.onNth(
        MomentoApiServer.REVOKE, 1, new Fault.FailAfterwards<>(MomentoApiException.internal()));

    LiveCheckFixture.Run run = fixture.run("V1");

    assertThat(run.row("V1")).contains("confirmed");
    assertThat(run.passed()).isTrue();
    assertThat(fixture.undeletedKeys()).isEmpty();
  }

  @Test
  void deletes_its_secrets_when_interrupted() {
    fixture.interrupt();

    assertThatThrownBy(() -> fixture.run("S3")).isInstanceOf(InterruptedException.class);

    assertThat(fixture.sandbox.secretsManager().calls().seen()).contains("CreateSecret");
    assertNoSecretIsLeft();
  }

  @Test
  void deletes_a_secret_whose_creation_response_was_lost() throws Exception {
    fixture.sandbox.secretsManager().calls().onNext("CreateSecret", new Fault.DropResponse<>());

    var _ = fixture.run("S3");

    assertNoSecretIsLeft();
  }

  @Test
  void prints_the_command_to_delete_a_secret_that_it_could_not_delete() throws Exception {
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onEvery(
            "DeleteSecret",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DeleteSecret", "it")));

    LiveCheckFixture.Run run = fixture.run("S3");

    String left = fixture.sandbox.secretsManager().state().list().getFirst().name();
    assertThat(run.output())
        .contains("aws secretsmanager delete-secret --region us-east-1 --secret-id " + left);
    assertThat(run.passed()).isFalse();
  }

  @Test
  void reports_an_error_if_the_replica_is_not_created() throws Exception {
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onEvery(
            "ReplicateSecretToRegions",
            new Fault.Refuse<>(SecretsManagerException.invalidParameter("No such region.")));

    LiveCheckFixture.Run run = fixture.run("S22, S23");

    assertThat(run.row("S22")).contains("error", "No replica was created in eu-west-1");
    assertThat(run.row("S23")).contains("error", "No replica was created in eu-west-1");
    assertNoSecretIsLeft();
  }

  @Test
  void names_the_service_that_cannot_be_reached() {
    fixture.environment.put("MOMENTO_CONTROL_ENDPOINT", "localhost:1");
    assertInconclusive("Momento's control plane at localhost:1 cannot be reached", "UNAVAILABLE");

    fixture.environment.remove("LIVE_MOMENTO_KEY_FILE");
    assertInconclusive("Momento's control plane at localhost:1 cannot be reached", "UNAVAILABLE");

    fixture.environment.put("MOMENTO_API_ENDPOINT", "localhost:1");
    assertInconclusive("Momento's API at localhost:1 cannot be reached", "no response");

    fixture.environment.remove("LIVE_MOMENTO_MANAGEMENT_KEY_FILE");
    fixture.sandbox.secretsManager().close();
    assertInconclusive("Secrets Manager in us-east-1 cannot be called", "no response");
  }

  @Test
  void names_the_credentials_that_are_rejected() {
    IssuedKey dataOnly = fixture.sandbox.momento().issue(Duration.ofDays(1), Permissions.DATA_ONLY);
    fixture.environment.put(
        "LIVE_MOMENTO_KEY_FILE", fixture.fileOf("data", dataOnly.consoleJson()));
    assertInconclusive("PERMISSION_DENIED", "super-user", "LIVE_MOMENTO_KEY_FILE");
    fixture.clock.advance(Duration.ofDays(1));
    assertInconclusive("UNAUTHENTICATED", "super-user");

    fixture.environment.remove("LIVE_MOMENTO_KEY_FILE");
    V2Key viewer = fixture.manageKeysWith(V2Keys.VIEWER);
    assertInconclusive("LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "HTTP 403 (PermissionDenied)");
    assertThat(fixture.sandbox.momento().v2Keys().revoke(viewer.id())).isTrue();
    assertInconclusive("LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "HTTP 401 (Unauthenticated)");

    fixture.environment.remove("LIVE_MOMENTO_MANAGEMENT_KEY_FILE");
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onNext(
            "DescribeSecret",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", "it")));
    assertInconclusive(
        "AccessDeniedException without the permission secretsmanager:DescribeSecret");
  }

  @Test
  void names_an_invalid_setting_and_never_shows_a_key() {
    fixture.environment.put("LIVE_MOMENTO_KEY_FILE", fixture.fileOf("bare", fixture.key.apiKey()));
    assertInconclusive("LIVE_MOMENTO_KEY_FILE", "no v1 key");
    fixture.environment.put(
        "LIVE_MOMENTO_KEY_FILE", fixture.fileOf("v2", "{\"apiKey\":\"a.b.c\"}"));
    assertInconclusive("LIVE_MOMENTO_KEY_FILE", "no v1 key");
    fixture.environment.put("LIVE_MOMENTO_KEY_FILE", "none");
    assertInconclusive("LIVE_MOMENTO_KEY_FILE names cannot be read");
    fixture.environment.remove("LIVE_MOMENTO_KEY_FILE");
    for (String content :
        List.of(
            fixture.key.consoleJson(),
            fixture.managementKey.consoleJson().replace("endpoint", "host"),
            fixture.managementKey.consoleJson().replace("cell-1", "https://cell-1"),
            "{\"apiKey\":\"a.b.c\",\"endpoint\":\"example.com\"}",
            fixture.managementKey.token())) {
      fixture.environment.put(
          "LIVE_MOMENTO_MANAGEMENT_KEY_FILE", fixture.fileOf("management", content));
      assertInconclusive("LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "no v2 key", "endpoint");
    }
    fixture.environment.put("LIVE_MOMENTO_MANAGEMENT_KEY_FILE", "none");
    assertInconclusive("LIVE_MOMENTO_MANAGEMENT_KEY_FILE names cannot be read");
    fixture.environment.remove("LIVE_MOMENTO_MANAGEMENT_KEY_FILE");
    fixture.environment.put("MOMENTO_API_ENDPOINT", "https://example.com");
    assertInconclusive("MOMENTO_API_ENDPOINT", "localhost:8080");
    fixture.environment.remove("MOMENTO_API_ENDPOINT");
    fixture.environment.put("MOMENTO_CONTROL_ENDPOINT", "https://example.com");
    assertInconclusive("MOMENTO_CONTROL_ENDPOINT", "localhost:8080");
    fixture.environment.remove("MOMENTO_CONTROL_ENDPOINT");
    fixture.environment.put(
        "LIVE_ROTATION_FUNCTION_ARN", LiveCheckFixture.FUNCTION.replace(":live", ""));
    assertInconclusive("LIVE_ROTATION_FUNCTION_ARN", "alias");
    fixture.environment.remove("LIVE_ROTATION_FUNCTION_ARN");
    fixture.environment.put("LIVE_ONLY", "M1, X1");
    assertInconclusive("LIVE_ONLY", "X1");
  }

  private void assertInconclusive(String... words) {
    assertThatThrownBy(fixture::run)
        .hasNoCause()
        .isInstanceOfSatisfying(
            InconclusiveException.class,
            e -> assertThat(fixture.withoutSecrets(e.reason())).contains(words));
  }

  private void assertNoSecretIsLeft() {
    assertThat(fixture.sandbox.secretsManager().state().list()).isEmpty();
  }
}
