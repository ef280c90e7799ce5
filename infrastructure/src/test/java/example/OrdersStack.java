package example;

import java.time.Duration;
import java.util.List;
import keyrotation.infrastructure.MomentoKeyRotation;
import keyrotation.infrastructure.MomentoKeyRotationProps;
import keyrotation.infrastructure.RotationTrigger;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.ComparisonOperator;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.ec2.SecurityGroup;
import software.amazon.awscdk.services.ec2.SubnetSelection;
import software.amazon.awscdk.services.ec2.SubnetType;
import software.amazon.awscdk.services.ec2.Vpc;
import software.amazon.awscdk.services.kms.Key;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.sns.Topic;
import software.constructs.Construct;

/** A stack that rotates the Momento key of one application. */
public final class OrdersStack extends Stack {

  public OrdersStack(Construct scope, String id, String archive) {
    super(scope, id);
    Key key = Key.Builder.create(this, "Key").enableKeyRotation(true).build();
    Topic alarms = new Topic(this, "Alarms");
    Vpc vpc = Vpc.Builder.create(this, "Vpc").maxAzs(2).build();
    SecurityGroup group = SecurityGroup.Builder.create(this, "Group").vpc(vpc).build();
    SubnetSelection subnets =
        SubnetSelection.builder().subnetType(SubnetType.PRIVATE_WITH_EGRESS).build();

    MomentoKeyRotation keys =
        new MomentoKeyRotation(
            this,
            "MomentoKeys",
            new MomentoKeyRotationProps(Code.fromAsset(archive))
                .createSecrets("orders/momento")
                .managementKeySecret("momento/management-key")
                .rotateAfter(Duration.ofDays(20))
                .trigger(RotationTrigger.SECRETS_MANAGER)
                .kmsKeys(key.getKeyArn())
                .network(
                    vpc.selectSubnets(subnets).getSubnetIds(), List.of(group.getSecurityGroupId()))
                .alarmTopic(alarms.getTopicArn())
                .tag("team", "orders"));

    // The construct has the function, the log group, the queues and the topic for alarms of yours.
    Alarm.Builder.create(this, "Slow")
        .metric(keys.alias().metricDuration(MetricOptions.builder().statistic("p99").build()))
        .threshold(60_000)
        .evaluationPeriods(1)
        .comparisonOperator(ComparisonOperator.GREATER_THAN_THRESHOLD)
        .build();
  }
}
