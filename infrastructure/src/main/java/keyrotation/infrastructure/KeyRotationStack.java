package keyrotation.infrastructure;

import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.infrastructure.MomentoKeyRotation.TokenParts;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.constructs.Construct;

/** A stack with one {@link MomentoKeyRotation}, and outputs for scripts and operators. */
final class KeyRotationStack extends Stack {

  private final StackSettings settings;

  /** Creates the stack. */
  KeyRotationStack(Construct scope, StackSettings settings, StackNames names, Archives archives) {
    super(
        scope,
        names.prefix(),
        StackProps.builder()
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .tags(settings.hosting().tags())
            .build());
    this.settings = settings;
    addOutputs(
        new MomentoKeyRotation(
            this, MomentoKeyRotation.NO_ID, settings, Optional.of(names), archives));
  }

  private void addOutputs(MomentoKeyRotation rotation) {
    output(
        "FunctionAliasArn",
        rotation.alias().getFunctionArn(),
        "ARN of the function alias to invoke");
    output(
        "FunctionRoleArn",
        rotation.role().getRoleArn(),
        "ARN of the function's role, for policies of secrets and KMS keys of other accounts");
    output(
        "LogGroupName", rotation.logGroup().getLogGroupName(), "Name of the function's log group");
    output(
        "FailureQueueUrl",
        rotation.failureQueue().getQueueUrl(),
        "URL of the queue that holds the events of failed scheduled and asynchronous invocations");
    output(
        "UndeliveredQueueUrl",
        rotation.undeliveredQueue().getQueueUrl(),
        "URL of the queue that holds the events of scheduled runs that could not be started");
    output(
        "AlarmTopicArn",
        rotation.alarmTopic().getTopicArn(),
        "ARN of the SNS topic that all alarms publish to");
    if (!settings.secrets().isEmpty()) {
      output(
          "SecretNames",
          settings.secretIds(),
          "Names or ARNs of the rotated secrets; secrets found by the tag are not listed");
    }
    settings.function().v2().managementKeySecret().ifPresent(this::addManagementKeyOutputs);
    output(
        "RotateNowCommand", rotateNowCommand(rotation), "Command that rotates a secret's key now");
    rotation
        .keyChangedTopicArn()
        .ifPresent(
            arn ->
                output(
                    "KeyChangedTopicArn",
                    arn,
                    "ARN of the SNS topic that gets the events of changed keys"));
    rotation.tokens().ifPresent(this::addTokenOutputs);
  }

  private void addManagementKeyOutputs(String secret) {
    HostAndPort api = settings.function().v2().apiEndpoint();
    output("ManagementKeySecret", secret, "Name or ARN of the secret with the management key");
    output(
        "MomentoApiEndpoint",
        api.host() + ":" + api.port(),
        "Host and port of Momento's API that manages v2 keys");
  }

  private void addTokenOutputs(TokenParts tokens) {
    output(
        "TokensUrl", tokens.api().url(), "URL to which applications send POST requests for tokens");
    output(
        "TokensLogGroupName",
        tokens.function().logGroup().getLogGroupName(),
        "Name of the log group of the function that makes tokens");
    output(
        "TokensAccessLogGroupName",
        tokens.api().accessLog().getLogGroupName(),
        "Name of the log group with a line for each request for a token");
  }

  /**
   * Returns a command for both versions of the AWS command line. It sends the event once: sent
   * again, it would be another request. Its timeout exceeds Lambda's longest.
   */
  private String rotateNowCommand(MomentoKeyRotation rotation) {
    String id = settings.secrets().stream().map(SecretSource::id).findFirst().orElse("NAME");
    String alias =
        rotation
            .names()
            .function()
            .map(name -> name + ":live")
            .orElse(rotation.alias().getFunctionArn());
    return "echo '{\"momento_auth_token_secret_name\":\"%s\"}'".formatted(id)
        + " | AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name %s --region %s"
            .formatted(alias, getRegion())
        + " --cli-read-timeout 960 --payload fileb:///dev/stdin /dev/stdout";
  }

  private void output(String name, String value, String description) {
    CfnOutput.Builder.create(this, "Output" + name)
        .value(value)
        .description(description)
        .build()
        .overrideLogicalId(name);
  }
}
