package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;

/** A Momento API key, by its kind. */
public sealed interface MomentoKey {

  /**
   * A key of the kind that can be refreshed: base64 of a JSON object with endpoint and token. A
   * disposable token has the same form; the difference is that it comes without a refresh token.
   *
   * @param text the key as users hold it
   * @param endpoint the host name that Momento's services are reached under
   * @param token the inner token, as calls carry it
   * @param expiry when it expires, by its token
   */
  record V1(Sensitive text, String endpoint, Sensitive token, Expiry expiry)
      implements MomentoKey {}

  /** A JWT that names its hosts, from before there were endpoints; no refresh is known for it. */
  record Legacy() implements MomentoKey {}

  /** A key of today's console: a JWT. Its endpoint is given separately, and it has no refresh. */
  record V2() implements MomentoKey {}

  /**
   * Reads a key as users hold it.
   *
   * @throws RotationException {@code KEY_UNREADABLE}
   */
  static MomentoKey parse(String text) {
    Optional<ObjectNode> claims = claims(text);
    if (claims.isPresent()) {
      return switch (claims.get()) {
        case ObjectNode v2 when v2.path("t").asText().equals("g") -> new V2();
        case ObjectNode legacy when legacy.has("cp") && legacy.has("c") -> new Legacy();
        default ->
            throw new RotationException(
                KEY_UNREADABLE, "The key is a JWT, but of no kind that Momento is known to issue.");
      };
    }
    ObjectNode json =
        decode(Base64.getDecoder(), text)
            .orElseThrow(
                () ->
                    new RotationException(
                        KEY_UNREADABLE, "The key is neither a JWT nor base64 of a JSON object."));
    return v1(json.path("endpoint").asText(), json.path("api_key").asText());
  }

  /**
   * Makes a key of its two parts, written as Momento's JavaScript SDK writes it.
   *
   * @throws RotationException {@code KEY_UNREADABLE}
   */
  static V1 v1(String endpoint, String token) {
    if (!HostAndPort.isHostName(endpoint)) {
      throw new RotationException(KEY_UNREADABLE, "The key's endpoint is not a host name.");
    }
    if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      // The token becomes a header, which cannot carry other characters.
      throw new RotationException(KEY_UNREADABLE, "The key's inner token is missing or garbled.");
    }
    String json =
        JsonNodeFactory.instance
            .objectNode()
            .put("endpoint", endpoint)
            .put("api_key", token)
            .toString();
    String text = Base64.getEncoder().encodeToString(json.getBytes(UTF_8));
    Expiry expiry =
        claims(token)
            .map(claims -> claims.path("exp"))
            .filter(JsonNode::canConvertToLong)
            .map(exp -> exp.asLong())
            .filter(seconds -> seconds > 0 && Expiry.isPlausible(seconds))
            .map(Expiry::ofEpochSeconds)
            .orElseGet(Expiry.Unknown::new);
    return new V1(new Sensitive(text), endpoint, new Sensitive(token), expiry);
  }

  /** Returns the claims of a JWT. Only Momento can verify its signature. */
  private static Optional<ObjectNode> claims(String jwt) {
    String[] parts = jwt.split("\\.", -1);
    return parts.length == 3 ? decode(Base64.getUrlDecoder(), parts[1]) : Optional.empty();
  }

  private static Optional<ObjectNode> decode(Base64.Decoder decoder, String text) {
    try {
      return Json.read(new String(decoder.decode(text), UTF_8));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
