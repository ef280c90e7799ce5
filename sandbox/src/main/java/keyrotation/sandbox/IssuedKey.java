package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;

/**
 * A v1 key that the Momento stand-in has issued.
 *
 * @param endpoint the host that the key belongs to
 * @param token the inner token, which calls send
 * @param refreshToken the token that a refresh of this key requires
 * @param validUntil the expiry; {@link Instant#MAX} for never
 * @param lifetime the time from issue to expiry
 */
public record IssuedKey(
    String endpoint,
    String token,
    String refreshToken,
    Instant validUntil,
    Duration lifetime,
    Permissions permissions)
    implements SandboxKey {

  /** The permissions of a key. */
  public enum Permissions {
    /** All operations, including ListCaches. */
    SUPER_USER,
    /** Data operations only; ListCaches is denied although the key is valid. */
    DATA_ONLY
  }

  /** Returns the key as users hold it: base64 of a JSON object with endpoint and token. */
  @Override
  public String apiKey() {
    return Tokens.withEndpoint(endpoint, token);
  }

  /** Returns the expiry in seconds since 1970, as Momento sends it: 0 means never. */
  public long validUntilSeconds() {
    return validUntil.equals(Instant.MAX) ? 0 : validUntil.getEpochSecond();
  }

  /** Returns the JSON file that Momento's console offers for download. */
  @Override
  public String consoleJson() {
    return "{\"apiKey\":\""
        + apiKey()
        + "\",\"refreshToken\":\""
        + refreshToken
        + "\",\"validUntil\":\""
        + validUntilSeconds()
        + "\"}";
  }

  /** Identifies the key without revealing it. */
  @Override
  public String toString() {
    return "IssuedKey[" + Fingerprint.of(apiKey()) + ", valid until " + validUntil + "]";
  }
}
