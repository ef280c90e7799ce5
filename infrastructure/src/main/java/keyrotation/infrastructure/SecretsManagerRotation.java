package keyrotation.infrastructure;

import java.time.Duration;
import java.util.Map;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.services.lambda.CfnPermission;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.secretsmanager.CfnRotationSchedule;
import software.amazon.awscdk.services.secretsmanager.CfnRotationSchedule.RotationRulesProperty;
import software.constructs.Construct;

/** Schedules Secrets Manager's own rotation of each secret, and lets it invoke the function. */
final class SecretsManagerRotation extends Construct {

  /** How often it rotates v1 keys unless a setting says so. */
  private static final Duration FOR_V1_KEYS = Duration.ofDays(1);

  /** The same where there are v2 keys: each rotation leaves a key that works until it expires. */
  private static final Duration FOR_V2_KEYS = Duration.ofDays(30);

  private final IAlias function;
  private final long days;

  /** Adds a rotation schedule for each secret, given with its ARN. */
  SecretsManagerRotation(
      Construct scope,
      String id,
      Map<SecretSource, String> secretArns,
      IAlias function,
      StackSettings settings) {
    super(scope, id);
    this.function = function;
    boolean hasV2Keys = settings.function().v2().managementKeySecret().isPresent();
    this.days =
        settings.function().policy().age().orElse(hasV2Keys ? FOR_V2_KEYS : FOR_V1_KEYS).toDays();
    secretArns.forEach(this::schedule);
  }

  private void schedule(SecretSource secret, String arn) {
    CfnPermission permission =
        CfnPermission.Builder.create(this, "Permission-" + secret.name())
            .action("lambda:InvokeFunction")
            .functionName(function.getFunctionArn())
            .principal("secretsmanager.amazonaws.com")
            .sourceAccount(Aws.ACCOUNT_ID)
            .sourceArn(arn)
            .build();
    CfnRotationSchedule schedule =
        CfnRotationSchedule.Builder.create(this, "Rotation-" + secret.name())
            .secretId(secret instanceof SecretSource.ByName ? secret.id() : arn)
            .rotationLambdaArn(function.getFunctionArn())
            .rotationRules(RotationRulesProperty.builder().automaticallyAfterDays(days).build())
            .rotateImmediatelyOnUpdate(false)
            .build();
    schedule.getNode().addDependency(permission);
  }
}
