package keyrotation.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.UUID;
import java.util.function.BooleanSupplier;

/**
 * A request for a rotation.
 *
 * @param identity the same whenever the same request is delivered, and different otherwise
 * @param budget the time that the rotation may take
 * @param othersWait whether other secrets still wait to be started
 */
public record RotationRequest(String identity, TimeBudget budget, BooleanSupplier othersWait) {

  /** Makes a request for one secret alone. */
  public RotationRequest(String identity, TimeBudget budget) {
    this(identity, budget, () -> false);
  }

  /** Returns the same request with less time. */
  public RotationRequest with(TimeBudget less) {
    return new RotationRequest(identity, less, othersWait);
  }

  /** Returns the id of the version that this request makes of a secret, the same each time. */
  public String versionId(String secretArn) {
    return nameBased(identity + "\n" + secretArn).toString();
  }

  /** Returns the id to use in place of one that was used up by a key which Momento rejected. */
  public static String versionIdAfter(String versionId) {
    return nameBased(versionId).toString();
  }

  /** Returns where to start in a list: the same for the same request, elsewhere for another. */
  public int startIn(int size) {
    return (int) Long.remainderUnsigned(nameBased(identity).getMostSignificantBits(), size);
  }

  private static UUID nameBased(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(UTF_8));
  }
}
