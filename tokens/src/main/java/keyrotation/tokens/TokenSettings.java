package keyrotation.tokens;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The function's environment variables, parsed and checked.
 *
 * @param secretId the name or ARN of the secret with the key that makes the tokens
 * @param endpoint the endpoint of a v2 key that is stored without one
 * @param authorizer how API Gateway verifies the callers
 * @param tokensPerSecond how many of the calls that Momento allows an account are for tokens
 * @param maxLifetime the longest life that a rule of the policy may allow
 */
public record TokenSettings(
    String secretId,
    Optional<String> endpoint,
    Authorizer authorizer,
    int tokensPerSecond,
    Duration maxLifetime) {

  public static final String SECRET = "TOKENS_SECRET";
  public static final String ENDPOINT = "MOMENTO_ENDPOINT";
  public static final String AUTHORIZER = "TOKENS_AUTHORIZER";
  public static final String PER_SECOND = "TOKENS_PER_SECOND";
  public static final String MAX_LIFETIME = "TOKENS_MAX_LIFETIME_IN_MINUTES";

  /** What {@link #PER_SECOND} is if it is not set; of Momento's 5, it leaves 2 to rotations. */
  public static final int DEFAULT_PER_SECOND = 3;

  /** What {@link #MAX_LIFETIME} is if it is not set. */
  public static final Duration DEFAULT_MAX_LIFETIME = Duration.ofHours(1);

  /** 25 hours: Momento's own limit since February 2026. */
  private static final int MAX_MINUTES = 25 * 60;

  private static final int MAX_PER_SECOND = 10_000;

  /**
   * Reads the settings.
   *
   * @throws IllegalArgumentException if any is invalid; one line for each, with the variable, its
   *     value and the rule
   */
  public static TokenSettings from(Map<String, String> environment) {
    Reader reader = new Reader(environment, new ArrayList<>());
    Optional<String> secretId = reader.value(SECRET);
    if (secretId.isEmpty()) {
      reader.mistakes.add(SECRET + " is not set, but must be the name or ARN of a secret.");
    }
    Optional<Authorizer> authorizer = reader.read(AUTHORIZER, Authorizer::parse, "jwt or iam");
    Optional<Integer> perSecond =
        reader.read(
            PER_SECOND,
            text -> number(text, MAX_PER_SECOND),
            "a number from 1 to " + MAX_PER_SECOND);
    Optional<Integer> maxLifetime =
        reader.read(
            MAX_LIFETIME,
            text -> number(text, MAX_MINUTES),
            "a number of minutes from 1 to " + MAX_MINUTES);
    if (!reader.mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", reader.mistakes));
    }
    return new TokenSettings(
        secretId.orElseThrow(),
        reader.value(ENDPOINT),
        authorizer.orElse(Authorizer.JWT),
        perSecond.orElse(DEFAULT_PER_SECOND),
        maxLifetime.map(Duration::ofMinutes).orElse(DEFAULT_MAX_LIFETIME));
  }

  private static Optional<Integer> number(String text, int most) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) >= 1 && Integer.parseInt(text) <= most
        ? Optional.of(Integer.parseInt(text))
        : Optional.empty();
  }

  /** Reads variables, and collects what is invalid, so that one message names all of it. */
  private record Reader(Map<String, String> environment, List<String> mistakes) {

    Optional<String> value(String variable) {
      return Optional.of(environment.getOrDefault(variable, "").strip())
          .filter(text -> !text.isEmpty());
    }

    <T> Optional<T> read(String variable, Function<String, Optional<T>> parser, String rule) {
      Optional<String> text = value(variable);
      Optional<T> parsed = text.flatMap(parser);
      if (text.isPresent() && parsed.isEmpty()) {
        mistakes.add("%s is \"%s\", but must be %s.".formatted(variable, text.get(), rule));
      }
      return parsed;
    }
  }
}
