package keyrotation.infrastructure;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import keyrotation.tokens.TokenSettings;

/**
 * The settings of the function that makes tokens, and of its API. {@code docs/settings.md} explains
 * each.
 *
 * @param environment the function's environment variables
 * @param function the function's settings, parsed from these variables
 * @param secret the secret whose key makes the tokens; one of the rotated secrets, or another
 * @param policy the policy's text, which the function accepts
 * @param allowedOrigins the origins of the web pages that may call the API
 */
record TokenStackSettings(
    Map<String, String> environment,
    TokenSettings function,
    SecretSource secret,
    String policy,
    Callers callers,
    List<String> allowedOrigins) {

  /** Whether there is such a function. */
  static final String TOKENS = "TOKENS";

  static final String POLICY = "TOKENS_POLICY";
  static final String JWT_ISSUER = "TOKENS_JWT_ISSUER";
  static final String JWT_AUDIENCE = "TOKENS_JWT_AUDIENCE";
  static final String ALLOWED_ORIGINS = "TOKENS_ALLOWED_ORIGINS";

  /** The names of the settings that have an effect only if there is such a function. */
  static final List<String> DETAILS =
      List.of(
          POLICY,
          TokenSettings.SECRET,
          TokenSettings.AUTHORIZER,
          JWT_ISSUER,
          JWT_AUDIENCE,
          ALLOWED_ORIGINS,
          TokenSettings.PER_SECOND,
          TokenSettings.MAX_LIFETIME);

  /** The names of all settings. */
  static final List<String> NAMES = Stream.concat(Stream.of(TOKENS), DETAILS.stream()).toList();

  /** Whom the API lets in. */
  sealed interface Callers {

    /** Callers with a JWT of this issuer for one of these audiences. */
    record WithJwt(String issuer, List<String> audiences) implements Callers {}

    /** Callers with AWS credentials that allow the call. */
    record WithAwsCredentials() implements Callers {}
  }

  /** Copies the collections. */
  TokenStackSettings {
    // Sorted, so that each synthesis writes the same template.
    environment = Collections.unmodifiableMap(new TreeMap<>(environment));
    allowedOrigins = List.copyOf(allowedOrigins);
  }
}
