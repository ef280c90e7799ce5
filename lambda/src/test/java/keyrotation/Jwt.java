package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Base64;

/** Tokens of kinds that the Momento stand-in does not issue. */
public final class Jwt {

  private Jwt() {}

  public static String with(String claims) {
    return base64("{\"alg\":\"HS256\"}") + "." + base64(claims) + "." + base64("no signature");
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(UTF_8));
  }
}
