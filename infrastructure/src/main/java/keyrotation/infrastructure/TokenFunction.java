package keyrotation.infrastructure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.logs.LogGroup;
import software.constructs.Construct;

/** The function that makes tokens, its alias {@code live}, its log group, and its role. */
final class TokenFunction extends Construct {

  static final String HANDLER = "keyrotation.tokens.TokenHandler::handleRequest";

  /** CPU time grows with the memory, and a caller waits for the answer. */
  private static final int MEMORY_MEGABYTES = 1024;

  /** API Gateway waits for 30 seconds. */
  private static final Duration TIMEOUT = Duration.seconds(29);

  private final LogGroup logGroup;
  private final Alias alias;

  /**
   * Creates the function.
   *
   * @param secretArn the ARN of the one secret that the function may read
   * @param archive the function's archive, with an empty policy
   */
  TokenFunction(
      Construct scope,
      String id,
      TokenStackSettings settings,
      String secretArn,
      List<String> kmsKeyArns,
      Path archive,
      Hosting hosting,
      StackNames names) {
    super(scope, id);
    this.logGroup = FunctionParts.logGroup(this, "Log", hosting);
    Role role =
        FunctionParts.role(
            this,
            "Permissions of the function that makes Momento tokens.",
            "make-tokens",
            statements(secretArn, kmsKeyArns, hosting),
            hosting);
    Function function =
        FunctionParts.function(this, role, logGroup, hosting)
            .description("Makes short-lived Momento tokens for verified callers.")
            .handler(HANDLER)
            .code(Code.fromAsset(PolicyArchive.copy(archive, settings.policy()).toString()))
            .memorySize(MEMORY_MEGABYTES)
            .timeout(TIMEOUT)
            .environment(settings.environment())
            .build();
    this.alias = FunctionParts.alias(this, function, hosting).build();
    TokenMetric.KEY_REJECTED.addFilter(this, logGroup, names.namespace());
  }

  private List<PolicyStatement> statements(
      String secretArn, List<String> kmsKeyArns, Hosting hosting) {
    List<PolicyStatement> statements = new ArrayList<>();
    statements.add(
        FunctionParts.allow("ReadKey", List.of("secretsmanager:GetSecretValue"), List.of(secretArn))
            .build());
    FunctionParts.allowSecretKeys(kmsKeyArns, List.of("kms:Decrypt")).ifPresent(statements::add);
    statements.add(FunctionParts.allowLog(logGroup));
    statements.addAll(FunctionParts.allowNetwork(hosting));
    return statements;
  }

  Alias alias() {
    return alias;
  }

  LogGroup logGroup() {
    return logGroup;
  }
}
