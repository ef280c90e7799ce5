package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.AlarmRule;
import software.amazon.awscdk.services.cloudwatch.ComparisonOperator;
import software.amazon.awscdk.services.cloudwatch.CompositeAlarm;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.cloudwatch.TreatMissingData;
import software.amazon.awscdk.services.cloudwatch.actions.SnsAction;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.sns.ITopic;
import software.amazon.awscdk.services.sns.Topic;
import software.amazon.awscdk.services.sns.subscriptions.EmailSubscription;
import software.amazon.awscdk.services.sqs.IQueue;
import software.constructs.Construct;
import software.constructs.IDependable;

/**
 * The alarms, and the topic that each of them publishes to.
 *
 * <p>An alarm that counts returns to OK by itself, so it goes off again at the next failure. An
 * alarm on a gauge keeps its state until a scheduled run measures again.
 */
final class Alarms extends Construct {

  private static final Duration PERIOD = Duration.hours(1);

  /** Of the alarms on requests for tokens: their callers wait. */
  private static final Duration SHORT_PERIOD = Duration.minutes(5);

  private final StackNames names;
  private final LogMetrics metrics;
  private final ITopic topic;
  private final long interval;
  private final List<Alarm> all = new ArrayList<>();

  /**
   * Adds the alarms.
   *
   * @param metrics the metrics of the function's log
   * @param function the alias that the triggers invoke
   * @param undelivered the queue for events that could not be delivered to it
   * @param tokens the API of the function that makes tokens
   */
  Alarms(
      Construct scope,
      String id,
      StackSettings settings,
      StackNames names,
      LogMetrics metrics,
      IAlias function,
      IQueue undelivered,
      Optional<TokenApi> tokens) {
    super(scope, id);
    this.names = names;
    this.metrics = metrics;
    this.topic =
        settings
            .monitoring()
            .topicArn()
            .map(arn -> Topic.fromTopicArn(this, "Topic", arn))
            .orElseGet(() -> createTopic(settings));
    this.interval = settings.function().policy().interval().toHours();
    addAlarmsOnKeys();
    addAlarmsOnFailures();
    addAlarmsOnRuns(function, undelivered);
    tokens.ifPresent(this::addAlarmsOnTokens);
    CompositeAlarm any =
        CompositeAlarm.Builder.create(this, "Any")
            .compositeAlarmName(name("Any"))
            .alarmDescription(
                "On while any alarm of the key rotation is on. It sends no notification; the other"
                    + " alarms do.")
            .alarmRule(AlarmRule.fromString(rule()))
            .build();
    // The rule names the alarms, so CloudFormation does not see that they have to exist.
    any.getNode().addDependency(all.toArray(IDependable[]::new));
  }

  private String rule() {
    return all.stream()
        .map(alarm -> "ALARM(\"" + name(alarm.getNode().getId()) + "\")")
        .collect(joining(" OR "));
  }

  private Topic createTopic(StackSettings settings) {
    Topic created = FunctionParts.topic(this, settings.hosting());
    settings
        .monitoring()
        .email()
        .ifPresent(address -> created.addSubscription(new EmailSubscription(address)));
    // This topic's policy replaces the default policy, which lets CloudWatch publish.
    created.addToResourcePolicy(
        PolicyStatement.Builder.create()
            .sid("AllowAlarms")
            .principals(List.of(new ServicePrincipal("cloudwatch.amazonaws.com")))
            .actions(List.of("sns:Publish"))
            .resources(List.of(created.getTopicArn()))
            .conditions(Map.of("StringEquals", Map.of("aws:SourceAccount", Aws.ACCOUNT_ID)))
            .build());
    return created;
  }

