package keyrotation;

import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;

/** Rotations that Secrets Manager starts by itself, step by step. */
class SecretsManagersRotationTest {

  private static final String FUNCTION_ARN =
      "arn:aws:lambda:us-east-1:123456789012:function:key-rotation";

  private final SandboxedFunction function = new SandboxedFunction(RefreshTokens.SINGLE_USE);
  private final SecretsManagerClient client =
      function.sandbox.secretsManager().clientBuilder().build();

  @BeforeEach
  void allow_secrets_manager_to_invoke_the_function() {
    function.sandbox.secretsManager().allowInvocation(FUNCTION_ARN, this::succeeds);
  }

  @AfterEach
  void stop() {
    client.close();
    function.close();
  }

  @Test
  void goes_through_and_leaves_nothing_pending() throws InterruptedException {
    function.storeKey();
    Version before = function.current();

    String versionId = rotateSecret();

    assertThat(function.labels())
        .containsOnly(
            Map.entry(before.id(), Set.of(PREVIOUS)), Map.entry(versionId, Set.of(CURRENT)));
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(client.describeSecret(r -> r.secretId(SECRET)).lastRotatedDate()).isNotNull();
  }

  @Test
  void goes_through_with_the_samples() {
    enableRotation();
    String token = "0d1b7c52-6a8e-4f0b-9a57-2f6e1c3d4b5a";
    function.state().addPendingVersion(SECRET, token);

    for (String step : List.of("create", "set", "test", "finish")) {
      JsonNode report =
          function.invoke(
              WaysInTest.sample("rotation-" + step + "-secret.json"),
              UUID.randomUUID().toString(),
              Duration.ofMinutes(1));
      assertThat(report.path("secrets").path(0).path("result").asText()).isEqualTo("STEP_DONE");
    }

    assertThat(function.current().id()).isEqualTo(token);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void goes_through_again() throws InterruptedException {
    function.storeKey();
    rotateSecret();
    function.clock.advance(Duration.ofHours(4));
    String second = rotateSecret();

    assertThat(function.current().id()).isEqualTo(second);
    assertThat(function.refreshes()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void a_rotation_that_broke_off_is_taken_up_with_the_same_version(int call)
      throws InterruptedException {
    function.storeKey();
    function.sandbox.secretsManager().setRotationAttempts(1);
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            call,
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", SECRET)));
    String versionId = rotateSecret();
    assertThat(function.current().id()).isNotEqualTo(versionId);

    assertThatThrownBy(this::rotateSecret)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("A previous rotation isn't complete.");
    function.sandbox.secretsManager().awaitRotations();

    assertThat(function.current().id()).isEqualTo(versionId);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_step_that_fails_is_tried_again_by_secrets_manager() throws InterruptedException {
    function.storeKey();
    function
        .momento()
        .calls()
        .onNext(MomentoServer.LIST_CACHES, new Fault.Refuse<>(Status.UNKNOWN.asRuntimeException()));

    String versionId = rotateSecret();

    assertThat(function.current().id()).isEqualTo(versionId);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void a_key_that_momento_does_not_accept_is_not_made_current() throws InterruptedException {
    IssuedKey old = function.storeKey();
    function.momento().refuseNewKeysAtFirst(1000);

    rotateSecret();

    assertThat(function.log()).contains("NEW_KEY_REJECTED");
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.labelled(PENDING)).isPresent();
  }

  @Test
  void switched_on_without_rotating_it_tests_the_current_key_alone() throws InterruptedException {
    function.storeKey();
    Version before = function.current();

    client.rotateSecret(
        r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN).rotateImmediately(false));
    function.sandbox.secretsManager().awaitRotations();

    assertThat(function.state().describe(SECRET).versions()).containsExactly(before);
    assertThat(function.refreshes()).isZero();
    assertThat(function.momento().calls().count(MomentoServer.LIST_CACHES)).isEqualTo(1);
    assertThat(function.log()).doesNotContain("FAILED");
  }

  @Test
  void switched_on_for_a_key_that_cannot_be_renewed_it_says_so() throws InterruptedException {
    function.store(function.momento().issueNonExpiring().consoleJson());

    client.rotateSecret(
        r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN).rotateImmediately(false));
    function.sandbox.secretsManager().awaitRotations();

    assertThat(function.log()).contains("\"reason\":\"KEY_NOT_REFRESHABLE\"");
  }

  @Test
  void is_refused_where_it_is_not_enabled() {
    function.storeKey();
    String token = pendingVersion();

    assertStepIsRefused("createSecret", token, "ROTATION_NOT_ENABLED");
  }

  @Test
  void is_refused_for_a_version_that_is_not_known() {
    enableRotation();

    assertStepIsRefused("createSecret", UUID.randomUUID().toString(), "VERSION_UNKNOWN");
  }

  @Test
  void is_refused_for_a_version_that_is_not_pending() throws InterruptedException {
    enableRotation();
    Version old = function.current();
    rotateSecret();

    assertStepIsRefused("createSecret", old.id(), "VERSION_NOT_PENDING");
  }

  @Test
  void is_done_where_the_version_is_current() {
    enableRotation();

    assertThat(step("createSecret", function.current().id()).path("result").asText())
        .isEqualTo("ALREADY_ROTATED");
  }

  @ParameterizedTest
  @ValueSource(strings = {"createSecret", "setSecret", "testSecret"})
  void a_step_that_is_done_twice_does_nothing_the_second_time(String step) {
    enableRotation();
    String token = pendingVersion();
    step("createSecret", token);
    step(step, token);
    var before = function.state().describe(SECRET);

    assertThat(step(step, token).path("result").asText()).isEqualTo("STEP_DONE");

    assertThat(function.state().describe(SECRET)).isEqualTo(before);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"testSecret", "finishSecret"})
  void does_not_go_on_with_a_key_that_momento_does_not_accept(String step) {
    enableRotation();
    String token = pendingVersion();
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      String strangers = other.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson();
      String label = StagingLabel.replaces(function.current().id());
      function.state().put(SECRET, token, new Value.Text(strangers), Set.of(PENDING, label));
    }
    Version before = function.current();

    assertStepFails(step, token, "NEW_KEY_REJECTED");

    assertThat(function.current()).isEqualTo(before);
  }

