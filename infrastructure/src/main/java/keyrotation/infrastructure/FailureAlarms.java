package keyrotation.infrastructure;

import java.util.List;
import java.util.Map;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.ComparisonOperator;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.TreatMissingData;
import software.amazon.awscdk.services.cloudwatch.actions.SnsAction;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.sns.Topic;
import software.amazon.awscdk.services.sns.subscriptions.EmailSubscription;
import software.constructs.Construct;

/** The alarms on failures, and the topic that they publish to. */
final class FailureAlarms extends Construct {

  private final Topic topic;

  /** Creates the topic; {@link #add} adds alarms. */
  FailureAlarms(Construct scope, String id, StackSettings settings) {
    super(scope, id);
    this.topic = Topic.Builder.create(this, "Topic").enforceSsl(true).build();
    settings
        .alarmEmail()
        .ifPresent(address -> topic.addSubscription(new EmailSubscription(address)));
    // This topic's policy replaces the default policy, which lets CloudWatch publish.
    topic.addToResourcePolicy(
        PolicyStatement.Builder.create()
            .sid("AllowAlarms")
            .principals(List.of(new ServicePrincipal("cloudwatch.amazonaws.com")))
            .actions(List.of("sns:Publish"))
            .resources(List.of(topic.getTopicArn()))
            .conditions(Map.of("StringEquals", Map.of("aws:SourceAccount", Aws.ACCOUNT_ID)))
            .build());
  }

  /**
   * Adds an alarm that goes off at the first failure.
   *
   * @param failures the metric that counts them
   * @param description what happened and what to do
   */
  void add(String id, IMetric failures, String description) {
    Alarm alarm =
        Alarm.Builder.create(this, id)
            .alarmDescription(description)
            .metric(failures)
            .threshold(1)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            .evaluationPeriods(1)
            .treatMissingData(TreatMissingData.NOT_BREACHING)
            .build();
    alarm.addAlarmAction(new SnsAction(topic));
  }

  Topic topic() {
    return topic;
  }
}
