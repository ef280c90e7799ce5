package keyrotation.infrastructure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Annotations;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.lambda.ApplicationLogLevel;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.LoggingFormat;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.lambda.SnapStartConf;
import software.amazon.awscdk.services.lambda.SystemLogLevel;
import software.amazon.awscdk.services.lambda.Tracing;
import software.amazon.awscdk.services.lambda.destinations.SqsDestination;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.logs.RetentionDays;
import software.amazon.awscdk.services.sqs.IQueue;
import software.constructs.Construct;

/** The function, its alias {@code live}, its log group, and its role. */
final class RotationFunction extends Construct {

  /** The name of the older TypeScript system's function. */
  static final String NAME = "momento-auth-token-refresh-lambda";

  static final String HANDLER = "keyrotation.RotationHandler::handleRequest";

  /**
   * The function uses a fifth of this memory, but CPU time grows with it: a first rotation takes
   * half as long as with 512 MB, at the same cost. {@code scripts/benchmark.sh} measures this.
   */
  private static final int MEMORY_MEGABYTES = 1024;

  /** Room for several slow rotations: many secrets share the rate that Momento allows. */
  static final Duration TIMEOUT = Duration.minutes(5);

  private static final List<String> ACTIONS =
      List.of(
          "secretsmanager:DescribeSecret",
          "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue",
          "secretsmanager:UpdateSecretVersionStage");

  private final LogGroup logGroup;
  private final Alias alias;

  /**
   * Creates the function.
   *
   * @param secretArns ARNs of the named secrets, which the role allows to be rotated
   * @param archive the function's archive
   * @param failures the queue for the events of failed invocations
   */
  RotationFunction(
      Construct scope,
      String id,
      StackSettings settings,
      List<String> secretArns,
      Path archive,
      IQueue failures) {
    super(scope, id);
    this.logGroup =
        LogGroup.Builder.create(this, "Log")
            .retention(RetentionDays.THREE_MONTHS)
            .removalPolicy(RemovalPolicy.DESTROY)
            .build();
    Function function =
        createFunction(settings, createRole(settings, secretArns, failures), archive);
    // Lambda retries twice with the same request id; then the event goes to the failure queue.
    this.alias =
        Alias.Builder.create(this, "Live")
            .aliasName("live")
            .version(function.getCurrentVersion())
            .retryAttempts(2)
            // Lambda allows six hours. Waiting beyond the next run would only delay the alarm.
            .maxEventAge(
                Duration.hours(Math.min(6, settings.function().policy().interval().toHours())))
            .onFailure(new SqsDestination(failures))
            .build();
  }

  private Role createRole(StackSettings settings, List<String> secretArns, IQueue failures) {
    Role role =
        Role.Builder.create(this, "Role")
            .description("Permissions of the function that rotates Momento keys.")
            .assumedBy(new ServicePrincipal("lambda.amazonaws.com"))
            .inlinePolicies(
                Map.of(
                    "rotate-keys",
                    PolicyDocument.Builder.create()
                        .statements(statements(settings, secretArns, failures))
                        .build()))
            .build();
    if (settings.function().tag().isPresent()) {
      KeyRotationStack.suppressNag(
          role,
          "AwsSolutions-IAM5",
          "ListSecrets does not support resource-level permissions, and tagged secrets can have any"
              + " name; a condition on the tag limits access to them.");
    }
    return role;
  }

  private Function createFunction(StackSettings settings, Role role, Path archive) {
    Function function =
        Function.Builder.create(this, "Function")
            .functionName(NAME)
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .runtime(Runtime.JAVA_25)
            .architecture(Architecture.ARM_64)
            .handler(HANDLER)
            .code(Code.fromAsset(archive.toString()))
            // The inline policy is complete; the CDK would add to it.
            .role(role.withoutPolicyUpdates())
            .memorySize(MEMORY_MEGABYTES)
            .timeout(TIMEOUT)
            .environment(settings.environment())
            .logGroup(logGroup)
            .loggingFormat(LoggingFormat.JSON)
            .applicationLogLevelV2(ApplicationLogLevel.INFO)
            .systemLogLevelV2(SystemLogLevel.INFO)
            .tracing(Tracing.DISABLED)
            // Lambda deletes snapshots that are unused for 14 days; a daily run uses this one.
            .snapStart(SnapStartConf.ON_PUBLISHED_VERSIONS)
            .build();
    Annotations.of(function)
        .acknowledgeWarning(
            "@aws-cdk/aws-lambda:snapStartRequirePublish",
            "The alias points to a published version.");
    return function;
  }

  Alias alias() {
    return alias;
  }

  LogGroup logGroup() {
    return logGroup;
  }

  private List<PolicyStatement> statements(
      StackSettings settings, List<String> secretArns, IQueue failures) {
    List<PolicyStatement> statements = new ArrayList<>();
    if (!secretArns.isEmpty()) {
      statements.add(allow("RotateSecrets", ACTIONS, secretArns).build());
    }
    settings
        .function()
        .v2()
        .managementKeySecret()
        .ifPresent(secret -> statements.add(managementKeyStatement(secret)));
    settings
        .function()
        .tag()
        .ifPresent(tag -> statements.addAll(tagStatements(tag.key(), tag.value())));
    settings.kmsKeyArn().ifPresent(key -> statements.add(kmsStatement(key)));
    statements.add(
        allow(
                "WriteLog",
                List.of("logs:CreateLogStream", "logs:PutLogEvents"),
                List.of(logGroup.getLogGroupArn()))
            .build());
    statements.add(
        allow("KeepFailures", List.of("sqs:SendMessage"), List.of(failures.getQueueArn())).build());
    return statements;
  }

  private PolicyStatement managementKeyStatement(String secret) {
    // A secret's ARN ends in a hyphen and six random characters.
    String arn = secret.startsWith("arn:") ? secret : secretArn(secret + "-??????");
    return allow("ReadManagementKey", List.of("secretsmanager:GetSecretValue"), List.of(arn))
        .build();
  }

  private List<PolicyStatement> tagStatements(String key, String value) {
    return List.of(
        allow("RotateTaggedSecrets", ACTIONS, List.of(secretArn("*")))
            .conditions(Map.of("StringEquals", Map.of("aws:ResourceTag/" + key, value)))
            .build(),
        allow("FindTaggedSecrets", List.of("secretsmanager:ListSecrets"), List.of("*")).build());
  }

  private static PolicyStatement kmsStatement(String keyArn) {
    return allow("UseKey", List.of("kms:Decrypt", "kms:GenerateDataKey"), List.of(keyArn))
        .conditions(
            Map.of(
                "StringEquals",
                Map.of("kms:ViaService", "secretsmanager." + Aws.REGION + "." + Aws.URL_SUFFIX)))
        .build();
  }

  private String secretArn(String name) {
    return Stack.of(this)
        .formatArn(
            ArnComponents.builder()
                .service("secretsmanager")
                .resource("secret")
                .resourceName(name)
                .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                .build());
  }

  private static PolicyStatement.Builder allow(
      String sid, List<String> actions, List<String> resources) {
    return PolicyStatement.Builder.create().sid(sid).actions(actions).resources(resources);
  }
}
