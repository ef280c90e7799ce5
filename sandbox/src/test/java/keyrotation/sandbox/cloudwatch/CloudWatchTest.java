package keyrotation.sandbox.cloudwatch;

import static keyrotation.sandbox.cloudwatch.AlarmState.ALARM;
import static keyrotation.sandbox.cloudwatch.AlarmState.INSUFFICIENT_DATA;
import static keyrotation.sandbox.cloudwatch.AlarmState.OK;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.sandbox.cloudwatch.CloudWatch.Change;
import keyrotation.sandbox.cloudwatch.MetricAlarm.Statistic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CloudWatchTest {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration DAY = Duration.ofDays(1);
  private static final String TEMPLATE =
      """
      {"Resources": {
        "Filter": {"Type": "AWS::Logs::MetricFilter", "Properties": {
          "FilterPattern": "{ $.step = \\"run\\" && $.days = * }",
          "MetricTransformations": [
            {"MetricNamespace": "N", "MetricName": "Days", "MetricValue": "$.days"}]}},
        "OfSecret": {"Type": "AWS::Logs::MetricFilter", "Properties": {
          "FilterPattern": "{ $.days = * }",
          "MetricTransformations": [
            {"MetricNamespace": "N", "MetricName": "Days", "MetricValue": "$.days",
             "Dimensions": [{"Key": "Secret", "Value": "$.secret"}]}]}},
        "Gauge": {"Type": "AWS::CloudWatch::Alarm", "Properties": {
          "AlarmName": "gauge", "Namespace": "N", "MetricName": "Days", "Statistic": "Maximum",
          "Period": 3600, "EvaluationPeriods": 1, "Threshold": 2,
          "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "ignore"}},
        "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": {
          "AlarmName": "errors", "Namespace": "AWS/Lambda", "MetricName": "Errors",
          "Statistic": "Sum", "Period": 3600, "EvaluationPeriods": 1, "Threshold": 2,
          "ComparisonOperator": "GreaterThanOrEqualToThreshold",
          "TreatMissingData": "notBreaching"}},
        "Silence": {"Type": "AWS::CloudWatch::Alarm", "Properties": {
          "AlarmName": "silence", "Namespace": "N", "MetricName": "Runs",
          "Statistic": "Sum", "Period": 3600, "EvaluationPeriods": 2, "Threshold": 1,
          "ComparisonOperator": "LessThanThreshold"}}}}\
      """;

  /** The examples in AWS's documentation, and the same for two datapoints of three. */
  @ParameterizedTest
  @CsvSource({
    // values, datapoints, missing, ignore, breaching, notBreaching
    "0 - X - X, 3, OK, OK, OK, OK",
    "0 - - - -, 3, OK, OK, OK, OK",
    "- - - - -, 3, INSUFFICIENT_DATA, INSUFFICIENT_DATA, ALARM, OK",
    "0 X X - X, 3, ALARM, ALARM, ALARM, ALARM",
    "- - X - -, 3, ALARM, INSUFFICIENT_DATA, ALARM, OK",
    "0 - X - X, 2, ALARM, ALARM, ALARM, ALARM",
    "0 0 X - X, 2, ALARM, ALARM, ALARM, ALARM",
    "- - - - -, 2, INSUFFICIENT_DATA, INSUFFICIENT_DATA, ALARM, OK",
  })
  void treats_missing_values_as_aws_documents_it(
      String values,
      int datapoints,
      AlarmState missing,
      AlarmState ignore,
      AlarmState breaching,
      AlarmState notBreaching) {
    assertThat(evaluate(values, datapoints, "missing")).isEqualTo(missing);
    assertThat(evaluate(values, datapoints, "ignore")).isEqualTo(ignore);
    assertThat(evaluate(values, datapoints, "breaching")).isEqualTo(breaching);
    assertThat(evaluate(values, datapoints, "notBreaching")).isEqualTo(notBreaching);
  }

  @Test
  void a_gauge_that_is_measured_once_a_day_keeps_its_state_in_between() {
    CloudWatch cloudWatch = deploy();

    for (double days : new double[] {1, 3, 4, 0}) {
      cloudWatch.log(at(30), "{\"step\":\"run\",\"days\":" + days + "}");
      now = now.plus(DAY);
      cloudWatch.advanceTo(now);
    }

    assertThat(cloudWatch.changes().stream().filter(change -> change.alarm().equals("gauge")))
        .containsExactly(
            new Change(START.plus(Duration.ofMinutes(40)), "gauge", INSUFFICIENT_DATA, OK),
            new Change(START.plus(Duration.ofMinutes(40)).plus(DAY), "gauge", OK, ALARM),
            new Change(
                START.plus(Duration.ofMinutes(40)).plus(DAY.multipliedBy(3)), "gauge", ALARM, OK));
  }

  @Test
  void a_count_returns_to_ok_when_it_has_left_the_range() {
    CloudWatch cloudWatch = deploy();
    cloudWatch.record(new MetricName("AWS/Lambda", "Errors"), at(59), 1);
    cloudWatch.record(new MetricName("AWS/Lambda", "Errors"), at(59), 1);

    cloudWatch.advanceTo(START.plus(Duration.ofHours(9)));

    assertThat(cloudWatch.changes().stream().filter(change -> change.alarm().equals("errors")))
        .containsExactly(
            new Change(at(10), "errors", INSUFFICIENT_DATA, OK),
            new Change(at(60), "errors", OK, ALARM),
            new Change(START.plus(Duration.ofHours(4)), "errors", ALARM, OK));
    assertThat(cloudWatch.states()).containsEntry("errors", OK);
  }

  @Test
  void an_alarm_goes_off_within_the_hour_and_its_periods_slide() {
    CloudWatch cloudWatch = deploy();
    cloudWatch.record(new MetricName("AWS/Lambda", "Errors"), at(25), 1);
    cloudWatch.record(new MetricName("AWS/Lambda", "Errors"), at(65), 1);

    cloudWatch.advanceTo(at(100));

    assertThat(cloudWatch.changes().stream().filter(change -> change.alarm().equals("errors")))
        .containsExactly(
            new Change(at(10), "errors", INSUFFICIENT_DATA, OK),
            new Change(at(70), "errors", OK, ALARM),
            new Change(at(90), "errors", ALARM, OK));
  }

  @Test
  void an_alarm_that_says_no_more_needs_each_period_and_is_without_data_at_first() {
    CloudWatch cloudWatch = deploy();
    cloudWatch.advanceTo(at(10));
    assertThat(cloudWatch.states()).containsEntry("silence", INSUFFICIENT_DATA);

    for (int hour = 1; hour <= 4; hour++) {
      cloudWatch.record(new MetricName("N", "Runs"), at(60 * hour), hour <= 2 ? 1 : 0);
    }
    cloudWatch.advanceTo(at(60 * 9));

    assertThat(cloudWatch.changes().stream().filter(change -> change.alarm().equals("silence")))
        .containsExactly(
            new Change(at(70), "silence", INSUFFICIENT_DATA, OK),
            new Change(at(250), "silence", OK, ALARM),
            new Change(at(490), "silence", ALARM, INSUFFICIENT_DATA));
  }

  @Test
  void lines_that_no_filter_selects_and_lines_that_are_not_json_have_no_value() {
    CloudWatch cloudWatch = deploy();

    cloudWatch.log(at(1), "START RequestId: 1");
    cloudWatch.log(at(1), "{\"step\":\"result\",\"days\":5}");
    cloudWatch.log(at(1), "{\"step\":\"run\",\"days\":\"5\"}");

    assertThat(cloudWatch.series(new MetricName("N", "Days"), Statistic.Sum::of)).isEmpty();
  }

  @Test
  void a_series_has_one_value_for_ten_minutes() {
    CloudWatch cloudWatch = deploy();
    cloudWatch.log(at(1), "{\"step\":\"run\",\"days\":5}");
    cloudWatch.log(at(9), "{\"step\":\"run\",\"days\":7}");
    cloudWatch.log(at(10), "{\"step\":\"run\",\"days\":6}");

    assertThat(cloudWatch.series(new MetricName("N", "Days"), Collections::max))
        .containsExactly(Map.entry(START, 7.0), Map.entry(at(10), 6.0));
  }

  private Instant now = START;

  private Instant at(int minutes) {
    return now.plus(Duration.ofMinutes(minutes));
  }

  private static CloudWatch deploy() {
    return new CloudWatch(json(TEMPLATE), START);
  }

  private static JsonNode json(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static AlarmState evaluate(String values, int datapoints, String missing) {
    MetricAlarm alarm =
        new MetricAlarm(
            "a",
            new MetricName("N", "M"),
            Statistic.Maximum,
            Duration.ofHours(1),
            value -> value >= 1,
            3,
            datapoints,
            missing);
    List<Optional<Double>> range =
        Stream.of(values.split(" ", -1))
            .map(
                value ->
                    value.equals("-")
                        ? Optional.<Double>empty()
                        : Optional.of(value.equals("X") ? 1.0 : 0.0))
            .toList();
    assertThat(range).hasSize(alarm.range());
    return alarm.evaluate(range, INSUFFICIENT_DATA);
  }
}
