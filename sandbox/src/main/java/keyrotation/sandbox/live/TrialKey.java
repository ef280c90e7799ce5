package keyrotation.sandbox.live;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A v2 key that was issued for a trial, hidden in its string form.
 *
 * @param token the JWT, which is the key
 * @param hasRefreshToken whether a refresh token came with it
 * @param info what Momento stated when it issued the key
 */
record TrialKey(String token, boolean hasRefreshToken, KeyInfo info) {

  /** Reads the answer to an order of a key. */
  static TrialKey of(JsonNode answer) {
    return new TrialKey(
        answer.path("api_key").asText(),
        answer.hasNonNull("refresh_token"),
        KeyInfo.of(answer.path("key_info")));
  }

  JsonNode claims() {
    return Jwt.claims(token);
  }

  @Override
  public String toString() {
    return "TrialKey[hidden]";
  }
}
