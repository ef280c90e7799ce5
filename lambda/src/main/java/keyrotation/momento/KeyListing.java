package keyrotation.momento;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * All v2 keys of an account that are not revoked, and what was noticed when they were listed.
 *
 * @param isWhole whether Momento described every key in a known form
 * @param clockSkew how far the function's clock and Momento's are apart; empty if that is not known
 */
public record KeyListing(List<KeyInfo> keys, boolean isWhole, Optional<Duration> clockSkew) {

  /** Finds a key by its id. */
  public Optional<KeyInfo> find(String keyId) {
    return keys.stream().filter(key -> key.id().equals(keyId)).findFirst();
  }
}
