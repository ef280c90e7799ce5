package keyrotation.rotation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import keyrotation.momento.Expiry;

/** What becomes of the key that a rotation has replaced. */
public sealed interface OldKey {

  /** It is a v1 key, which cannot be revoked. */
  record V1(Expiry expiry) implements OldKey {}

  /** This function revokes it after a time. */
  record RevokedAfter(Instant time) implements OldKey {}

  /**
   * It is a v2 key that this function does not revoke, or not yet: an operator had it issued, or
   * there is no grace period that ends.
   */
  record Stays(Expiry expiry) implements OldKey {}

  /** Returns a sentence for an operator. */
  default String message() {
    return switch (this) {
      case V1(Expiry end) -> "The old v1 key cannot be revoked. It expires: " + end + ".";
      case RevokedAfter(Instant time) -> "The old key is revoked after " + time + ".";
      case Stays(Expiry end) -> "The old key goes on working. It expires: " + end + ".";
    };
  }

  /** Adds the facts, as the log and the report have them. */
  default void addTo(ObjectNode json) {
    var _ =
        switch (this) {
          case V1(Expiry end) -> json.put("previous_valid_until", end.toString());
          case RevokedAfter(Instant time) -> json.put("previous_revoked_after", time.toString());
          case Stays(Expiry end) -> json.put("previous_valid_until", end.toString());
        };
  }
}