  private void addAlarmsOnKeys() {
    gauge(
        "KeyOverdue",
        LogMetric.RUNS_OVERDUE,
        2,
        "A key has been due for at least two intervals between scheduled runs, and was not rotated."
            + " Unless the log says otherwise, it works until it expires. Find the reason in the"
            + " log, and remove the cause.");
    gauge(
        "KeyExpiresSoon",
        LogMetric.KEY_EXPIRES_SOON,
        1,
        "A key has expired, or might expire before two more scheduled runs. Then applications fail."
            + " Rotate the secret now; if that fails, store a new key.");
    gauge(
        "SecretWithoutKey",
        LogMetric.DAYS_WITHOUT_KEY,
        3,
        "A secret was created three days ago or earlier and has no key yet. Store a first key, or"
            + " remove the secret from the settings.");
    gauge(
        "OwnRotationOverdue",
        LogMetric.OWN_ROTATION_OVERDUE,
        24,
        "Secrets Manager should have rotated a secret a day ago or earlier, and has not. Scheduled"
            + " runs rotate the key only when it nears its end. Rotate the secret, and look at its"
            + " rotation in Secrets Manager's console.");
    gauge(
        "ReplicaFailed",
        LogMetric.REPLICAS_FAILED,
        1,
        "Secrets Manager could not copy a secret to a replica in another region. Applications that"
            + " read the replica go on with an old key, and fail once that key expires or is"
            + " revoked by hand. Scheduled runs revoke no key of the secret until the replica is in"
            + " sync. Find the cause with ./scripts/status.sh, remove it, and replicate the secret"
            + " again.");
    gauge(
        "ManagementKeyExpiresSoon",
        LogMetric.MANAGEMENT_KEY_EXPIRES_SOON,
        1,
        "The management key expires soon. After that, no v2 key can be rotated or revoked. Create a"
            + " new management key in Momento's console, and store it.");
  }

  private void addAlarmsOnFailures() {
    count(
        "FailureNeedsOperator",
        metric(LogMetric.FAILURES_PERSON),
        "A rotation or revocation failed, and each further run fails until an operator removes the"
            + " cause. Unless a reason says otherwise, the current key works until it expires. Find"
            + " the reason in the log.");
    Alarm.Builder goOn =
        builder(
                "FailuresGoOn",
                "Scheduled runs or steps of Secrets Manager's rotation have failed again and again"
                    + " for reasons that should pass by themselves, such as an outage. Find the"
                    + " reason in the log, and check the service that it names.")
            .metric(metric(LogMetric.FAILURES_WAIT))
            .threshold(1)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            // Lambda's retries of one run can fall into two hours, so three hours need two runs.
            .datapointsToAlarm(3)
            .evaluationPeriods(2 * interval + 3)
            .treatMissingData(TreatMissingData.NOT_BREACHING);
    add(goOn);
  }

  private void addAlarmsOnRuns(IAlias function, IQueue undelivered) {
    Alarm.Builder silent =
        builder(
                "NoScheduledRun",
                "No scheduled run has ended for two intervals, so no key is rotated. Check that the"
                    + " schedule exists and is enabled, and that the function can run. After the"
                    + " first deployment, or a change of the interval, the alarm may go off once,"
                    + " until the next run.")
            .metric(metric(LogMetric.SCHEDULED_RUNS))
            .threshold(1)
            .comparisonOperator(ComparisonOperator.LESS_THAN_THRESHOLD)
            // A run may start up to an hour late, in the next period.
            .evaluationPeriods(2 * interval + 2)
            .treatMissingData(TreatMissingData.BREACHING);
    add(silent);
    count(
        "FunctionErrors",
        function.metricErrors(MetricOptions.builder().period(PERIOD).statistic("Sum").build()),
        "The function returned an error or could not start: a scheduled run, a step of Secrets"
            + " Manager's own rotation, or a manual request failed. Find the reason in the log; if"
            + " there is none, the function did not start, or ran out of time or memory.");
    Alarm.Builder throttled =
        builder(
                "FunctionThrottled",
                "Lambda has refused to run the function for three hours: its reserved concurrency"
                    + " is 0, or the account has no free concurrency. Scheduled runs wait up to six"
                    + " hours, and are then dropped. Free concurrency, or raise the limit.")
            .metric(
                function.metricThrottles(
                    MetricOptions.builder().period(PERIOD).statistic("Sum").build()))
            .threshold(1)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            // Lambda tries a refused event again, so a short shortage does no harm.
            .datapointsToAlarm(3)
            .evaluationPeriods(4)
            .treatMissingData(TreatMissingData.NOT_BREACHING);
    add(throttled);
    count(
        "EventUndelivered",
        undelivered.metricNumberOfMessagesSent(
            MetricOptions.builder().period(PERIOD).statistic("Sum").build()),
        "A scheduled run could not be started: the schedule could not deliver its event to the"
            + " function. The queue (output UndeliveredQueueUrl) holds the event with the error."
            + " Correct the cause; the next run does the same work.");
  }

