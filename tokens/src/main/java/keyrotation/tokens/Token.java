package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.Base64;
import java.util.regex.Pattern;
import momento.token._GenerateDisposableTokenResponse;

/**
 * A token that Momento has made.
 *
 * @param authToken what Momento's SDKs take: base64 of a JSON object with endpoint and token;
 *     secret
 * @param endpoint the host that the token works at
 */
record Token(String authToken, String endpoint, Instant expiresAt) {

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+");
  private static final Pattern PRINTABLE = Pattern.compile("[!-~]+");

  /**
   * Reads Momento's answer.
   *
   * @throws TokenException {@code MOMENTO_UNAVAILABLE}
   */
  static Token of(_GenerateDisposableTokenResponse response) {
    if (!HOST.matcher(response.getEndpoint()).matches()
        || !PRINTABLE.matcher(response.getApiKey()).matches()
        || response.getValidUntil() <= 0
        || response.getValidUntil() > Instant.MAX.getEpochSecond()) {
      throw new TokenException(
          RefusalReason.MOMENTO_UNAVAILABLE,
          "Momento's answer lacks a token, its endpoint or a plausible expiry. If this goes on,"
              + " report it to Momento's support.");
    }
    String json =
        Json.object()
            .put("endpoint", response.getEndpoint())
            .put("api_key", response.getApiKey())
            .toString();
    return new Token(
        Base64.getEncoder().encodeToString(json.getBytes(UTF_8)),
        response.getEndpoint(),
        Instant.ofEpochSecond(response.getValidUntil()));
  }

  /** Hides the token. */
  @Override
  public String toString() {
    return "Token[" + endpoint + ", until " + expiresAt + "]";
  }
}
