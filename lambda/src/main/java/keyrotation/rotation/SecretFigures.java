package keyrotation.rotation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;
import keyrotation.secretsmanager.Replica;
import keyrotation.secretsmanager.Secret;
import keyrotation.secretsmanager.SecretTags;

/** What the log tells the metrics about a secret and its current key. */
final class SecretFigures {

  /** The figures of which a run has the largest; it has the smallest of the days to expiry. */
  private static final List<LogField> LARGEST =
      List.of(
          LogField.EXPIRES_SOON,
          LogField.RUNS_OVERDUE,
          LogField.KEY_AGE_DAYS,
          LogField.DAYS_WITHOUT_KEY,
          LogField.OWN_ROTATION_OVERDUE_HOURS);

  private SecretFigures() {}

  /**
   * Returns the worst of the figures of several secrets, and the sum of their failed replicas. One
   * line has them all: if each alarm looked at the lines of single secrets, a later line would end
   * the alarm for another secret.
   */
  static ObjectNode ofAll(Collection<ObjectNode> secrets) {
    ObjectNode worst = Json.object();
    values(secrets, LogField.DAYS_TO_EXPIRY)
        .min()
        .ifPresent(days -> worst.put("" + LogField.DAYS_TO_EXPIRY, days));
    for (LogField field : LARGEST) {
      values(secrets, field).max().ifPresent(value -> worst.put("" + field, value));
    }
    // Always there, so that its alarm ends as well once the last replica is removed.
    if (!worst.isEmpty()) {
      worst.put(
          "" + LogField.REPLICAS_FAILED, (int) values(secrets, LogField.REPLICAS_FAILED).sum());
    }
    return worst;
  }

  private static DoubleStream values(Collection<ObjectNode> secrets, LogField field) {
    return secrets.stream()
        .map(figures -> figures.path("" + field))
        .filter(JsonNode::isNumber)
        .mapToDouble(JsonNode::asDouble);
  }

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
                    .filter(next -> secret.rotationEnabled() && !isPaused(secret))
                    .filter(next -> next.isBefore(now))
                    .map(next -> hours(Duration.between(next, now)))
                    .orElse(0.0));
    if (!secret.replicas().isEmpty()) {
      figures.put(
          "" + LogField.REPLICAS_FAILED,
          (int) secret.replicas().stream().filter(Replica::hasFailed).count());
    }
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
    boolean byAge = !secret.rotationEnabled() && !isPaused(secret);
    return policy
        .with(rotateAfter(secret))
        .runsOverdue(key.created(), key.expiry(), now, byAge, key.holdsV2());
  }

  /** Returns what the tag says. A tag that is not a number of days fails the rotation. */
  private static Optional<Duration> rotateAfter(Secret secret) {
    try {
      return secret.tags().rotateAfter();
    } catch (RotationException e) {
      return Optional.empty();
    }
  }

  /** Tells whether a secret is paused. A tag that is neither true nor false fails the rotation. */
  static boolean isPaused(Secret secret) {
    return "true".equals(secret.tags().tags().get(SecretTags.PAUSED));
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
