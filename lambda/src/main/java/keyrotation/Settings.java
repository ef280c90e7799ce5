package keyrotation;

import java.time.DayOfWeek;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.core.GracePeriod;
import keyrotation.core.HostAndPort;
import keyrotation.core.RunTimes;
import keyrotation.core.SecretId;
import keyrotation.core.SecretTag;
import keyrotation.momento.EndpointPolicy;
import keyrotation.momento.KeyDetector;
import keyrotation.momento.MomentoApiKeys;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.rotation.RevocationPolicy;
import keyrotation.secretsmanager.SecretTags;

/**
 * The function's environment variables, parsed and checked. The function parses them at start, and
 * the CDK app parses the same ones before it deploys them, so that what deploys also starts.
 *
 * @param secretIds the names or ARNs of the secrets that a scheduled run rotates
 * @param tag the tag of further secrets that a scheduled run rotates
 * @param runTimes when scheduled runs start
 * @param policy when a scheduled run rotates a key
 * @param refreshesPerSecond how many refresh calls Momento allows an account
 * @param writesPerSecond how many writing calls Secrets Manager allows an account
 * @param controlEndpoint Momento's control plane; empty to derive it from each key
 * @param v2 how v2 keys are renewed
 */
public record Settings(
    List<String> secretIds,
    Optional<SecretTag> tag,
    RunTimes runTimes,
    RenewalPolicy policy,
    int refreshesPerSecond,
    int writesPerSecond,
    Optional<HostAndPort> controlEndpoint,
    V2 v2) {

  /**
   * How v2 keys are renewed.
   *
   * @param managementKeySecret the name or ARN of the secret with the management key
   * @param allowedRoles the roles that a tag or an event may ask for
   * @param endpoints the hosts that a v2 key may be sent to
   * @param apiEndpoint Momento's API that manages v2 keys
   * @param revocation which replaced keys are revoked, and when
   */
  public record V2(
      Optional<String> managementKeySecret,
      Set<String> allowedRoles,
      EndpointPolicy endpoints,
      HostAndPort apiEndpoint,
      RevocationPolicy revocation) {

    /**
     * Tells whether a name or ARN is that of the management key's secret.
     *
     * @param account the function's own, which names mean; empty if it is not known
     */
    boolean isManagementSecret(String secretId, Optional<String> account) {
      return managementKeySecret
          .filter(id -> SecretId.of(id).mayBe(SecretId.of(secretId), account))
          .isPresent();
    }
  }

  /** What ListSecrets can search for in tags, but for "=", which separates key and value here. */
  private static final Pattern TAG =
      Pattern.compile("([A-Za-z0-9 _.:/+@-]{1,128})=([A-Za-z0-9 _.:/+@-]{0,256})");

  private static final Pattern HOST_AND_PORT = Pattern.compile("(.*):(.*)");
  private static final String INTERVAL = "CHECK_INTERVAL_IN_HOURS";
  private static final String CHECK_AT = "CHECK_AT";
  private static final String CHECK_DAYS = "CHECK_DAYS";
  private static final String DEFAULT_SECRET = "momento/authentication-token";
  private static final int MAX_DAYS = 1000;
  private static final int MAX_CALLS_PER_SECOND = 10_000;

  /**
   * Reads the settings.
   *
   * @throws IllegalArgumentException if any is invalid; one line for each, with the variable, its
   *     value, the rule and an example
   */
  public static Settings from(Map<String, String> environment) {
    Reader reader = new Reader(environment, new ArrayList<>());
    Optional<List<String>> secretIds =
        reader.readIfSet(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            Settings::secretIds,
            "names or ARNs of secrets, each once, separated by commas, such as "
                + DEFAULT_SECRET
                + "; ARNs for secrets of two accounts with the same name");
    Optional<SecretTag> tag =
        reader.readIfSet(
            "MOMENTO_AUTH_TOKEN_SECRET_TAG",
            Settings::tag,
            "a tag's key and value, such as rotate=momento");
    RunTimes runTimes = runTimes(reader);
    Settings settings =
        new Settings(
            secretIds.orElseGet(() -> tag.isPresent() ? List.of() : List.of(DEFAULT_SECRET)),
            tag,
            runTimes,
            policy(reader, runTimes),
            reader.read(
                "MOMENTO_REFRESHES_PER_SECOND",
                "5",
                text -> number(text, MAX_CALLS_PER_SECOND),
                "a number from 1 to " + MAX_CALLS_PER_SECOND + ", such as 5"),
            reader.read(
                "SECRETS_MANAGER_WRITES_PER_SECOND",
                "50",
                text -> number(text, MAX_CALLS_PER_SECOND),
                "a number from 1 to " + MAX_CALLS_PER_SECOND + ", such as 50"),
            reader.readIfSet(
                "MOMENTO_CONTROL_ENDPOINT",
                Settings::hostAndPort,
                "a host name and a port, such as control.example.com:443"),
            v2(reader));
    if (!reader.mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", reader.mistakes));
    }
    return settings;
  }

  private static V2 v2(Reader reader) {
    return new V2(
        reader
            .readIfSet(
                "MOMENTO_MANAGEMENT_KEY_SECRET",
                text -> secretIds(text).filter(ids -> ids.size() == 1),
                "the name or ARN of one secret, such as momento/management-key")
            .map(List::getFirst),
        Set.copyOf(
            reader
                .readIfSet(
                    "MOMENTO_ALLOWED_ROLES",
                    text -> list(text, SecretTags.ROLE_ID.asMatchPredicate()),
                    "ids of roles, separated by commas, such as r-viewer,r-operator")
                .orElseGet(List::of)),
        new EndpointPolicy(
            reader
                .readIfSet(
                    "MOMENTO_ENDPOINT_SUFFIXES",
                    text -> list(text, Settings::isHostSuffix),
                    "ends of host names, of two labels at least, such as .momento.example.com")
                .orElseGet(List::of)),
        reader
            .readIfSet(
                "MOMENTO_API_ENDPOINT",
                Settings::hostAndPort,
                "a host name and a port, such as api.example.com:443")
            .orElse(MomentoApiKeys.DEFAULT_ENDPOINT),
        new RevocationPolicy(
            reader
                .readIfSet(
                    "REVOKE_AFTER_HOURS", GracePeriod::parse, GracePeriod.RULE + ", such as 168")
                .orElse(GracePeriod.DEFAULT),
            reader.read("REVOKE_OPERATOR_KEYS", "false", Settings::trueOrFalse, "true or false")));
  }

  private static Optional<Boolean> trueOrFalse(String text) {
    return Set.of("true", "false").contains(text)
        ? Optional.of(text.equals("true"))
        : Optional.empty();
  }

  private static Optional<List<String>> list(String text, Predicate<String> isValid) {
    List<String> entries = Stream.of(text.split(",", -1)).map(String::strip).toList();
    return entries.stream().allMatch(isValid) ? Optional.of(entries) : Optional.empty();
  }

  private static boolean isHostSuffix(String text) {
    return text.startsWith(".")
        && text.lastIndexOf('.') > 0 // Names in a top-level domain have many owners.
        && HostAndPort.isHostName(text.substring(1));
  }

  private static RenewalPolicy policy(Reader reader, RunTimes runTimes) {
    return new RenewalPolicy(
        reader.readIfSet(
            "AUTO_ROTATION_IN_DAYS",
            text -> number(text, MAX_DAYS).map(Duration::ofDays),
            "a number of days from 1 to " + MAX_DAYS + ", such as 1"),
        runTimes.longestGap());
  }

  private static RunTimes runTimes(Reader reader) {
    Duration interval =
        reader.read(
            INTERVAL,
            "24",
            text ->
                number(text, 24)
                    .filter(RenewalPolicy.INTERVALS_IN_HOURS::contains)
                    .map(Duration::ofHours),
            "a number of hours, one of 1, 2, 3, 4, 6, 8, 12 and 24, such as 24");
    Optional<RunTimes.TimeOfDay> time =
        reader.readIfSet(
            CHECK_AT,
            RunTimes.TimeOfDay::parse,
            RunTimes.TimeOfDay.RULE + ", such as 04:30 Europe/Berlin");
    SortedSet<DayOfWeek> days =
        reader.read(
            CHECK_DAYS,
            "MON-SUN",
            RunTimes::parseDays,
            "days of the week with at most three days from one to the next, such as MON-FRI");
    if (time.isPresent() && interval.toHours() != 24) {
      reader.mistakes.add(
          INTERVAL + " is \"" + interval.toHours() + "\", but must be 24 with CHECK_AT.");
    }
    if (reader.isUnset(CHECK_AT) && !reader.isUnset(CHECK_DAYS)) {
      reader.mistakes.add(
          CHECK_DAYS + " is set, but must not be without CHECK_AT, such as 04:30 Europe/Berlin.");
    }
    return time.<RunTimes>map(at -> new RunTimes.At(at, days))
        .orElseGet(() -> new RunTimes.Every(interval));
  }

  /** Reads variables, and collects what is invalid, so that one message names all of it. */
  private record Reader(Map<String, String> environment, List<String> mistakes) {

    <T> T read(
        String variable, String fallback, Function<String, Optional<T>> parser, String rule) {
      return readIfSet(variable, parser, rule).or(() -> parser.apply(fallback)).orElseThrow();
    }

    boolean isUnset(String variable) {
      return environment.getOrDefault(variable, "").isBlank();
    }

    <T> Optional<T> readIfSet(String variable, Function<String, Optional<T>> parser, String rule) {
      String text = environment.getOrDefault(variable, "").strip();
      if (text.isEmpty()) {
        return Optional.empty();
      }
      Optional<T> value = parser.apply(text);
      if (value.isEmpty()) {
        String shown =
            KeyDetector.mayBeIn(text) ? "not shown, as it seems to hold a key" : "\"" + text + "\"";
        mistakes.add(variable + " is " + shown + ", but must be " + rule + ".");
      }
      return value;
    }
  }

  private static Optional<List<String>> secretIds(String text) {
    List<String> ids = Stream.of(text.split(",", -1)).map(String::strip).toList();
    boolean valid =
        ids.stream().allMatch(SecretId::isValid)
            && ids.stream().noneMatch(KeyDetector::isInName)
            && ids.stream()
                .allMatch(id -> ids.stream().filter(other -> mayBe(id, other)).count() == 1);
    return valid ? Optional.of(ids) : Optional.empty();
  }

  /** The function's own account is not known before an event arrives. */
  private static boolean mayBe(String id, String other) {
    return SecretId.of(id).mayBe(SecretId.of(other), Optional.empty());
  }

  private static Optional<SecretTag> tag(String text) {
    var matcher = TAG.matcher(text);
    return matcher.matches()
        ? Optional.of(new SecretTag(matcher.group(1), matcher.group(2)))
        : Optional.empty();
  }

  private static Optional<Integer> number(String text, int most) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) >= 1 && Integer.parseInt(text) <= most
        ? Optional.of(Integer.parseInt(text))
        : Optional.empty();
  }

  private static Optional<HostAndPort> hostAndPort(String text) {
    var matcher = HOST_AND_PORT.matcher(text);
    return matcher.matches() && HostAndPort.isHostName(matcher.group(1))
        ? number(matcher.group(2), 65_535).map(port -> new HostAndPort(matcher.group(1), port))
        : Optional.empty();
  }
}
