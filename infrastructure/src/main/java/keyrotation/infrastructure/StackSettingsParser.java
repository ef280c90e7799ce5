package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackSettings.ALARM_EMAIL;
import static keyrotation.infrastructure.StackSettings.ALARM_TOPIC_ARN;
import static keyrotation.infrastructure.StackSettings.CREATE_SECRETS;
import static keyrotation.infrastructure.StackSettings.ENDPOINT;
import static keyrotation.infrastructure.StackSettings.FIRST_KEY_ROLE;
import static keyrotation.infrastructure.StackSettings.FUNCTION_SETTINGS;
import static keyrotation.infrastructure.StackSettings.KEY_CHANGED_EVENTS;
import static keyrotation.infrastructure.StackSettings.KMS_KEY_ARN;
import static keyrotation.infrastructure.StackSettings.MANAGEMENT_SECRET;
import static keyrotation.infrastructure.StackSettings.METRICS_PER_SECRET;
import static keyrotation.infrastructure.StackSettings.SECRET_NAME;
import static keyrotation.infrastructure.StackSettings.SECRET_TAG;
import static keyrotation.infrastructure.StackSettings.TRIGGER;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.Settings;
import keyrotation.core.HostAndPort;
import keyrotation.core.RotationException;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.StackSettings.FirstKey;
import keyrotation.infrastructure.StackSettings.Monitoring;
import keyrotation.infrastructure.StackSettings.Trigger;
import keyrotation.secretsmanager.SecretTags;

/** Parses {@link StackSettings}, and collects all mistakes for one message. */
final class StackSettingsParser {

  /** Every Momento key and token starts with this: the base64 of a JSON object. */
  private static final String KEY_PREFIX = "eyJ";

