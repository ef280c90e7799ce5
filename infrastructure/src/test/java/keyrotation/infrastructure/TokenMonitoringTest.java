package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import keyrotation.sandbox.cloudwatch.FilterPattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The metrics of and alarms on requests for tokens, and whether the documentation has them. */
class TokenMonitoringTest {

  private static final Path DOCS = Path.of("..", "docs");

  /**
   * A line as {@code TokenLog} writes it, like that in {@link #refused}. They are copies, which
   * have to be kept in step with that class: only its own package can use it.
   */
  private static final String ISSUED =
      """
      {'timestamp': '2026-11-22T04:00:00Z', 'level': 'INFO', 'request_id': 'b0e9',
       'api_request_id': 'aGVsbG8=', 'step': 'token', 'duration_ms': 12, 'result': 'ISSUED',
       'subject': 'auth0|1', 'rule': 'prices', 'expires_at': '2026-11-22T05:00:00Z'}\
      """;

  private static final Set<String> KEY_REASONS = Set.of("KEY_REJECTED", "KEY_NOT_ALLOWED");

  private final StackTemplate template = StackTemplate.withTokens();

  @Test
  void the_filter_on_the_functions_log_counts_the_lines_about_the_key_and_no_others()
      throws ReflectiveOperationException {
    JsonNode filter = filter("TokenKeyRejected");
    FilterPattern pattern = pattern(filter);

    assertThat(filter.path("LogGroupName").path("Ref").asText())
        .isEqualTo(template.id("AWS::Logs::LogGroup", "TokensLog"));
    assertThat(reasons()).containsAll(KEY_REASONS).hasSizeGreaterThan(10);
    assertThat(reasons())
        .allSatisfy(
            reason ->
                assertThat(pattern.matches(refused(reason)))
                    .as(reason)
                    .isEqualTo(KEY_REASONS.contains(reason)));
    assertThat(pattern.matches(parse(ISSUED))).isFalse();
  }

  private static JsonNode refused(String reason) {
    return parse(
        """
        {'timestamp': '2026-11-22T04:00:00Z', 'level': 'ERROR', 'request_id': 'b0e9',
         'api_request_id': 'aGVsbG8=', 'step': 'token', 'duration_ms': 12, 'result': 'REFUSED',
         'subject': 'auth0|1', 'rule': 'prices', 'reason': '%s', 'status': 503,
         'message': 'Momento rejects the key of the secret momento/a.'}\
        """
            .formatted(reason));
  }

