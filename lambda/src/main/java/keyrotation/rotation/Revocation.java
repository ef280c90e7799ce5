package keyrotation.rotation;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Gatherers;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.TimeBudget;
import keyrotation.rotation.HeldKeys.Inspected;

/**
 * Revokes keys that are no longer needed, after the rotations of a scheduled run. It looks at all
 * secrets of the run first: a key may have been copied from one secret to another.
 */
public final class Revocation {

  /** Why a secret holds no key that an application could read from it, or is read elsewhere. */
  private static final Set<FailureReason> GONE =
      EnumSet.of(
          FailureReason.SECRET_NOT_FOUND,
          FailureReason.SECRET_DELETED,
          FailureReason.SECRET_IS_REPLICA);

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
   * Revokes the keys of these secrets that are no longer needed. If one cannot be read, none is
   * revoked: that one may hold the key.
   *
   * @return a result for each secret that had such keys, or that could not be read
   */
  public List<RotationResult> run(List<String> secretIds, RotationRequest request) {
    Map<String, Look> looks = look(secretIds, request.budget());
    List<RotationResult> failures = new ArrayList<>();
    looks.forEach((id, look) -> failure(id, look).ifPresent(failures::add));
    if (!failures.isEmpty()) {
      return failures;
    }
    Map<String, Inspected> found = found(looks);
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
      Inspected secret = work.inspect(secretId, request.budget());
      Map<String, Look> looks = look(without(secret, others), request.budget());
      for (Look look : looks.values()) {
        if (look instanceof Look.Failed(RotationException why) && !GONE.contains(why.reason())) {
          throw why;
        }
      }
      return work.revokePrevious(secret, found(looks).values(), request);
    } catch (RotationException e) {
      return SecretRevocation.failed(new RotationResult.Revoked(secretId, List.of(), 0), e);
    }
  }

  private static List<String> without(Inspected secret, List<String> secretIds) {
    // The name of a secret of another account is its ARN here.
    return secretIds.stream()
        .filter(id -> !id.equals(secret.secret().name()))
        .filter(id -> !id.equals(secret.secret().arn()))
        .toList();
  }

  private Map<String, Look> look(List<String> secretIds, TimeBudget budget) {
    List<Look> inOrder =
        secretIds.stream()
            .gather(Gatherers.mapConcurrent(BatchRotation.MAX_CONCURRENT, id -> look(id, budget)))
            .toList();
    Map<String, Look> looks = new LinkedHashMap<>();
    for (int i = 0; i < inOrder.size(); i++) {
      looks.put(secretIds.get(i), inOrder.get(i));
    }
    return looks;
  }

  private static Map<String, Inspected> found(Map<String, Look> looks) {
    Map<String, Inspected> found = new LinkedHashMap<>();
    looks.forEach(
        (id, look) -> {
          if (look instanceof Look.Found(Inspected secret)) {
            found.put(id, secret);
          }
        });
    return found;
  }

  private Optional<RotationResult> failure(String secretId, Look look) {
    if (!(look instanceof Look.Failed(RotationException why)) || GONE.contains(why.reason())) {
      return Optional.empty();
    }
    RotationResult.Revoked nothing = new RotationResult.Revoked(secretId, List.of(), 0);
    return ofSecret
        .apply(secretId)
        .log
        .resultIfAny(() -> Optional.of(SecretRevocation.failed(nothing, why)));
  }

  private Look look(String secretId, TimeBudget budget) {
    try {
      return new Look.Found(ofSecret.apply(secretId).work.inspect(secretId, budget));
    } catch (RotationException e) {
      return new Look.Failed(e);
    }
  }
}
