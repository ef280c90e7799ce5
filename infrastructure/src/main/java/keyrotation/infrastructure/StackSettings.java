package keyrotation.infrastructure;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import keyrotation.Settings;

/**
 * The settings of a deployment: those of the function and those of the stack. {@code
 * docs/settings.md} explains each.
 *
 * @param suffix tells several stacks of this app apart
 * @param secrets the named secrets; a tag may select more
 * @param environment the function's environment variables
 * @param function the function's settings, parsed from these variables
 * @param kmsKeyArns the keys that encrypt the secrets; the first encrypts those that the stack
 *     creates; AWS's own key if empty
 * @param replicas the regions to which the secrets that the stack creates are replicated
 * @param monitoring how the alarms and metrics are set up
 * @param firstKey what the function has a first key issued with, for the secrets that the stack
 *     creates; if empty, an operator stores it
 * @param keyChanged where the events of changed keys are sent
 * @param tokens the function that makes tokens; if empty, there is none
 * @param hosting how the functions are hosted
 */
record StackSettings(
    Optional<String> suffix,
    List<SecretSource> secrets,
    Map<String, String> environment,
    Settings function,
    List<String> kmsKeyArns,
    List<Replica> replicas,
    RotationTrigger trigger,
    Monitoring monitoring,
    Optional<FirstKey> firstKey,
    KeyChangedTarget keyChanged,
    Optional<TokenStackSettings> tokens,
    Hosting hosting) {

  static final String SECRET_NAME = "MOMENTO_AUTH_TOKEN_SECRET_NAME";
  static final String SECRET_TAG = "MOMENTO_AUTH_TOKEN_SECRET_TAG";
  static final String MANAGEMENT_SECRET = "MOMENTO_MANAGEMENT_KEY_SECRET";
  static final String CREATE_SECRETS = "CREATE_SECRETS";
  static final String TRIGGER = "ROTATION_TRIGGER";
  static final String KMS_KEY_ARN = "KMS_KEY_ARN";
  static final String SUFFIX = "STACK_SUFFIX";
  static final String REPLICA_REGIONS = "REPLICA_REGIONS";

  /** Not a setting: the variable that Lambda's JVM takes options from. */
  static final String JAVA_OPTIONS = "JAVA_TOOL_OPTIONS";

  static final String ALARM_EMAIL = "ALARM_EMAIL";
  static final String ALARM_TOPIC_ARN = "ALARM_TOPIC_ARN";
  static final String METRICS_PER_SECRET = "METRICS_PER_SECRET";
  static final String KEY_CHANGED_EVENTS = "KEY_CHANGED_EVENTS";
  static final String FIRST_KEY_ROLE = "MOMENTO_FIRST_KEY_ROLE";
  static final String ENDPOINT = "MOMENTO_ENDPOINT";
  static final String REFRESHES_PER_SECOND = "MOMENTO_REFRESHES_PER_SECOND";

  /** The settings that become the function's environment variables. */
  static final List<String> FUNCTION_SETTINGS =
      List.of(
          SECRET_NAME,
          SECRET_TAG,
          "AUTO_ROTATION_IN_DAYS",
          "CHECK_INTERVAL_IN_HOURS",
          "CHECK_AT",
          "CHECK_DAYS",
          REFRESHES_PER_SECOND,
          "SECRETS_MANAGER_WRITES_PER_SECOND",
          "MOMENTO_CONTROL_ENDPOINT",
          MANAGEMENT_SECRET,
          "MOMENTO_ALLOWED_ROLES",
          "MOMENTO_ENDPOINT_SUFFIXES",
          "MOMENTO_API_ENDPOINT",
          "REVOKE_AFTER_HOURS",
          "REVOKE_OPERATOR_KEYS");

  /** The names of all settings. */
  static final List<String> NAMES =
      Stream.of(
              FUNCTION_SETTINGS,
              List.of(
                  CREATE_SECRETS,
                  TRIGGER,
                  KMS_KEY_ARN,
                  SUFFIX,
                  REPLICA_REGIONS,
                  ALARM_EMAIL,
                  ALARM_TOPIC_ARN,
                  METRICS_PER_SECRET,
                  KEY_CHANGED_EVENTS,
                  FIRST_KEY_ROLE,
                  ENDPOINT),
              TokenStackSettings.NAMES,
              HostingParser.NAMES)
          .flatMap(List::stream)
          .toList();

  /**
   * How the alarms and metrics are set up.
   *
   * @param email the address that receives the alarms
   * @param topicArn the topic that the alarms publish to; if empty, the stack creates one
   * @param perSecret whether there are metrics of each secret as well
   */
  record Monitoring(Optional<String> email, Optional<String> topicArn, boolean perSecret) {}

  /**
   * A region to which secrets are replicated.
   *
   * @param kmsKeyArn the key in that region that encrypts the replicas; AWS's own key if empty
   */
  record Replica(String region, Optional<String> kmsKeyArn) {}

  /**
   * What the function has the first key of an empty secret issued with.
   *
   * @param endpoint the host that the key works at
   */
  record FirstKey(String roleId, String endpoint) {}

  /** The account and region that the stack is deployed to; empty if unknown. */
  record Environment(Optional<String> account, Optional<String> region) {

    /** Tells whether nothing contradicts that this is the given account and region. */
    boolean matches(String otherAccount, String otherRegion) {
      return account.orElse(otherAccount).equals(otherAccount)
          && region.orElse(otherRegion).equals(otherRegion);
    }
  }

  /** Copies the collections. */
  StackSettings {
    secrets = List.copyOf(secrets);
    kmsKeyArns = List.copyOf(kmsKeyArns);
    replicas = List.copyOf(replicas);
    // Sorted, so that each synthesis writes the same template.
    environment = Collections.unmodifiableMap(new TreeMap<>(environment));
  }

  /** Returns the names or ARNs of the secrets, separated by commas. */
  String secretIds() {
    return secrets.stream().map(SecretSource::id).collect(Collectors.joining(","));
  }

  /**
   * Returns what a secret that the stack creates gets its first key with. The first management key
   * comes from an operator: no other key could have it issued.
   */
  Optional<FirstKey> firstKeyOf(String name) {
    return firstKey.filter(
        _ ->
            !function
                .v2()
                .managementKeySecret()
                .map(id -> TargetArns.secret(id, _ -> false).name())
                .equals(Optional.of(name)));
  }

  /**
   * Parses the settings.
   *
   * @param values the values that are set, by name
   * @throws IllegalArgumentException if any is invalid; the message has one line for each mistake,
   *     with the setting, its value, the rule and an example
   */
  static StackSettings from(Map<String, String> values, Environment target) {
    return StackSettingsParser.parse(values, target);
  }
}
