package keyrotation.sandbox;

import java.time.Instant;
import java.util.Optional;

/**
 * A v2 key that the Momento stand-in has issued.
 *
 * @param id the claim {@code jti} of its token
 * @param token the JWT, which is the key as users hold it
 * @param roleId the role whose permissions the key has
 * @param description free text, which the list of keys repeats
 * @param expiry empty if the key never expires
 */
public record V2Key(
    String id,
    String token,
    String roleId,
    String description,
    Instant issued,
    Optional<Instant> expiry)
    implements SandboxKey {

  @Override
  public String apiKey() {
    return token;
  }

  @Override
  public Instant validUntil() {
    return expiry.orElse(Instant.MAX);
  }

  /** Returns the value of a secret with this key, as the README has it stored. */
  @Override
  public String consoleJson() {
    return "{\"apiKey\":\"" + token + "\",\"endpoint\":\"" + MomentoServer.ENDPOINT + "\"}";
  }

  /** Identifies the key without revealing it. */
  @Override
  public String toString() {
    return "V2Key[" + id + ", " + Fingerprint.of(token) + ", role " + roleId + "]";
  }
}
