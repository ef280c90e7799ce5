package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;

/**
 * A v1 Momento key, hidden in its string form.
 *
 * @param token the inner token, which calls send
 * @param validUntil the expiry; the epoch, Momento's 0, means never
 */
record ApiKey(String endpoint, String token, String refreshToken, Instant validUntil) {

  /** Tells whether the key expires. */
  boolean expires() {
    return validUntil.isAfter(Instant.EPOCH) || expiryClaim().isPresent();
  }

  /** Returns the expiry that the token itself states; empty if it states none. */
  Optional<Instant> expiryClaim() {
    String[] parts = token.split("\\.", -1);
    if (parts.length != 3) {
      return Optional.empty();
    }
    try {
      String claims = new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8);
      return Optional.of(new ObjectMapper().readTree(claims).path("exp").asLong())
          .filter(seconds -> seconds > 0)
          .map(Instant::ofEpochSecond);
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return "ApiKey[hidden]";
  }
}
