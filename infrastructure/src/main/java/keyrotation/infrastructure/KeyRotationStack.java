package keyrotation.infrastructure;

import io.github.cdklabs.cdknag.NagPackSuppression;
import io.github.cdklabs.cdknag.NagSuppressions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.infrastructure.StackSettings.Trigger;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.CfnTag;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.secretsmanager.CfnSecret;
import software.amazon.awscdk.services.sqs.Queue;
import software.amazon.awscdk.services.sqs.QueueEncryption;
import software.constructs.Construct;

/**
 * The stack: the secrets, the function that rotates their keys, its triggers, and the metrics and
 * alarms that watch it. On request, also the function that makes tokens, and its API.
 */
final class KeyRotationStack extends Stack {

  /**
   * The name of the older TypeScript system's stack. No logical id equals one of the older stack's,
   * so a deployment over it fails on the function's name and is rolled back. An update in place
   * would delete the older stack's secrets.
   */
  static final String NAME = "momento-auth-token-refresh-stack";

  /** Creates the stack. */
  KeyRotationStack(Construct scope, StackSettings settings, Archives archives) {
    super(
        scope,
        NAME,
        StackProps.builder()
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .build());
    Map<SecretSource, String> secretArns = secretArns(settings);
    Queue failures = createQueue("Failures");
    Queue undelivered = createQueue("Undelivered");
    RotationFunction function =
        new RotationFunction(
            this,
            "Rotation",
            settings,
            List.copyOf(secretArns.values()),
            archives.rotation(),
            failures);
    Alias alias = function.alias();
    var _ = new RunSchedule(this, "Runs", settings.function().runTimes(), alias, undelivered);
    if (settings.trigger() == Trigger.SECRETS_MANAGER) {
      var _ = new SecretsManagerRotation(this, "Schedule", secretArns, alias, settings);
    }
    var _ = new LogMetrics(this, "Metrics", function.logGroup(), settings.monitoring().perSecret());
    Optional<TokenApi> tokens =
        settings.tokens().map(of -> addTokens(of, secretArns, settings, archives));
    Alarms alarms = new Alarms(this, "Alarms", settings, alias, undelivered, tokens);
    var _ = new OverviewDashboard(this, "Overview", alarms, alias, function.logGroup());
    addOutputs(settings, function, failures, undelivered, alarms);
    new KeyChangedRules(this, "KeyChanged", settings.secrets(), settings.keyChanged())
        .topicArn()
        .ifPresent(
            arn ->
                output(
                    "KeyChangedTopicArn",
                    arn,
                    "ARN of the SNS topic that gets the events of changed keys"));
  }

  private TokenApi addTokens(
      TokenStackSettings tokens,
      Map<SecretSource, String> rotated,
      StackSettings settings,
      Archives archives) {
    TokenFunction function =
        new TokenFunction(
            this,
            "Tokens",
            tokens,
            Optional.ofNullable(rotated.get(tokens.secret()))
                .orElseGet(() -> existingSecretArn(tokens.secret())),
            settings.kmsKeyArn(),
            archives.tokens());
    TokenApi api = new TokenApi(this, "TokenApi", tokens, function.alias());
    output("TokensUrl", api.url(), "URL to which applications send POST requests for tokens");
    output(
        "TokensLogGroupName",
        function.logGroup().getLogGroupName(),
        "Name of the log group of the function that makes tokens");
    output(
        "TokensAccessLogGroupName",
        api.accessLog().getLogGroupName(),
        "Name of the log group with a line for each request for a token");
    return api;
  }

  private void addOutputs(
      StackSettings settings,
      RotationFunction function,
      Queue failures,
      Queue undelivered,
      Alarms alarms) {
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
        "UndeliveredQueueUrl",
        undelivered.getQueueUrl(),
        "URL of the queue that holds the events of scheduled runs that could not be started");
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
    settings
        .function()
        .v2()
        .managementKeySecret()
        .ifPresent(
            secret -> {
              HostAndPort api = settings.function().v2().apiEndpoint();
              output(
                  "ManagementKeySecret",
                  secret,
                  "Name or ARN of the secret with the management key");
              output(
                  "MomentoApiEndpoint",
                  api.host() + ":" + api.port(),
                  "Host and port of Momento's API that manages v2 keys");
            });
    output(
        "RotateNowCommand", rotateNowCommand(settings), "Command that rotates a secret's key now");
  }

  /** Returns each named secret's ARN; creates the secrets that the stack has to create. */
  private Map<SecretSource, String> secretArns(StackSettings settings) {
    Construct secrets = new Construct(this, "Secret");
    Map<SecretSource, String> arns = new LinkedHashMap<>();
    settings.secrets().forEach(secret -> arns.put(secret, secretArn(secret, secrets, settings)));
    return arns;
  }

  private String secretArn(SecretSource source, Construct secrets, StackSettings settings) {
    return source instanceof SecretSource.Created(String name)
        ? createSecret(secrets, name, settings).getRef()
        : existingSecretArn(source);
  }

  private String existingSecretArn(SecretSource source) {
    if (source instanceof SecretSource.ByArn(String arn, String _)) {
      return arn;
    }
    // A secret's ARN ends in a hyphen and six random characters.
    return formatArn(
        ArnComponents.builder()
            .service("secretsmanager")
            .resource("secret")
            .resourceName(source.name() + "-??????")
            .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
            .build());
  }

  /** Creates an empty, retained secret. The CDK's L2 construct would generate a random value. */
  private static CfnSecret createSecret(Construct secrets, String name, StackSettings settings) {
    CfnSecret.Builder secret =
        CfnSecret.Builder.create(secrets, name)
            .name(name)
            .description("A Momento API key and its refresh token, rotated by " + NAME + ".");
    settings.kmsKeyArn().ifPresent(secret::kmsKeyId);
    settings
        .firstKeyOf(name)
        .ifPresent(
            key ->
                secret.tags(
                    List.of(
                        tag("momento:role-id", key.roleId()),
                        tag("momento:endpoint", key.endpoint()))));
    CfnSecret created = secret.build();
    // If the stack's creation is rolled back, the secret is deleted, so that a retry can create it.
    created.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    if (settings.trigger() == Trigger.EVENTBRIDGE) {
      suppressNag(
          created,
          "AwsSolutions-SMG4",
          "This stack's schedule rotates the secret, instead of Secrets Manager.");
    }
    return created;
  }

  private static CfnTag tag(String key, String value) {
    return CfnTag.builder().key(key).value(value).build();
  }

  /** Creates a queue for events that nothing receives, until an operator looks at them. */
  private Queue createQueue(String id) {
    Queue queue =
        Queue.Builder.create(this, id)
            .encryption(QueueEncryption.SQS_MANAGED)
            .enforceSsl(true)
            .retentionPeriod(Duration.days(14))
            .build();
    suppressNag(queue, "AwsSolutions-SQS3", "This queue is a dead-letter queue.");
    return queue;
  }

  /**
   * Returns a command for both versions of the AWS command line. It sends the event once: sent
   * again, it would be another request. Its timeout exceeds the function's.
   */
  private String rotateNowCommand(StackSettings settings) {
    String id = settings.secrets().stream().map(SecretSource::id).findFirst().orElse("NAME");
    return "echo '{\"momento_auth_token_secret_name\":\"%s\"}'".formatted(id)
        + " | AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name %s:live --region %s"
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

  /** Suppresses a finding of cdk-nag. */
  static void suppressNag(Construct construct, String rule, String reason) {
    NagSuppressions.addResourceSuppressions(
        construct, List.of(NagPackSuppression.builder().id(rule).reason(reason).build()));
  }
}