  /** An ARN; groups: service, region, account, resource. */
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):(\\d{12}):(.+)");

  /** The resource in a secret's ARN: its name and six random characters. */
  private static final Pattern SECRET = Pattern.compile("secret:(.+)-.{6}");

  private static final Pattern KMS_KEY =
      Pattern.compile("key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})");
  private static final Pattern EMAIL = Pattern.compile("[^\\s@,]+@[^\\s@,]+\\.[^\\s@,.]+");

  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9_-]{1,256}");

  /** Six metrics for each of them. */
  private static final int MAX_SECRETS_WITH_METRICS = 200;

  /** Leaves room for other settings. */
  private static final int MAX_NAMES_LENGTH = 3400;

  /** Lambda's limit, of which names and values count. */
  private static final int MAX_ENVIRONMENT_SIZE = 4096;

  private static final SettingRule<Boolean> TRUE_OR_FALSE =
      new SettingRule<>(Map.of("true", true, "false", false), "true or false", "true");

  private static final SettingRule<Trigger> TRIGGERS =
      new SettingRule<>(
          Map.of("eventbridge", Trigger.EVENTBRIDGE, "secrets-manager", Trigger.SECRETS_MANAGER),
          "eventbridge or secrets-manager",
          "eventbridge");

  private final Map<String, String> values;
  private final Environment target;
  private final List<String> mistakes = new ArrayList<>();

  private StackSettingsParser(Map<String, String> values, Environment target) {
    this.values = values;
    this.target = target;
  }

  /** See {@link StackSettings#from}. */
  static StackSettings parse(Map<String, String> values, Environment target) {
    return new StackSettingsParser(values, inferTarget(values, target)).parse();
  }

  /** Completes an unknown target from the first ARN: all ARNs must match one target. */
  private static Environment inferTarget(Map<String, String> values, Environment target) {
    return Stream.of(SECRET_NAME, MANAGEMENT_SECRET, KMS_KEY_ARN)
        .flatMap(name -> Stream.of(values.getOrDefault(name, "").split(",", -1)))
        .map(text -> ARN.matcher(text.strip()))
        .filter(Matcher::matches)
        .findFirst()
        .map(
            arn ->
                new Environment(
                    target.account().or(() -> Optional.of(arn.group(3))),
                    target.region().or(() -> Optional.of(arn.group(2)))))
        .orElse(target);
  }

  private StackSettings parse() {
    Map<String, String> environment = functionEnvironment();
    Optional<Settings> function = functionSettings(environment);
    boolean create = read(CREATE_SECRETS, "true", TRUE_OR_FALSE);
    Trigger trigger = read(TRIGGER, "eventbridge", TRIGGERS);
    checkSecretTargets(SECRET_NAME);
    checkSecretTargets(MANAGEMENT_SECRET);
    checkNamesLength();
    checkEnvironmentSize(environment);
    checkTag(trigger);
    Optional<String> kmsKeyArn =
        readIfSet(
            KMS_KEY_ARN,
            new SettingRule<>(
                text -> Optional.of(text).filter(this::isKmsKeyInTarget),
                "the ARN of a KMS key (not of an alias)" + inTarget(),
                exampleArn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")));
    Optional<String> alarmEmail =
        readIfSet(
            ALARM_EMAIL,
            new SettingRule<>(
                text -> Optional.of(text).filter(EMAIL.asMatchPredicate()),
                "one e-mail address",
                "platform@example.com"));
    Optional<String> alarmTopicArn = alarmTopicArn(alarmEmail);
    boolean metricsPerSecret = metricsPerSecret(function);
    Optional<FirstKey> firstKey = firstKey(function.map(Settings::v2));
    KeyChangedTarget keyChanged = keyChangedTarget();
    if (!mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", mistakes));
    }
    return new StackSettings(
        function.orElseThrow().secretIds().stream().map(id -> secretSource(id, create)).toList(),
        environment,
        function.orElseThrow(),
        kmsKeyArn,
        trigger,
        new Monitoring(alarmEmail, alarmTopicArn, metricsPerSecret),
        firstKey,
        keyChanged);
  }

  /**
   * Reads the topic. It may be of another account, but CloudWatch requires the same region.
   *
   * @param alarmEmail the address to subscribe to the topic that the stack creates
   */
  private Optional<String> alarmTopicArn(Optional<String> alarmEmail) {
    Optional<String> topic =
        readIfSet(
            ALARM_TOPIC_ARN,
            new SettingRule<>(
                text -> Optional.of(text).filter(this::isTopicInRegion),
                "the ARN of an SNS topic"
                    + target.region().map(region -> " in the region " + region).orElse(""),
                exampleArn("sns", "platform-alarms")));
    if (topic.isPresent() && alarmEmail.isPresent()) {
      mistakes.add(
          "%s is %s, but must not be set, because %s is set. Subscribe the address to that topic."
              .formatted(ALARM_EMAIL, quote(alarmEmail.get()), ALARM_TOPIC_ARN));
    }
    return topic;
  }

  /** Each secret has metrics that cost, so there must not be many secrets, or an unknown number. */
  private boolean metricsPerSecret(Optional<Settings> function) {
    if (!read(METRICS_PER_SECRET, "false", TRUE_OR_FALSE)) {
      return false;
    }
    value(SECRET_TAG)
        .ifPresent(
            _ ->
                mistakes.add(
                    "%s is \"true\", but must be false, because %s may find any number of secrets."
                        .formatted(METRICS_PER_SECRET, SECRET_TAG)));
    function
        .map(of -> of.secretIds().size())
        .filter(count -> count > MAX_SECRETS_WITH_METRICS)
        .ifPresent(
            count ->
                mistakes.add(
                    "%s is \"true\", but must be false with more than %d secrets; there are %d."
                        .formatted(METRICS_PER_SECRET, MAX_SECRETS_WITH_METRICS, count)));
    return true;
  }

  private KeyChangedTarget keyChangedTarget() {
    KeyChangedTarget keyChanged = read(KEY_CHANGED_EVENTS, "none", KeyChangedTarget.rule(target));
    if (!(keyChanged instanceof KeyChangedTarget.Nowhere) && value(SECRET_TAG).isPresent()) {
      requireWith(
          KEY_CHANGED_EVENTS,
          SECRET_NAME,
          "names or ARNs of secrets (an event does not have the tags of its secret)",
          "momento/authentication-token");
    }
    return keyChanged;
  }

  /**
   * Reads what a first key is issued with. Its role must be allowed, as that of a tag must.
   *
   * @param v2 empty if the function's settings are invalid
   */
  private Optional<FirstKey> firstKey(Optional<Settings.V2> v2) {
    SettingRule<String> roles =
        new SettingRule<>(
            text ->
                Optional.of(text)
                    .filter(SecretTags.ROLE_ID.asMatchPredicate())
                    .filter(id -> v2.map(of -> of.allowedRoles().contains(id)).orElse(true)),
            "a role that MOMENTO_ALLOWED_ROLES lists",
            "r-viewer");
    SettingRule<String> endpoints =
        new SettingRule<>(
            text ->
                Optional.of(text)
                    .filter(HostAndPort::isHostName)
                    .filter(host -> v2.map(of -> isAllowed(host, of)).orElse(true)),
            "a host name alone that ends in .momentohq.com or in a suffix of"
                + " MOMENTO_ENDPOINT_SUFFIXES",
            "cell-4-us-west-2-1.prod.a.momentohq.com");
    Optional<String> roleId = readIfSet(FIRST_KEY_ROLE, roles);
    if (value(FIRST_KEY_ROLE).isEmpty()) {
      // A shell may have the endpoint for an application: Momento's SDKs read the same variable.
      return Optional.empty();
    }
    Optional<String> endpoint = readIfSet(ENDPOINT, endpoints);
    requireWith(FIRST_KEY_ROLE, ENDPOINT, endpoints.rule(), endpoints.example());
    requireWith(
        FIRST_KEY_ROLE,
        MANAGEMENT_SECRET,
        "the name or ARN of one secret",
        "momento/management-key");
    return roleId.flatMap(id -> endpoint.map(host -> new FirstKey(id, host)));
  }

  private static boolean isAllowed(String endpoint, Settings.V2 v2) {
    try {
      var _ = v2.endpoints().requireAllowed(endpoint);
      return true;
    } catch (RotationException e) {
      return false;
    }
  }

  private void requireWith(String name, String missing, String rule, String example) {
    if (value(name).isPresent() && value(missing).isEmpty()) {
      mistakes.add(
          "%s is not set, but must be %s, because %s is set, such as %s."
              .formatted(missing, rule, name, example));
    }
  }

  /** Always names the secret, even by default, so that Lambda's console shows it. */
  private Map<String, String> functionEnvironment() {
    Map<String, String> environment = new TreeMap<>();
    FUNCTION_SETTINGS.forEach(name -> value(name).ifPresent(value -> environment.put(name, value)));
    if (value(SECRET_TAG).isEmpty()) {
      environment.putIfAbsent(SECRET_NAME, "momento/authentication-token");
    }
    return environment;
  }

  /** Uses the function's own parser, so that the deployed function accepts its environment. */
  private Optional<Settings> functionSettings(Map<String, String> environment) {
    try {
      return Optional.of(Settings.from(environment));
    } catch (IllegalArgumentException e) {
      mistakes.add("" + e.getMessage());
      return Optional.empty();
    }
  }

  private void checkSecretTargets(String setting) {
    Stream.of(value(setting).orElse("").split(",", -1))
        .map(String::strip)
        .filter(this::isOutsideTarget)
        .forEach(
            arn ->
                mistake(
                    setting,
                    arn,
                    "the ARN of a secret" + inTarget(),
                    exampleArn("secretsmanager", "secret:momento/authentication-token-a1B2c3")));
  }

  private void checkNamesLength() {
    int length = value(SECRET_NAME).orElse("").length();
    if (length > MAX_NAMES_LENGTH) {
      mistakes.add(
          ("%s is %d characters long, but must be at most %d, because Lambda limits a function's"
                  + " environment. Mark the secrets with a tag instead, and set %s, such as"
                  + " rotate=momento.")
              .formatted(SECRET_NAME, length, MAX_NAMES_LENGTH, SECRET_TAG));
    }
  }

  private void checkEnvironmentSize(Map<String, String> environment) {
    int size =
        environment.entrySet().stream()
            .mapToInt(setting -> setting.getKey().length() + setting.getValue().length())
            .sum();
    if (size > MAX_ENVIRONMENT_SIZE) {
      mistakes.add(
          ("The function's settings are %d characters long together, but must be at most %d,"
               + " because Lambda limits a function's environment. Shorten %s, or mark the secrets"
               + " with a tag instead, and set %s, such as rotate=momento.")
              .formatted(size, MAX_ENVIRONMENT_SIZE, SECRET_NAME, SECRET_TAG));
    }
  }

  private void checkTag(Trigger trigger) {
    if (trigger == Trigger.SECRETS_MANAGER) {
      value(SECRET_TAG)
          .ifPresent(
              tag ->
                  mistakes.add(
                      ("%s is %s, but must not be set, because %s is secrets-manager, which"
                              + " rotates only secrets that are named. Name them in %s, such as"
                              + " momento/authentication-token, or set %s=eventbridge.")
                          .formatted(SECRET_TAG, quote(tag), TRIGGER, SECRET_NAME, TRIGGER)));
    }
  }

  private boolean isOutsideTarget(String secretId) {
    Matcher arn = ARN.matcher(secretId);
    return arn.matches() && !target.matches(arn.group(3), arn.group(2));
  }

  private boolean isTopicInRegion(String text) {
    Matcher arn = ARN.matcher(text);
    return arn.matches()
        && arn.group(1).equals("sns")
        && target.region().map(arn.group(2)::equals).orElse(true)
        && TOPIC.matcher(arn.group(4)).matches();
  }

  private boolean isKmsKeyInTarget(String text) {
    Matcher arn = ARN.matcher(text);
    return arn.matches()
        && arn.group(1).equals("kms")
        && target.matches(arn.group(3), arn.group(2))
        && KMS_KEY.matcher(arn.group(4)).matches();
  }

  static SecretSource secretSource(String id, boolean create) {
    Matcher arn = ARN.matcher(id);
    if (arn.matches()) {
      return new SecretSource.ByArn(id, SECRET.matcher(arn.group(4)).replaceFirst("$1"));
    }
    return create ? new SecretSource.Created(id) : new SecretSource.ByName(id);
  }

  private String inTarget() {
    List<String> parts =
        Stream.of(
                target.account().map(account -> "the account " + account),
                target.region().map(region -> "the region " + region))
            .flatMap(Optional::stream)
            .toList();
    return parts.isEmpty() ? "" : " in " + String.join(" and ", parts);
  }

  private String exampleArn(String service, String resource) {
    return "arn:aws:%s:%s:%s:%s"
        .formatted(
            service,
            target.region().orElse("us-east-1"),
            target.account().orElse("123456789012"),
            resource);
  }

  private <T> T read(String name, String fallback, SettingRule<T> rule) {
    return readIfSet(name, rule).or(() -> rule.parser().apply(fallback)).orElseThrow();
  }

  private <T> Optional<T> readIfSet(String name, SettingRule<T> rule) {
    Optional<String> text = value(name);
    Optional<T> value = text.flatMap(rule.parser());
    if (text.isPresent() && value.isEmpty()) {
      mistake(name, text.get(), rule.rule(), rule.example());
    }
    return value;
  }

  private Optional<String> value(String name) {
    return Optional.of(values.getOrDefault(name, "").strip()).filter(text -> !text.isEmpty());
  }

  private void mistake(String name, String text, String rule, String example) {
    mistakes.add(
        "%s is %s, but must be %s, such as %s.".formatted(name, quote(text), rule, example));
  }

  private static String quote(String text) {
    return text.contains(KEY_PREFIX) ? "not shown, as it seems to hold a key" : "\"" + text + "\"";
  }
}
