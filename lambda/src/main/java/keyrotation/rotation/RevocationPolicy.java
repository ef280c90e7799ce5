package keyrotation.rotation;

import java.time.Instant;
import java.util.Optional;
import keyrotation.core.GracePeriod;
import keyrotation.momento.KeyInfo;
import keyrotation.secretsmanager.Secret;

/**
 * Which replaced v2 keys are revoked, and when.
 *
 * @param grace how long they go on working, where the secret's tag does not say
 * @param operatorKeys whether keys are revoked as well that this function has not had issued
 */
public record RevocationPolicy(GracePeriod grace, boolean operatorKeys) {

  /** Returns when the grace period of a key ends that is replaced now; empty if it never does. */
  Optional<Instant> endOfGrace(Secret secret, Instant now) {
    return secret.tags().grace().orElse(grace) instanceof GracePeriod.Lasting(var duration)
        ? Optional.of(now.plus(duration))
        : Optional.empty();
  }

  /** Tells whether a key of a secret may be revoked, once it is replaced. */
  boolean allows(Secret secret, KeyInfo key) {
    return operatorKeys || KeyDescription.isFor(secret, key);
  }
}
