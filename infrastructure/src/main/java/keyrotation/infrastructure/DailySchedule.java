package keyrotation.infrastructure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.scheduler.ContextAttribute;
import software.amazon.awscdk.services.scheduler.Schedule;
import software.amazon.awscdk.services.scheduler.ScheduleExpression;
import software.amazon.awscdk.services.scheduler.ScheduleGroup;
import software.amazon.awscdk.services.scheduler.ScheduleTargetInput;
import software.amazon.awscdk.services.scheduler.TimeWindow;
import software.amazon.awscdk.services.scheduler.targets.LambdaInvoke;
import software.amazon.awscdk.services.sqs.IQueue;
import software.constructs.Construct;

/** Invokes the function once a day, and keeps the event if that cannot be done. */
final class DailySchedule extends Construct {

  /** Less than the two hours that the function counts an age early, so that no day is missed. */
  private static final Duration WINDOW = Duration.hours(1);

  /** As often, and for as long, as EventBridge Scheduler tries at most. */
  private static final int ATTEMPTS = 185;

  private static final Duration LONGEST_DELAY = Duration.hours(24);

  DailySchedule(Construct scope, String id, IAlias target, IQueue failures) {
    super(scope, id);
    Role role =
        Role.Builder.create(this, "Role")
            .description("What the daily schedule may do: invoke one function.")
            .assumedBy(
                ServicePrincipal.Builder.create("scheduler.amazonaws.com")
                    .conditions(
                        Map.of(
                            "StringEquals",
                            // Sorted, else each synthesis would write another template.
                            new TreeMap<>(
                                Map.of(
                                    "aws:SourceAccount",
                                    Aws.ACCOUNT_ID,
                                    "aws:SourceArn",
                                    ScheduleGroup.fromDefaultScheduleGroup(this, "Group")
                                        .getScheduleGroupArn()))))
                    .build())
            .inlinePolicies(
                Map.of(
                    "invoke",
                    PolicyDocument.Builder.create()
                        .statements(
                            List.of(
                                allow("lambda:InvokeFunction", target.getFunctionArn()),
                                allow("sqs:SendMessage", failures.getQueueArn())))
                        .build()))
            .build();
    Schedule.Builder.create(this, "Schedule")
        .description("Has the Momento keys rotated that are due.")
        .schedule(ScheduleExpression.rate(Duration.days(1)))
        .timeWindow(TimeWindow.flexible(WINDOW))
        .target(
            LambdaInvoke.Builder.create(target)
                .role(role.withoutPolicyUpdates())
                .input(ScheduleTargetInput.fromObject(event()))
                .retryAttempts(ATTEMPTS)
                .maxEventAge(LONGEST_DELAY)
                .deadLetterQueue(failures)
                .build())
        .build();
  }

  /**
   * Returns the envelope that a rule of EventBridge sends. The schedule and its time are the same
   * whenever an event is delivered again, so the function knows it; the execution's id is not.
   */
  private static Map<String, Object> event() {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("version", "0");
    event.put("id", ContextAttribute.getExecutionId());
    event.put("detail-type", "Scheduled Event");
    event.put("source", "aws.scheduler");
    event.put("account", Aws.ACCOUNT_ID);
    event.put("time", ContextAttribute.getScheduledTime());
    event.put("region", Aws.REGION);
    event.put("resources", List.of(ContextAttribute.getScheduleArn()));
    event.put("detail", "{}");
    return event;
  }

  private static PolicyStatement allow(String action, String resource) {
    return PolicyStatement.Builder.create()
        .actions(List.of(action))
        .resources(List.of(resource))
        .build();
  }
}
