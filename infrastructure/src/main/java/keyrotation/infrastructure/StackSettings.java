package keyrotation.infrastructure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import keyrotation.Settings;

/**
 * The settings of a deployment: the function's, which the function's own parser reads, and those
 * that only the stack has. The README explains each.
 *
 * @param secrets the secrets that are named; a tag may mark further ones
 * @param environment the function's environment variables
 * @param function what the function makes of them
 * @param kmsKeyArn what encrypts the secrets; AWS's own key if empty
 * @param trigger what starts a rotation
 * @param alarmEmail the address that alarms are sent to
 */
record StackSettings(
    List<SecretSource> secrets,
    Map<String, String> environment,
    Settings function,
    Optional<String> kmsKeyArn,
    Trigger trigger,
    Optional<String> alarmEmail) {

  private static final String SECRET_NAME = "MOMENTO_AUTH_TOKEN_SECRET_NAME";
  private static final String SECRET_TAG = "MOMENTO_AUTH_TOKEN_SECRET_TAG";
  private static final String CREATE_SECRETS = "CREATE_SECRETS";
  private static final String TRIGGER = "ROTATION_TRIGGER";
  private static final String KMS_KEY_ARN = "KMS_KEY_ARN";
  private static final String ALARM_EMAIL = "ALARM_EMAIL";

  /** The settings that the function has as environment variables. */
  private static final List<String> FUNCTION_SETTINGS =
      List.of(
          SECRET_NAME,
          SECRET_TAG,
          "AUTO_ROTATION_IN_DAYS",
          "CHECK_INTERVAL_IN_HOURS",
          "MOMENTO_REFRESHES_PER_SECOND",
          "SECRETS_MANAGER_WRITES_PER_SECOND",
          "MOMENTO_CONTROL_ENDPOINT");

  /** The names of all settings. */
  static final List<String> NAMES =
      Stream.concat(
              FUNCTION_SETTINGS.stream(),
              Stream.of(CREATE_SECRETS, TRIGGER, KMS_KEY_ARN, ALARM_EMAIL))
          .toList();

  /** What starts a rotation. */
  enum Trigger {
    /** The stack's schedule, whose runs rotate the keys that are due. */
    EVENTBRIDGE,
    /**
     * Secrets Manager's own rotation. The stack's schedule comes in addition: its runs finish a
     * rotation that was interrupted, and rotate a key that would expire too soon.
     */
    SECRETS_MANAGER
  }

  /** Where the stack is going to be, as far as that is known. */
  record Environment(Optional<String> account, Optional<String> region) {

    boolean matches(String otherAccount, String otherRegion) {
      return account.orElse(otherAccount).equals(otherAccount)
          && region.orElse(otherRegion).equals(otherRegion);
    }
  }

  /** The beginning of every key and token of Momento: base64 of a JSON object. */
  private static final String KEY_PREFIX = "eyJ";

  /** An ARN: its service, region, account and resource. */
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):(\\d{12}):(.+)");

  /** A secret's resource in its ARN: its name and six random characters. */
  private static final Pattern SECRET = Pattern.compile("secret:(.+)-.{6}");

  private static final Pattern KMS_KEY =
      Pattern.compile("key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})");
  private static final Pattern EMAIL = Pattern.compile("[^\\s@,]+@[^\\s@,]+\\.[^\\s@,.]+");

  /** Lambda allows 4096 bytes for all environment variables; the others need some of them. */
  private static final int MAX_NAMES_LENGTH = 3400;

  /** Copies the collections. */
  StackSettings {
    secrets = List.copyOf(secrets);
    // Sorted, else each synthesis would write another template.
    environment = Collections.unmodifiableMap(new TreeMap<>(environment));
  }

  /** Returns the names or ARNs of the secrets, separated by commas. */
  String secretIds() {
    return secrets.stream().map(SecretSource::id).collect(Collectors.joining(","));
  }

  /**
   * Reads the settings.
   *
   * @param values what is set, by name
   * @throws IllegalArgumentException if any is invalid; one line for each mistake, with the
   *     setting, its value, the rule and an example
   */
  static StackSettings from(Map<String, String> values, Environment target) {
    return new Reader(values, inferTarget(values, target), new ArrayList<>()).read();
  }

  /**
   * Returns the target; if it is not known, that of the first ARN: all have to be of one target.
   */
  private static Environment inferTarget(Map<String, String> values, Environment target) {
    return Stream.of(SECRET_NAME, KMS_KEY_ARN)
        .flatMap(name -> Stream.of(values.getOrDefault(name, "").split(",", -1)))
        .map(text -> ARN.matcher(text.strip()))
        .filter(Matcher::matches)
        .findFirst()
        .map(
            arn ->
                new Environment(
                    target.account.or(() -> Optional.of(arn.group(3))),
                    target.region.or(() -> Optional.of(arn.group(2)))))
        .orElse(target);
  }

  /** Collects mistakes, so that one message shows them all. */
  private record Reader(Map<String, String> values, Environment target, List<String> mistakes) {

    /**
     * What a value has to be.
     *
     * @param rule completes "must be"
     */
    private record Rule<T>(Function<String, Optional<T>> parser, String rule, String example) {}

    StackSettings read() {
      Map<String, String> environment = environment();
      Optional<Settings> function = function(environment);
      boolean create =
          this.<Boolean>read(
              CREATE_SECRETS,
              "true",
              new Rule<>(
                  text ->
                      switch (text) {
                        case "true" -> Optional.of(true);
                        case "false" -> Optional.of(false);
                        default -> Optional.empty();
                      },
                  "true or false",
                  "true"));
      Trigger trigger =
          read(
              TRIGGER,
              "eventbridge",
              new Rule<>(
                  text ->
                      switch (text) {
                        case "eventbridge" -> Optional.of(Trigger.EVENTBRIDGE);
                        case "secrets-manager" -> Optional.of(Trigger.SECRETS_MANAGER);
                        default -> Optional.empty();
                      },
                  "eventbridge or secrets-manager",
                  "eventbridge"));
      checkSecrets(trigger);
      Optional<String> kmsKeyArn =
          readIfSet(
              KMS_KEY_ARN,
              new Rule<>(
                  text -> Optional.of(text).filter(this::isOwnKmsKey),
                  "the ARN of a KMS key (not of an alias)" + inTarget(),
                  exampleArn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")));
      Optional<String> alarmEmail =
          readIfSet(
              ALARM_EMAIL,
              new Rule<>(
                  text -> Optional.of(text).filter(EMAIL.asMatchPredicate()),
                  "one e-mail address",
                  "platform@example.com"));
      if (!mistakes.isEmpty()) {
        throw new IllegalArgumentException(String.join("\n", mistakes));
      }
      return new StackSettings(
          function.orElseThrow().secretIds().stream().map(id -> source(id, create)).toList(),
          environment,
          function.orElseThrow(),
          kmsKeyArn,
          trigger,
          alarmEmail);
    }

    /** Returns the function's environment; the console shows it, so it names the secret always. */
    private Map<String, String> environment() {
      Map<String, String> environment = new TreeMap<>();
      FUNCTION_SETTINGS.forEach(
          name -> value(name).ifPresent(value -> environment.put(name, value)));
      if (value(SECRET_TAG).isEmpty()) {
        environment.putIfAbsent(SECRET_NAME, "momento/authentication-token");
      }
      return environment;
    }

    /** Returns what the function makes of its environment: with it refused, it would not start. */
    private Optional<Settings> function(Map<String, String> environment) {
      try {
        return Optional.of(Settings.from(environment));
      } catch (IllegalArgumentException e) {
        mistakes.add("" + e.getMessage());
        return Optional.empty();
      }
    }

    /** Checks what the function cannot know: the stack's target, its trigger, Lambda's limit. */
    private void checkSecrets(Trigger trigger) {
      String names = value(SECRET_NAME).orElse("");
      Stream.of(names.split(",", -1))
          .map(String::strip)
          .filter(this::isOutsideTarget)
          .forEach(
              arn ->
                  mistake(
                      SECRET_NAME,
                      arn,
                      "the ARN of a secret" + inTarget(),
                      exampleArn("secretsmanager", "secret:momento/authentication-token-a1B2c3")));
      if (names.length() > MAX_NAMES_LENGTH) {
        mistakes.add(
            ("%s is %d characters long, but must be at most %d, because Lambda limits a function's"
                    + " environment. Mark the secrets with a tag instead, and set %s, such as"
                    + " rotate=momento.")
                .formatted(SECRET_NAME, names.length(), MAX_NAMES_LENGTH, SECRET_TAG));
      }
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

    private boolean isOwnKmsKey(String text) {
      Matcher arn = ARN.matcher(text);
      return arn.matches()
          && arn.group(1).equals("kms")
          && target.matches(arn.group(3), arn.group(2))
          && KMS_KEY.matcher(arn.group(4)).matches();
    }

    /** Returns where a secret comes from that the function's parser has accepted. */
    private static SecretSource source(String id, boolean create) {
      Matcher arn = ARN.matcher(id);
      if (arn.matches()) {
        return new SecretSource.ByArn(id, SECRET.matcher(arn.group(4)).replaceFirst("$1"));
      }
      return create ? new SecretSource.Created(id) : new SecretSource.ByName(id);
    }

    private String inTarget() {
      List<String> parts =
          Stream.of(
                  target.account.map(account -> "the account " + account),
                  target.region.map(region -> "the region " + region))
              .flatMap(Optional::stream)
              .toList();
      return parts.isEmpty() ? "" : " in " + String.join(" and ", parts);
    }

    private String exampleArn(String service, String resource) {
      return "arn:aws:%s:%s:%s:%s"
          .formatted(
              service,
              target.region.orElse("us-east-1"),
              target.account.orElse("123456789012"),
              resource);
    }

    private <T> T read(String name, String fallback, Rule<T> rule) {
      return readIfSet(name, rule).or(() -> rule.parser.apply(fallback)).orElseThrow();
    }

    private <T> Optional<T> readIfSet(String name, Rule<T> rule) {
      Optional<String> text = value(name);
      Optional<T> value = text.flatMap(rule.parser);
      if (text.isPresent() && value.isEmpty()) {
        mistake(name, text.get(), rule.rule, rule.example);
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
      return text.contains(KEY_PREFIX)
          ? "not shown, as it seems to hold a key"
          : "\"" + text + "\"";
    }
  }
}
