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

/** Starts the scheduled runs of the function, and keeps the event of a run that cannot start. */
final class RunSchedule extends Construct {

  /** The most that EventBridge Scheduler allows; the age of the event ends the attempts before. */
  private static final int ATTEMPTS = 185;

  /**
   * Describes the schedule.
   *
   * @param hours the time between two runs
   * @param target what is invoked
   * @param failures where events go that cannot be delivered
   */
  RunSchedule(Construct scope, String id, long hours, IAlias target, IQueue failures) {
    super(scope, id);
    Role role =
        Role.Builder.create(this, "Role")
            .description("Permissions of the schedule that starts the rotation of Momento keys.")
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
        .description("Starts the scheduled runs, which rotate the Momento keys that are due.")
        .schedule(ScheduleExpression.rate(Duration.hours(hours)))
        .timeWindow(TimeWindow.flexible(window(hours)))
        .target(
            LambdaInvoke.Builder.create(target)
                .role(role.withoutPolicyUpdates())
                .input(ScheduleTargetInput.fromObject(event()))
                .retryAttempts(ATTEMPTS)
                // By then the next run does the same work. A longer wait would delay the alarm.
                .maxEventAge(Duration.hours(hours))
                .deadLetterQueue(failures)
                .build())
        .build();
  }

  /**
   * Returns how much later than planned a run may start. The function requires that a key lives two
   * intervals and two hours, so that one run may fail. A window takes from those two hours, and
   * Lambda's retries need some of them, so it stays well below: an hour at most. Where the interval
   * is short, a quarter of it keeps the runs evenly apart.
   */
  private static Duration window(long hours) {
    return Duration.minutes(Math.min(60, hours * 60 / 4));
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
