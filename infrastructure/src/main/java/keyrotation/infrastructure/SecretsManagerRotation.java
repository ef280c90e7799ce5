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

  /** How often it rotates unless a setting says so: v1 keys, which cannot be revoked, every day. */
  private static final Duration DEFAULT = Duration.ofDays(1);

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
    this.days = settings.function().policy().age().orElse(DEFAULT).toDays();
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
