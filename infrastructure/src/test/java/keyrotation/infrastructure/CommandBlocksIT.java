package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import keyrotation.sandbox.MotoServer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Runs the command blocks of each page, in their order, against moto. */
@Tag("slow")
@ResourceLock("infrastructure/cdk.out")
class CommandBlocksIT {

  private static final Pattern BLOCK = Pattern.compile("(?s)```(\\w*)\\n(.*?)```");

  /** The languages of blocks that are no commands; a block of any other language runs. */
  private static final Set<String> NO_COMMANDS = Set.of("java", "json", "mermaid", "text", "xml");

  /** What does not run here, and why. Others fail until they are listed. */
  private static final String STAND_INS =
      """
      # It takes long, and ScriptsIT runs it.
      ./scripts/deploy.sh() { [ $# = 0 ]; }
      # They need the function's answers; TerminalIT runs them.
      ./scripts/status.sh() { [ $# = 0 ]; }
      ./scripts/rotate.sh() { [ $# != 0 ]; }
      ./scripts/store-key.sh() { [ -f "$1" ]; }
      # It starts a Maven build, which would disturb this one; .ci/run runs it.
      ./scripts/demo.sh() { [ -z "$*" ] || [ "$*" = --revocation ]; }
      # moto has no event history of CloudTrail; KeyReadersIT runs it.
      ./scripts/key-readers.sh() { [ "$*" = "$NAME" ]; }
      # It needs Momento's API, or that of the tokens. This takes the management key as curl does.
      curl() {
        case $* in
          "--config - --request DELETE $API/api-keys/key-of-an-old-secret")
            grep -qx 'header = "Authorization: managing"'
            ;;
          "--request POST $TOKENS_URL --header Authorization: Bearer $JWT --data {"*) ;;
          *) false ;;
        esac
      }
      # It needs real accounts; LiveCheckTest runs the check against the sandbox.
      mvn() { [ "$*" = "-Plive verify" ]; }
      """;

  private static final Path MIGRATION = Path.of("../docs/migrating-from-typescript.md");
  private static final String SECRET = "momento/authentication-token";
  private static final String REGION = "us-east-1";

  @TempDir private Path directory;

  @Test
  void every_command_block_of_every_page_runs() throws IOException, InterruptedException {
    Optional<MotoServer> started = MotoServer.start();
    assumeTrue(started.isPresent(), "moto_server is not installed");
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (MotoServer moto = started.get()) {
      // It answers each invocation.
      moto.configure("{\"lambda\":{\"use_docker\":false}}");
      Path profile = Files.writeString(directory.resolve("config"), "[profile my-profile]\n");
      String function =
          "arn:aws:lambda:%s:123456789012:function:%s".formatted(REGION, StackNames.FUNCTION);
      String version = UUID.randomUUID().toString();
      Shell shell =
          new Shell(
              moto.endpoint(),
              Map.ofEntries(
                  Map.entry("AWS_CONFIG_FILE", profile.toString()),
                  Map.entry("AWS_DEFAULT_REGION", REGION),
                  Map.entry("BUCKET", "my-releases"),
                  Map.entry("SECRET", "momento/orders"),
                  Map.entry("STACK", "momento-orders"),
                  Map.entry("API", "https://mga.registry.prod.a.momentohq.com"),
                  Map.entry("JWT", "a-jwt"),
                  Map.entry("KEY_ID", "key-of-an-old-secret"),
                  Map.entry("LABEL", "UNUSED"),
                  Map.entry("LIVE_ROTATION_FUNCTION_ARN", function + ":live"),
                  Map.entry("MANAGEMENT_SECRET", "managing"),
                  Map.entry("TOKENS_URL", "https://api.example.com/tokens"),
                  Map.entry("VERSION_ID", version)));
      shell.aws(
          "secretsmanager create-secret --secret-string {\"apiKey\":\"k\",\"endpoint\":\"e\"}"
              + " --name "
              + SECRET);
      shell.aws(
          "secretsmanager create-secret --secret-string {\"apiKey\":\"managing\"} --name managing");
      shell.aws(
          "secretsmanager put-secret-value --secret-string {} --version-stages UNUSED"
              + " --secret-id %s --client-request-token %s".formatted(SECRET, version));
      Files.writeString(directory.resolve("momento_token.info.json"), "{\"refreshToken\":\"\"}");
      Files.writeString(directory.resolve("management-key.json"), "{}");
      Files.writeString(directory.resolve("momento-key.json"), "{}");
      Files.writeString(
          directory.resolve("momento-key-rotation.template.json"), StackTemplate.release());
      Files.copy(
          Path.of("../lambda/target/function.zip"), directory.resolve("rotation-function.zip"));

      deploy(shell);

      for (Path page : DocumentationTest.pages()) {
        if (!page.equals(MIGRATION)) {
          run(shell, page);
          // More than one page creates it.
          shell.aws(
              "secretsmanager delete-secret --force-delete-without-recovery --secret-id "
                  + "momento/management-key");
        }
      }
      // It deletes the stack, which stands for the older one.
      assertThat(run(shell, MIGRATION)).contains("AWS::SecretsManager::Secret\tRetain\n");
    }
  }

