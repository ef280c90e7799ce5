package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which stack and function the scripts call, by their option, a setting, or without both. */
class StackOptionIT {

  private static final String STACK = "team-keys";
  private static final String ALIAS =
      "arn:aws:lambda:us-east-1:123456789012:function:team-keys-Function1A2B:live";
  private static final String DESCRIBED = "DescribeStacks " + STACK;

  private static final Pattern ACTION = Pattern.compile("Action=(\\w+)");
  private static final Pattern STACK_NAME = Pattern.compile("StackName=([^&]+)");

  @TempDir private Path directory;

  private final List<String> calls = new CopyOnWriteArrayList<>();

  /** The outputs of each stack that exists. */
  private final Map<String, Map<String, String>> stacks =
      new HashMap<>(
          Map.of(
              STACK,
              Map.of(
                  "FunctionAliasArn",
                  ALIAS,
                  "SecretNames",
                  "momento/a",
                  "RotateNowCommand",
                  "aws lambda invoke")));

  private final HttpServer aws = start();

  private HttpServer start() {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.createContext("/", this::answer);
      server.start();
      return server;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void needsTheCommandLine() {
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    assumeTrue(Shell.isOnPath("node"), "Node.js is not installed");
  }

  @AfterEach
  void stop() {
    aws.stop(0);
  }

  @Test
  void a_stack_tells_its_function_and_is_asked_once() throws Exception {
    Shell.Result rotated =
        run("../scripts/rotate.sh", "--stack", STACK, "momento/a", "momento/b", "--json");

    assertThat(rotated.status()).as(rotated.output()).isZero();
    assertThat(calls).containsExactly(DESCRIBED, "invocations " + ALIAS, "invocations " + ALIAS);
  }

  @Test
  void without_the_option_no_stack_is_asked_and_the_names_follow_the_suffix() throws Exception {
    var _ = run("../scripts/status.sh", "--json");
    var _ = run(Map.of("STACK_SUFFIX", " blue-2 "), "../scripts/status.sh", "--json");

    assertThat(calls)
        .containsExactly(
            "invocations momento-auth-token-refresh-lambda:live",
            "invocations momento-auth-token-refresh-lambda-blue-2:live");
  }

  @Tag("slow")
  @Test
  void the_option_counts_more_than_the_suffix() throws Exception {
    var _ = run(Map.of("STACK_SUFFIX", "blue"), "../scripts/status.sh", "--stack", STACK);

    assertThat(calls).containsExactly(DESCRIBED, "invocations " + ALIAS);
  }

  @Test
  void a_stack_that_is_missing_or_of_another_kind_is_named_and_no_function_is_called()
      throws Exception {
    stacks.put("network", Map.of("VpcId", "vpc-1"));

    Shell.Result missing = run("../scripts/rotate.sh", "--stack", "missing", "--all");
    Shell.Result other = run("../scripts/rotate.sh", "--stack", "network", "--all");

    assertThat(missing.output())
        .isEqualTo("There is no stack missing in this account and region.\n");
    assertThat(missing.status()).isEqualTo(1);
    assertThat(other.output())
        .isEqualTo(
            "The stack network has no output FunctionAliasArn,"
                + " so it has no function that rotates keys.\n");
    assertThat(other.status()).isEqualTo(1);
    assertThat(calls).containsExactly("DescribeStacks missing", "DescribeStacks network");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Blue", "blue_2", "blue green", "has-17-characters"})
  void an_invalid_suffix_is_refused_by_each_script(String suffix) throws Exception {
    for (String script : List.of("status.sh", "teardown.sh", "deploy.sh")) {
      Shell.Result refused = run(Map.of("STACK_SUFFIX", suffix), "../scripts/" + script);

      assertThat(refused.output())
          .isEqualTo(
              "STACK_SUFFIX is \"%s\", but must be lower-case letters, digits and hyphens, 16 at most.\n"
                  .formatted(suffix));
      assertThat(refused.status()).isEqualTo(1);
    }
    assertThat(calls).isEmpty();
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(strings = {"a_b", "1st", "a b", "arn:aws:cloudformation:us-east-1:1:stack/a/b"})
  void what_is_no_name_of_a_stack_is_refused(String name) throws Exception {
    assertThat(run("../scripts/status.sh", "--stack", name).output())
        .isEqualTo("This is no name of a stack: " + name + "\n");
    assertThat(calls).isEmpty();
  }

  @Tag("slow")
  @Test
  void a_key_is_stored_in_the_one_secret_that_the_stack_names() throws Exception {
    try (Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE)) {
      SecretsManagerState secrets = sandbox.secretsManager().state();
      var _ = secrets.create("momento/a", null, null, null);
      String key =
          sandbox.momento().v2Keys().issue(V2Keys.VIEWER, "k", Optional.empty()).consoleJson();
      String file = Files.writeString(directory.resolve("key.json"), key).toString();
      Map<String, String> settings =
          Map.of("AWS_ENDPOINT_URL_SECRETS_MANAGER", sandbox.secretsManager().endpoint() + "");

      Shell.Result stored = run(settings, "../scripts/store-key.sh", "--stack", STACK, file);
      stacks.put("two", Map.of("FunctionAliasArn", ALIAS, "SecretNames", "momento/a,momento/b"));
      Shell.Result unclear = run(settings, "../scripts/store-key.sh", "--stack", "two", file);
      stacks.put("tagged", Map.of("FunctionAliasArn", ALIAS));
      Shell.Result unknown = run(settings, "../scripts/store-key.sh", "--stack", "tagged", file);

      assertThat(stored.output()).contains("Stored in momento/a.");
      assertThat(secrets.describe("momento/a").labelled(SecretsManagerState.CURRENT)).isPresent();
      assertThat(unclear.output())
          .isEqualTo(
              "The stack two rotates several secrets. Name one of them: momento/a,momento/b\n");
      assertThat(unknown.output()).contains("The stack tagged names no secret");
      assertThat(calls)
          .containsExactly(
              DESCRIBED, "invocations " + ALIAS, "DescribeStacks two", "DescribeStacks tagged");
    }
  }

  @Tag("slow")
  @Test
  void a_stack_of_the_template_is_deleted_and_one_of_another_kind_is_not() throws Exception {
    stacks.put("network", Map.of("FunctionAliasArn", ALIAS, "SecretNames", "momento/a"));

    Shell.Result unsure = run("../scripts/teardown.sh", "--stack", STACK);
    assertThat(calls).containsExactly("ListStackResources " + STACK, DESCRIBED);
    Shell.Result other = run("../scripts/teardown.sh", "--stack", "network", "--yes");
    assertThat(calls).noneMatch(call -> call.startsWith("DeleteStack"));
    Shell.Result deleted = run("../scripts/teardown.sh", "--stack", STACK, "--yes");

    assertThat(unsure.output()).contains("  momento/a\n", "Canceled; nothing was changed.");
    assertThat(other.output())
        .contains("The stack network is no stack of deploy.sh or of the release's template.");
    assertThat(other.status()).isEqualTo(1);
    assertThat(deleted.status()).as(deleted.output()).isZero();
    assertThat(calls).contains("DeleteStack " + STACK);
  }

  @Tag("slow")
  @Test
  void the_teardown_follows_the_suffix() throws Exception {
    stacks.put("momento-auth-token-refresh-stack-blue", Map.of("SecretNames", "momento/a"));

    Shell.Result deleted = run(Map.of("STACK_SUFFIX", "blue"), "../scripts/teardown.sh", "--yes");

    assertThat(deleted.status()).as(deleted.output()).isZero();
    assertThat(calls).contains("DeleteStack momento-auth-token-refresh-stack-blue");
  }

  @Tag("slow")
  @Test
  void the_reads_of_the_stacks_function_are_left_out() throws Exception {
    var _ = run("../scripts/key-readers.sh", "--stack", STACK, "momento/a");
    assertThat(calls).contains(DESCRIBED, "configuration " + ALIAS);
    calls.clear();
    var _ = run(Map.of("STACK_SUFFIX", "blue"), "../scripts/key-readers.sh", "momento/a");
    assertThat(calls).contains("configuration momento-auth-token-refresh-lambda-blue");

    Shell.Result missing = run("../scripts/key-readers.sh", "--stack", "missing", "momento/a");
    assertThat(missing.output()).contains("There is no stack missing");
    assertThat(missing.status()).isEqualTo(2);
  }

  private Shell.Result run(String... command) throws IOException, InterruptedException {
    return run(Map.of(), command);
  }

  private Shell.Result run(Map<String, String> settings, String... command)
      throws IOException, InterruptedException {
    URI endpoint = URI.create("http://localhost:" + aws.getAddress().getPort());
    return new Shell(endpoint, settings).run(command);
  }

  /** Stands for CloudFormation and for Lambda; notes the calls. */
  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      String path = exchange.getRequestURI().getPath();
      var action = ACTION.matcher(body);
      if (action.find()) {
        var stack = STACK_NAME.matcher(body);
        assertThat(stack.find()).isTrue();
        calls.add(action.group(1) + " " + stack.group(1));
        answerOfStack(exchange, action.group(1), stack.group(1));
      } else if (path.startsWith("/2015-03-31/functions/")) {
        String[] parts = path.split("/", -1);
        calls.add(parts[4] + " " + parts[3]);
        send(exchange, 200, "{\"request_id\":\"1\",\"secrets\":[]}");
      } else {
        send(exchange, 400, "{\"__type\":\"AccessDeniedException\"}");
      }
    }
  }

  private void answerOfStack(HttpExchange exchange, String action, String name) throws IOException {
    if (action.equals("DeleteStack")) {
      stacks.remove(name);
      send(exchange, 200, "<DeleteStackResponse/>");
    } else if (!stacks.containsKey(name)) {
      send(
          exchange,
          400,
          "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id "
              + name
              + " does not exist</Message></Error></ErrorResponse>");
    } else if (action.equals("DescribeStacks")) {
      StringBuilder outputs = new StringBuilder();
      stacks.get(name).forEach((key, value) -> outputs.append(ScriptsIT.output(key, value)));
      send(
          exchange,
          200,
          ScriptsIT.answer(
              action, "Stacks", ScriptsIT.STACK_WITH_OUTPUTS.formatted(outputs.toString())));
    } else {
      send(
          exchange,
          200,
          ScriptsIT.answer(
              action,
              "StackResourceSummaries",
              ScriptsIT.RESOURCE.formatted("Q", "AWS::SQS::Queue", "queue")));
    }
  }

  private static void send(HttpExchange exchange, int status, String text) throws IOException {
    byte[] answer = text.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, answer.length);
    exchange.getResponseBody().write(answer);
  }
}
