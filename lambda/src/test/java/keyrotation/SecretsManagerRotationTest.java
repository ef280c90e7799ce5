package keyrotation;

import static keyrotation.ReportedResult.STEP_DONE;
import static keyrotation.ResultAssert.assertThatResult;
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
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;

/** Rotations that Secrets Manager starts by itself, from their first step to the last. */
class SecretsManagerRotationTest extends FunctionTestBase {

  private static final String FUNCTION_ARN =
      "arn:aws:lambda:us-east-1:123456789012:function:key-rotation";

  private final SecretsManagerClient client =
      function.sandbox.secretsManager().clientBuilder().build();

  @BeforeEach
  void allow_secrets_manager_to_invoke_the_function() {
    function.sandbox.secretsManager().allowInvocation(FUNCTION_ARN, this::succeeds);
  }

  @AfterEach
  void close_the_client() {
    client.close();
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
              SampleEvents.read("rotation-" + step + "-secret.json"),
              UUID.randomUUID().toString(),
              Duration.ofMinutes(1));
      assertThatResult(report.path("secrets").path(0)).is(STEP_DONE);
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
  void a_rotation_that_broke_off_is_resumed_with_the_same_version(int call)
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
  void switched_on_for_a_key_that_cannot_be_refreshed_it_logs_so() throws InterruptedException {
    function.store(function.momento().issueNonExpiring().consoleJson());

    client.rotateSecret(
        r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN).rotateImmediately(false));
    function.sandbox.secretsManager().awaitRotations();

    assertThat(function.log()).contains("\"reason\":\"KEY_NOT_REFRESHABLE\"");
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

  @ParameterizedTest
  @ValueSource(strings = {"DescribeSecret", "GetSecretValue"})
  void a_read_that_lags_loses_no_key_of_secrets_managers_own_rotation(String action) {
    function.storeKey();
    function.awsCalls().onEvery(action, new Fault.Lag<>(LAG));

    for (int rotation = 1; rotation <= 2; rotation++) {
      function.pass(Duration.ofHours(5));
      function.state().settle();
      assertThatResult(Trigger.SECRETS_MANAGER.request(function, "")).is(STEP_DONE);
      assertThat(function.refreshes()).isEqualTo(rotation);
      assertThat(function.current().labels()).containsExactly(CURRENT);
    }
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

  /** Starts a rotation as a person would, waits for its end, and returns the version's id. */
  private String rotateSecret() throws InterruptedException {
    String versionId =
        client.rotateSecret(r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN)).versionId();
    function.sandbox.secretsManager().awaitRotations();
    return versionId;
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
