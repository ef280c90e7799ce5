package keyrotation.sandbox.live;

import java.time.Instant;
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
    return Optional.of(Jwt.claims(token).path("exp").asLong())
        .filter(seconds -> seconds > 0)
        .map(Instant::ofEpochSecond);
  }

  @Override
  public String toString() {
    return "ApiKey[hidden]";
  }
}
