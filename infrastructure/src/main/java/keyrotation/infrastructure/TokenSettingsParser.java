package keyrotation.infrastructure;

import static keyrotation.infrastructure.TokenStackSettings.ALLOWED_ORIGINS;
import static keyrotation.infrastructure.TokenStackSettings.JWT_AUDIENCE;
import static keyrotation.infrastructure.TokenStackSettings.JWT_ISSUER;
import static keyrotation.infrastructure.TokenStackSettings.POLICY;
import static keyrotation.infrastructure.TokenStackSettings.TOKENS;
import static keyrotation.tokens.TokenSettings.AUTHORIZER;
import static keyrotation.tokens.TokenSettings.ENDPOINT;
import static keyrotation.tokens.TokenSettings.MAX_LIFETIME;
import static keyrotation.tokens.TokenSettings.PER_SECOND;
import static keyrotation.tokens.TokenSettings.SECRET;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.Settings;
import keyrotation.infrastructure.TokenStackSettings.Callers;
import keyrotation.tokens.Authorizer;
import keyrotation.tokens.Policy;
import keyrotation.tokens.TokenSettings;

/**
 * Parses {@link TokenStackSettings}. Mistakes go to the reader, which has those of all settings.
 */
final class TokenSettingsParser {

  /** Characters of URLs but for the comma, which separates, and the star: there is no wildcard. */
  private static final Pattern AUDIENCE =
      Pattern.compile("[A-Za-z0-9._~:/?#\\[\\]@!$&'()+;=%-]{1,255}");

  /** As browsers send it: in lower case, and without a path. */
  private static final Pattern ORIGIN =
      Pattern.compile(
          "https://[a-z0-9-]+(\\.[a-z0-9-]+)*(:\\d{1,5})?|http://localhost(:\\d{1,5})?");

  private static final SettingRule<Boolean> ON_OR_OFF =
      new SettingRule<>(Map.of("on", true, "off", false), "on or off", "on");

  private static final SettingRule<Authorizer> AUTHORIZERS =
      new SettingRule<>(Authorizer::parse, "jwt or iam", "jwt");

  private static final SettingRule<String> ISSUERS =
      new SettingRule<>(
          text -> Optional.of(text).filter(TokenSettingsParser::isIssuer),
          "an https URL without a query, as the claim iss of the JWTs has it",
          "https://login.example.com");

  private static final SettingRule<List<String>> AUDIENCES =
      SettingRule.list(
          AUDIENCE.asMatchPredicate(),
          "one or several audiences without spaces and stars, separated by commas",
          "my-application");

  private static final SettingRule<List<String>> ORIGINS =
      SettingRule.list(
          ORIGIN.asMatchPredicate(),
          "origins of web pages, separated by commas, each https://HOST, https://HOST:PORT or"
              + " http://localhost:PORT in lower case, without a path",
          "https://app.example.com");

  private static final SettingRule<Integer> RATES =
      ofFunction(PER_SECOND, TokenSettings::tokensPerSecond, "a number from 1 to 10000", "3");

  private static final SettingRule<Duration> LIFETIMES =
      ofFunction(
          MAX_LIFETIME, TokenSettings::maxLifetime, "a number of minutes from 1 to 1500", "60");

  private final SettingsReader reader;
  private final TargetArns arns;

  TokenSettingsParser(SettingsReader reader, TargetArns arns) {
    this.reader = reader;
    this.arns = arns;
  }

  /** Tells whether tokens are switched on; if the setting is invalid, whether they may be meant. */
  boolean isOn() {
    return !reader.value(TOKENS).orElse("off").equals("off");
  }

