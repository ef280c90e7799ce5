package keyrotation.rotation;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Gatherers;
import keyrotation.core.FailureReason.Needs;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.TimeBudget;
import keyrotation.rotation.HeldKeys.Inspected;

/**
 * Revokes keys that are no longer needed, after the rotations of a scheduled run. It looks at all
 * secrets of the run first: a key may have been copied from one secret to another.
 */
public final class Revocation {

  private static final int MAX_CONCURRENT = 16;

  /** The work on one secret, and its log. */
  public record OfSecret(SecretRevocation work, RotationLog log) {}

  private final Function<String, OfSecret> ofSecret;
  private final InstantSource clock;

  /**
   * Makes the revocations of a run.
   *
   * @param ofSecret makes the work on the secret with this name or ARN
   */
  public Revocation(Function<String, OfSecret> ofSecret, InstantSource clock) {
    this.ofSecret = ofSecret;
    this.clock = clock;
  }

  /** A look at a secret: what it holds, or why that could not be read. */
  private sealed interface Look {
    record Found(Inspected secret) implements Look {}

    record Failed(RotationException why) implements Look {}
  }

  /**
   * Revokes the keys of these secrets that are no longer needed.
   *
   * @return a result for each secret that had such keys
   */
  public List<RotationResult> run(List<String> secretIds, RotationRequest request) {
    Map<String, Inspected> found;
    try {
      found = inspectAll(secretIds, request.budget());
    } catch (RotationException logged) {
      // What the secret holds is not known. The next run looks again.
      return List.of();
    }
    HeldKeys held = HeldKeys.of(found.values(), clock.instant());
    List<RotationResult> results = new ArrayList<>();
    found.forEach(
        (id, secret) -> {
          OfSecret of = ofSecret.apply(id);
          of.log.resultIfAny(() -> of.work.run(secret, held, request)).ifPresent(results::add);
        });
    return results;
  }

  /**
   * Revokes the keys of a secret's replaced versions now.
   *
   * @param others the names or ARNs of further secrets that may hold the same keys
   */
  public RotationResult revokePrevious(
      String secretId, List<String> others, RotationRequest request) {
    SecretRevocation work = ofSecret.apply(secretId).work;
    try {
      Inspected found = work.inspect(secretId, request.budget());
      List<Inspected> holders =
          inspectAll(others, request.budget()).values().stream()
              .filter(other -> !other.secret().arn().equals(found.secret().arn()))
              .toList();
      return work.revokePrevious(found, holders, request);
    } catch (RotationException e) {
      return SecretRevocation.failed(secretId, e, List.of());
    }
  }

  /**
   * Looks at all secrets. One that an operator has to mend is left out, since its rotation has
   * failed for the same reason.
   *
   * @throws RotationException if a secret cannot be read for a reason that may pass: it may hold a
   *     key that would be revoked
   */
  private Map<String, Inspected> inspectAll(List<String> secretIds, TimeBudget budget) {
    Map<String, Inspected> found = new LinkedHashMap<>();
    List<Look> looks =
        secretIds.stream()
            .gather(Gatherers.mapConcurrent(MAX_CONCURRENT, id -> look(id, budget)))
            .toList();
    for (int i = 0; i < looks.size(); i++) {
      switch (looks.get(i)) {
        case Look.Found(Inspected secret) -> found.put(secretIds.get(i), secret);
        case Look.Failed(RotationException why) when why.reason().needs() == Needs.WAIT ->
            throw why;
        case Look.Failed _ -> {}
      }
    }
    return found;
  }

  private Look look(String secretId, TimeBudget budget) {
    try {
      return new Look.Found(ofSecret.apply(secretId).work.inspect(secretId, budget));
    } catch (RotationException e) {
      return new Look.Failed(e);
    }
  }
}