  private void addAlarmsOnTokens(TokenApi api) {
    lasting(
        "TokensFailed",
        api.serverErrors(SHORT_PERIOD),
        3,
        4,
        "Requests for tokens have failed in three of the last four periods of five minutes."
            + " Applications get no tokens, or not all of them. Find the reason in the log of the"
            + " function that makes tokens; if there is none, the function did not start, or ran"
            + " out of time or memory.");
    lasting(
        "TokensThrottled",
        TokenMetric.THROTTLED.metric(SHORT_PERIOD, names.namespace()),
        3,
        4,
        "Requests for tokens were refused in three of the last four periods of five minutes, since"
            + " there were too many. Have applications keep a token until it nears its end, or"
            + " raise TOKENS_PER_SECOND up to what Momento allows the account.");
    lasting(
        "TokenKeyRejected",
        TokenMetric.KEY_REJECTED.metric(SHORT_PERIOD, names.namespace()),
        1,
        1,
        "Momento rejects the key that makes tokens, or lets it make no such tokens. Applications"
            + " get no tokens. Find the reason in the log of the function that makes tokens, and"
            + " rotate the secret or store another key.");
  }

  /** Adds an alarm on failures that fall into several of the last short periods. */
  private void lasting(
      String id, IMetric failures, int periods, int ofPeriods, String description) {
    add(
        builder(id, description)
            .metric(failures)
            .threshold(1)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            .datapointsToAlarm(periods)
            .evaluationPeriods(ofPeriods)
            .treatMissingData(TreatMissingData.NOT_BREACHING));
  }

  /** Adds an alarm on a value that only scheduled runs measure. */
  private void gauge(String id, LogMetric metric, int threshold, String description) {
    add(
        builder(id, description)
            .metric(metric(metric))
            .threshold(threshold)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            .evaluationPeriods(1)
            .treatMissingData(TreatMissingData.IGNORE));
  }

  /** Adds an alarm that goes off at the first failure of an hour. */
  private void count(String id, IMetric failures, String description) {
    add(
        builder(id, description)
            .metric(failures)
            .threshold(1)
            .comparisonOperator(ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)
            .evaluationPeriods(1)
            .treatMissingData(TreatMissingData.NOT_BREACHING));
  }

  private Alarm.Builder builder(String id, String description) {
    return Alarm.Builder.create(this, id)
        .alarmName(name(id))
        .alarmDescription(description + " Runbook: docs/runbook.md#alarm-" + kebab(id));
  }

  private void add(Alarm.Builder builder) {
    Alarm alarm = builder.build();
    alarm.addAlarmAction(new SnsAction(topic));
    all.add(alarm);
  }

  private IMetric metric(LogMetric metric) {
    return metrics.metric(metric, PERIOD);
  }

  /** Returns a name that a mail about the alarm begins with. */
  private String name(String id) {
    return names.prefix() + "-" + kebab(id);
  }

  private static String kebab(String id) {
    return id.replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
  }

  ITopic topic() {
    return topic;
  }

  /** Returns the ARNs of the alarms that notify. */
  List<String> arns() {
    return all.stream().map(alarm -> arn(name(alarm.getNode().getId()))).toList();
  }

  private String arn(String alarmName) {
    return Stack.of(this)
        .formatArn(
            ArnComponents.builder()
                .service("cloudwatch")
                .resource("alarm")
                .resourceName(alarmName)
                .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                .build());
  }
}
