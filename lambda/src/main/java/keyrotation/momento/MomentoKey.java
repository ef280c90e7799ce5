package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;
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
  record V1(Sensitive text, String endpoint, Sensitive token, Expiry expiry) implements MomentoKey {

    /** Returns what a call with this key needs. */
    public Credentials credentials() {
      return new Credentials(endpoint, token);
    }
  }

  /** A JWT that names its hosts, from before there were endpoints; no renewal is known for it. */
  record Legacy() implements MomentoKey {}

  /**
   * A key of today's console: a JWT. Its endpoint is given separately. It is not refreshed, but
   * replaced by another one.
   *
   * @param token the JWT, as users hold it and as calls carry it
   * @param id its id at Momento, by the claim {@code jti}. Nothing has verified the claim
   * @param expiry when it expires, by the claim {@code exp}; a key without one never expires
   */
  record V2(Sensitive token, String id, Expiry expiry) implements MomentoKey {

    /** Returns a token with the same claims that is no key: its signature is another one. */
    public Sensitive withOtherSignature() {
      String text = token.value();
      int start = text.lastIndexOf('.') + 1;
      char first = text.charAt(start) == 'A' ? 'B' : 'A';
      return new Sensitive(text.substring(0, start) + first + text.substring(start + 1));
    }
  }

  /** What an id can consist of. It becomes part of a path, and must not change that. */
  Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,128}");

  /** A JWT as a header can carry it. */
  Pattern JWT = Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");

  /**
   * Reads a key as users hold it.
   *
   * @throws RotationException {@code KEY_UNREADABLE}
   */
  static MomentoKey parse(String text) {
    Optional<ObjectNode> claims = claims(text);
    if (claims.isPresent()) {
      return switch (claims.get()) {
        case ObjectNode v2 when isOfType(v2, "g") -> v2(text, v2);
        case ObjectNode refreshToken when isOfType(refreshToken, "gr") ->
            throw new RotationException(
                KEY_UNREADABLE, "The key is a v2 refresh token, not a key.");
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

  private static V2 v2(String token, ObjectNode claims) {
    String id = claims.path("jti").isTextual() ? claims.path("jti").asText() : "";
    if (!JWT.matcher(token).matches() || !ID.matcher(id).matches()) {
      throw new RotationException(
          KEY_UNREADABLE, "The key is a v2 key, but garbled or without a valid id.");
    }
    Expiry expiry = claims.has("exp") ? expiry(claims) : new Expiry.Never();
    return new V2(new Sensitive(token), id, expiry);
  }

  private static boolean isOfType(ObjectNode claims, String type) {
    return claims.path("t").isTextual() && claims.path("t").asText().equals(type);
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
    ObjectNode claims = claims(token).orElseGet(Json::object);
    if (isOfType(claims, "g") || isOfType(claims, "disposable")) {
      throw new RotationException(
          KEY_UNREADABLE,
          isOfType(claims, "g")
              ? "The key is a v2 key in the form of a v1 key. Store the JWT within it, and its"
                  + " endpoint in a field of its own."
              : "The key is a disposable token, which cannot be renewed.");
    }
    return new V1(new Sensitive(text), endpoint, new Sensitive(token), expiry(claims));
  }

  private static Expiry expiry(ObjectNode claims) {
    return Optional.of(claims.path("exp"))
        .filter(JsonNode::canConvertToLong)
        .map(JsonNode::asLong)
        .filter(seconds -> seconds > 0 && Expiry.isPlausible(seconds))
        .map(Expiry::ofEpochSeconds)
        .orElseGet(Expiry.Unknown::new);
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
