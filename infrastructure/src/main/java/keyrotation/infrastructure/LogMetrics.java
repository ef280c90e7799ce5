package keyrotation.infrastructure;

import java.util.Map;
import keyrotation.rotation.LogField;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.Metric;
import software.amazon.awscdk.services.logs.FilterPattern;
import software.amazon.awscdk.services.logs.ILogGroup;
import software.amazon.awscdk.services.logs.MetricFilter;
import software.constructs.Construct;

/** Has CloudWatch make metrics of the function's log, so that the function need not send any. */
final class LogMetrics extends Construct {

  private final String namespace;

  /**
   * Adds a filter for each metric.
   *
   * @param perSecret whether to add a metric of each secret as well
   * @param namespace the namespace of the metrics, which no other stack may have
   */
  LogMetrics(Construct scope, String id, ILogGroup log, boolean perSecret, String namespace) {
    super(scope, id);
    this.namespace = namespace;
    for (LogMetric metric : LogMetric.values()) {
      var _ = filter(metric.metricName(), metric, metric.pattern(), log).build();
      if (perSecret && LogMetric.OF_A_SECRET.contains(metric)) {
        var _ =
            filter(metric.metricName() + "OfSecret", metric, metric.patternOfSecret(), log)
                .dimensions(Map.of(LogMetric.SECRET_DIMENSION, "$." + LogField.SECRET))
                .build();
      }
    }
  }

  private MetricFilter.Builder filter(String id, LogMetric metric, String pattern, ILogGroup log) {
    return MetricFilter.Builder.create(this, id)
        .logGroup(log)
        .filterPattern(FilterPattern.literal(pattern))
        .metricNamespace(namespace)
        .metricName(metric.metricName())
        .metricValue(metric.value());
  }

  /** Returns a metric over all secrets. */
  Metric metric(LogMetric metric, Duration period) {
    return Metric.Builder.create()
        .namespace(namespace)
        .metricName(metric.metricName())
        .statistic(metric.statistic())
        .period(period)
        .build();
  }
}
