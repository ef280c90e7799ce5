package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.UUID;

/**
 * What asks for a rotation, as far as the rotation must know.
 *
 * @param identity what is the same whenever the same request is delivered, and differs otherwise
 * @param deadline when the invocation ends
 */
record RotationRequest(String identity, Instant deadline) {

  /** Returns the id of the version that this request makes of a secret, the same each time. */
  String versionId(String secretArn) {
    return nameBased(identity + "\n" + secretArn);
  }

  /** Returns the id to use in place of one that was used up by a key which Momento rejected. */
  static String versionIdAfter(String versionId) {
    return nameBased(versionId);
  }

  private static String nameBased(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(UTF_8)).toString();
  }
}