  @Test
  void a_key_that_momento_still_does_not_accept_is_dropped_when_it_is_asked_for_again() {
    enableRotation();
    String token = pendingVersion();
    function.momento().refuseNewKeysAtFirst(1000);
    var _ = step("createSecret", token);
    assertStepFails("testSecret", token, "NEW_KEY_REJECTED");
    assertStepFails("createSecret", token, "NEW_KEY_REJECTED");
    assertThat(function.labelled(PENDING)).isPresent();
    function.clock.advance(Duration.ofMinutes(11));

    assertStepFails("createSecret", token, "NEW_KEY_REJECTED");

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void does_not_go_forth_again_where_somebody_has_gone_back() throws InterruptedException {
    enableRotation();
    Version old = function.current();
    String left = rotateSecret();
    function.state().moveLabel(SECRET, PENDING, null, left);
    function.state().moveLabel(SECRET, CURRENT, left, old.id());

    assertStepFails("createSecret", left, "SUPERSEDED");

    assertThat(function.current().id()).isEqualTo(old.id());
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_refresh_token_that_the_same_step_has_spent_is_no_cause_for_alarm() {
    enableRotation();
    String token = pendingVersion();
    function
        .momento()
        .calls()
        .onNext(MomentoServer.REFRESH, new Fault.Before<>(() -> step("createSecret", token)));

    assertStepFails("createSecret", token, "SUPERSEDED");
  }

  @Test
  void does_not_finish_over_what_an_operator_has_stored_meanwhile() {
    enableRotation();
    String token = pendingVersion();
    String source = function.current().id();
    step("createSecret", token);
    IssuedKey operators = function.storeKey();

    assertStepFails("finishSecret", token, "SUPERSEDED");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertThat(function.labels()).containsEntry(token, Set.of(StagingLabel.replaces(source)));
  }

  @Test
  void resumes_with_its_key_when_an_operator_goes_back_to_the_source() {
    enableRotation();
    String token = pendingVersion();
    String source = function.current().id();
    step("createSecret", token);
    function.storeKey();
    assertStepFails("finishSecret", token, "SUPERSEDED");

    function.state().moveLabel(SECRET, "AWSCURRENT", function.current().id(), source);

    assertThat(function.rotate().path("result").asText()).isEqualTo("RESUMED");
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void does_not_finish_over_what_an_operator_has_stored_while_a_key_was_minted() {
    enableRotation();
    String token = pendingVersion();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    function
        .momento()
        .calls()
        .onNext(
            MomentoServer.REFRESH,
            new Fault.Before<>(() -> function.store(operators.consoleJson())));

    step("createSecret", token);
    assertStepFails("testSecret", token, "SUPERSEDED");
    assertStepFails("finishSecret", token, "VERSION_NOT_PENDING");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
  }

  @Test
  void an_empty_secret_fails_and_asks_for_a_first_key() {
    function.state().create(SECRET, null, null, null);
    switchRotationOn();
    String token = pendingVersion();

    assertStepIsRefused("createSecret", token, "AWAITING_FIRST_KEY");
  }

  @Test
  void switching_rotation_on_for_an_empty_secret_is_no_error() {
    function.state().create(SECRET, null, null, null);
    List<Boolean> ends = new CopyOnWriteArrayList<>();
    function
        .sandbox
        .secretsManager()
        .allowInvocation(FUNCTION_ARN, event -> ends.add(succeeds(event)));

    switchRotationOn();

    assertThat(ends).containsExactly(true);
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void the_token_of_a_rotation_is_shown_nowhere() {
    enableRotation();
    String token = pendingVersion();
    JsonNode answer = step("createSecret", token);

    assertThat(answer + function.log()).contains(token).doesNotContain("canary");
  }

  private void enableRotation() {
    function.storeKey();
    switchRotationOn();
  }

  private void switchRotationOn() {
    client.rotateSecret(
        r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN).rotateImmediately(false));
    try {
      function.sandbox.secretsManager().awaitRotations();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private String pendingVersion() {
    String token = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, token);
    return token;
  }

  /** Starts a rotation as a person would, waits for its end, and returns the version's id. */
  private String rotateSecret() throws InterruptedException {
    String versionId =
        client.rotateSecret(r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN)).versionId();
    function.sandbox.secretsManager().awaitRotations();
    return versionId;
  }

  private JsonNode step(String step, String token) {
    String event =
        "{\"Step\":\"%s\",\"SecretId\":\"%s\",\"ClientRequestToken\":\"%s\",\"RotationToken\":\"%s\"}"
            .formatted(step, SECRET, token, "canary");
    return function
        .invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1))
        .path("secrets")
        .path(0);
  }

  /** Asserts that a step is refused, and that the secret is as it was. */
  private void assertStepIsRefused(String step, String token, String reason) {
    var before = function.state().describe(SECRET);
    assertStepFails(step, token, reason);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
    assertThat(function.log()).doesNotContain("canary");
  }

  private void assertStepFails(String step, String token, String reason) {
    assertThatThrownBy(() -> step(step, token))
        .isInstanceOf(InvocationFailedException.class)
        .hasMessageStartingWith(SECRET + " was not rotated. " + reason + ": ");
  }

  private boolean succeeds(String event) {
    try {
      var _ = function.invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1));
      return true;
    } catch (InvocationFailedException e) {
      return false;
    }
  }
}
