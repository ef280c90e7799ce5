package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.MotoServer;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerServer;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerFetchException;
import org.testcontainers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;

/** Runs the scripts, with the CDK and the AWS command line, against emulators of AWS. */
@ResourceLock("infrastructure/cdk.out")
class ScriptsIT {

  /** The last image that runs without a LocalStack account. */
  private static final DockerImageName LOCAL_STACK =
      DockerImageName.parse("localstack/localstack:4.14.0");

  private static final String SECRET = "momento/authentication-token";
  private static final String STACK = "momento-auth-token-refresh-stack";

  /** A resource in CloudFormation's answer: logical id, type, physical id. */
  static final String RESOURCE =
      "<member><LogicalResourceId>%s</LogicalResourceId><ResourceType>%s</ResourceType>"
          + "<PhysicalResourceId>%s</PhysicalResourceId>"
          + "<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>";

  static final String STACK_WITH_OUTPUTS =
      "<member><StackName>s</StackName><Outputs>%s</Outputs></member>";

  @Test
  void the_shell_linter_finds_no_fault_in_the_scripts() throws IOException, InterruptedException {
    assumeTrue(Shell.isOnPath("shellcheck"), "shellcheck is not installed");

    Shell.Result checked =
        new Shell(URI.create("http://localhost:1"))
            .run("sh", "-c", "shellcheck -x -P SCRIPTDIR ../scripts/*.sh synth.sh ../.ci/run");

    assertThat(checked.status()).as(checked.output()).isZero();
  }

  /**
   * moto ignores resource types that it does not support, among them secrets in stacks. This tests
   * the scripts, the uploads, and that the secret is kept.
   */
  @Tag("slow")
  @Test
  void moto_deploys_and_deletes_a_stack_with_an_existing_secret_and_keeps_the_secret()
      throws IOException, InterruptedException {
    Optional<MotoServer> started = MotoServer.start();
    assumeTrue(started.isPresent(), "moto_server is not installed");
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (MotoServer moto = started.get()) {
      Shell shell = new Shell(moto.endpoint());
      String arn = shell.aws("secretsmanager create-secret --name " + SECRET + " --query ARN");

      Shell.Result deployed = shell.run("../scripts/deploy.sh", "--yes");
      assertThat(deployed.status()).as(deployed.output()).isZero();
      assertThat(deployed.output())
          .contains(
              "The secret " + SECRET + " already exists",
              "Checking all secrets ...",
              "Reading all secrets ...");
      Shell.Result again = shell.run("../scripts/deploy.sh", "--yes");
      assertThat(again.status()).as(again.output()).isZero();
      assertThat(shell.aws("cloudformation get-template --output json --stack-name " + STACK))
          .contains(arn)
          .doesNotContain("AWS::SecretsManager::Secret\"");

      Shell.Result unsure = shell.run("../scripts/teardown.sh");
      assertThat(unsure.output()).contains("stack/" + STACK, "Canceled; nothing was changed.");
      assertThat(unsure.status()).isEqualTo(1);
      Shell.Result removed = shell.run("../scripts/teardown.sh", "--yes");
      assertThat(removed.status()).as(removed.output()).isZero();
      Shell.Result removedAgain = shell.run("../scripts/teardown.sh", "--yes");
      assertThat(removedAgain.output()).contains("There is no stack " + STACK);
      assertThat(shell.aws("secretsmanager describe-secret --query ARN --secret-id " + SECRET))
          .isEqualTo(arn);
    }
  }

