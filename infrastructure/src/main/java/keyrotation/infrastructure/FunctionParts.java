package keyrotation.infrastructure;

import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Annotations;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.ApplicationLogLevel;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.LoggingFormat;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.lambda.SnapStartConf;
import software.amazon.awscdk.services.lambda.SystemLogLevel;
import software.amazon.awscdk.services.lambda.Tracing;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.logs.RetentionDays;
import software.constructs.Construct;

/** What the functions of the stack have in common. */
final class FunctionParts {

  private FunctionParts() {}

  static LogGroup logGroup(Construct scope, String id) {
    return LogGroup.Builder.create(scope, id)
        .retention(RetentionDays.THREE_MONTHS)
        .removalPolicy(RemovalPolicy.DESTROY)
        .build();
  }

  /**
   * Creates the role.
   *
   * @param policy the name of its one policy
   */
  static Role role(
      Construct scope, String description, String policy, List<PolicyStatement> statements) {
    return Role.Builder.create(scope, "Role")
        .description(description)
        .assumedBy(new ServicePrincipal("lambda.amazonaws.com"))
        .inlinePolicies(
            Map.of(policy, PolicyDocument.Builder.create().statements(statements).build()))
        .build();
  }

  /** Begins a function that starts from a snapshot and logs JSON. */
  static Function.Builder function(Construct scope, Role role, LogGroup logGroup) {
    return Function.Builder.create(scope, "Function")
        .runtime(Runtime.JAVA_25)
        .architecture(Architecture.ARM_64)
        // The inline policy is complete; the CDK would add to it.
        .role(role.withoutPolicyUpdates())
        .logGroup(logGroup)
        .loggingFormat(LoggingFormat.JSON)
        .applicationLogLevelV2(ApplicationLogLevel.INFO)
        .systemLogLevelV2(SystemLogLevel.INFO)
        .tracing(Tracing.DISABLED)
        .snapStart(SnapStartConf.ON_PUBLISHED_VERSIONS);
  }

  /** Accepts the CDK's warning about the snapshots of a function that an alias makes use of. */
  static void acknowledgeSnapshots(Function function) {
    Annotations.of(function)
        .acknowledgeWarning(
            "@aws-cdk/aws-lambda:snapStartRequirePublish",
            "The alias points to a published version.");
  }

  static PolicyStatement.Builder allow(String sid, List<String> actions, List<String> resources) {
    return PolicyStatement.Builder.create().sid(sid).actions(actions).resources(resources);
  }

  /** Allows the use of a KMS key, through Secrets Manager alone. */
  static PolicyStatement allowKey(String keyArn, List<String> actions) {
    return allow("UseKey", actions, List.of(keyArn))
        .conditions(
            Map.of(
                "StringEquals",
                Map.of("kms:ViaService", "secretsmanager." + Aws.REGION + "." + Aws.URL_SUFFIX)))
        .build();
  }

  static PolicyStatement allowLog(LogGroup logGroup) {
    return allow(
            "WriteLog",
            List.of("logs:CreateLogStream", "logs:PutLogEvents"),
            List.of(logGroup.getLogGroupArn()))
        .build();
  }
}
