package keyrotation.infrastructure;

import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.cloudwatch.Metric;
import software.amazon.awscdk.services.logs.FilterPattern;
import software.amazon.awscdk.services.logs.ILogGroup;
import software.amazon.awscdk.services.logs.MetricFilter;
import software.constructs.Construct;

/** A metric that CloudWatch makes of the logs of the requests for tokens: a number of lines. */
enum TokenMetric {
  /** Requests that were refused since there were too many, by API Gateway or by the function. */
  THROTTLED("TokensThrottled", "{ $.status = \"429\" }"),
  /** Requests for which Momento rejected the secret's key, or let it make no such token. */
  KEY_REJECTED(
      "TokenKeyRejected", "{ $.reason = \"KEY_REJECTED\" || $.reason = \"KEY_NOT_ALLOWED\" }");

  private final String metricName;
  private final String pattern;

  TokenMetric(String metricName, String pattern) {
    this.metricName = metricName;
    this.pattern = pattern;
  }

  /** Has CloudWatch count the lines of a log. */
  void addFilter(Construct scope, ILogGroup log, String namespace) {
    var _ =
        MetricFilter.Builder.create(scope, metricName)
            .logGroup(log)
            .filterPattern(FilterPattern.literal(pattern))
            .metricNamespace(namespace)
            .metricName(metricName)
            .metricValue("1")
            .build();
  }

  /** Returns the number of lines in a period. */
  Metric metric(Duration period, String namespace) {
    return Metric.Builder.create()
        .namespace(namespace)
        .metricName(metricName)
        .statistic("Sum")
        .period(period)
        .build();
  }
}