  /** The physical id of a RotationSchedule is its secret's ARN, too. */
  @Tag("slow")
  @Test
  void only_a_secret_that_the_stack_created_is_its_own_and_dropping_one_needs_confirmation()
      throws IOException, InterruptedException {
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (SecretsManagerServer secretsManager = SecretsManagerServer.start(InstantSource.system())) {
      for (String name : List.of("rotated", "made")) {
        secretsManager.state().create(name, null, null, null);
      }
      String resources =
          RESOURCE.formatted(
                  "R",
                  "AWS::SecretsManager::RotationSchedule",
                  secretsManager.state().describe("rotated").arn())
              + RESOURCE.formatted(
                  "S",
                  "AWS::SecretsManager::Secret",
                  secretsManager.state().describe("made").arn());
      String stack = STACK_WITH_OUTPUTS.formatted(output("SecretNames", "rotated,made,forgotten"));
      HttpServer cloudFormation = cloudFormation(resources, stack);
      try {
        Shell shell =
            new Shell(
                secretsManager.endpoint(),
                Map.of(
                    "AWS_ENDPOINT_URL_CLOUDFORMATION",
                    url(cloudFormation),
                    "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                    " rotated, made"));

        Shell.Result deployed = shell.run("../scripts/deploy.sh");

        assertThat(deployed.output())
            .contains("The secret rotated already exists")
            .doesNotContain("The secret made already exists")
            .contains("The stack rotates forgotten, but")
            .doesNotContain("The stack rotates rotated", "The stack rotates made")
            .contains("Canceled; nothing was changed.");
        assertThat(deployed.status()).isEqualTo(1);
      } finally {
        cloudFormation.stop(0);
      }
    }
  }

  @Tag("slow")
  @Test
  void the_teardown_names_the_issued_keys_that_stay_valid_and_shows_no_key()
      throws IOException, InterruptedException {
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE)) {
      V2Keys keys = sandbox.momento().v2Keys();
      V2Key managing = keys.issue(V2Keys.OWNER, "console", Optional.empty());
      // A page has a hundred keys.
      IntStream.range(0, 100)
          .forEach(_ -> keys.issue(V2Keys.VIEWER, "for another purpose", Optional.empty()));
      String issuer = "momento-key-rotation/1 0123456789abcdef0123 ";
      V2Key expired =
          keys.issueAged(V2Keys.VIEWER, issuer + "1", Duration.ofDays(2), Duration.ofDays(1));
      V2Key lasting = keys.issue(V2Keys.VIEWER, issuer + "2 \u001b[31mred", Optional.empty());
      Instant end = Instant.parse("2126-11-22T04:00:00Z");
      V2Key ending = keys.issue(V2Keys.VIEWER, issuer + "3 momento/a", Optional.of(end));
      sandbox
          .secretsManager()
          .state()
          .create("managing", new Value.Text(managing.consoleJson()), UUID.randomUUID() + "", null);
      HttpServer cloudFormation =
          cloudFormation(
              RESOURCE.formatted("Q", "AWS::SQS::Queue", "queue"),
              STACK_WITH_OUTPUTS.formatted(
                  output("ManagementKeySecret", "managing")
                      + output("MomentoApiEndpoint", sandbox.momentoApi().endpoint())));
      Path authority = Files.createTempFile("authority", ".pem");
      try {
        Files.write(authority, sandbox.authority().certificate().readAllBytes());
        Shell shell =
            new Shell(
                sandbox.secretsManager().endpoint(),
                Map.of(
                    "AWS_ENDPOINT_URL_CLOUDFORMATION",
                    url(cloudFormation),
                    "NODE_EXTRA_CA_CERTS",
                    authority.toString()));

        Shell.Result listed = shell.run("../scripts/teardown.sh");
        keys.revoke(managing.id());
        Shell.Result refused = shell.run("../scripts/teardown.sh");
        sandbox.secretsManager().state().delete("managing", true);
        Shell.Result missing = shell.run("../scripts/teardown.sh");

        assertThat(listed.output())
            .contains(
                "  " + lasting.id() + "  expires: never  " + issuer + "2 ?[31mred\n",
                "  " + ending.id() + "  expires: 2126-11-22T04:00:00Z  " + issuer + "3 momento/a\n",
                "Canceled; nothing was changed.")
            .doesNotContain(expired.id(), "another purpose", "console", managing.token());
        assertThat(refused.output())
            .contains("could not be listed. Momento's list of keys could not be read (HTTP 401).")
            .contains("Canceled; nothing was changed.");
        assertThat(missing.output())
            .contains("could not be listed.", "ResourceNotFoundException")
            .contains("Canceled; nothing was changed.");
      } finally {
        cloudFormation.stop(0);
        Files.delete(authority);
      }
    }
  }

