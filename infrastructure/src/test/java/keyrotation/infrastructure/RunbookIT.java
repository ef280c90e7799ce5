package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import keyrotation.sandbox.MotoServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the commands of the runbook, in their order, against moto. */
class RunbookIT {

  private static final Path RUNBOOK = Path.of("../docs/runbook.md");
  private static final Pattern SHELL_BLOCK = Pattern.compile("(?s)```sh\\n(.*?)```");
  private static final String SECRET = "momento/authentication-token";
  private static final String REGION = "us-east-1";

  @TempDir private Path directory;

  @Test
  void every_command_runs_against_the_stack() throws IOException, InterruptedException {
    Optional<MotoServer> started = MotoServer.start();
    assumeTrue(started.isPresent(), "moto_server is not installed");
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    try (MotoServer moto = started.get()) {
      // It answers each invocation.
      moto.configure("{\"lambda\":{\"use_docker\":false}}");
      Path profile = Files.writeString(directory.resolve("config"), "[profile my-profile]\n");
      String version = UUID.randomUUID().toString();
      Shell shell =
          new Shell(
              moto.endpoint(),
              Map.of(
                  "AWS_CONFIG_FILE", profile.toString(), "LABEL", "UNUSED", "VERSION_ID", version));
      createStack(shell);
      shell.aws("secretsmanager create-secret --secret-string {} --name " + SECRET);
      shell.aws(
          "secretsmanager put-secret-value --secret-string {} --version-stages UNUSED"
              + " --secret-id %s --client-request-token %s".formatted(SECRET, version));
      Files.writeString(directory.resolve("momento_token.info.json"), "{\"refreshToken\":\"\"}");

      Shell.Result result = shell.run("bash", "-c", commands());

      assertThat(result.status()).as(result.output()).isZero();
    }
  }

  private void createStack(Shell shell) throws IOException, InterruptedException {
    JsonNode template = StackTemplate.of().json();
    Path file = Files.writeString(directory.resolve("template.json"), template.toString());
    String bucket = "cdk-hnb659fds-assets-123456789012-" + REGION;
    String archive = template.findValue("S3Key").asText();
    shell.aws("s3api create-bucket --bucket " + bucket);
    shell.aws(
        "s3api put-object --bucket %s --key %s --body ../lambda/target/function.zip"
            .formatted(bucket, archive));
    shell.aws("ssm put-parameter --name /cdk-bootstrap/hnb659fds/version --value 30 --type String");
    shell.aws(
        "cloudformation create-stack --stack-name momento-auth-token-refresh-stack"
            + " --capabilities CAPABILITY_IAM --template-body file://"
            + file);
  }

  /** Returns the page's commands as one script, which shows each and ends at one that fails. */
  private String commands() throws IOException {
    List<String> blocks =
        SHELL_BLOCK
            .matcher(Files.readString(RUNBOOK))
            .results()
            .map(block -> block.group(1))
            .distinct()
            // The region of the reader's stack.
            .map(block -> block.replace("eu-west-1", REGION))
            // No message will come.
            .map(block -> block.replace("--wait-time-seconds 5", "--wait-time-seconds 0"))
            // Deployment has its own tests, and moto does not find the function here.
            .filter(block -> !block.contains("scripts/"))
            .filter(block -> !block.contains("aws lambda") || block.contains("aws lambda invoke"))
            .toList();
    assertThat(blocks).hasSizeGreaterThan(20);
    // Version 1 of the AWS command line ignores AWS_ENDPOINT_URL for SQS.
    return """
    set -euo pipefail -x
    aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
    cd '%s'
    %s
    """
        .formatted(directory, String.join("\n", blocks));
  }
}
