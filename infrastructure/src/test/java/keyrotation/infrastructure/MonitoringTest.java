package keyrotation.infrastructure;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.rotation.LogField;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The metrics, alarms and the dashboard, and whether the documentation has the same ones. */
class MonitoringTest {

  private static final Path DOCS = Path.of("..", "docs");
  private static final String STACK = "momento-auth-token-refresh-stack";
  private static final Pattern FIELD = Pattern.compile("\\$\\.(\\w+)");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([\\w-]+)` \\|");

  private final StackTemplate template =
      StackTemplate.of("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key");

  @Test
  void each_metric_has_a_filter_without_a_dimension() {
    assertThat(filters(template))
        .hasSize(LogMetric.values().length)
        .allSatisfy(
            filter -> {
              assertThat(filter.path("LogGroupName").path("Ref").asText())
                  .isEqualTo(template.id("AWS::Logs::LogGroup"));
              assertThat(filter.path("MetricTransformations")).hasSize(1);
              JsonNode metric = filter.at("/MetricTransformations/0");
              assertThat(metric.path("MetricNamespace").asText()).isEqualTo("MomentoKeyRotation");
              assertThat(metric.has("Dimensions")).isFalse();
              // A default would be published for other lines, and end a gauge's alarm.
              assertThat(metric.has("DefaultValue")).isFalse();
            })
        .extracting(filter -> filter.at("/MetricTransformations/0/MetricName").asText())
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(LogMetric.values()).map(LogMetric::metricName).toList());
  }

  @Test
  void a_filter_reads_only_fields_of_the_log_and_requires_the_field_of_its_value() {
    assertThat(filters(template))
        .allSatisfy(
            filter -> {
              String pattern = filter.path("FilterPattern").asText();
              String value = filter.at("/MetricTransformations/0/MetricValue").asText();
              assertThat(fieldNames()).containsAll(fields(pattern));
              assertThat(value.equals("1") || pattern.contains(value + " = *")).isTrue();
              assertThat(pattern.length()).isLessThanOrEqualTo(1024);
            });
  }

  @Test
  void a_gauge_is_taken_from_the_one_line_that_has_the_worst_of_all_secrets() {
    assertThat(LogMetric.values())
        .filteredOn(metric -> !metric.statistic().equals("Sum"))
        .hasSize(12)
        .allSatisfy(metric -> assertThat(metric.pattern()).startsWith("{ $.step = \"run\" && "));
  }

  @Test
  void metrics_of_each_secret_are_added_on_request() {
    assertThat(LogMetric.OF_A_SECRET)
        .allSatisfy(
            metric -> assertThat(metric.patternOfSecret()).startsWith("{ $.step = \"result\" && "));
    List<JsonNode> ofSecrets =
        filters(StackTemplate.of("METRICS_PER_SECRET", "true")).stream()
            .map(filter -> filter.at("/MetricTransformations/0"))
            .filter(metric -> metric.has("Dimensions"))
            .toList();

    assertThat(ofSecrets)
        .extracting(metric -> metric.path("MetricName").asText())
        .containsExactlyInAnyOrder(
            "DaysToExpiry",
            "RunsOverdue",
            "KeyAgeDays",
            "Rotations",
            "FailuresWait",
            "FailuresPerson");
    assertThat(ofSecrets)
        .extracting(metric -> metric.path("Dimensions"))
        .containsOnly(parse("[{'Key': 'Secret', 'Value': '$.secret'}]"));
  }

  @Test
  void each_alarm_publishes_to_the_topic_and_links_to_its_section_of_the_runbook()
      throws IOException {
    JsonNode topic = parse("{'Ref': '%s'}".formatted(template.id("AWS::SNS::Topic")));
    String runbook = Files.readString(DOCS.resolve("runbook.md"));

    assertThat(alarms(template))
        .hasSize(12)
        .allSatisfy(
            (name, alarm) -> {
              assertThat(alarm.path("AlarmActions").valueStream()).containsExactly(topic);
              assertThat(alarm.path("AlarmDescription").asText())
                  .hasSizeLessThanOrEqualTo(1024)
                  .endsWith(" Runbook: docs/runbook.md#alarm-" + name);
              assertThat(runbook).containsOnlyOnce("\n### Alarm " + name + "\n");
            });
    assertThat(template.json().at("/Outputs/AlarmTopicArn/Value")).isEqualTo(topic);
  }

  @Test
  void an_alarm_on_a_log_metric_uses_the_metrics_statistic() {
    Map<String, String> statistics =
        Stream.of(LogMetric.values()).collect(toMap(LogMetric::metricName, LogMetric::statistic));

    assertThat(alarms(template).values())
        .filteredOn(alarm -> alarm.path("Namespace").asText().equals("MomentoKeyRotation"))
        .hasSize(9)
        .allSatisfy(
            alarm ->
                assertThat(alarm.path("Statistic").asText())
                    .isEqualTo(statistics.get(alarm.path("MetricName").asText())));
  }

  @ParameterizedTest
  @CsvSource({
    "key-overdue, RunsOverdue, 2",
    "key-expires-soon, KeyExpiresSoon, 1",
    "secret-without-key, DaysWithoutKey, 3",
    "own-rotation-overdue, OwnRotationOverdueHours, 24",
    "replica-failed, ReplicasFailed, 1",
    "management-key-expires-soon, ManagementKeyExpiresSoon, 1",
  })
  void an_alarm_on_a_gauge_keeps_its_state_until_the_next_measurement(
      String name, String metric, int threshold) {
    assertAlarm(name, metric, threshold, 1, 1, "ignore");
  }

  @ParameterizedTest
  @CsvSource({
    "failure-needs-operator, FailuresPerson",
    "function-errors, Errors",
    "event-undelivered, NumberOfMessagesSent",
  })
  void an_alarm_that_counts_goes_off_again_in_another_hour(String name, String metric) {
    assertAlarm(name, metric, 1, 1, 1, "notBreaching");
  }

  @ParameterizedTest
  @CsvSource({
    "CHECK_INTERVAL_IN_HOURS, 24, MON-SUN, 51, 50",
    "CHECK_INTERVAL_IN_HOURS, 1, MON-SUN, 5, 4",
    "CHECK_AT, 04:30, MON-SUN, 51, 50",
    "CHECK_AT, 04:30 Europe/Berlin, MON-FRI, 149, 148",
  })
  void the_alarms_on_several_runs_depend_on_the_longest_time_between_two(
      String setting, String value, String days, int failures, int runs) {
    StackTemplate each =
        StackTemplate.of(setting, value, "CHECK_DAYS", setting.equals("CHECK_AT") ? days : "");

    JsonNode goOn = alarm(each, "failures-go-on");
    assertThat(goOn.path("MetricName").asText()).isEqualTo("FailuresWait");
    assertThat(goOn.path("DatapointsToAlarm").asInt()).isEqualTo(3);
    assertThat(goOn.path("EvaluationPeriods").asInt())
        .isEqualTo(failures)
        .as("CloudWatch evaluates at most seven days")
        .isLessThanOrEqualTo(168);
    assertThat(goOn.path("TreatMissingData").asText()).isEqualTo("notBreaching");
    JsonNode silent = alarm(each, "no-scheduled-run");
    assertThat(silent.path("MetricName").asText()).isEqualTo("ScheduledRuns");
    assertThat(silent.path("ComparisonOperator").asText()).isEqualTo("LessThanThreshold");
    assertThat(silent.path("EvaluationPeriods").asInt()).isEqualTo(runs);
    assertThat(silent.path("TreatMissingData").asText()).isEqualTo("breaching");
  }

  @Test
  void the_errors_are_those_of_the_alias_and_the_undelivered_events_have_a_queue_of_their_own() {
    assertThat(alarm(template, "function-errors").path("Dimensions").toString()).contains(":live");
    assertThat(alarm(template, "event-undelivered").path("Dimensions").toString())
        .contains("Undelivered");
  }

  @Test
  void throttling_sets_an_alarm_off_only_if_it_lasts() {
    JsonNode throttled = alarm(template, "function-throttled");

    assertThat(throttled.path("MetricName").asText()).isEqualTo("Throttles");
    assertThat(throttled.path("Dimensions").toString()).contains(":live");
    assertThat(throttled.path("DatapointsToAlarm").asInt()).isEqualTo(3);
    assertThat(throttled.path("EvaluationPeriods").asInt()).isEqualTo(4);
    assertThat(throttled.path("TreatMissingData").asText()).isEqualTo("notBreaching");
  }

  @Test
  void there_are_the_same_alarms_with_and_without_a_management_key() {
    assertThat(alarms(StackTemplate.of()))
        .hasSize(12)
        .containsKey("management-key-expires-soon")
        .containsOnlyKeys(alarms(template).keySet());
  }

  @Test
  void a_composite_alarm_shows_them_all_and_does_nothing() {
    JsonNode any = template.properties("AWS::CloudWatch::CompositeAlarm");

    assertThat(any.path("AlarmName").asText()).isEqualTo(STACK + "-any");
    assertThat(any.has("AlarmActions")).isFalse();
    assertThat(any.path("AlarmRule").asText().split(" OR ", -1))
        .containsExactlyInAnyOrderElementsOf(
            alarms(template).keySet().stream()
                .map(name -> "ALARM(\"" + STACK + "-" + name + "\")")
                .toList());
    assertThat(template.only("AWS::CloudWatch::CompositeAlarm").path("DependsOn").valueStream())
        .extracting(JsonNode::asText)
        .containsAll(template.all("AWS::CloudWatch::Alarm").keySet());
  }

  @Test
  void alarms_may_publish_to_the_stacks_topic() {
    assertThat(template.properties("AWS::SNS::TopicPolicy").at("/PolicyDocument/Statement"))
        .anySatisfy(
            statement -> {
              assertThat(statement.path("Effect").asText()).isEqualTo("Allow");
              assertThat(statement.at("/Principal/Service").asText())
                  .isEqualTo("cloudwatch.amazonaws.com");
              assertThat(statement.at("/Condition/StringEquals/aws:SourceAccount"))
                  .isEqualTo(parse("{'Ref': 'AWS::AccountId'}"));
            });
  }

  @Test
  void only_the_configured_address_is_subscribed() {
    assertThat(template.all("AWS::SNS::Subscription")).isEmpty();
    StackTemplate mailed = StackTemplate.of("ALARM_EMAIL", "platform@example.com");
    assertThat(mailed.properties("AWS::SNS::Subscription"))
        .isEqualTo(
            parse(
                """
                {'Protocol': 'email', 'Endpoint': 'platform@example.com',
                 'TopicArn': {'Ref': '%s'}}\
                """
                    .formatted(mailed.id("AWS::SNS::Topic"))));
  }

  @Test
  void alarms_publish_to_an_existing_topic_instead() {
    String topic = "arn:aws:sns:us-east-1:123456789012:platform-alarms";
    StackTemplate existing = StackTemplate.of("ALARM_TOPIC_ARN", topic);

    assertThat(existing.all("AWS::SNS::Topic")).isEmpty();
    assertThat(existing.all("AWS::SNS::TopicPolicy")).isEmpty();
    assertThat(alarms(existing).values())
        .allSatisfy(
            alarm -> assertThat(alarm.path("AlarmActions")).isEqualTo(parse("['" + topic + "']")));
    assertThat(existing.json().at("/Outputs/AlarmTopicArn/Value").asText()).isEqualTo(topic);
  }

  @Test
  void the_dashboard_shows_all_metrics_but_the_flags_and_all_alarms() {
    String body = dashboard();

    assertThat(
            Stream.of(LogMetric.values())
                .filter(metric -> !body.contains("\"" + metric.metricName() + "\"")))
        .containsExactlyInAnyOrder(
            // Their alarms are shown.
            LogMetric.KEY_EXPIRES_SOON,
            LogMetric.MANAGEMENT_KEY_EXPIRES_SOON,
            LogMetric.DAYS_WITHOUT_KEY,
            LogMetric.OWN_ROTATION_OVERDUE);
    assertThat(alarms(template).keySet())
        .allSatisfy(name -> assertThat(body).contains(":alarm:" + STACK + "-" + name + "\""));
  }

  @Test
  void the_dashboards_queries_read_only_fields_of_the_log() {
    List<String> queries =
        Pattern.compile("\"query\":\"((?:[^\"\\\\]|\\\\.)*)\"")
            .matcher(dashboard())
            .results()
            .map(match -> match.group(1).replace("\\n", "\n"))
            .toList();
    Set<String> words =
        Set.of(
            "SOURCE",
            "filter",
            "fields",
            "sort",
            "desc",
            "asc",
            "limit",
            "stats",
            "latest",
            "as",
            "by",
            "or",
            "and",
            "ispresent",
            "timestamp",
            "seen",
            "outcome");

    assertThat(queries).hasSize(2);
    assertThat(queries)
        .flatExtracting(
            query ->
                Pattern.compile("[A-Za-z_]+")
                    .matcher(query.replaceAll("SOURCE '[^']*'", "").replaceAll("'[^']*'", ""))
                    .results()
                    .map(match -> match.group().replaceFirst("^last_", ""))
                    .filter(word -> !words.contains(word))
                    .toList())
        .isNotEmpty()
        .allSatisfy(word -> assertThat(fieldNames()).contains(word));
  }

  @Test
  void the_page_on_monitoring_has_the_same_metrics() throws IOException {
    assertThat(rows("Metrics"))
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(LogMetric.values()).map(LogMetric::metricName).toList());
  }

  @Test
  void the_page_on_monitoring_has_the_same_alarms() throws IOException {
    assertThat(rows("Alarms"))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(alarms(template).keySet().stream(), Stream.of("any")).toList());
  }

  @Test
  void the_page_on_the_log_has_each_field_that_is_read() throws IOException {
    String page = Files.readString(DOCS.resolve("responses.md"));

    assertThat(fieldNames()).allSatisfy(name -> assertThat(page).contains("`" + name + "`"));
  }

  private void assertAlarm(
      String name, String metric, int threshold, int datapoints, int periods, String missing) {
    JsonNode alarm = alarm(template, name);
    assertThat(alarm.path("MetricName").asText()).isEqualTo(metric);
    assertThat(alarm.path("Threshold").asInt()).isEqualTo(threshold);
    assertThat(alarm.path("ComparisonOperator").asText())
        .isEqualTo("GreaterThanOrEqualToThreshold");
    assertThat(alarm.path("Period").asInt()).isEqualTo(3600);
    assertThat(alarm.path("DatapointsToAlarm").asInt(1)).isEqualTo(datapoints);
    assertThat(alarm.path("EvaluationPeriods").asInt()).isEqualTo(periods);
    assertThat(alarm.path("TreatMissingData").asText()).isEqualTo(missing);
  }

  static JsonNode alarm(StackTemplate template, String name) {
    return requireNonNull(alarms(template).get(name), name);
  }

  /** Returns the properties of the alarms, by the part of the name behind the stack's. */
  static Map<String, JsonNode> alarms(StackTemplate template) {
    return template.all("AWS::CloudWatch::Alarm").values().stream()
        .map(alarm -> alarm.path("Properties"))
        .collect(
            toMap(alarm -> alarm.path("AlarmName").asText().substring(STACK.length() + 1), a -> a));
  }

  static List<JsonNode> filters(StackTemplate template) {
    return template.all("AWS::Logs::MetricFilter").values().stream()
        .map(filter -> filter.path("Properties"))
        .toList();
  }

  /** Returns the dashboard's body without the references in it. */
  private String dashboard() {
    StringBuilder body = new StringBuilder();
    template
        .properties("AWS::CloudWatch::Dashboard")
        .at("/DashboardBody/Fn::Join/1")
        .forEach(part -> body.append(part.isTextual() ? part.asText() : "X"));
    return body.toString();
  }

  /** Returns what the rows of a section's tables begin with. */
  static List<String> rows(String section) throws IOException {
    return Stream.of(Files.readString(DOCS.resolve("monitoring.md")).split("(?m)^## "))
        .filter(text -> text.startsWith(section + "\n"))
        .flatMap(text -> ROW.matcher(text).results())
        .map(row -> row.group(1))
        .toList();
  }

  private static List<String> fields(String pattern) {
    return FIELD.matcher(pattern).results().map(match -> match.group(1)).toList();
  }

  private static Set<String> fieldNames() {
    return Stream.of(LogField.values()).map(LogField::toString).collect(toSet());
  }
}
