package keyrotation.rotation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import keyrotation.core.Json;
import keyrotation.momento.Expiry;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.SecretTags;

/** What a {@code result} line tells the metrics about a secret and its current key. */
final class SecretFigures {

  private SecretFigures() {}

  /**
   * Returns the figures, as fields of the line.
   *
   * @param current the current version; empty if the secret has no key yet
   */
  static ObjectNode of(
      Secret secret, Optional<KeyVersion> current, RenewalPolicy policy, Instant now) {
    ObjectNode figures =
        Json.object()
            .put(
                "" + LogField.DAYS_WITHOUT_KEY,
                current.isPresent() ? 0 : days(Duration.between(secret.created(), now)))
            .put(
                "" + LogField.OWN_ROTATION_OVERDUE_HOURS,
                secret
                    .nextRotation()
                    .filter(next -> secret.rotationEnabled() && next.isBefore(now))
                    .map(next -> hours(Duration.between(next, now)))
                    .orElse(0.0));
    current.ifPresent(key -> addKey(figures, key, secret, policy, now));
    return figures;
  }

  private static void addKey(
      ObjectNode figures, KeyVersion key, Secret secret, RenewalPolicy policy, Instant now) {
    Expiry expiry = key.expiry();
    if (expiry instanceof Expiry.At(Instant end)) {
      figures.put("" + LogField.DAYS_TO_EXPIRY, days(Duration.between(now, end)));
    }
    figures
        .put("" + LogField.EXPIRES_SOON, policy.expiresSoon(expiry, now) ? 1 : 0)
        .put("" + LogField.RUNS_OVERDUE, round(runsOverdue(key, secret, policy, now)))
        .put("" + LogField.KEY_AGE_DAYS, days(Duration.between(key.created(), now)));
  }

  /** A paused secret is not overdue by its age, but it is when its key comes near its end. */
  private static double runsOverdue(
      KeyVersion key, Secret secret, RenewalPolicy policy, Instant now) {
    // A tag that is neither true nor false fails the rotation, and pauses nothing.
    boolean paused = "true".equals(secret.tags().tags().get(SecretTags.PAUSED));
    boolean byAge = !secret.rotationEnabled() && !paused;
    return policy.runsOverdue(key.created(), key.expiry(), now, byAge, key.holdsV2());
  }

  /** Returns a duration in days, to a hundredth. */
  static double days(Duration duration) {
    return round(duration.toSeconds() / 86_400.0);
  }

  private static double hours(Duration duration) {
    return round(duration.toSeconds() / 3_600.0);
  }

  private static double round(double number) {
    return Math.round(number * 100) / 100.0;
  }
}
