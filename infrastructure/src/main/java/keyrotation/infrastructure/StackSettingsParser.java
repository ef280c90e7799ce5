package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackSettings.ALARM_EMAIL;
import static keyrotation.infrastructure.StackSettings.ALARM_TOPIC_ARN;
import static keyrotation.infrastructure.StackSettings.CREATE_SECRETS;
import static keyrotation.infrastructure.StackSettings.ENDPOINT;
import static keyrotation.infrastructure.StackSettings.FIRST_KEY_ROLE;
import static keyrotation.infrastructure.StackSettings.FUNCTION_SETTINGS;
import static keyrotation.infrastructure.StackSettings.JAVA_OPTIONS;
import static keyrotation.infrastructure.StackSettings.KEY_CHANGED_EVENTS;
import static keyrotation.infrastructure.StackSettings.KMS_KEY_ARN;
import static keyrotation.infrastructure.StackSettings.MANAGEMENT_SECRET;
import static keyrotation.infrastructure.StackSettings.METRICS_PER_SECRET;
import static keyrotation.infrastructure.StackSettings.REFRESHES_PER_SECOND;
import static keyrotation.infrastructure.StackSettings.REPLICA_REGIONS;
import static keyrotation.infrastructure.StackSettings.SECRET_NAME;
import static keyrotation.infrastructure.StackSettings.SECRET_TAG;
import static keyrotation.infrastructure.StackSettings.SUFFIX;
import static keyrotation.infrastructure.StackSettings.TRIGGER;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.Settings;
import keyrotation.core.HostAndPort;
import keyrotation.core.RotationException;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.StackSettings.FirstKey;
import keyrotation.infrastructure.StackSettings.Monitoring;
import keyrotation.infrastructure.StackSettings.Replica;
import keyrotation.secretsmanager.SecretTags;
import keyrotation.tokens.TokenSettings;

/** Parses {@link StackSettings}, and collects all mistakes for one message. */
final class StackSettingsParser {

  private static final Pattern EMAIL = Pattern.compile("[^\\s@,]+@[^\\s@,]+\\.[^\\s@,.]+");

  /** What AWS allows in a secret's name. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9/_+=.@-]{1,512}");

  /** Six metrics for each of them. */
  private static final int MAX_SECRETS_WITH_METRICS = 100;

  /** Leaves room for other settings. */
  private static final int MAX_NAMES_LENGTH = 3400;

  /** What an ARN in a role has in addition to the name: its other parts, quotes and a comma. */
  private static final int ARN_LENGTH = 67;

  /** IAM's limit of a role's inline policies, less the other statements. */
  private static final int MAX_ARNS_LENGTH = 8200;

  /** Lambda's limit, of which names and values count. */
  private static final int MAX_ENVIRONMENT_SIZE = 4096;

  /**
   * The JVM compiles with the quicker of its compilers alone, as Lambda has it do where it takes no
   * snapshot. {@code docs/performance.md} has the figures.
   */
  private static final String JVM_OPTIONS = "-XX:TieredStopAtLevel=1";

  /** A rule has 64 characters, of which the stack without a suffix leaves so many. */
  private static final SettingRule<String> SUFFIXES =
      SettingRule.text(
          Pattern.compile("[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?").asMatchPredicate(),
          "lower-case letters, digits and hyphens, 16 at most, with no hyphen at an end",
          "orders");

  private static final SettingRule<Boolean> TRUE_OR_FALSE =
      new SettingRule<>(Map.of("true", true, "false", false), "true or false", "true");

  private static final SettingRule<RotationTrigger> TRIGGERS =
      new SettingRule<>(
          Map.of(
              "eventbridge",
              RotationTrigger.EVENTBRIDGE,
              "secrets-manager",
              RotationTrigger.SECRETS_MANAGER),
          "eventbridge or secrets-manager",
          "eventbridge");

  /**
   * What {@code MOMENTO_REFRESHES_PER_SECOND} is by default if there are tokens as well: the rest
   * of the five calls a second that Momento allows an account.
   */
  private static final String REFRESHES_BESIDE_TOKENS = "2";

  private final SettingsReader reader;
  private final TargetArns arns;
  private final TokenSettingsParser tokens;
  private final HostingParser hosting;

