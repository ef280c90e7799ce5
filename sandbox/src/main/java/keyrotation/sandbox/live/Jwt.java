package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.Base64;

/** Reads tokens. Only Momento can verify their signatures. */
final class Jwt {

  /** A JWT that is no key; the function uses the same. Its only claim is an id. */
  static final String UNKNOWN =
      "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6Im5vbmUifQ.bm8gc2lnbmF0dXJlIGZpdHMgdGhpcyB0b2tlbi4";

  private Jwt() {}

  /** Returns the claims of a token; a missing node if it is no JWT. */
  static JsonNode claims(String token) {
    String[] parts = token.split("\\.", -1);
    if (parts.length != 3) {
      return MissingNode.getInstance();
    }
    try {
      return new ObjectMapper()
          .readTree(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8));
    } catch (IOException | IllegalArgumentException e) {
      return MissingNode.getInstance();
    }
  }

  /** Returns a JWT with the same claims and another signature, changed as the function does it. */
  static String forged(String token) {
    int start = token.lastIndexOf('.') + 1;
    char first = token.charAt(start) == 'A' ? 'B' : 'A';
    return token.substring(0, start) + first + token.substring(start + 1);
  }
}