  /** Returns the names of the reasons that the function knows. */
  private static Set<String> reasons() throws ReflectiveOperationException {
    return Stream.of(Class.forName("keyrotation.tokens.RefusalReason").getEnumConstants())
        .map(Object::toString)
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @ValueSource(strings = {"200", "400", "401", "403", "429", "500", "503"})
  void the_filter_on_the_access_log_counts_the_responses_429(String status) {
    JsonNode filter = filter("TokensThrottled");
    String line =
        template
            .properties("AWS::ApiGatewayV2::Stage")
            .at("/AccessLogSettings/Format")
            .asText()
            .replace("$context.status", status)
            .replaceAll("\\$context\\.[A-Za-z.]+", "-");

    assertThat(filter.path("LogGroupName").path("Ref").asText())
        .isEqualTo(template.id("AWS::Logs::LogGroup", "TokenApiAccessLog"));
    assertThat(pattern(filter).matches(parse(line))).isEqualTo(status.equals("429"));
  }

  @ParameterizedTest
  @CsvSource({
    "tokens-failed, AWS/ApiGateway, 5xx, 3, 4",
    "tokens-throttled, MomentoKeyRotation, TokensThrottled, 3, 4",
    "token-key-rejected, MomentoKeyRotation, TokenKeyRejected, 1, 1",
  })
  void an_alarm_goes_off_if_the_key_is_rejected_or_requests_fail_again_and_again(
      String name, String namespace, String metric, int datapoints, int periods) {
    JsonNode alarm = MonitoringTest.alarm(template, name);

    assertThat(alarm.path("Namespace").asText()).isEqualTo(namespace);
    assertThat(alarm.path("MetricName").asText()).isEqualTo(metric);
    assertThat(alarm.path("Statistic").asText()).isEqualTo("Sum");
    assertThat(alarm.path("Period").asInt()).isEqualTo(300);
    assertThat(alarm.path("Threshold").asInt()).isEqualTo(1);
    assertThat(alarm.path("ComparisonOperator").asText())
        .isEqualTo("GreaterThanOrEqualToThreshold");
    assertThat(alarm.path("DatapointsToAlarm").asInt()).isEqualTo(datapoints);
    assertThat(alarm.path("EvaluationPeriods").asInt()).isEqualTo(periods);
    assertThat(alarm.path("TreatMissingData").asText()).isEqualTo("notBreaching");
  }

  @Test
  void the_failures_are_those_of_this_api() {
    assertThat(MonitoringTest.alarm(template, "tokens-failed").path("Dimensions"))
        .isEqualTo(
            parse(
                "[{'Name': 'ApiId', 'Value': {'Ref': '%s'}}]"
                    .formatted(template.id("AWS::ApiGatewayV2::Api"))));
  }

  @Test
  void each_alarm_publishes_to_the_topic_and_links_to_its_section_of_the_runbook()
      throws IOException {
    JsonNode topic = parse("{'Ref': '%s'}".formatted(template.id("AWS::SNS::Topic")));
    String runbook = Files.readString(DOCS.resolve("runbook.md"));

    assertThat(alarms())
        .allSatisfy(
            (name, alarm) -> {
              assertThat(alarm.path("AlarmActions").valueStream()).containsExactly(topic);
              assertThat(alarm.path("AlarmDescription").asText())
                  .hasSizeLessThanOrEqualTo(1024)
                  .endsWith(" Runbook: docs/runbook.md#alarm-" + name);
              assertThat(runbook)
                  .containsOnlyOnce("\n### Alarm " + name + "\n")
                  .contains("| `" + name + "` | [Alarm " + name + "](#alarm-" + name + ") |");
            });
  }

  @Test
  void the_composite_alarm_and_the_dashboard_show_them() {
    String rule = template.properties("AWS::CloudWatch::CompositeAlarm").path("AlarmRule").asText();
    String dashboard = template.properties("AWS::CloudWatch::Dashboard").toString();

    assertThat(alarms().keySet())
        .allSatisfy(
            name -> {
              assertThat(rule).contains("ALARM(\"momento-auth-token-refresh-stack-" + name + "\")");
              assertThat(dashboard).contains("stack-" + name);
            });
  }

  @Test
  void the_page_on_monitoring_has_the_same_metrics_and_alarms() throws IOException {
    assertThat(MonitoringTest.rows("Tokens"))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(
                    Stream.of("TokensThrottled", "TokenKeyRejected"), alarms().keySet().stream())
                .toList());
  }

  /** Returns the alarms that are there only with tokens. */
  private Map<String, JsonNode> alarms() {
    Map<String, JsonNode> alarms = MonitoringTest.alarms(template);
    alarms.keySet().removeAll(MonitoringTest.alarms(StackTemplate.of()).keySet());
    assertThat(alarms).hasSize(3);
    return alarms;
  }

  private JsonNode filter(String metric) {
    List<JsonNode> filters =
        MonitoringTest.filters(template).stream()
            .filter(
                filter -> filter.at("/MetricTransformations/0/MetricName").asText().equals(metric))
            .toList();
    assertThat(filters).hasSize(1);
    assertThat(filters.getFirst().path("MetricTransformations"))
        .isEqualTo(
            parse(
                """
                [{'MetricNamespace': 'MomentoKeyRotation', 'MetricName': '%s', 'MetricValue': '1'}]\
                """
                    .formatted(metric)));
    return filters.getFirst();
  }

  private static FilterPattern pattern(JsonNode filter) {
    return FilterPattern.parse(filter.path("FilterPattern").asText());
  }
}