  /**
   * Parses the settings.
   *
   * @param secrets the named secrets that are rotated; empty if these settings are invalid
   * @param managementKey the secret that must not be used
   * @param endpoints the rule for the endpoint of a v2 key that is stored without one
   * @param proxyOptions the JVM's options for the proxy
   * @return the settings; empty if tokens are off, or if any setting is invalid
   */
  Optional<TokenStackSettings> parse(
      Optional<List<SecretSource>> secrets,
      Optional<SecretSource> managementKey,
      SettingRule<String> endpoints,
      Optional<String> proxyOptions) {
    if (!isOn()) {
      TokenStackSettings.DETAILS.forEach(name -> reader.refuse(name, TOKENS + " is off"));
      return Optional.empty();
    }
    var _ = reader.readIfSet(TOKENS, ON_OR_OFF);
    Optional<SecretSource> secret = secret(secrets, managementKey);
    Optional<Authorizer> authorizer = read(AUTHORIZER, AUTHORIZERS, Authorizer.JWT);
    Optional<Callers> callers = callers(authorizer);
    Optional<List<String>> origins = read(ALLOWED_ORIGINS, ORIGINS, List.of());
    var _ = reader.readIfSet(PER_SECOND, RATES);
    Optional<Duration> maxLifetime =
        read(MAX_LIFETIME, LIFETIMES, TokenSettings.DEFAULT_MAX_LIFETIME);
    Optional<String> endpoint =
        // A first key needs it as well, and then its mistake is known already.
        reader.value(StackSettings.FIRST_KEY_ROLE).isPresent()
            ? reader.value(ENDPOINT)
            : reader.readIfSet(ENDPOINT, endpoints);
    Optional<String> policy = policy();
    policy.ifPresent(
        json ->
            authorizer.ifPresent(
                by -> maxLifetime.ifPresent(longest -> checkPolicy(json, by, longest))));
    if (reader.hasMistakes()) {
      return Optional.empty();
    }
    Map<String, String> environment = environment(secret.orElseThrow(), endpoint);
    proxyOptions.ifPresent(options -> environment.put(StackSettings.JAVA_OPTIONS, options));
    return Optional.of(
        new TokenStackSettings(
            environment,
            TokenSettings.from(environment),
            secret.orElseThrow(),
            policy.orElseThrow(),
            callers.orElseThrow(),
            origins.orElseThrow()));
  }

  /** Returns the secret: one of the rotated ones if it has the same name, and else another. */
  private Optional<SecretSource> secret(
      Optional<List<SecretSource>> secrets, Optional<SecretSource> managementKey) {
    Predicate<SecretSource> isAllowed =
        secret -> !managementKey.map(SecretSource::name).equals(Optional.of(secret.name()));
    List<SecretSource> rotated = secrets.orElse(List.of());
    SettingRule<SecretSource> rule =
        new SettingRule<>(
            text ->
                Optional.of(text)
                    .filter(TokenSettingsParser::isSecretId)
                    .map(id -> named(id, rotated))
                    .filter(isAllowed),
            "the name or ARN of one secret, other than that of " + StackSettings.MANAGEMENT_SECRET,
            "momento/authentication-token");
    List<SecretSource> candidates = rotated.stream().filter(isAllowed).toList();
    if (reader.value(SECRET).isEmpty() && candidates.size() == 1) {
      return Optional.of(candidates.getFirst());
    }
    arns.checkSecrets(SECRET, reader);
    if (secrets.isEmpty()) {
      // Valid names may make this setting unnecessary.
      return reader.readIfSet(SECRET, rule);
    }
    return reader.require(
        SECRET,
        rule,
        "%s, and %s names %d secrets that it could be"
            .formatted(whyRequired(), StackSettings.SECRET_NAME, candidates.size()));
  }

  private static SecretSource named(String id, List<SecretSource> rotated) {
    SecretSource secret = TargetArns.secret(id, _ -> false);
    return rotated.stream()
        .filter(other -> other.name().equals(secret.name()))
        .findFirst()
        .orElse(secret);
  }

