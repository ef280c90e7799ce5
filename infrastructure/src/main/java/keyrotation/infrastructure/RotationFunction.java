package keyrotation.infrastructure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.destinations.SqsDestination;
import software.amazon.awscdk.services.logs.LogGroup;
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
    this.logGroup = FunctionParts.logGroup(this, "Log");
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
        FunctionParts.role(
            this,
            "Permissions of the function that rotates Momento keys.",
            "rotate-keys",
            statements(settings, secretArns, failures));
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
    // Lambda deletes snapshots that are unused for 14 days; a daily run uses this one.
    Function function =
        FunctionParts.function(this, role, logGroup)
            .functionName(NAME)
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .handler(HANDLER)
            .code(Code.fromAsset(archive.toString()))
            .memorySize(MEMORY_MEGABYTES)
            .timeout(TIMEOUT)
            .environment(settings.environment())
            .build();
    FunctionParts.acknowledgeSnapshots(function);
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
      statements.add(FunctionParts.allow("RotateSecrets", ACTIONS, secretArns).build());
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
    settings
        .kmsKeyArn()
        .ifPresent(
            key ->
                statements.add(
                    FunctionParts.allowKey(key, List.of("kms:Decrypt", "kms:GenerateDataKey"))));
    statements.add(FunctionParts.allowLog(logGroup));
    statements.add(
        FunctionParts.allow(
                "KeepFailures", List.of("sqs:SendMessage"), List.of(failures.getQueueArn()))
            .build());
    return statements;
  }

  private PolicyStatement managementKeyStatement(String secret) {
    // A secret's ARN ends in a hyphen and six random characters.
    String arn = secret.startsWith("arn:") ? secret : secretArn(secret + "-??????");
    return FunctionParts.allow(
            "ReadManagementKey", List.of("secretsmanager:GetSecretValue"), List.of(arn))
        .build();
  }

  private List<PolicyStatement> tagStatements(String key, String value) {
    return List.of(
        FunctionParts.allow("RotateTaggedSecrets", ACTIONS, List.of(secretArn("*")))
            .conditions(Map.of("StringEquals", Map.of("aws:ResourceTag/" + key, value)))
            .build(),
        FunctionParts.allow(
                "FindTaggedSecrets", List.of("secretsmanager:ListSecrets"), List.of("*"))
            .build());
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
}
