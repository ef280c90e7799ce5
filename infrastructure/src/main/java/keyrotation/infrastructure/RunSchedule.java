package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import keyrotation.core.RunTimes;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.TimeZone;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.scheduler.ContextAttribute;
import software.amazon.awscdk.services.scheduler.CronOptionsWithTimezone;
import software.amazon.awscdk.services.scheduler.Schedule;
import software.amazon.awscdk.services.scheduler.ScheduleExpression;
import software.amazon.awscdk.services.scheduler.ScheduleGroup;
import software.amazon.awscdk.services.scheduler.ScheduleTargetInput;
import software.amazon.awscdk.services.scheduler.TimeWindow;
import software.amazon.awscdk.services.scheduler.targets.LambdaInvoke;
import software.amazon.awscdk.services.sqs.IQueue;
import software.constructs.Construct;

/** Starts the function's scheduled runs; the queue keeps the event of a run that cannot start. */
final class RunSchedule extends Construct {

  /** The maximum of EventBridge Scheduler; the event's maximum age ends the retries earlier. */
  private static final int ATTEMPTS = 185;

  /** The maximum of EventBridge Scheduler, in hours. */
  private static final long MAX_AGE = 24;

  /**
   * Creates the schedule.
   *
   * @param target the alias to invoke
   * @param undelivered the queue for events that cannot be delivered
   */
  RunSchedule(
      Construct scope, String id, StackSettings settings, IAlias target, IQueue undelivered) {
    super(scope, id);
    RunTimes times = settings.function().runTimes();
    Schedule.Builder.create(this, "Schedule")
        .description("Starts the scheduled runs, which rotate the Momento keys that are due.")
        .schedule(expression(times))
        .timeWindow(window(times))
        .target(
            LambdaInvoke.Builder.create(target)
                .role(createRole(settings.hosting(), target, undelivered).withoutPolicyUpdates())
                .input(ScheduleTargetInput.fromObject(event()))
                .retryAttempts(ATTEMPTS)
                // The next run does the same work, so a longer wait would only delay the alarm.
                .maxEventAge(Duration.hours(Math.min(MAX_AGE, times.longestGap().toHours())))
                .deadLetterQueue(undelivered)
                .build())
        .build();
  }

  private static ScheduleExpression expression(RunTimes times) {
    return switch (times) {
      case RunTimes.Every(var interval) ->
          ScheduleExpression.rate(Duration.hours(interval.toHours()));
      case RunTimes.At(RunTimes.TimeOfDay(var time, var zone), var days) ->
          ScheduleExpression.cron(
              CronOptionsWithTimezone.builder()
                  .minute("" + time.getMinute())
                  .hour("" + time.getHour())
                  .weekDay(days.stream().map(RunTimes::shortName).collect(joining(",")))
                  .timeZone(TimeZone.of(zone.getId()))
                  .build());
    };
  }

  private Role createRole(Hosting hosting, IAlias target, IQueue undelivered) {
    List<PolicyStatement> statements = new ArrayList<>();
    statements.add(allow("lambda:InvokeFunction", target.getFunctionArn()));
    statements.add(allow("sqs:SendMessage", undelivered.getQueueArn()));
    FunctionParts.allowQueueKey(hosting).ifPresent(statements::add);
    return Role.Builder.create(this, "Role")
        .description("Permissions of the schedule that starts the rotation of Momento keys.")
        .assumedBy(
            ServicePrincipal.Builder.create("scheduler.amazonaws.com")
                .conditions(
                    Map.of(
                        "StringEquals",
                        // Sorted, so that each synthesis writes the same template.
                        new TreeMap<>(
                            Map.of(
                                "aws:SourceAccount",
                                Aws.ACCOUNT_ID,
                                "aws:SourceArn",
                                ScheduleGroup.fromDefaultScheduleGroup(this, "Group")
                                    .getScheduleGroupArn()))))
                .build())
        .inlinePolicies(
            Map.of("invoke", PolicyDocument.Builder.create().statements(statements).build()))
        .build();
  }

  /**
   * Returns how much later than planned a run may start. The function requires keys to live for two
   * intervals and two hours, so that one run may fail. The window and Lambda's retries share these
   * two hours, so the window is at most one hour. With short intervals, a quarter of the interval
   * spaces the runs evenly. A time of day is kept.
   */
  private static TimeWindow window(RunTimes times) {
    return switch (times) {
      case RunTimes.Every(var interval) ->
          TimeWindow.flexible(Duration.minutes(Math.min(60, interval.toMinutes() / 4)));
      case RunTimes.At _ -> TimeWindow.off();
    };
  }

  /**
   * Returns an event like that of an EventBridge rule. The function recognizes a repeated delivery
   * by the schedule's ARN and time; the execution id differs.
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
