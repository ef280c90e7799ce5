package keyrotation.rotation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import keyrotation.core.FailureReason.Needs;
import keyrotation.core.Json;
import keyrotation.momento.Expiry;

/**
 * What a scheduled run did, for its last log line.
 *
 * @param secrets how many secrets it has worked on
 * @param results the results of all its work
 * @param managementKeyExpiry when the management key expires, if the run has read it
 * @param managementKeyIsRotated whether the run rotates the management key as well
 */
public record RunSummary(
    int secrets,
    List<RotationResult> results,
    Optional<Expiry> managementKeyExpiry,
    boolean managementKeyIsRotated) {

  /** Copies the results. */
  public RunSummary {
    results = List.copyOf(results);
  }

  /** Returns the fields of the line. */
  public ObjectNode json(RenewalPolicy policy, Instant now) {
    ObjectNode json =
        Json.object()
            .put("" + LogField.SECRETS, secrets)
            .put("" + LogField.ROTATED, count(RotationResult::hasNewKey))
            .put(
                "" + LogField.WITHOUT_KEY, count(RotationResult.AwaitingFirstKey.class::isInstance))
            .put("" + LogField.PAUSED, count(RotationResult.Paused.class::isInstance))
            .put("" + LogField.FAILED_WAIT, count(result -> needs(result, Needs.WAIT)))
            .put("" + LogField.FAILED_PERSON, count(result -> needs(result, Needs.PERSON)));
    managementKeyExpiry.ifPresent(expiry -> addManagementKey(json, expiry, policy, now));
    return json;
  }

  private void addManagementKey(ObjectNode json, Expiry expiry, RenewalPolicy policy, Instant now) {
    if (expiry instanceof Expiry.At(Instant end)) {
      json.put(
          "" + LogField.MANAGEMENT_KEY_DAYS_TO_EXPIRY,
          SecretFigures.days(Duration.between(now, end)));
    }
    boolean soon =
        managementKeyIsRotated
            ? policy.expiresSoon(expiry, now)
            : RenewalPolicy.expiresSoonByHand(expiry, now);
    json.put("" + LogField.MANAGEMENT_KEY_EXPIRES_SOON, soon ? 1 : 0);
  }

  private int count(Predicate<RotationResult> wanted) {
    return (int) results.stream().filter(wanted).count();
  }

  private static boolean needs(RotationResult result, Needs needs) {
    return result instanceof RotationResult.Failed failed
        && failed.failure().reason().needs() == needs;
  }
}
