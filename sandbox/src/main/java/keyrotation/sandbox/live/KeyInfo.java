package keyrotation.sandbox.live;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What Momento states about a v2 key.
 *
 * @param issuedAt in seconds since 1970; -1 if it is no number
 * @param expiresAt the same; 0 if Momento states no expiry
 */
record KeyInfo(String id, String roleId, String description, long issuedAt, long expiresAt) {

  /** Reads the object {@code key_info} of an issued key, or an entry of a list. */
  static KeyInfo of(JsonNode json) {
    JsonNode expiry = json.path("expires_at_epoch_seconds");
    return new KeyInfo(
        json.path("key_id").asText(),
        json.path("role_id").asText(),
        json.path("description").asText(),
        seconds(json.path("issued_at_epoch_seconds")),
        expiry.isMissingNode() || expiry.isNull() ? 0 : seconds(expiry));
  }

  private static long seconds(JsonNode number) {
    return number.canConvertToLong() ? number.asLong() : -1;
  }
}
