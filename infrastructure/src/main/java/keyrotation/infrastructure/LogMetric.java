package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import keyrotation.rotation.LogField;
import keyrotation.rotation.LogStep;

/**
 * A metric that CloudWatch makes of lines of the function's log. Its value is that of a period,
 * over all secrets.
 *
 * <p>Gauges are taken from the last line of a scheduled run, which has the worst values of all its
 * secrets. A line about one secret could end an alarm that another secret has set off.
 */
enum LogMetric {
  /** Scheduled runs that ended. The last line of each is the function's sign of life. */
  SCHEDULED_RUNS("ScheduledRuns", "Sum", LogStep.RUN, scheduled(), "1"),
  /** Secrets that a scheduled run has worked on. */
  SECRETS("SecretsInspected", "Maximum", LogField.SECRETS),
  /** Days until the first key expires; no value if none ever does. */
  DAYS_TO_EXPIRY("DaysToExpiry", "Minimum", LogField.DAYS_TO_EXPIRY),
  /** 1 if a key might expire before two more scheduled runs. */
  KEY_EXPIRES_SOON("KeyExpiresSoon", "Maximum", LogField.EXPIRES_SOON),
  /** For how many intervals the key has been due that has been due for longest. */
  RUNS_OVERDUE("RunsOverdue", "Maximum", LogField.RUNS_OVERDUE),
  /** Days since the oldest key was stored. */
  KEY_AGE("KeyAgeDays", "Maximum", LogField.KEY_AGE_DAYS),
  /** New keys that became current. */
  ROTATIONS("Rotations", "Sum", LogStep.RESULT, hasNewKey(), "1"),
  /** Failures that may pass by themselves; each attempt counts. */
  FAILURES_WAIT("FailuresWait", "Sum", LogStep.RESULT, failed("wait"), "1"),
  /** Failures that need an operator; each attempt counts. */
  FAILURES_PERSON("FailuresPerson", "Sum", LogStep.RESULT, failed("person"), "1"),
  /** Revoked keys. */
  REVOCATIONS(
      "Revocations",
      "Sum",
      LogStep.RESULT,
      exists(LogField.KEYS_REVOKED),
      name(LogField.KEYS_REVOKED)),
  /** Revoked keys that had been issued and never stored. */
  ORPHANS(
      "OrphansRevoked",
      "Sum",
      LogStep.RESULT,
      exists(LogField.REVOKED_NEVER_STORED),
      name(LogField.REVOKED_NEVER_STORED)),
  /** Secrets without a key. */
  SECRETS_WITHOUT_KEY("SecretsWithoutKey", "Maximum", LogField.WITHOUT_KEY),
  /** Secrets that a tag pauses. */
  SECRETS_PAUSED("SecretsPaused", "Maximum", LogField.PAUSED),
  /** Days since the oldest secret was created that has no key. */
  DAYS_WITHOUT_KEY("DaysWithoutKey", "Maximum", LogField.DAYS_WITHOUT_KEY),
  /** By how many hours Secrets Manager's own rotation is late. */
  OWN_ROTATION_OVERDUE("OwnRotationOverdueHours", "Maximum", LogField.OWN_ROTATION_OVERDUE_HOURS),
  /** Replicas of secrets that Secrets Manager could not bring up to date. */
  REPLICAS_FAILED("ReplicasFailed", "Maximum", LogField.REPLICAS_FAILED),
  /** Days until the management key expires; no value if it never does. */
  MANAGEMENT_KEY_DAYS(
      "ManagementKeyDaysToExpiry", "Minimum", LogField.MANAGEMENT_KEY_DAYS_TO_EXPIRY),
  /** 1 if the management key expires soon. */
  MANAGEMENT_KEY_EXPIRES_SOON(
      "ManagementKeyExpiresSoon", "Maximum", LogField.MANAGEMENT_KEY_EXPIRES_SOON);

  /** The metrics that can be had for each secret by itself as well. */
  static final Set<LogMetric> OF_A_SECRET =
      EnumSet.of(DAYS_TO_EXPIRY, RUNS_OVERDUE, KEY_AGE, ROTATIONS, FAILURES_WAIT, FAILURES_PERSON);

  /** The dimension of the metrics of one secret. */
  static final String SECRET_DIMENSION = "Secret";

  private final String metricName;
  private final String statistic;
  private final LogStep step;
  private final String condition;
  private final String value;

  /** Defines a gauge: the value of a field in the last lines of scheduled runs. */
  LogMetric(String metricName, String statistic, LogField field) {
    this(metricName, statistic, LogStep.RUN, scheduled() + " && " + exists(field), name(field));
  }

  /**
   * Defines a metric.
   *
   * @param statistic makes one value of all those of a period
   * @param step what the lines are about
   * @param condition what else holds for the lines
   * @param value a number, or the field that holds it
   */
  LogMetric(String metricName, String statistic, LogStep step, String condition, String value) {
    this.metricName = metricName;
    this.statistic = statistic;
    this.step = step;
    this.condition = condition;
    this.value = value;
  }

  /** Returns the name in CloudWatch. */
  String metricName() {
    return metricName;
  }

  /** Returns the statistic that makes one value of all those of a period. */
  String statistic() {
    return statistic;
  }

  /** Returns the value of a line, as a metric filter has it. */
  String value() {
    return value;
  }

  /** Returns the pattern of the metric's filter. */
  String pattern() {
    return pattern(step);
  }

  /** Returns the pattern of the filter for single secrets, whose lines have the same fields. */
  String patternOfSecret() {
    return pattern(LogStep.RESULT);
  }

  private String pattern(LogStep lines) {
    return "{ " + equal(LogField.STEP, "" + lines) + " && " + condition + " }";
  }

  private static String scheduled() {
    return equal(LogField.TRIGGER, "schedule");
  }

  private static String hasNewKey() {
    return Stream.of("ROTATED", "RESUMED", "FIRST_KEY_ISSUED")
        .flatMap(result -> Stream.of(equal(LogField.RESULT, result), equal(LogField.DONE, result)))
        .collect(
            joining(" || ", "(", " || " + equal(LogField.ROTATION_STEP, "finishSecret") + ")"));
  }

  /** An operator reads the failure of a manual request in its response. */
  private static String failed(String needs) {
    return equal(LogField.NEEDS, needs) + " && " + name(LogField.TRIGGER) + " != \"manual\"";
  }

  private static String equal(LogField field, String value) {
    return name(field) + " = \"" + value + "\"";
  }

  private static String exists(LogField field) {
    return name(field) + " = *";
  }

  private static String name(LogField field) {
    return "$." + field;
  }
}