  private StackSettingsParser(SettingsReader reader, TargetArns arns) {
    this.reader = reader;
    this.arns = arns;
    this.tokens = new TokenSettingsParser(reader, arns);
    this.hosting = new HostingParser(reader, arns);
  }

  /** See {@link StackSettings#from}. */
  static StackSettings parse(Map<String, String> values, Environment target) {
    SettingsReader reader = new SettingsReader(values);
    TargetArns arns =
        TargetArns.infer(
            target,
            Stream.of(MANAGEMENT_SECRET, TokenSettings.SECRET, SECRET_NAME, KMS_KEY_ARN)
                .map(name -> reader.value(name).orElse("")));
    return new StackSettingsParser(reader, arns).parse();
  }

  private StackSettings parse() {
    Optional<String> proxyOptions = hosting.proxyOptions();
    Map<String, String> environment = functionEnvironment(proxyOptions);
    Optional<Settings> function = functionSettings(environment);
    Predicate<String> isCreated = createdSecrets(function);
    RotationTrigger trigger = reader.read(TRIGGER, "eventbridge", TRIGGERS);
    checkSecretArns(trigger);
    arns.checkSecrets(MANAGEMENT_SECRET, reader);
    checkNamesLength();
    checkEnvironmentSize(environment);
    checkTag(trigger);
    List<String> kmsKeyArns = reader.readIfSet(KMS_KEY_ARN, arns.kmsKeysRule()).orElse(List.of());
    Optional<String> alarmEmail =
        reader.readIfSet(
            ALARM_EMAIL,
            SettingRule.text(
                EMAIL.asMatchPredicate(), "one e-mail address", "platform@example.com"));
    Optional<String> alarmTopicArn = alarmTopicArn(alarmEmail);
    boolean metricsPerSecret = metricsPerSecret(function);
    SettingRule<String> endpoints = endpointRule(function.map(Settings::v2));
    Optional<FirstKey> firstKey = firstKey(function.map(Settings::v2), endpoints);
    KeyChangedTarget keyChanged = keyChangedTarget();
    Optional<List<SecretSource>> secrets =
        function.map(
            of -> of.secretIds().stream().map(id -> TargetArns.secret(id, isCreated)).toList());
    List<Replica> replicas = replicas(secrets);
    Optional<TokenStackSettings> tokenSettings =
        tokens.parse(
            secrets,
            reader.value(MANAGEMENT_SECRET).map(id -> TargetArns.secret(id, _ -> false)),
            endpoints,
            proxyOptions);
    Optional<String> suffix = suffix();
    Hosting hosted = hosting.parse();
    reader.throwIfMistaken();
    return new StackSettings(
        suffix,
        secrets.orElseThrow(),
        environment,
        function.orElseThrow(),
        kmsKeyArns,
        replicas,
        trigger,
        new Monitoring(alarmEmail, alarmTopicArn, metricsPerSecret),
        firstKey,
        keyChanged,
        tokenSettings,
        hosted);
  }

  /** Reads the suffix. The default secret is that of the stack without one. */
  private Optional<String> suffix() {
    if (reader.value(SUFFIX).isPresent() && reader.value(SECRET_TAG).isEmpty()) {
      reader.requireSet(
          SECRET_NAME,
          "names or ARNs of secrets that no other stack rotates",
          "momento/orders",
          SUFFIX + " is set");
    }
    return reader.readIfSet(SUFFIX, SUFFIXES);
  }

  /** Reads which secrets the stack creates, of those that are given by their name. */
  private Predicate<String> createdSecrets(Optional<Settings> function) {
    Predicate<String> isNamed =
        function
            .<Predicate<String>>map(of -> of.secretIds()::contains)
            .orElse(NAME.asMatchPredicate());
    return reader.read(
        CREATE_SECRETS,
        "true",
        new SettingRule<>(
            text ->
                switch (text) {
                  case "true" -> Optional.<Predicate<String>>of(_ -> true);
                  case "false" -> Optional.of(_ -> false);
                  default ->
                      SettingRule.list(isNamed, "", "")
                          .parser()
                          .apply(text)
                          .map(names -> names::contains);
                },
            "true, false, or those names of " + SECRET_NAME + " whose secrets the stack creates",
            "true"));
  }

