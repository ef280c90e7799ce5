package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.SecureRandom;
import java.util.Base64;

/** Makes the tokens that the Momento stand-in issues. */
final class Tokens {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Base64.Encoder BASE64_URL = Base64.getUrlEncoder().withoutPadding();

  private Tokens() {}

  /** Returns a JWT with these claims and a random text in place of a signature. */
  static String jwt(String claims) {
    return base64Url("{\"alg\":\"HS256\"}") + "." + base64Url(claims) + "." + random(32);
  }

  /** Returns a token as Momento's SDKs read it: base64 of a JSON object with its endpoint. */
  static String withEndpoint(String endpoint, String token) {
    String json = "{\"endpoint\":\"" + endpoint + "\",\"api_key\":\"" + token + "\"}";
    return Base64.getEncoder().encodeToString(json.getBytes(UTF_8));
  }

  /** Returns random bytes as base64. */
  static String random(int bytes) {
    byte[] noise = new byte[bytes];
    RANDOM.nextBytes(noise);
    return BASE64_URL.encodeToString(noise);
  }

  private static String base64Url(String text) {
    return BASE64_URL.encodeToString(text.getBytes(UTF_8));
  }
}
