package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Values of the release's parameters, and the settings of this app that mean the same.
 *
 * @param parameters the values of parameters; the others have their defaults
 */
record ReleaseVariant(Map<String, String> parameters, Map<String, String> settings) {

  private static final String BUS = "arn:aws:events:us-east-1:123456789012:event-bus/consumers";
  private static final String TOPIC = "arn:aws:sns:us-east-1:210987654321:platform-alarms";
  private static final String BOUNDARY = "arn:aws:iam::123456789012:policy/boundary";

  /** Returns the least that a stack can be. */
  static ReleaseVariant least() {
    return new Builder(new SplittableRandom(0), 0).build();
  }

  /** Returns a variant with as many settings as exclude each other not. */
  static ReleaseVariant most() {
    return new Builder(new SplittableRandom(0), 1).build();
  }

  /**
   * Returns a variant of which each number makes another; numbers in a row have little in common.
   */
  static ReleaseVariant random(int number) {
    return new Builder(new SplittableRandom(number), 0.5).build();
  }

  /** Chooses what a variant has, within the rules of the template. */
  private static final class Builder {

    private final SplittableRandom random;
    private final double probability;
    private final Map<String, String> parameters = new TreeMap<>();
    private final Map<String, String> settings = new TreeMap<>();

    Builder(SplittableRandom random, double probability) {
      this.random = random;
      this.probability = probability;
    }

    ReleaseVariant build() {
      parameters.put("ArchiveBucket", ReleaseTemplate.example("ArchiveBucket"));
      parameters.put("ArchiveKey", ReleaseTemplate.example("ArchiveKey"));
      boolean named = has();
      boolean byArn = has();
      boolean tagged = has();
      boolean created = probability == 1 || !(named || byArn || tagged) || has();
      secrets(created, named, byArn, tagged);
      boolean managed =
          setIf(has(), "ManagementKeySecretName", "MOMENTO_MANAGEMENT_KEY_SECRET", "m/k");
      boolean roles = setIf(has(), "AllowedRoles", "MOMENTO_ALLOWED_ROLES", "r-a,r-b");
      if (created && managed && roles && has()) {
        set("FirstKeyRole", "MOMENTO_FIRST_KEY_ROLE", "r-a");
        set("FirstKeyEndpoint", "MOMENTO_ENDPOINT", "cell.momentohq.com");
      }
      setIf(has(), "EndpointSuffixes", "MOMENTO_ENDPOINT_SUFFIXES", ".momento.example.com");
      setIf(has(), "RevokeAfterHours", "REVOKE_AFTER_HOURS", "24");
      setIf(has(), "RevokeOperatorKeys", "REVOKE_OPERATOR_KEYS", "true");
      times();
      setIf(has(), "RotateAfterDays", "AUTO_ROTATION_IN_DAYS", "20");
      if (created && !named && !byArn && !tagged && has()) {
        set("RotationTrigger", "ROTATION_TRIGGER", "secrets-manager");
      }
      if (has()) {
        set("AlarmEmail", "ALARM_EMAIL", "keys@example.org");
      } else {
        setIf(has(), "AlarmTopicArn", "ALARM_TOPIC_ARN", TOPIC);
      }
      setIf(!tagged && has(), "MetricsPerSecret", "METRICS_PER_SECRET", "true");
      if (created || named) {
        setIf(
            has(), "KeyChangedEvents", "KEY_CHANGED_EVENTS", random.nextBoolean() ? "topic" : BUS);
      }
      setIf(has(), "CallsPerSecond", "MOMENTO_REFRESHES_PER_SECOND", "2");
      setIf(has(), "ControlEndpoint", "MOMENTO_CONTROL_ENDPOINT", "control.example.com:443");
      setIf(has(), "ApiEndpoint", "MOMENTO_API_ENDPOINT", "api.example.com:443");
      hosting();
      return new ReleaseVariant(parameters, settings);
    }

