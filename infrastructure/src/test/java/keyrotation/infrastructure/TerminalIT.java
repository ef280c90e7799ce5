package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.sandbox.InvokeApi;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the scripts that invoke the function, and compares their output with the documentation. */
class TerminalIT {

  private static final Path ARCHIVE = Path.of("../lambda/target/function.zip");
  private static final Path PAGE = Path.of("../docs/terminal.md");
  private static final Pattern EXAMPLE =
      Pattern.compile(
          "```sh\\n(\\./scripts/[^\\n]+)\\n```\\n\\n```text\\n(.*?)```", Pattern.DOTALL);
  private static final Duration DAY = Duration.ofDays(1);

  @TempDir private Path directory;

  /** How long ago it is, by the sandbox's clock. */
  private Duration ago = DAY.multipliedBy(5);

  private final Sandbox sandbox =
      Sandbox.start(() -> Instant.now().minus(ago), RefreshTokens.SINGLE_USE);
  private final SecretsManagerState secrets = sandbox.secretsManager().state();
  private final LambdaServer lambda = deploy();

  private LambdaServer deploy() {
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.put(
        "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/orders,momento/billing,momento/reports");
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key");
    return LambdaServer.start(
        new Function(
            ARCHIVE,
            "keyrotation.RotationHandler::handleRequest",
            1024,
            Duration.ofMinutes(1),
            false,
            environment));
  }

  @BeforeEach
  void storeKeys() {
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    assumeTrue(Shell.isOnPath("node"), "Node.js is not installed");
    sandbox.secretsManager().serve(InvokeApi.PATH, new InvokeApi(lambda));
    Optional<Instant> end = Optional.of(Instant.now().plus(DAY.multipliedBy(85)));
    store("momento/management-key", v2Key(V2Keys.OWNER, end).consoleJson());
    store("momento/orders", v2Key(V2Keys.OPERATOR, end).consoleJson());
    store(
        "momento/billing",
        sandbox.momento().issue(DAY.multipliedBy(30), Permissions.SUPER_USER).consoleJson());
    var _ = secrets.create("momento/reports", null, null, null);
    ago = Duration.ZERO;
  }

  @AfterEach
  void stop() {
    lambda.close();
    sandbox.close();
  }

  @Test
  void the_examples_of_the_page_are_what_the_scripts_print() throws Exception {
    write(
        "momento_token.info.json",
        sandbox.momento().issue(DAY.multipliedBy(90), Permissions.SUPER_USER).consoleJson());
    write(
        "momento-key.json",
        "{\"apiKey\":\"%s\"}".formatted(v2Key(V2Keys.VIEWER, Optional.empty()).token()));
    List<MatchResult> examples = EXAMPLE.matcher(Files.readString(PAGE)).results().toList();

    assertThat(examples).hasSize(5);
    for (MatchResult example : examples) {
      Shell.Result result = run(example.group(1).split(" ", -1));
      assertThat(result.output().replace(directory + "/", ""))
          .as(example.group(1))
          .isEqualTo(example.group(2));
    }
    assertNoKeyIn(
        run("scripts/status.sh", "--json").output() + run("scripts/rotate.sh", "--all").output());
  }

  private void assertNoKeyIn(String output) {
    assertThat(output)
        .doesNotContain(
            sandbox.momento().issued().stream()
                .flatMap(key -> Stream.of(key.apiKey(), key.token(), key.refreshToken()))
                .toList())
        .doesNotContain(sandbox.momento().v2Keys().issued().stream().map(V2Key::token).toList());
  }

  @Tag("slow")
  @Test
  void the_status_tells_a_pipe_what_it_needs() throws Exception {
    Shell.Result one = run("scripts/status.sh", "momento/orders");
    assertThat(one.status()).isZero();
    Shell.Result all = run("scripts/status.sh", "--json");
    assertThat(all.status()).as("one secret is empty").isEqualTo(1);
    assertThat(all.output().lines().skip(1).findFirst().orElseThrow())
        .startsWith("{\"request_id\":")
        .contains("\"result\":\"STATUS\"");
    assertThat(run("scripts/status.sh", "momento/missing", "momento/orders").output())
        .containsPattern("momento/missing +- +- +- +- +problem\\n +SECRET_NOT_FOUND: ")
        .containsPattern("momento/orders +v2 .* ok");
  }