  /** Secrets of other accounts can be rotated by the schedule alone, and send no events here. */
  private void checkSecretArns(RotationTrigger trigger) {
    if (trigger == RotationTrigger.SECRETS_MANAGER
        || reader.value(KEY_CHANGED_EVENTS).isPresent()) {
      arns.checkSecrets(SECRET_NAME, reader);
    } else {
      arns.checkRegion(SECRET_NAME, reader);
    }
  }

  private List<Replica> replicas(Optional<List<SecretSource>> secrets) {
    List<Replica> replicas =
        reader.readIfSet(REPLICA_REGIONS, arns.replicasRule()).orElse(List.of());
    if (secrets.isPresent()
        && secrets.get().stream().noneMatch(SecretSource.Created.class::isInstance)) {
      reader.refuse(REPLICA_REGIONS, "the stack creates no secret");
    }
    return replicas;
  }

  /**
   * Reads the topic. It may be of another account, but CloudWatch requires the same region.
   *
   * @param alarmEmail the address to subscribe to the topic that the stack creates
   */
  private Optional<String> alarmTopicArn(Optional<String> alarmEmail) {
    Optional<String> topic = reader.readIfSet(ALARM_TOPIC_ARN, arns.topicRule());
    if (topic.isPresent() && alarmEmail.isPresent()) {
      reader.mistake(
          "%s is %s, but must not be set, because %s is set. Subscribe the address to that topic."
              .formatted(ALARM_EMAIL, SettingsReader.quote(alarmEmail.get()), ALARM_TOPIC_ARN));
    }
    return topic;
  }

  /** Each secret has metrics that cost, so there must not be many secrets, or an unknown number. */
  private boolean metricsPerSecret(Optional<Settings> function) {
    if (!reader.read(METRICS_PER_SECRET, "false", TRUE_OR_FALSE)) {
      return false;
    }
    reader
        .value(SECRET_TAG)
        .ifPresent(
            _ ->
                reader.mistake(
                    "%s is \"true\", but must be false, because %s may find any number of secrets."
                        .formatted(METRICS_PER_SECRET, SECRET_TAG)));
    function
        .map(of -> of.secretIds().size())
        .filter(count -> count > MAX_SECRETS_WITH_METRICS)
        .ifPresent(
            count ->
                reader.mistake(
                    "%s is \"true\", but must be false with more than %d secrets; there are %d."
                        .formatted(METRICS_PER_SECRET, MAX_SECRETS_WITH_METRICS, count)));
    return true;
  }

  private KeyChangedTarget keyChangedTarget() {
    KeyChangedTarget keyChanged =
        reader.read(KEY_CHANGED_EVENTS, "none", KeyChangedTarget.rule(arns.target()));
    if (!(keyChanged instanceof KeyChangedTarget.Nowhere) && reader.value(SECRET_TAG).isPresent()) {
      reader.requireSet(
          SECRET_NAME,
          "names or ARNs of secrets (an event does not have the tags of its secret)",
          "momento/authentication-token",
          KEY_CHANGED_EVENTS + " is set");
    }
    return keyChanged;
  }

  /**
   * Reads what a first key is issued with. Its role must be allowed, as that of a tag must.
   *
   * @param v2 empty if the function's settings are invalid
   */
  private Optional<FirstKey> firstKey(Optional<Settings.V2> v2, SettingRule<String> endpoints) {
    SettingRule<String> roles =
        new SettingRule<>(
            text ->
                Optional.of(text)
                    .filter(SecretTags.ROLE_ID.asMatchPredicate())
                    .filter(id -> v2.map(of -> of.allowedRoles().contains(id)).orElse(true)),
            "a role that MOMENTO_ALLOWED_ROLES lists",
            "r-viewer");
    Optional<String> roleId = reader.readIfSet(FIRST_KEY_ROLE, roles);
    if (reader.value(FIRST_KEY_ROLE).isEmpty()) {
      // A shell may have the endpoint for an application: Momento's SDKs read the same variable.
      return Optional.empty();
    }
    String reason = FIRST_KEY_ROLE + " is set";
    Optional<String> endpoint = reader.require(ENDPOINT, endpoints, reason);
    reader.requireSet(
        MANAGEMENT_SECRET, "the name or ARN of one secret", "momento/management-key", reason);
    return roleId.flatMap(id -> endpoint.map(host -> new FirstKey(id, host)));
  }