  /** Uses the parser of the rotation function, which has the same rule for names and ARNs. */
  private static boolean isSecretId(String text) {
    try {
      var _ = Settings.from(Map.of(StackSettings.MANAGEMENT_SECRET, text));
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * Reads how callers are verified.
   *
   * @param authorizer empty if it is invalid, so that it is unknown what else has to be set
   */
  private Optional<Callers> callers(Optional<Authorizer> authorizer) {
    if (authorizer.isEmpty()) {
      var _ = reader.readIfSet(JWT_ISSUER, ISSUERS);
      var _ = reader.readIfSet(JWT_AUDIENCE, AUDIENCES);
      return Optional.empty();
    }
    return switch (authorizer.get()) {
      case JWT -> {
        String reason = AUTHORIZER + " is jwt";
        Optional<String> issuer = reader.require(JWT_ISSUER, ISSUERS, reason);
        Optional<List<String>> audiences = reader.require(JWT_AUDIENCE, AUDIENCES, reason);
        yield issuer.flatMap(of -> audiences.map(all -> new Callers.WithJwt(of, all)));
      }
      case IAM -> {
        String reason = AUTHORIZER + " is iam";
        reader.refuse(JWT_ISSUER, reason);
        reader.refuse(JWT_AUDIENCE, reason);
        yield Optional.of(new Callers.WithAwsCredentials());
      }
    };
  }

  private static boolean isIssuer(String text) {
    try {
      URI url = new URI(text);
      return "https".equals(url.getScheme())
          && url.getHost() != null
          && url.getRawUserInfo() == null
          && url.getRawQuery() == null
          && url.getRawFragment() == null;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** Returns the policy's text. */
  private Optional<String> policy() {
    return reader.require(
        POLICY,
        new SettingRule<>(
            TokenSettingsParser::contents,
            "the path of a policy file that can be read",
            "policy.json"),
        whyRequired());
  }

  private static Optional<String> contents(String path) {
    try {
      return Optional.of(Files.readString(Path.of(path)));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** Uses the function's own parser, so that the deployed function accepts its policy. */
  private void checkPolicy(String json, Authorizer authorizer, Duration maxLifetime) {
    try {
      var _ = Policy.parse(json, authorizer, maxLifetime);
    } catch (IllegalArgumentException e) {
      String path = SettingsReader.quote(reader.value(POLICY).orElseThrow());
      ("" + e.getMessage())
          .lines()
          .forEach(line -> reader.mistake("The file of %s, %s: %s".formatted(POLICY, path, line)));
    }
  }

  /** Returns the variables. Always names the secret and the authorizer, also by default. */
  private Map<String, String> environment(SecretSource secret, Optional<String> endpoint) {
    Map<String, String> environment = new HashMap<>();
    environment.put(SECRET, secret.id());
    environment.put(AUTHORIZER, reader.value(AUTHORIZER).orElse("jwt"));
    Stream.of(PER_SECOND, MAX_LIFETIME)
        .forEach(name -> reader.value(name).ifPresent(value -> environment.put(name, value)));
    endpoint.ifPresent(host -> environment.put(ENDPOINT, host));
    return environment;
  }

  /** Returns the reason for which settings must be set. */
  private String whyRequired() {
    return TOKENS + " is " + SettingsReader.quote(reader.value(TOKENS).orElseThrow());
  }

  /** Reads a setting that has a default. */
  private <T> Optional<T> read(String name, SettingRule<T> rule, T fallback) {
    return reader.value(name).isEmpty() ? Optional.of(fallback) : reader.readIfSet(name, rule);
  }

  /** Returns the rule of a setting that the function's own parser knows. */
  private static <T> SettingRule<T> ofFunction(
      String name, Function<TokenSettings, T> value, String rule, String example) {
    return new SettingRule<>(
        text -> {
          try {
            return Optional.of(TokenSettings.from(Map.of(SECRET, "any", name, text))).map(value);
          } catch (IllegalArgumentException e) {
            return Optional.empty();
          }
        },
        rule,
        example);
  }
}
