package keyrotation.infrastructure;

import io.github.cdklabs.cdknag.NagPackSuppression;
import io.github.cdklabs.cdknag.NagSuppressions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import keyrotation.infrastructure.StackSettings.Trigger;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.lambda.CfnPermission;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.secretsmanager.CfnRotationSchedule;
import software.amazon.awscdk.services.secretsmanager.CfnRotationSchedule.RotationRulesProperty;
import software.amazon.awscdk.services.secretsmanager.CfnSecret;
import software.amazon.awscdk.services.sqs.Queue;
import software.amazon.awscdk.services.sqs.QueueEncryption;
import software.constructs.Construct;

/**
 * All that is deployed: the secrets, the function, what starts it, and what tells of its failures.
 */
final class KeyRotationStack extends Stack {

  /**
   * The older system's name, so that its users find it. No resource has the older one's logical id:
   * deployed over the older stack this one fails and is rolled back, for the function's name is
   * taken; updated in place, the older stack's secrets would be deleted.
   */
  static final String NAME = "momento-auth-token-refresh-stack";

  /**
   * Describes the stack.
   *
   * @param archive the function's code
   */
  KeyRotationStack(Construct scope, StackSettings settings, Path archive) {
    super(
        scope,
        NAME,
        StackProps.builder()
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .build());
    Construct secrets = new Construct(this, "Secret");
    Map<SecretSource, String> secretArns = new LinkedHashMap<>();
    settings
        .secrets()
        .forEach(secret -> secretArns.put(secret, secretArn(secret, secrets, settings)));
    Queue failures = failureQueue();
    RotationFunction function =
        new RotationFunction(
            this, "Rotation", settings, List.copyOf(secretArns.values()), archive, failures);
    var _ =
        new RunSchedule(
            this,
            "Runs",
            settings.function().policy().interval().toHours(),
            function.alias(),
            failures);
    FailureAlarms alarms = new FailureAlarms(this, "Failed", settings);
    alarms.add(
        "Alarm",
        failures.metricApproximateNumberOfMessagesVisible(
            MetricOptions.builder().period(Duration.minutes(5)).statistic("Maximum").build()),
        "A scheduled run or an asynchronous invocation failed after all retries, or could not be"
            + " started. The failure queue (output FailureQueueUrl) holds its event; the function's"
            + " log states the reason. Correct the cause, then empty the queue: the alarm stays on"
            + " until the queue is empty.");
    if (settings.trigger() == Trigger.SECRETS_MANAGER) {
      rotateBySecretsManager(secretArns, function.alias(), settings);
      // Secrets Manager does not use the queue: it invokes the function and waits for the answer.
      alarms.add(
          "Errors",
          function
              .alias()
              .metricErrors(
                  MetricOptions.builder().period(Duration.minutes(5)).statistic("Sum").build()),
          "The function returned an error: a step of Secrets Manager's own rotation or another"
              + " invocation failed. The function's log states the secret and the reason. Correct"
              + " the cause, then rotate the secret: aws secretsmanager rotate-secret.");
    }
    output(
        "FunctionAliasArn",
        function.alias().getFunctionArn(),
        "ARN of the function alias to invoke");
    output(
        "LogGroupName", function.logGroup().getLogGroupName(), "Name of the function's log group");
    output(
        "FailureQueueUrl",
        failures.getQueueUrl(),
        "URL of the queue that holds the events of failed scheduled and asynchronous invocations");
    output(
        "AlarmTopicArn",
        alarms.topic().getTopicArn(),
        "ARN of the SNS topic that all alarms publish to");
    if (!settings.secrets().isEmpty()) {
      output(
          "SecretNames",
          settings.secretIds(),
          "Names or ARNs of the rotated secrets; secrets found by the tag are not listed");
    }
    output(
        "RotateNowCommand", rotateNowCommand(settings), "Command that rotates a secret's key now");
  }