    private void secrets(boolean created, boolean named, boolean byArn, boolean tagged) {
      List<String> ids = new ArrayList<>();
      parameters.put("CreatedSecretName", created ? "momento/created" : "");
      if (created) {
        ids.add("momento/created");
      }
      if (named) {
        parameters.put("SecretNames", "momento/a,momento/b");
        ids.add("momento/a,momento/b");
      }
      if (byArn) {
        parameters.put("SecretArns", SECRET_ARN);
        ids.add(SECRET_ARN);
      }
      settings.put("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", ids));
      settings.put("CREATE_SECRETS", created ? "momento/created" : "false");
      if (tagged) {
        parameters.put("SecretTagValue", "yes");
        settings.put("MOMENTO_AUTH_TOKEN_SECRET_TAG", "momento:rotate=yes");
      }
      setIf(has(), "KmsKeyArns", "KMS_KEY_ARN", KMS_KEY + "," + KMS_KEY.replace("1234", "5678"));
      if (created && has()) {
        String key = KMS_KEY.replace("us-east-1", "eu-west-1");
        parameters.put("ReplicaRegion", "eu-west-1");
        boolean second = has();
        if (second) {
          parameters.put("SecondReplicaRegion", "eu-west-2");
        }
        boolean encrypted = has();
        if (encrypted) {
          parameters.put("ReplicaKmsKeyArn", key);
        }
        settings.put(
            "REPLICA_REGIONS",
            "eu-west-1" + (encrypted ? "=" + key : "") + (second ? ",eu-west-2" : ""));
      }
    }

    private void times() {
      if (has() && random.nextBoolean()) {
        parameters.putAll(Map.of("CheckAt", "04:30", "CheckTimeZone", "Europe/Berlin"));
        settings.put("CHECK_AT", "04:30 Europe/Berlin");
        set("CheckDays", "CHECK_DAYS", random.nextBoolean() ? "MON-FRI" : "MON-SUN");
      } else {
        List<String> intervals = ReleaseTemplate.INTERVALS;
        set(
            "CheckIntervalInHours",
            "CHECK_INTERVAL_IN_HOURS",
            intervals.get(random.nextInt(intervals.size())));
      }
    }

    private void hosting() {
      if (has()) {
        set("SubnetIds", "SUBNET_IDS", "subnet-0123456789abcdef2,subnet-0123456789abcdef3");
        set("SecurityGroupIds", "SECURITY_GROUP_IDS", "sg-0123456789abcdef1");
      }
      if (has()) {
        parameters.putAll(Map.of("ProxyHost", "proxy.example.com", "ProxyPort", "3128"));
        settings.put("OUTBOUND_PROXY", "proxy.example.com:3128");
        setIf(has(), "ProxyExceptions", "OUTBOUND_PROXY_EXCEPT", "a.example.com,*.example.org");
      }
      setIf(has(), "PermissionsBoundaryArn", "PERMISSIONS_BOUNDARY_ARN", BOUNDARY);
      setIf(has(), "RolePath", "ROLE_PATH", "/platform/");
      setIf(has(), "StackKmsKeyArn", "STACK_KMS_KEY_ARN", KMS_KEY);
      setIf(has(), "LogRetentionInDays", "LOG_RETENTION_IN_DAYS", "7");
      setIf(has(), "MemoryInMegabytes", "MEMORY_IN_MEGABYTES", "512");
      setIf(has(), "TimeoutInSeconds", "TIMEOUT_IN_SECONDS", "900");
      setIf(has(), "Architecture", "ARCHITECTURE", "x86_64");
    }

    private boolean has() {
      return random.nextDouble() < probability;
    }

    private boolean setIf(boolean condition, String parameter, String setting, String value) {
      if (condition) {
        set(parameter, setting, value);
      }
      return condition;
    }

    private void set(String parameter, String setting, String value) {
      parameters.put(parameter, value);
      settings.put(setting, value);
    }
  }
}
