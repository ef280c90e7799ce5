package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/**
 * What asks for a rotation, as far as the rotation must know.
 *
 * @param identity what is the same whenever the same request is delivered, and differs otherwise
 * @param deadline when the invocation ends
 * @param othersWait whether other secrets still wait to be started
 */
record RotationRequest(String identity, Instant deadline, BooleanSupplier othersWait) {

  /** Makes a request for one secret alone. */
  RotationRequest(String identity, Instant deadline) {
    this(identity, deadline, () -> false);
  }

  /** Returns the id of the version that this request makes of a secret, the same each time. */
  String versionId(String secretArn) {
    return nameBased(identity + "\n" + secretArn).toString();
  }

  /** Returns the id to use in place of one that was used up by a key which Momento rejected. */
  static String versionIdAfter(String versionId) {
    return nameBased(versionId).toString();
  }

  /** Returns where to start in a list: with each request elsewhere, with the same one the same. */
  int startIn(int size) {
    return (int) Long.remainderUnsigned(nameBased(identity).getMostSignificantBits(), size);
  }

  private static UUID nameBased(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(UTF_8));
  }
}