  private void deploy(Shell shell) throws IOException, InterruptedException {
    JsonNode template = StackTemplate.of("KEY_CHANGED_EVENTS", "topic").json();
    String bucket = "cdk-hnb659fds-assets-123456789012-" + REGION;
    String archive = template.findValue("S3Key").asText();
    shell.aws("s3api create-bucket --bucket " + bucket);
    shell.aws(
        "s3api put-object --bucket %s --key %s --body ../lambda/target/function.zip"
            .formatted(bucket, archive));
    shell.aws("ssm put-parameter --name /cdk-bootstrap/hnb659fds/version --value 30 --type String");
    // moto keeps only the parameters that are named here.
    shell.aws(
        "cloudformation create-stack --stack-name momento-auth-token-refresh-stack"
            + " --parameters"
            + " ParameterKey=BootstrapVersion,ParameterValue=/cdk-bootstrap/hnb659fds/version"
            + " --capabilities CAPABILITY_IAM --template-body file://"
            + Files.writeString(directory.resolve("template.json"), template.toString()));
    // moto runs the stack's function only with Docker.
    shell.aws(
        "lambda create-function --function-name %s --role %s --code S3Bucket=%s,S3Key=%s"
            .formatted(
                StackNames.FUNCTION,
                shell.aws("iam list-roles --query Roles[0].Arn"),
                bucket,
                archive));
    shell.aws(
        "lambda create-alias --name live --function-version $LATEST --function-name "
            + StackNames.FUNCTION);
  }

  /** Runs a page's commands as one script, which shows each and ends at one that fails. */
  private String run(Shell shell, Path page) throws IOException, InterruptedException {
    // Version 1 of the AWS command line ignores AWS_ENDPOINT_URL for SQS. A command that writes to
    // /dev/stdout would empty a file, but not a pipe.
    String script =
        """
        set -euo pipefail
        {
        set -x
        aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
        cd '%s'
        %s
        %s
        } 2>&1 | cat
        """
            .formatted(directory, STAND_INS, commands(page));
    Shell.Result result = shell.run("bash", "-c", script);
    assertThat(result.status()).as("%s: %s", page, result.output()).isZero();
    return result.output();
  }

  private static String commands(Path page) throws IOException {
    return BLOCK
        .matcher(Files.readString(page))
        .results()
        .filter(block -> !NO_COMMANDS.contains(block.group(1)))
        .map(block -> block.group(2))
        .distinct()
        // What the reader changes: the region, a secret's name, and the older stack's template.
        .map(block -> block.replace("eu-west-1", REGION))
        .map(block -> block.replace("--secret-id NAME", "--secret-id " + SECRET))
        .map(
            block ->
                block.replace("> older.json", "| sed s/RetainExceptOnCreate/Retain/ > older.json"))
        // No message will come.
        .map(block -> block.replace("--wait-time-seconds 5", "--wait-time-seconds 0"))
        .collect(joining("\n"));
  }
}