  @Tag("slow")
  @Test
  void a_failed_replica_has_a_line_and_ends_the_status_with_status_1() throws Exception {
    var _ = secrets.addReplicas("momento/orders", List.of("eu-north-1", "eu-west-1", "us-west-2"));
    secrets.replicaLags("momento/orders", "eu-west-1", true);
    assertThat(run("scripts/status.sh", "momento/orders").status()).isZero();

    secrets.replicaFails("momento/orders", "us-west-2");
    Shell.Result result = run("scripts/status.sh", "momento/orders");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.output())
        .contains(
            " ok\n    Replica in eu-west-1: InProgress.\n    Replica in us-west-2: Failed."
                + " Replication failed: Secret name momento/orders already exists in\n    region")
        .contains("Secrets: 1 ok.");
  }

  @Tag("slow")
  @Test
  void a_rotation_that_fails_is_explained_and_ends_with_status_1() throws Exception {
    store("momento/broken", "not a key");

    Shell.Result result = run("scripts/rotate.sh", "momento/orders", "momento/broken");

    assertThat(result.status()).isEqualTo(1);
    assertThat(result.output())
        .containsPattern("momento/orders +ROTATED +8\\dd")
        .containsPattern(
            "momento/broken +FAILED +- +-\\n +momento/broken was not rotated.\\s+SECRET_")
        .contains("Secrets: 1 ROTATED, 1 FAILED.");
  }

  @Tag("slow")
  @Test
  void after_a_leak_each_key_is_replaced_once_and_the_old_ones_are_revoked() throws Exception {
    assertThat(run("scripts/rotate.sh", "momento/orders").status()).isZero();
    String leaked = currentKey("momento/orders");
    String time = Instant.now().plusMillis(1).toString();

    Shell.Result unsure = run("scripts/rotate.sh", "--revoke-now", "momento/orders");
    assertThat(unsure.output()).contains("fail at once", "Canceled; nothing was changed.");
    assertThat(currentKey("momento/orders")).isEqualTo(leaked);
    Shell.Result first =
        run("scripts/rotate.sh", "--all", "--issued-before", time, "--revoke-now", "--yes");
    assertThat(first.output())
        .containsPattern("momento/orders +ROTATED")
        .containsPattern("momento/billing +ROTATED")
        .contains("momento/orders: revoked the keys of the versions ");
    Shell.Result again = run("scripts/rotate.sh", "--all", "--issued-before", time);

    assertThat(again.output())
        .containsPattern("momento/orders +KEY_IS_NEWER")
        .containsPattern("momento/billing +KEY_IS_NEWER");
    assertThat(sandbox.momento().accepts(leaked)).isFalse();
    assertThat(sandbox.momento().accepts(currentKey("momento/orders"))).isTrue();
  }

  @Tag("slow")
  @Test
  void keys_that_only_an_operator_can_revoke_are_no_success() throws Exception {
    Shell.Result result = run("scripts/rotate.sh", "momento/orders", "--revoke-now", "--yes");

    assertThat(result.status()).isEqualTo(1);
    assertThat(result.output())
        .containsPattern("momento/orders +NONE_REVOKED")
        .contains("docs/runbook.md#revoke-a-key-by-hand");
  }

  @Tag("slow")
  @Test
  void without_an_answer_the_script_shows_what_it_has_and_does_not_send_again() throws Exception {
    AtomicInteger requests = new AtomicInteger();
    HttpServer once =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    HttpHandler invoke = new InvokeApi(lambda);
    once.createContext(
        "/",
        exchange -> {
          if (requests.incrementAndGet() == 1) {
            invoke.handle(exchange);
          } else {
            exchange.close();
          }
        });
    once.start();
    try {
      Shell.Result result =
          new Shell(URI.create("http://localhost:" + once.getAddress().getPort()))
              .run("../scripts/rotate.sh", "momento/orders", "momento/billing");

      assertThat(result.status()).isEqualTo(1);
      assertThat(result.output())
          .containsPattern("momento/orders +ROTATED")
          .contains("The function did not answer.", "before you repeat it");
      assertThat(requests).hasValue(2);
    } finally {
      once.stop(0);
    }
  }

  @Tag("slow")
  @Test
  void a_key_is_replaced_only_after_a_confirmation() throws Exception {
    String before = currentKey("momento/orders");
    V2Key other = v2Key(V2Keys.VIEWER, Optional.empty());
    write("key.json", other.consoleJson());

    Shell.Result unsure = run("scripts/store-key.sh", "key.json", "momento/orders");
    assertThat(unsure.output()).contains("has a value. Replace it?", "Canceled");
    assertThat(currentKey("momento/orders")).isEqualTo(before);

    var _ = run("scripts/store-key.sh", "--yes", "key.json", "momento/orders");
    assertThat(currentKey("momento/orders")).isEqualTo(other.token());
  }

  @Tag("slow")
  @Test
  void what_is_not_understood_is_refused_before_anything_is_sent() throws Exception {
    assertMisuse("scripts/rotate.sh");
    assertMisuse("scripts/rotate.sh", "--all", "momento/orders");
    assertMisuse("scripts/rotate.sh", "--all", "--dry-run", "--if-due");
    assertMisuse("scripts/rotate.sh", "--all", "--dry-run", "--revoke-now");
    assertMisuse("scripts/status.sh", "--jsn");
    assertMisuse("scripts/store-key.sh");
    assertThat(run("scripts/status.sh", "a\"b").output()).contains("no name or ARN of a secret");
    assertThat(run("scripts/rotate.sh", "--all", "--issued-before", "today").output())
        .contains("no instant such as");
    assertThat(run("scripts/store-key.sh", "missing.json").output())
        .contains("There is no file missing.json.");
    assertThat(sandbox.callsSeen()).isEmpty();
  }

  private void assertMisuse(String... command) throws IOException, InterruptedException {
    Shell.Result result = run(command);
    assertThat(result.output()).startsWith("Usage: scripts/");
    assertThat(result.status()).isEqualTo(2);
  }

  @Tag("slow")
  @Test
  void a_function_that_cannot_be_invoked_is_named() throws Exception {
    Shell.Result result = new Shell(URI.create("http://localhost:1")).run("../scripts/status.sh");

    assertThat(result.output()).contains("The function did not answer.");
    assertThat(result.status()).isEqualTo(1);
  }

  @Tag("slow")
  @Test
  void a_key_is_stored_only_in_a_secret_that_exists() throws Exception {
    write("key.json", v2Key(V2Keys.VIEWER, Optional.empty()).consoleJson());

    Shell.Result result = run("scripts/store-key.sh", "key.json", "momento/missing");

    assertThat(result.output())
        .contains("A v2 key. It never expires.", "There is no secret momento/missing");
    assertThat(result.status()).isEqualTo(1);
  }

  @Tag("slow")
  @Test
  void an_expired_key_is_not_stored_though_the_function_could_replace_it() throws Exception {
    write("key.json", v2Key(V2Keys.VIEWER, Optional.of(Instant.now().minus(DAY))).consoleJson());

    Shell.Result result = run("scripts/store-key.sh", "key.json", "momento/reports");

    assertThat(result.output())
        .isEqualTo(
            "A v2 key that has expired. Create a new one in the console. Nothing was stored.\n");
    assertThat(result.status()).isEqualTo(1);
  }

  /** The script's check of a file agrees with what the function says of the same value. */
  @Tag("slow")
  @Test
  void the_check_of_a_file_agrees_with_the_function() throws Exception {
    IssuedKey v1 = sandbox.momento().issue(DAY.multipliedBy(30), Permissions.SUPER_USER);
    V2Key v2 = v2Key(V2Keys.VIEWER, Optional.empty());
    String v2InV1 =
        base64("{\"endpoint\":\"h.momentohq.com\",\"api_key\":\"%s\"}".formatted(v2.token()));
    List<String> usable =
        List.of(
            v1.consoleJson(), v2.consoleJson(), v1.consoleJson().replace("apiKey", "authToken"));
    List<String> unusable =
        List.of(
            "",
            "{}",
            "not a key",
            "[1]",
            v1.apiKey(),
            "{\"apiKey\":\"%s\"}".formatted(v1.apiKey()),
            "{\"apiKey\":\"%s\"}".formatted(v2.token()),
            "{\"apiKey\":\"%s\",\"endpoint\":\"https://h.momentohq.com\"}".formatted(v2.token()),
            "{\"apiKey\":\"%s\",\"refreshToken\":\"r\",\"validUntil\":9999999999}"
                .formatted(v2InV1),
            v1.consoleJson().replace(v1.apiKey(), v1.apiKey().substring(4)),
            sandbox.momento().issueNonExpiring().consoleJson(),
            sandbox
                .momento()
                .issueAged(DAY, DAY.multipliedBy(2), Permissions.SUPER_USER)
                .consoleJson());

    int number = 0;
    for (String file : Stream.concat(usable.stream(), unusable.stream()).toList()) {
      String secret = "momento/checked-" + number++;
      write("key.json", file);
      Shell.Result checked =
          new Shell(sandbox.secretsManager().endpoint())
              .run("node", "../scripts/check-key.mjs", directory.resolve("key.json").toString());
      assertNoKeyIn(checked.output());
      assertThat(checked.status()).as(checked.output()).isEqualTo(usable.contains(file) ? 0 : 1);
      store(secret, file.isEmpty() ? " " : file);
      assertThat(lambda.invoke("{\"SecretId\":\"%s\",\"status\":true}".formatted(secret)).outcome())
          .isInstanceOfSatisfying(
              Outcome.Response.class,
              status ->
                  assertThat(status.json().contains("\"problem\":"))
                      .as(checked.output() + status.json())
                      .isEqualTo(checked.status() == 1));
    }
  }

  private static String base64(String json) {
    return Base64.getEncoder().encodeToString(json.getBytes(UTF_8));
  }

  private String currentKey(String secret) throws IOException {
    Value value =
        secrets.describe(secret).labelled(SecretsManagerState.CURRENT).orElseThrow().value();
    String json = value instanceof Value.Text(String text) ? text : "";
    return new ObjectMapper().readTree(json).path("apiKey").asText();
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(directory.resolve(name), content);
  }

  private Shell.Result run(String... command) throws IOException, InterruptedException {
    command[0] = "../" + command[0];
    for (int i = 1; i < command.length; i++) {
      Path file = directory.resolve(command[i]);
      command[i] = Files.exists(file) ? file.toString() : command[i];
    }
    return new Shell(sandbox.secretsManager().endpoint()).run(command);
  }

  private V2Key v2Key(V2Keys.Role role, Optional<Instant> end) {
    return sandbox.momento().v2Keys().issue(role, "console", end);
  }

  private void store(String secret, String value) {
    var _ = secrets.create(secret, new Value.Text(value), UUID.randomUUID().toString(), null);
  }
}
