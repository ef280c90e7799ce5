package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;

/**
 * A Momento key of the kind v1, which never shows itself.
 *
 * @param token the inner token, as calls carry it
 * @param validUntil when it ends; the epoch, 0, is Momento's word for never
 */
record ApiKey(String endpoint, String token, String refreshToken, Instant validUntil) {

  /** Tells whether it ends some time. */
  boolean expires() {
    return validUntil.isAfter(Instant.EPOCH) || expiryClaim().isPresent();
  }

  /** Returns when it ends according to the token itself; empty if that does not say. */
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
