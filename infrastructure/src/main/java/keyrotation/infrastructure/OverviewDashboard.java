package keyrotation.infrastructure;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import keyrotation.rotation.LogField;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.AlarmStatusWidget;
import software.amazon.awscdk.services.cloudwatch.Dashboard;
import software.amazon.awscdk.services.cloudwatch.GraphWidget;
import software.amazon.awscdk.services.cloudwatch.GraphWidgetView;
import software.amazon.awscdk.services.cloudwatch.IAlarm;
import software.amazon.awscdk.services.cloudwatch.IMetric;
import software.amazon.awscdk.services.cloudwatch.IWidget;
import software.amazon.awscdk.services.cloudwatch.LogQueryVisualizationType;
import software.amazon.awscdk.services.cloudwatch.LogQueryWidget;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.cloudwatch.YAxisProps;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.logs.ILogGroup;
import software.constructs.Construct;

/** The dashboard: what needs attention, how close the keys are to their end, what the runs did. */
final class OverviewDashboard extends Construct {

  private static final int FULL_WIDTH = 24;
  private static final int HEIGHT = 6;
  private static final Duration DAY = Duration.days(1);

  private final LogMetrics metrics;

  /**
   * Adds the dashboard.
   *
   * @param name its name, which is unique in an account
   */
  OverviewDashboard(
      Construct scope,
      String id,
      String name,
      Alarms alarms,
      LogMetrics metrics,
      IAlias function,
      ILogGroup log) {
    super(scope, id);
    this.metrics = metrics;
    var _ =
        Dashboard.Builder.create(this, "Dashboard")
            .dashboardName(name)
            .defaultInterval(Duration.days(90))
            .widgets(
                List.of(
                    List.of(
                        AlarmStatusWidget.Builder.create()
                            .title("Alarms")
                            .alarms(alarms(alarms.arns()))
                            .width(FULL_WIDTH)
                            .height(4)
                            .build()),
                    List.of(
                        lines(
                            "Days until the first key expires",
                            LogMetric.DAYS_TO_EXPIRY,
                            LogMetric.MANAGEMENT_KEY_DAYS),
                        lines(
                            "Intervals since a key became due (alarm at 2)",
                            LogMetric.RUNS_OVERDUE),
                        lines("Age of the oldest key in days", LogMetric.KEY_AGE)),
                    List.of(
                        bars(
                            "Rotations and failures",
                            LogMetric.ROTATIONS,
                            LogMetric.FAILURES_WAIT,
                            LogMetric.FAILURES_PERSON),
                        bars("Revoked keys", LogMetric.REVOCATIONS, LogMetric.ORPHANS),
                        graph("Duration of invocations", durations(function), false)),
                    List.of(
                        lines(
                            "Secrets, and those without a key",
                            LogMetric.SECRETS,
                            LogMetric.SECRETS_WITHOUT_KEY,
                            LogMetric.SECRETS_PAUSED),
                        bars("Scheduled runs", LogMetric.SCHEDULED_RUNS),
                        lines(
                            "Replicas whose replication failed (alarm at 1)",
                            LogMetric.REPLICAS_FAILED)),
                    List.of(table("The last failures", log, lastFailures())),
                    List.of(table("The last state of each secret", log, lastStates()))))
            .build();
  }

  private List<IAlarm> alarms(List<String> arns) {
    return IntStream.range(0, arns.size())
        .mapToObj(i -> Alarm.fromAlarmArn(this, "Alarm" + i, arns.get(i)))
        .toList();
  }

  /** Returns the query for the last failures, with the next step of each. */
  private static List<String> lastFailures() {
    return List.of(
        "filter " + LogField.RESULT + " = 'FAILED' or outcome = 'EVENT_UNKNOWN'",
        "fields @timestamp, "
            + String.join(
                ", ",
                "" + LogField.SECRET,
                "" + LogField.REASON,
                "" + LogField.NEEDS,
                "" + LogField.MESSAGE),
        "sort @timestamp desc",
        "limit 20");
  }

  /** Returns the query for the state in which the last scheduled run has left each secret. */
  private static List<String> lastStates() {
    List<String> latest =
        Stream.of(
                LogField.RESULT,
                LogField.DAYS_TO_EXPIRY,
                LogField.RUNS_OVERDUE,
                LogField.KEY_AGE_DAYS)
            .map(field -> "latest(" + field + ") as last_" + field)
            .toList();
    return List.of(
        "filter %s = 'result' and %s = 'schedule' and ispresent(%s)"
            .formatted(LogField.STEP, LogField.TRIGGER, LogField.DAYS_WITHOUT_KEY),
        "stats latest(@timestamp) as seen, " + String.join(", ", latest) + " by " + LogField.SECRET,
        "sort last_" + LogField.DAYS_TO_EXPIRY + " asc");
  }

  private static LogQueryWidget table(String title, ILogGroup log, List<String> query) {
    return LogQueryWidget.Builder.create()
        .title(title)
        .logGroupNames(List.of(log.getLogGroupName()))
        .view(LogQueryVisualizationType.TABLE)
        .queryLines(query)
        .width(FULL_WIDTH)
        .height(HEIGHT)
        .build();
  }

  private static List<IMetric> durations(IAlias function) {
    return List.of(
        function.metricDuration(MetricOptions.builder().period(DAY).statistic("Maximum").build()),
        function.metricDuration(MetricOptions.builder().period(DAY).statistic("p50").build()));
  }

  private IWidget lines(String title, LogMetric... shown) {
    return graph(title, metrics(shown), false);
  }

  private IWidget bars(String title, LogMetric... shown) {
    return graph(title, metrics(shown), true);
  }

  private List<IMetric> metrics(LogMetric... shown) {
    return Stream.of(shown).<IMetric>map(metric -> metrics.metric(metric, DAY)).toList();
  }

  private static IWidget graph(String title, List<IMetric> metrics, boolean bars) {
    GraphWidget.Builder graph =
        GraphWidget.Builder.create()
            .title(title)
            .left(metrics)
            .leftYAxis(YAxisProps.builder().min(0).showUnits(false).build())
            .width(FULL_WIDTH / 3)
            .height(HEIGHT);
    return bars ? graph.view(GraphWidgetView.BAR).build() : graph.build();
  }
}
