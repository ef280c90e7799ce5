package keyrotation.sandbox.live;

/**
 * A v2 key that may manage keys, hidden in its string form.
 *
 * @param endpoint the endpoint of the account's keys
 * @param token the JWT, which is the key
 */
record ManagementKey(String endpoint, String token) {

  /** Returns the id that the key itself states. */
  String id() {
    return Jwt.claims(token).path("jti").asText();
  }

  @Override
  public String toString() {
    return "ManagementKey[hidden]";
  }
}
