package keyrotation.infrastructure;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What somebody who deploys the stack has chosen. Names, defaults and meaning are in the README.
 *
 * @param secrets whose keys are rotated
 * @param tag what marks more of them
 * @param days the age at which a key is renewed
 * @param kmsKeyArn what encrypts the secrets; AWS's own key if empty
 * @param trigger what starts a rotation
 * @param alarmEmail who is told of a rotation that failed
 * @param passedOn environment variables that are the function's business alone
 */
record StackSettings(
    List<SecretSource> secrets,
    Optional<Tag> tag,
    int days,
    Optional<String> kmsKeyArn,
    Trigger trigger,
    Optional<String> alarmEmail,
    Map<String, String> passedOn) {

  static final String SECRET_NAME = "MOMENTO_AUTH_TOKEN_SECRET_NAME";
  static final String SECRET_TAG = "MOMENTO_AUTH_TOKEN_SECRET_TAG";
  static final String DAYS = "AUTO_ROTATION_IN_DAYS";
  private static final String SECRETS = "SECRETS";
  private static final String TRIGGER = "ROTATION_TRIGGER";
  private static final String KMS_KEY_ARN = "KMS_KEY_ARN";
  private static final String ALARM_EMAIL = "ALARM_EMAIL";
  private static final String REFRESHES = "MOMENTO_REFRESHES_PER_SECOND";
  private static final String WRITES = "SECRETS_MANAGER_WRITES_PER_SECOND";
  private static final String CONTROL_ENDPOINT = "MOMENTO_CONTROL_ENDPOINT";

  /** The names of all settings. */
  static final List<String> NAMES =
      List.of(
          SECRET_NAME,
          SECRET_TAG,
          DAYS,
          SECRETS,
          TRIGGER,
          KMS_KEY_ARN,
          ALARM_EMAIL,
          REFRESHES,
          WRITES,
          CONTROL_ENDPOINT);

  /** What starts a rotation. */
  enum Trigger {
    /** A daily schedule, which rotates what is due. */
    EVENTBRIDGE,
    /** Secrets Manager's own rotation. */
    SECRETS_MANAGER
  }

  /** A tag of a secret. */
  record Tag(String key, String value) {
    @Override
    public String toString() {
      return key + "=" + value;
    }
  }

  /** Where the stack is going to be, as far as that is known. */
  record Place(Optional<String> account, Optional<String> region) {

    boolean isOf(String otherAccount, String otherRegion) {
      return account.orElse(otherAccount).equals(otherAccount)
          && region.orElse(otherRegion).equals(otherRegion);
    }
  }

  /** What every key and token of Momento's begins with: base64 of a JSON object. */
  private static final String BEGINNING_OF_A_KEY = "eyJ";

  /** A key within a secret's name, where a word begins: {@code keyJuggler} has none. */
  private static final Pattern KEY_WITHIN_A_NAME =
      Pattern.compile("(?<![A-Za-z0-9])" + BEGINNING_OF_A_KEY + "[A-Za-z0-9+/=_.-]{4}");

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9/_+=.@-]{1,512}");
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):(\\d{12}):(.+)");
  private static final Pattern SECRET =
      Pattern.compile("secret:([A-Za-z0-9/_+=.@-]{1,512})-[A-Za-z0-9]{6}");
  private static final Pattern KMS_KEY =
      Pattern.compile("key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})");
  // Without what would mean something to IAM: a star, a question mark, a variable.
  private static final Pattern TAG =
      Pattern.compile("([\\p{L}\\p{N} _.:/+@-]{1,128})=([\\p{L}\\p{N} _.:/+=@-]{0,256})");
  private static final Pattern EMAIL = Pattern.compile("[^\\s@,]+@[^\\s@,]+\\.[^\\s@,.]+");
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:(\\d{1,5})");
  private static final int MOST_DAYS = 1000;
  private static final int MOST_CALLS_PER_SECOND = 10_000;
  private static final int LAST_PORT = 65_535;

  /** All of a function's environment may take 4096 bytes; the other settings need some of them. */
  private static final int LONGEST_NAMES = 3400;

  /** Copies the collections. */
  StackSettings {
    secrets = List.copyOf(secrets);
    passedOn = Map.copyOf(passedOn);
  }

  /** Returns what the secrets are called, separated by commas. */
  String secretIds() {
    return secrets.stream().map(SecretSource::id).collect(Collectors.joining(","));
  }

  /**
   * Reads the settings.
   *
   * @param values what is set, by name
   * @throws IllegalArgumentException if some can't be; tells each mistake in a line of its own,
   *     with the value, the rule and an example
   */
  static StackSettings from(Map<String, String> values, Place place) {
    Reader reader = new Reader(values, reference(values, place), new ArrayList<>());
    StackSettings settings = reader.read();
    if (!reader.mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", reader.mistakes));
    }
    return settings;
  }

  /** Where nobody says where the stack is going to be, all ARNs have to be of one place. */
  private static Place reference(Map<String, String> values, Place place) {
    return Stream.of(SECRET_NAME, KMS_KEY_ARN)
        .flatMap(name -> Stream.of(values.getOrDefault(name, "").split(",", -1)))
        .map(text -> ARN.matcher(text.strip()))
        .filter(Matcher::matches)
        .findFirst()
        .map(
            arn ->
                new Place(
                    place.account.or(() -> Optional.of(arn.group(3))),
                    place.region.or(() -> Optional.of(arn.group(2)))))
        .orElse(place);
  }

  /** Collects mistakes, so that all are told at once. */
  private record Reader(Map<String, String> values, Place place, List<String> mistakes) {

    /**
     * What a value has to be.
     *
     * @param rule completes "must be"
     */
    private record Rule<T>(Function<String, Optional<T>> parser, String rule, String example) {}

    StackSettings read() {
      boolean create =
          this.<Boolean>read(
              SECRETS,
              "create",
              new Rule<>(
                  text ->
                      switch (text) {
                        case "create" -> Optional.of(true);
                        case "existing" -> Optional.of(false);
                        default -> Optional.empty();
                      },
                  "create or existing",
                  "create"));
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
      return new StackSettings(
          secrets(create),
          tag(trigger),
          read(DAYS, "1", number("a number of days", MOST_DAYS, "30")),
          readIfSet(
              KMS_KEY_ARN,
              new Rule<>(
                  text -> ownArn(text, "kms", KMS_KEY),
                  "the ARN of a KMS key, not of an alias," + ofThisPlace(),
                  exampleArn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"))),
          trigger,
          readIfSet(
              ALARM_EMAIL,
              new Rule<>(
                  text -> Optional.of(text).filter(EMAIL.asMatchPredicate()),
                  "one e-mail address",
                  "platform@example.com")),
          passedOn());
    }

    private List<SecretSource> secrets(boolean create) {
      List<SecretSource> secrets = new ArrayList<>();
      Set<String> names = new HashSet<>();
      Optional<String> all = value(SECRET_NAME);
      if (all.isEmpty() && value(SECRET_TAG).isPresent()) {
        return secrets;
      }
      for (String part : all.orElse("momento/authentication-token").split(",", -1)) {
        String id = part.strip();
        Optional<String> name = secretName(id);
        if (name.isEmpty()) {
          mistake(
              SECRET_NAME,
              id,
              new Rule<>(
                  ignored -> name,
                  "a secret's name (letters, digits and /_+=.@- alone, 512 at most) or the whole"
                      + " ARN of a secret"
                      + ofThisPlace()
                      + ", or several separated by commas",
                  "momento/authentication-token"));
        } else if (!names.add(name.get())) {
          mistakes.add(
              "%s names \"%s\" twice; name each secret once.".formatted(SECRET_NAME, name.get()));
        } else if (!id.equals(name.get())) {
          secrets.add(new SecretSource.Given(id, name.get()));
        } else {
          secrets.add(create ? new SecretSource.Created(id) : new SecretSource.Named(id));
        }
      }
      int length = secrets.stream().mapToInt(secret -> secret.id().length() + 1).sum();
      if (length > LONGEST_NAMES) {
        mistakes.add(
            "%s is %d characters long, but must have %d at most, for Lambda's sake; mark the secrets with a tag instead, and set %s, for example rotate=momento."
                .formatted(SECRET_NAME, length, LONGEST_NAMES, SECRET_TAG));
      }
      return secrets;
    }

    private Optional<String> secretName(String id) {
      Optional<String> name =
          id.startsWith("arn:")
              ? ownArn(id, "secretsmanager", SECRET)
                  .map(arn -> SECRET.matcher(resource(arn)))
                  .filter(Matcher::matches)
                  .map(matcher -> matcher.group(1))
              : Optional.of(id).filter(NAME.asMatchPredicate());
      return name.filter(text -> !KEY_WITHIN_A_NAME.matcher(text).find());
    }

    private Optional<Tag> tag(Trigger trigger) {
      Optional<Tag> tag =
          readIfSet(
              SECRET_TAG,
              new Rule<>(
                  text ->
                      Optional.of(TAG.matcher(text))
                          .filter(Matcher::matches)
                          .map(matcher -> new Tag(matcher.group(1), matcher.group(2))),
                  "the key and the value of a tag",
                  "rotate=momento"));
      if (tag.isPresent() && trigger == Trigger.SECRETS_MANAGER) {
        mistakes.add(
            SECRET_TAG
                + " is \""
                + tag.get()
                + "\", but Secrets Manager rotates named secrets alone; leave it out, or set "
                + TRIGGER
                + "=eventbridge.");
      }
      return tag;
    }

    private Map<String, String> passedOn() {
      Map<String, String> passedOn = new LinkedHashMap<>();
      BiConsumer<String, Rule<?>> passOn =
          (name, rule) ->
              readIfSet(name, rule)
                  .ifPresent(read -> passedOn.put(name, value(name).orElseThrow()));
      passOn.accept(REFRESHES, number("a number of calls", MOST_CALLS_PER_SECOND, "5"));
      passOn.accept(WRITES, number("a number of calls", MOST_CALLS_PER_SECOND, "50"));
      passOn.accept(
          CONTROL_ENDPOINT,
          new Rule<>(Reader::port, "a host name and a port", "control.example.com:443"));
      return passedOn;
    }

    private static Optional<Integer> port(String text) {
      return Optional.of(HOST_AND_PORT.matcher(text))
          .filter(Matcher::matches)
          .flatMap(matcher -> number(matcher.group(2), LAST_PORT));
    }

    private static Rule<Integer> number(String of, int most, String example) {
      return new Rule<>(text -> number(text, most), "%s from 1 to %d".formatted(of, most), example);
    }

    private static Optional<Integer> number(String text, int most) {
      return Optional.of(text)
          .filter(t -> t.matches("\\d{1,5}"))
          .map(Integer::valueOf)
          .filter(number -> 1 <= number && number <= most);
    }

    /** Returns an ARN if it is one of the kind, and of the place where the stack is going to be. */
    private Optional<String> ownArn(String text, String service, Pattern resource) {
      return Optional.of(ARN.matcher(text))
          .filter(Matcher::matches)
          .filter(arn -> arn.group(1).equals(service))
          .filter(arn -> place.isOf(arn.group(3), arn.group(2)))
          .filter(arn -> resource.matcher(arn.group(4)).matches())
          .map(Matcher::group);
    }

    private static String resource(String arn) {
      return arn.split(":", 6)[5];
    }

    private String ofThisPlace() {
      return place.account.map(account -> " in the account " + account).orElse("")
          + place.region.map(region -> " and the region " + region).orElse("");
    }

    private String exampleArn(String service, String resource) {
      return "arn:aws:%s:%s:%s:%s"
          .formatted(
              service,
              place.region.orElse("us-east-1"),
              place.account.orElse("123456789012"),
              resource);
    }

    private <T> T read(String name, String fallback, Rule<T> rule) {
      return readIfSet(name, rule).or(() -> rule.parser.apply(fallback)).orElseThrow();
    }

    private <T> Optional<T> readIfSet(String name, Rule<T> rule) {
      Optional<String> text = value(name);
      Optional<T> value = text.flatMap(rule.parser);
      if (text.isPresent() && value.isEmpty()) {
        mistake(name, text.get(), rule);
      }
      return value;
    }

    private Optional<String> value(String name) {
      return Optional.of(values.getOrDefault(name, "").strip()).filter(text -> !text.isEmpty());
    }

    private void mistake(String name, String text, Rule<?> rule) {
      String shown =
          text.contains(BEGINNING_OF_A_KEY)
              ? "not shown, as it seems to hold a key"
              : "\"" + text + "\"";
      mistakes.add(
          "%s is %s, but must be %s; for example %s."
              .formatted(name, shown, rule.rule, rule.example));
    }
  }
}
