package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.time.Instant;
import java.util.Base64;

/**
 * A key that the Momento stand-in has issued, of the kind that the console calls v1.
 *
 * @param endpoint the host that the key belongs to
 * @param token the inner token, as calls carry it
 * @param refreshToken what a refresh of this key asks for beside it
 * @param validUntil when it expires; {@link Instant#MAX} for never
 * @param lifetime from its making to its expiry
 */
public record IssuedKey(
    String endpoint,
    String token,
    String refreshToken,
    Instant validUntil,
    Duration lifetime,
    Permissions permissions) {

  /** What a key may do. */
  public enum Permissions {
    /** Everything, listing caches too. */
    SUPER_USER,
    /** Data only: it is refused the list of caches, and is a good key all the same. */
    DATA_ONLY
  }

  /** Returns the key as users hold it: base64 of a JSON object with endpoint and token. */
  public String apiKey() {
    String json = "{\"endpoint\":\"" + endpoint + "\",\"api_key\":\"" + token + "\"}";
    return Base64.getEncoder().encodeToString(json.getBytes(UTF_8));
  }

  /** Returns the expiry in seconds since 1970, as Momento sends it: 0 means never. */
  public long validUntilSeconds() {
    return validUntil.equals(Instant.MAX) ? 0 : validUntil.getEpochSecond();
  }

  /** Returns the file that Momento's console lets its users download. */
  public String consoleJson() {
    return "{\"apiKey\":\""
        + apiKey()
        + "\",\"refreshToken\":\""
        + refreshToken
        + "\",\"validUntil\":\""
        + validUntilSeconds()
        + "\"}";
  }

  /** Names the key without showing it. */
  @Override
  public String toString() {
    return "IssuedKey[" + Fingerprint.of(apiKey()) + ", valid until " + validUntil + "]";
  }
}
