package keyrotation.sandbox.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.DoublePredicate;

/**
 * An alarm on one metric.
 *
 * @param missing how it treats periods without a value, as the template has it
 * @param isBreaching whether a value of a period is beyond the threshold
 * @param periods the number of periods that are evaluated
 * @param datapointsToAlarm how many of them must be breaching
 */
record MetricAlarm(
    String name,
    MetricName metric,
    Statistic statistic,
    Duration period,
    DoublePredicate isBreaching,
    int periods,
    int datapointsToAlarm,
    String missing) {

  /**
   * How many periods before those that are evaluated are looked at for values, before any period
   * counts as missing. AWS's examples show a range of five periods for alarms on three.
   */
  private static final int MORE_PERIODS = 2;

  /** Makes one value of all those of a period. */
  enum Statistic {
    Sum {
      @Override
      double of(Collection<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sum();
      }
    },
    Maximum {
      @Override
      double of(Collection<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
      }
    };

    abstract double of(Collection<Double> values);
  }

  /** Reads the properties of an {@code AWS::CloudWatch::Alarm}. */
  static MetricAlarm of(JsonNode properties) {
    double threshold = properties.path("Threshold").asDouble();
    int periods = properties.path("EvaluationPeriods").asInt();
    return new MetricAlarm(
        properties.path("AlarmName").asText(),
        new MetricName(
            properties.path("Namespace").asText(), properties.path("MetricName").asText()),
        Statistic.valueOf(properties.path("Statistic").asText()),
        Duration.ofSeconds(properties.path("Period").asLong()),
        switch (properties.path("ComparisonOperator").asText()) {
          case "GreaterThanOrEqualToThreshold" -> value -> value >= threshold;
          case "LessThanThreshold" -> value -> value < threshold;
          default ->
              throw new IllegalArgumentException(
                  "No such operator: " + properties.path("ComparisonOperator"));
        },
        periods,
        properties.path("DatapointsToAlarm").asInt(periods),
        properties.path("TreatMissingData").asText("missing"));
  }

  /** Returns how many periods have to be looked at. */
  int range() {
    return periods + MORE_PERIODS;
  }

  /**
   * Returns the state after the last period.
   *
   * @param values the values of the last {@link #range} periods, the oldest first; empty where
   *     there is none
   * @param before the state up to now
   */
  AlarmState evaluate(List<Optional<Double>> values, AlarmState before) {
    List<Double> present =
        values.reversed().stream().flatMap(Optional::stream).limit(periods).toList();
    int breaching = (int) present.stream().filter(isBreaching::test).count();
    int fine = present.size() - breaching;
    int absent = periods - present.size();
    return switch (missing) {
      case "notBreaching" -> state(breaching);
      case "breaching" -> state(breaching + absent);
      case "ignore" ->
          breaching >= datapointsToAlarm
              ? AlarmState.ALARM
              : fine > periods - datapointsToAlarm ? AlarmState.OK : before;
      case "missing" ->
          present.isEmpty()
              ? AlarmState.INSUFFICIENT_DATA
              : state(fine == 0 ? breaching + absent : breaching);
      default -> throw new IllegalArgumentException("No such treatment: " + missing);
    };
  }

  private AlarmState state(int breaching) {
    return breaching >= datapointsToAlarm ? AlarmState.ALARM : AlarmState.OK;
  }
}
