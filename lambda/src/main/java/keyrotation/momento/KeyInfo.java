package keyrotation.momento;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What Momento tells of a v2 key; never the key itself.
 *
 * @param id the key's id, as the claim {@code jti} of its token has it
 * @param roleId the role whose permissions it has
 * @param description free text of those who had it issued
 */
public record KeyInfo(String id, String roleId, String description, Instant issued, Expiry expiry) {

  /** Returns how long the key lives from its issue; empty if it never expires. */
  public Optional<Duration> lifetime() {
    return expiry instanceof Expiry.At(Instant end)
        ? Optional.of(Duration.between(issued, end))
        : Optional.empty();
  }

  /** Tells whether the key works until it is revoked. */
  public boolean neverExpires() {
    return expiry instanceof Expiry.Never;
  }
}