  private static SettingRule<String> endpointRule(Optional<Settings.V2> v2) {
    return new SettingRule<>(
        text ->
            Optional.of(text)
                .filter(HostAndPort::isHostName)
                .filter(host -> v2.map(of -> isAllowed(host, of)).orElse(true)),
        "a host name alone that ends in .momentohq.com or in a suffix of"
            + " MOMENTO_ENDPOINT_SUFFIXES",
        "cell-4-us-west-2-1.prod.a.momentohq.com");
  }

  private static boolean isAllowed(String endpoint, Settings.V2 v2) {
    try {
      var _ = v2.endpoints().requireAllowed(endpoint);
      return true;
    } catch (RotationException e) {
      return false;
    }
  }

  /** Always names the secret, even by default, so that Lambda's console shows it. */
  private Map<String, String> functionEnvironment(Optional<String> proxyOptions) {
    Map<String, String> environment = new TreeMap<>();
    environment.put(
        JAVA_OPTIONS, proxyOptions.map(more -> JVM_OPTIONS + " " + more).orElse(JVM_OPTIONS));
    FUNCTION_SETTINGS.forEach(
        name -> reader.value(name).ifPresent(value -> environment.put(name, value)));
    if (reader.value(SECRET_TAG).isEmpty()) {
      environment.putIfAbsent(SECRET_NAME, "momento/authentication-token");
    }
    if (tokens.isOn()) {
      environment.putIfAbsent(REFRESHES_PER_SECOND, REFRESHES_BESIDE_TOKENS);
    }
    return environment;
  }

  /** Uses the function's own parser, so that the deployed function accepts its environment. */
  private Optional<Settings> functionSettings(Map<String, String> environment) {
    try {
      return Optional.of(Settings.from(environment));
    } catch (IllegalArgumentException e) {
      reader.mistake("" + e.getMessage());
      return Optional.empty();
    }
  }

  private void checkNamesLength() {
    String names = reader.value(SECRET_NAME).orElse("");
    int arnsLength =
        Stream.of(names.split(",", -1))
            .map(String::strip)
            .mapToInt(id -> id.length() + (id.startsWith("arn:") ? 3 : ARN_LENGTH))
            .sum();
    if (names.length() > MAX_NAMES_LENGTH) {
      reader.mistake(
          ("%s is %d characters long, but must be at most %d, because Lambda limits a function's"
                  + " environment. Mark the secrets with a tag instead, and set %s, such as"
                  + " rotate=momento.")
              .formatted(SECRET_NAME, names.length(), MAX_NAMES_LENGTH, SECRET_TAG));
    } else if (arnsLength > MAX_ARNS_LENGTH) {
      reader.mistake(
          ("The ARNs of the secrets in %s are %d characters long in the function's role, but must"
               + " be at most %d, because IAM limits a role's policies. Mark the secrets with a tag"
               + " instead, and set %s, such as rotate=momento.")
              .formatted(SECRET_NAME, arnsLength, MAX_ARNS_LENGTH, SECRET_TAG));
    }
  }

  private void checkEnvironmentSize(Map<String, String> environment) {
    int size =
        environment.entrySet().stream()
            .mapToInt(setting -> setting.getKey().length() + setting.getValue().length())
            .sum();
    if (size > MAX_ENVIRONMENT_SIZE) {
      reader.mistake(
          ("The function's settings are %d characters long together, but must be at most %d,"
               + " because Lambda limits a function's environment. Shorten %s, or mark the secrets"
               + " with a tag instead, and set %s, such as rotate=momento.")
              .formatted(size, MAX_ENVIRONMENT_SIZE, SECRET_NAME, SECRET_TAG));
    }
  }

  private void checkTag(RotationTrigger trigger) {
    if (trigger == RotationTrigger.SECRETS_MANAGER) {
      reader
          .value(SECRET_TAG)
          .ifPresent(
              tag ->
                  reader.mistake(
                      ("%s is %s, but must not be set, because %s is secrets-manager, which"
                              + " rotates only secrets that are named. Name them in %s, such as"
                              + " momento/authentication-token, or set %s=eventbridge.")
                          .formatted(
                              SECRET_TAG,
                              SettingsReader.quote(tag),
                              TRIGGER,
                              SECRET_NAME,
                              TRIGGER)));
    }
  }
}
