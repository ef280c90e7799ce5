package keyrotation.infrastructure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  static final String HANDLER = "keyrotation.RotationHandler::handleRequest";

  private static final List<String> ACTIONS =
      List.of(
          "secretsmanager:DescribeSecret",
          "secretsmanager:GetSecretValue",
          "secretsmanager:PutSecretValue",
          "secretsmanager:UpdateSecretVersionStage");

  private final LogGroup logGroup;
  private final Role role;
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
      StackNames names,
      Map<SecretSource, String> secretArns,
      Code archive,
      IQueue failures) {
    super(scope, id);
    this.logGroup = FunctionParts.logGroup(this, "Log", settings.hosting());
    this.role = createRole(settings, secretArns, failures);
    Function function = createFunction(settings, names, archive);
    // Lambda retries twice with the same request id; then the event goes to the failure queue.
    this.alias =
        FunctionParts.alias(this, function, settings.hosting())
            .retryAttempts(2)
            // Lambda allows six hours. Waiting beyond the next run would only delay the alarm.
            .maxEventAge(
                Duration.hours(Math.min(6, settings.function().policy().interval().toHours())))
            .onFailure(new SqsDestination(failures))
            .build();
  }

  private Role createRole(
      StackSettings settings, Map<SecretSource, String> secretArns, IQueue failures) {
    Role created =
        FunctionParts.role(
            this,
            "Permissions of the function that rotates Momento keys.",
            "rotate-keys",
            statements(settings, secretArns, failures),
            settings.hosting());
    if (settings.function().tag().isPresent()) {
      FunctionParts.suppressNag(
          created,
          "AwsSolutions-IAM5",
          "ListSecrets does not support resource-level permissions, and tagged secrets can have any"
              + " name; a condition on the tag limits access to them.");
    }
    return created;
  }

  private Function createFunction(StackSettings settings, StackNames names, Code archive) {
    // Lambda deletes snapshots that are unused for 14 days; a daily run uses this one.
    Function.Builder function =
        FunctionParts.function(this, role, logGroup, settings.hosting())
            .description("Keeps Momento API keys in Secrets Manager fresh.")
            .handler(HANDLER)
            .code(archive)
            .memorySize(settings.hosting().size().memory())
            .timeout(Duration.seconds(settings.hosting().size().timeout()))
            .environment(settings.environment());
    names.function().ifPresent(function::functionName);
    return function.build();
  }

  Alias alias() {
    return alias;
  }

  Role role() {
    return role;
  }

  LogGroup logGroup() {
    return logGroup;
  }

  private List<PolicyStatement> statements(
      StackSettings settings, Map<SecretSource, String> secretArns, IQueue failures) {
    List<PolicyStatement> statements = new ArrayList<>();
    rotateSecrets("RotateSecrets", SecretSource.Created.class, secretArns)
        .ifPresent(statements::add);
    rotateSecrets("RotateSecretsByName", SecretSource.ByName.class, secretArns)
        .ifPresent(statements::add);
    rotateSecrets("RotateSecretsByArn", SecretSource.ByArn.class, secretArns)
        .ifPresent(statements::add);
    settings
        .function()
        .v2()
        .managementKeySecret()
        .ifPresent(secret -> statements.add(managementKeyStatement(secret)));
    settings
        .function()
        .tag()
        .ifPresent(tag -> statements.addAll(tagStatements(tag.key(), tag.value())));
    FunctionParts.allowSecretKeys(
            settings.kmsKeyArns(), List.of("kms:Decrypt", "kms:GenerateDataKey"))
        .ifPresent(statements::add);
    statements.add(FunctionParts.allowLog(logGroup));
    statements.add(
        FunctionParts.allow(
                "KeepFailures", List.of("sqs:SendMessage"), List.of(failures.getQueueArn()))
            .build());
    FunctionParts.allowQueueKey(settings.hosting()).ifPresent(statements::add);
    statements.addAll(FunctionParts.allowNetwork(settings.hosting()));
    return statements;
  }

  /** Allows the rotation of the secrets of one kind, if there are any. */
  private static Optional<PolicyStatement> rotateSecrets(
      String sid, Class<? extends SecretSource> kind, Map<SecretSource, String> arns) {
    List<String> ofKind =
        arns.entrySet().stream()
            .filter(secret -> kind.isInstance(secret.getKey()))
            .map(Map.Entry::getValue)
            .toList();
    return ofKind.isEmpty()
        ? Optional.empty()
        : Optional.of(FunctionParts.allow(sid, ACTIONS, ofKind).build());
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
