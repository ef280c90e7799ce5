package keyrotation.sandbox.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.OptionalDouble;

/**
 * Makes a value of a metric of each line that its pattern selects.
 *
 * @param metric the metric, without dimensions
 * @param value a number, or a field such as {@code $.days}
 */
record MetricFilter(FilterPattern pattern, MetricName metric, String value) {

  /** Reads the properties of an {@code AWS::Logs::MetricFilter}. */
  static MetricFilter of(JsonNode properties) {
    JsonNode transformation = properties.at("/MetricTransformations/0");
    return new MetricFilter(
        FilterPattern.parse(properties.path("FilterPattern").asText()),
        new MetricName(
            transformation.path("MetricNamespace").asText(),
            transformation.path("MetricName").asText()),
        transformation.path("MetricValue").asText());
  }

  /** Returns the value of a line; empty if the line is not selected, or its field is no number. */
  OptionalDouble valueOf(JsonNode line) {
    if (!pattern.matches(line)) {
      return OptionalDouble.empty();
    }
    if (!value.startsWith("$.")) {
      return OptionalDouble.of(Double.parseDouble(value));
    }
    JsonNode field = FilterPattern.field(line, value);
    return field.isNumber() ? OptionalDouble.of(field.asDouble()) : OptionalDouble.empty();
  }
}