  private static HttpServer cloudFormation(String resources, String stack) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String asked = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
          byte[] answer =
              (asked.contains("Action=ListStackResources")
                      ? answer("ListStackResources", "StackResourceSummaries", resources)
                      : answer("DescribeStacks", "Stacks", stack))
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static String url(HttpServer server) {
    return "http://localhost:" + server.getAddress().getPort();
  }

  static String output(String key, String value) {
    return "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>"
        .formatted(key, value);
  }

  static String answer(String action, String list, String members) {
    return "<%1$sResponse><%1$sResult><%2$s>%3$s</%2$s></%1$sResult></%1$sResponse>"
        .formatted(action, list, members);
  }

  @Test
  void synthesis_shows_the_mistakes_of_the_stack_and_of_the_function_together()
      throws IOException, InterruptedException {
    Shell shell =
        new Shell(
            URI.create("http://localhost:1"),
            Map.of(
                "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento=yes",
                "MOMENTO_CONTROL_ENDPOINT", "10.0.0.1:443",
                "ALARM_EMAIL", "platform"));

    Shell.Result synthesized = shell.run("../scripts/deploy.sh", "--synth");

    assertThat(synthesized.output())
        .contains(
            "MOMENTO_AUTH_TOKEN_SECRET_TAG is \"rotate=momento=yes\", but must be ",
            "MOMENTO_CONTROL_ENDPOINT is \"10.0.0.1:443\", but must be ",
            "ALARM_EMAIL is \"platform\", but must be ");
    assertThat(synthesized.status()).isEqualTo(1);
  }

  @Test
  void the_path_of_a_policy_is_relative_to_where_the_script_is_called()
      throws IOException, InterruptedException {
    Path missing = Path.of("../docs").toRealPath().resolve("missing policy.json");
    Shell shell =
        new Shell(
            URI.create("http://localhost:1"),
            StackTemplate.tokens("TOKENS_POLICY", " missing policy.json "));

    Shell.Result synthesized = shell.run("sh", "-c", "cd ../docs && ../scripts/deploy.sh --synth");

    assertThat(synthesized.output())
        .contains("TOKENS_POLICY is \"" + missing + "\", but must be the path of a policy file");
    assertThat(synthesized.status()).isEqualTo(1);
  }

  @Test
  void local_stack_deploys_deletes_and_redeploys_a_stack_and_keeps_the_secret()
      throws IOException, InterruptedException {
    assumeTrue(DockerClientFactory.instance().isDockerAvailable(), "Docker does not answer");
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (LocalStackContainer localStack = new LocalStackContainer(LOCAL_STACK)) {
      try {
        localStack.start();
      } catch (ContainerFetchException e) {
        abort("the image " + LOCAL_STACK + " cannot be pulled");
      }
      Shell shell = new Shell(localStack.getEndpoint());

      Shell.Result deployed = shell.run("../scripts/deploy.sh", "--yes");
      assertThat(deployed.status()).as(deployed.output()).isZero();
      String arn = shell.aws("secretsmanager describe-secret --query ARN --secret-id " + SECRET);
      assertThat(
              shell.aws(
                  "lambda get-alias --name live --function-name "
                      + StackNames.FUNCTION
                      + " --query FunctionVersion"))
          .isEqualTo("1");

      Shell.Result removed = shell.run("../scripts/teardown.sh", "--yes");
      assertThat(removed.status()).as(removed.output()).isZero();
      assertThat(shell.aws("secretsmanager describe-secret --query ARN --secret-id " + SECRET))
          .isEqualTo(arn);

      Shell.Result again = shell.run("../scripts/deploy.sh", "--yes");
      assertThat(again.status()).as(again.output()).isZero();
      assertThat(shell.aws("secretsmanager describe-secret --query ARN --secret-id " + SECRET))
          .isEqualTo(arn);
    }
  }
}