  /** Returns a secret's ARN; makes the secret if it is the stack's to make. */
  private String secretArn(SecretSource source, Construct secrets, StackSettings settings) {
    return switch (source) {
      case SecretSource.Created(String name) -> createSecret(secrets, name, settings).getRef();
      // Six characters of chance end an ARN, and stand for nothing but them.
      case SecretSource.ByName(String name) ->
          formatArn(
              ArnComponents.builder()
                  .service("secretsmanager")
                  .resource("secret")
                  .resourceName(name + "-??????")
                  .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                  .build());
      case SecretSource.ByArn(String arn, String _) -> arn;
    };
  }

  /** Makes a secret without a value, which outlives the stack; the CDK's own would invent one. */
  private static CfnSecret createSecret(Construct secrets, String name, StackSettings settings) {
    CfnSecret.Builder secret =
        CfnSecret.Builder.create(secrets, name)
            .name(name)
            .description("A Momento API key and its refresh token, rotated by " + NAME + ".");
    settings.kmsKeyArn().ifPresent(secret::kmsKeyId);
    CfnSecret made = secret.build();
    // Not where the very creation of the stack is rolled back: the next attempt would find it.
    made.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    if (settings.trigger() == Trigger.EVENTBRIDGE) {
      suppressNag(
          made,
          "AwsSolutions-SMG4",
          "This stack's schedule rotates the secret, instead of Secrets Manager.");
    }
    return made;
  }

  private Queue failureQueue() {
    Queue queue =
        Queue.Builder.create(this, "Failures")
            .encryption(QueueEncryption.SQS_MANAGED)
            .enforceSsl(true)
            .retentionPeriod(Duration.days(14))
            .build();
    suppressNag(queue, "AwsSolutions-SQS3", "This queue is a dead-letter queue.");
    return queue;
  }

  /** Has Secrets Manager rotate each secret, besides the runs of this stack's schedule. */
  private void rotateBySecretsManager(
      Map<SecretSource, String> secretArns, IAlias function, StackSettings settings) {
    Construct schedules = new Construct(this, "Schedule");
    long days = settings.function().policy().age().toDays();
    secretArns.forEach(
        (secret, arn) -> rotateBySecretsManager(schedules, secret, arn, function, days));
  }

  private void rotateBySecretsManager(
      Construct schedules, SecretSource secret, String arn, IAlias function, long days) {
    CfnPermission permission =
        CfnPermission.Builder.create(schedules, "Permission-" + secret.name())
            .action("lambda:InvokeFunction")
            .functionName(function.getFunctionArn())
            .principal("secretsmanager.amazonaws.com")
            .sourceAccount(getAccount())
            .sourceArn(arn)
            .build();
    CfnRotationSchedule schedule =
        CfnRotationSchedule.Builder.create(schedules, "Rotation-" + secret.name())
            .secretId(secret instanceof SecretSource.ByName ? secret.id() : arn)
            .rotationLambdaArn(function.getFunctionArn())
            .rotationRules(RotationRulesProperty.builder().automaticallyAfterDays(days).build())
            .rotateImmediatelyOnUpdate(false)
            .build();
    schedule.getNode().addDependency(permission);
  }

  /**
   * Returns a command that both versions of AWS's command line take. It waits for longer than the
   * function runs: one that gave up before would send the event again.
   */
  private String rotateNowCommand(StackSettings settings) {
    String id = settings.secrets().stream().map(SecretSource::id).findFirst().orElse("NAME");
    return "echo '{\"momento_auth_token_secret_name\":\"%s\"}'".formatted(id)
        + " | aws lambda invoke --function-name %s:live --region %s"
            .formatted(RotationFunction.NAME, getRegion())
        + " --cli-read-timeout %d --payload fileb:///dev/stdin /dev/stdout"
            .formatted(RotationFunction.TIMEOUT.toSeconds().intValue() + 60);
  }

  private void output(String name, String value, String description) {
    CfnOutput.Builder.create(this, "Output" + name)
        .value(value)
        .description(description)
        .build()
        .overrideLogicalId(name);
  }

  private static void suppressNag(Construct construct, String rule, String reason) {
    NagSuppressions.addResourceSuppressions(
        construct, List.of(NagPackSuppression.builder().id(rule).reason(reason).build()));
  }
}
