package keyrotation;

import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.VERIFY;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Starts the function and the sandbox for each test, and stops both after it. */
@Execution(ExecutionMode.CONCURRENT)
abstract class FunctionTestBase {

  /** Short beside the pauses of the function. */
  static final Duration LAG = Duration.ofMillis(200);

  SandboxedFunction function;

  /** Starts the function with its defaults, where refresh tokens work once. */
  FunctionTestBase() {
    this(new SandboxedFunction(RefreshTokens.SINGLE_USE));
  }

  FunctionTestBase(SandboxedFunction function) {
    this.function = function;
  }

  @AfterEach
  final void stop() {
    function.close();
  }

  /** Goes on with another function and sandbox. */
  final void restart(SandboxedFunction other) {
    function.close();
    function = other;
  }

  /** Issues a key of another account, which Momento rejects here. */
  static IssuedKey strangersKey() {
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      return other.momento().issue(LIFETIME.plus(LIFETIME), Permissions.SUPER_USER);
    }
  }

  /** Has something else happen just before a call of the next request. */
  final void before(RotationCall call, Runnable event) {
    if (call.isMomentos()) {
      function.momento().calls().onNth(call.action(), call.nth(), new Fault.Before<>(event));
    } else {
      function.awsCalls().onNth(call.action(), call.nth(), new Fault.Before<>(event));
    }
  }

  /** Shows a fault to a call of the next request to Secrets Manager. */
  final void at(RotationCall call, Fault<SecretsManagerException> fault) {
    function.awsCalls().onNth(call.action(), call.nth(), fault);
  }

  /** Shows a fault to a call of the next request, and to all later calls of its action. */
  final void from(RotationCall call, Fault<SecretsManagerException> fault) {
    function.awsCalls().fromNth(call.action(), call.nth(), fault);
  }

  /** Denies the function a call of the next request. */
  final void deny(RotationCall call) {
    at(call, new Fault.Refuse<>(SecretsManagerException.accessDenied(call.action(), SECRET)));
  }

  /** Denies the function a call of the next request, and all later calls of its action. */
  final void denyFrom(RotationCall call) {
    from(call, new Fault.Refuse<>(SecretsManagerException.accessDenied(call.action(), SECRET)));
  }

  /** Denies the function an action of Secrets Manager. */
  final void denyEvery(String action) {
    function
        .awsCalls()
        .onEvery(action, new Fault.Refuse<>(SecretsManagerException.accessDenied(action, SECRET)));
  }

  /** Has Momento answer every call of a kind with an error. */
  final void answerEvery(RotationCall call, Status error) {
    function
        .momento()
        .calls()
        .onEvery(call.action(), new Fault.Refuse<>(error.asRuntimeException()));
  }

  /** Stores a key as an operator does, and takes no time over it. */
  void storeAtOnce(IssuedKey key) {
    function
        .state()
        .put(
            SECRET,
            UUID.randomUUID().toString(),
            new Value.Text(key.consoleJson()),
            Set.of(CURRENT));
  }

  /** Carries a request out up to the point where its key is stored. */
  void stageOnly(String requestId) {
    answerEvery(VERIFY, Status.UNAVAILABLE);
    assertThatResult(() -> function.rotate(requestId, Duration.ofSeconds(14)))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says("stays stored");
    function.momento().calls().clearFaults();
  }

  /** Makes a version current as an operator does at the console. */
  void moveCurrentTo(String versionId) {
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), versionId);
  }

  JsonNode send(String sample) {
    return send(sample, UUID.randomUUID().toString());
  }

  JsonNode send(String sample, String requestId) {
    return function.invoke(
        SampleEvents.read(sample, function.now()), requestId, Duration.ofMinutes(1));
  }

  /** Sends an operator's event with these fields beside the secret's name. */
  JsonNode ask(String fields) {
    return ask(fields, UUID.randomUUID().toString(), Duration.ofMinutes(1));
  }

  JsonNode ask(String fields, String requestId, Duration timeLeft) {
    return function.invoke(event(fields), requestId, timeLeft).path("secrets").path(0);
  }

  static String event(String fields) {
    return "{\"momento_auth_token_secret_name\":\"%s\",%s}".formatted(SECRET, fields);
  }

  /** Carries a request for a v2 key out up to the point where its key is stored. */
  final void stageV2Only(String requestId) {
    // The first verification is of the current key.
    stageV2Only(requestId, 2);
  }

  /** Does the same where the new key's verification is the nth. */
  final void stageV2Only(String requestId, int nth) {
    function
        .momento()
        .calls()
        .fromNth(VERIFY.action(), nth, new Fault.Refuse<>(Status.UNAVAILABLE.asRuntimeException()));
    assertThatResult(() -> function.rotate(requestId, Duration.ofSeconds(14)))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says("stays stored");
    function.momento().calls().clearFaults();
  }

  /** Returns the v2 keys that the function has had issued, in the order of their issue. */
  final List<V2Key> issuedByFunction() {
    return function.v2Keys().issued().stream()
        .filter(key -> key.description().startsWith(RotationFixture.ISSUER))
        .toList();
  }

  /** Returns the current v2 key. */
  final V2Key currentKey() {
    return keyIn(SECRET);
  }

  /** Returns the key of a secret's current version. */
  final V2Key keyIn(String secretId) {
    Version current = function.state().describe(secretId).labelled(CURRENT).orElseThrow();
    return function.v2Keys().issued().stream()
        .filter(
            key -> current.value() instanceof Value.Text(String text) && text.contains(key.token()))
        .findFirst()
        .orElseThrow();
  }

  /** Stores a value in a new secret. */
  final void create(String secretId, String value) {
    var _ =
        function
            .state()
            .create(secretId, new Value.Text(value), UUID.randomUUID().toString(), null);
  }

  JsonNode step(String step, String token) {
    String event =
        "{\"Step\":\"%s\",\"SecretId\":\"%s\",\"ClientRequestToken\":\"%s\",\"RotationToken\":\"%s\"}"
            .formatted(step, SECRET, token, "canary");
    return function
        .invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1))
        .path("secrets")
        .path(0);
  }
}
