package keyrotation.sandbox.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * CloudWatch with the metric filters and alarms of a CloudFormation template.
 *
 * <p>Alarms are evaluated every ten minutes, over periods that end then: AWS documents a sliding
 * window as the default. The real service evaluates each minute.
 */
public final class CloudWatch {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration STEP = Duration.ofMinutes(10);

  private final List<MetricFilter> filters;
  private final List<MetricAlarm> alarms;
  private final Map<MetricName, TreeMap<Instant, List<Double>>> metrics = new HashMap<>();
  private final Map<String, AlarmState> states = new TreeMap<>();
  private final List<Change> changes = new ArrayList<>();
  private Instant evaluated;

  /**
   * A change of an alarm's state.
   *
   * @param alarm the alarm's name
   */
  public record Change(Instant at, String alarm, AlarmState from, AlarmState to) {}

  /**
   * Reads a template.
   *
   * @param start when the stack is deployed
   */
  public CloudWatch(JsonNode template, Instant start) {
    this.filters =
        properties(template, "AWS::Logs::MetricFilter")
            .filter(filter -> filter.at("/MetricTransformations/0/Dimensions").isMissingNode())
            .map(MetricFilter::of)
            .toList();
    this.alarms =
        properties(template, "AWS::CloudWatch::Alarm")
            .map(MetricAlarm::of)
            .sorted(Comparator.comparing(MetricAlarm::name))
            .toList();
    alarms.forEach(alarm -> states.put(alarm.name(), AlarmState.INSUFFICIENT_DATA));
    this.evaluated = stepOf(start);
  }

  private static Stream<JsonNode> properties(JsonNode template, String type) {
    return template
        .path("Resources")
        .valueStream()
        .filter(resource -> resource.path("Type").asText().equals(type))
        .map(resource -> resource.path("Properties"));
  }

  /**
   * Takes a line of the log. A line that is not JSON is taken for one that no filter selects.
   *
   * @param at when it was written
   */
  public synchronized void log(Instant at, String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (IOException e) {
      return;
    }
    for (MetricFilter filter : filters) {
      OptionalDouble value = filter.valueOf(json);
      if (value.isPresent()) {
        record(filter.metric(), at, value.getAsDouble());
      }
    }
  }

  /** Takes a value of a metric, such as one that another service of AWS sends. */
  public synchronized void record(MetricName metric, Instant at, double value) {
    metrics
        .computeIfAbsent(metric, _ -> new TreeMap<>())
        .computeIfAbsent(stepOf(at), _ -> new ArrayList<>())
        .add(value);
  }

  /** Evaluates the alarms at the end of each step up to now. */
  public synchronized void advanceTo(Instant now) {
    for (Instant end = evaluated.plus(STEP); !end.isAfter(now); end = end.plus(STEP)) {
      evaluated = end;
      alarms.forEach(this::evaluate);
    }
  }

  private void evaluate(MetricAlarm alarm) {
    List<Optional<Double>> values =
        IntStream.rangeClosed(1, alarm.range())
            .map(back -> alarm.range() + 1 - back)
            .mapToObj(back -> value(alarm, evaluated.minus(alarm.period().multipliedBy(back))))
            .toList();
    AlarmState before = states.getOrDefault(alarm.name(), AlarmState.INSUFFICIENT_DATA);
    AlarmState after = alarm.evaluate(values, before);
    if (after != before) {
      states.put(alarm.name(), after);
      changes.add(new Change(evaluated, alarm.name(), before, after));
    }
  }

  private Optional<Double> value(MetricAlarm alarm, Instant begin) {
    List<Double> values =
        metrics
            .getOrDefault(alarm.metric(), new TreeMap<>())
            .subMap(begin, begin.plus(alarm.period()))
            .values()
            .stream()
            .flatMap(List::stream)
            .toList();
    return values.isEmpty() ? Optional.empty() : Optional.of(alarm.statistic().of(values));
  }

  /** Returns the values of a metric by ten minutes, each made of those of its ten minutes. */
  public synchronized Map<Instant, Double> series(
      MetricName metric, Function<Collection<Double>, Double> statistic) {
    Map<Instant, Double> series = new TreeMap<>();
    metrics
        .getOrDefault(metric, new TreeMap<>())
        .forEach((begin, values) -> series.put(begin, statistic.apply(values)));
    return series;
  }

  /** Returns the state of each alarm, by name. */
  public synchronized Map<String, AlarmState> states() {
    return Map.copyOf(states);
  }

  /** Returns all changes of state so far, in their order. */
  public synchronized List<Change> changes() {
    return List.copyOf(changes);
  }

  private Instant stepOf(Instant at) {
    return Instant.ofEpochMilli(at.toEpochMilli() - at.toEpochMilli() % STEP.toMillis());
  }
}
