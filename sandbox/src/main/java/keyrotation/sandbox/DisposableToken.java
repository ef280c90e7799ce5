package keyrotation.sandbox;

import grpc.permission_messages.ExplicitPermissions;
import java.time.Instant;

/**
 * A token that the Momento stand-in has generated from a key.
 *
 * @param token the inner token, which calls send
 * @param id the caller's name for the token; empty if it has none
 * @param permissions what the token may do on the data plane
 * @param maker the key that the token was generated with
 */
public record DisposableToken(
    String token,
    String id,
    ExplicitPermissions permissions,
    Instant validUntil,
    SandboxKey maker) {

  /** Returns the token as clients hold it: base64 of a JSON object with endpoint and token. */
  public String apiKey() {
    return Tokens.withEndpoint(MomentoServer.ENDPOINT, token);
  }

  /** Identifies the token without revealing it. */
  @Override
  public String toString() {
    return "DisposableToken[%s, id %s, valid until %s, made by %s]"
        .formatted(Fingerprint.of(token), id, validUntil, maker);
  }
}
