package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.Vault;
import keyrotation.sandbox.Vault.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The archive as it is deployed, in a process of its own, under AWS's runtime interface client. */
class PackedFunctionIT {

  private static final String SECRET = "momento/authentication-token";
  private static final Path ARCHIVE = Path.of(System.getProperty("function.archive"));
  private static final long LARGEST_ARCHIVE = 20_000_000;

  private Sandbox sandbox;
  private LambdaServer lambda;

  @BeforeEach
  void start() {
    sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
    lambda = startFunction(false);
  }

  private LambdaServer startFunction(boolean snapStart) {
    return LambdaServer.start(
        new Function(
            ARCHIVE,
            "keyrotation.RotationHandler::handleRequest",
            512,
            Duration.ofSeconds(60),
            snapStart,
            sandbox.environment()));
  }

  @AfterEach
  void stop() {
    lambda.close();
    sandbox.close();
  }

  @Test
  void rotates_a_key_once_for_the_sample_event_delivered_twice() throws IOException {
    storeKey();
    String event = Files.readString(Path.of("../events/manual.json"));

    Invocation first = lambda.invoke(event, "same");
    Invocation second = lambda.invoke(event, "same");

    assertResult(first, "ROTATED");
    assertResult(second, "ALREADY_ROTATED");
    assertThat(minted()).isEqualTo(1);
    assertThat(first.log()).anyMatch(line -> line.contains("\"step\":\"promote\""));
  }

  @Test
  void writes_nothing_but_its_own_log() {
    storeKey();

    Invocation invocation = rotate("1");

    assertThat(invocation.log())
        .filteredOn(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS"))
        .isNotEmpty()
        .allMatch(line -> line.startsWith("{\"timestamp\":\"") && line.endsWith("}"));
  }

  @Test
  void an_invocation_that_could_not_do_its_work_is_an_error_to_lambda() {
    assertThat(rotate("1").outcome())
        .asInstanceOf(type(Outcome.Failure.class))
        .satisfies(
            failure -> {
              assertThat(failure.type()).isEqualTo("keyrotation.RotationFailedException");
              assertThat(failure.message())
                  .startsWith(SECRET + " was not rotated. SECRET_NOT_FOUND: ");
            });
  }

  @Test
  void a_process_that_dies_after_storing_a_key_leaves_it_to_the_next() {
    storeKey();
    sandbox
        .secretsManager()
        .calls()
        .onNext("UpdateSecretVersionStage", new Fault.Instead<>(lambda::kill));
    assertThat(rotate("same").outcome()).isInstanceOf(Outcome.Exited.class);

    Invocation next = rotate("same");

    assertResult(next, "RESUMED");
    assertThat(minted()).isEqualTo(1);
    assertThat(sandbox.momento().accepts(currentKey())).isTrue();
  }

  @Test
  void a_process_that_dies_after_promoting_a_key_has_rotated_it() {
    storeKey();
    sandbox
        .secretsManager()
        .calls()
        .onNext("UpdateSecretVersionStage", new Fault.After<>(lambda::kill));
    assertThat(rotate("same").outcome()).isInstanceOf(Outcome.Exited.class);

    assertResult(rotate("same"), "ALREADY_ROTATED");
    assertThat(minted()).isEqualTo(1);
  }

  @Test
  void rotates_a_key_when_secrets_manager_asks_step_by_step() throws InterruptedException {
    storeKey();
    String arn = "arn:aws:lambda:us-east-1:123456789012:function:sandbox";
    sandbox
        .secretsManager()
        .allowInvocation(arn, event -> lambda.invoke(event).outcome() instanceof Outcome.Response);
    String versionId;
    try (var client = sandbox.secretsManager().clientBuilder().build()) {
      versionId = client.rotateSecret(r -> r.secretId(SECRET).rotationLambdaARN(arn)).versionId();
    }
    sandbox.secretsManager().awaitRotations();

    var current =
        sandbox.secretsManager().vault().describe(SECRET).labelled(Vault.CURRENT).orElseThrow();
    assertThat(current.id()).isEqualTo(versionId);
    assertThat(current.labels()).containsExactly(Vault.CURRENT);
    assertThat(sandbox.momento().accepts(currentKey())).isTrue();
  }

  @Test
  void a_snapshot_holds_no_key() {
    storeKey();
    lambda = startFunction(true);

    Invocation first = lambda.invoke("{}");

    assertThat(first.outcome()).isInstanceOf(Outcome.Failure.class);
    assertThat(sandbox.secretsManager().calls().seen()).containsExactly("DescribeSecret");
    assertThat(sandbox.momento().calls().seen()).isEmpty();
  }

  @Test
  void a_snapshot_is_taken_even_if_nothing_answers_yet() {
    storeKey();
    sandbox
        .secretsManager()
        .calls()
        .onNext(
            "DescribeSecret",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", SECRET)));
    lambda = startFunction(true);

    Invocation first = rotate("1");

    assertResult(first, "ROTATED");
    assertThat(first.log()).noneMatch(line -> line.contains("priming"));
  }

  @Test
  void the_archive_holds_what_the_function_needs_and_nothing_else() throws IOException {
    assertThat(Files.size(ARCHIVE)).isLessThan(LARGEST_ARCHIVE);
    try (ZipFile zip = new ZipFile(ARCHIVE.toFile())) {
      List<String> names = zip.stream().map(ZipEntry::getName).toList();

      assertThat(names).contains("keyrotation/RotationHandler.class", "LICENSE", "NOTICE");
      assertThat(names)
          .noneMatch(name -> name.contains("sandbox") || name.contains("Test"))
          .noneMatch(name -> name.matches("lib/(aws-lambda-java|junit|assertj|netty|grpc-netty).*"))
          .noneMatch(name -> name.matches("lib/(apache|httpc|commons-logging|jspecify|sdk-1).*"));
      assertThat(names)
          .filteredOn(name -> name.startsWith("lib/"))
          .allMatch(name -> name.matches("lib/(.*\\.jar)?"));
    }
  }

  private IssuedKey storeKey() {
    IssuedKey key =
        sandbox
            .momento()
            .issueAged(Duration.ofDays(30), Duration.ofDays(28), Permissions.SUPER_USER);
    sandbox
        .secretsManager()
        .vault()
        .create(SECRET, new Value.Text(key.consoleJson()), UUID.randomUUID().toString(), null);
    return key;
  }

  private Invocation rotate(String requestId) {
    return lambda.invoke(SandboxedFunction.manualEvent(SECRET), requestId);
  }

  private int minted() {
    return sandbox.momento().calls().count(MomentoServer.REFRESH);
  }

  private String currentKey() {
    return SandboxedFunction.json(
            sandbox.secretsManager().vault().describe(SECRET).labelled(Vault.CURRENT).orElseThrow())
        .path("apiKey")
        .asText();
  }

  private static void assertResult(Invocation invocation, String result) {
    assertThat(invocation.outcome())
        .asInstanceOf(type(Outcome.Response.class))
        .extracting(Outcome.Response::json)
        .asString()
        .contains("\"result\":\"" + result + "\"");
  }
}
