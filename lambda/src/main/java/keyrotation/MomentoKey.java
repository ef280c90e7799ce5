package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.FailureReason.KEY_UNREADABLE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;

/** A Momento API key, by its kind. */
sealed interface MomentoKey {

  /**
   * A key of the kind that can be refreshed: base64 of a JSON object with endpoint and token. A
   * disposable token has the same form; it is told apart by coming without a refresh token.
   *
   * @param text the key as users hold it
   * @param endpoint the host name that Momento's services are reached under
   * @param token the inner token, as calls carry it
   * @param expiry what the token says of it
   */
  record V1(Sensitive text, String endpoint, Sensitive token, Expiry expiry)
      implements MomentoKey {}

  /** A JWT that names its hosts, from before there were endpoints; no refresh is known for it. */
  record Legacy() implements MomentoKey {}

  /** A key of today's console: a JWT, whose endpoint is given apart; it has no refresh. */
  record V2() implements MomentoKey {}

  /** What every key and token of Momento's begins with: base64 of a JSON object. */
  String BEGINNING = "eyJ";

  /**
   * A key within a secret's name or ARN, where a word begins. The name {@code keyJuggler} has none,
   * nor have the six characters at an ARN's end, which are drawn by chance.
   */
  Pattern WITHIN_A_NAME = Pattern.compile("(?<![A-Za-z0-9])" + BEGINNING + "[A-Za-z0-9+/=_.-]{4}");

  /** Labels of letters, digits and inner hyphens, the last of which begins with a letter. */
  Pattern HOST_NAME =
      Pattern.compile(
          "(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*"
              + "[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");

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

  /** Tells whether a text is a key of any known form. */
  static boolean isOne(String text) {
    try {
      parse(text);
      return true;
    } catch (RotationException unreadable) {
      return false;
    }
  }

  /** Tells whether a text seems to hold a key, or one that was cut short, which is as secret. */
  static boolean isHeldBy(String text) {
    return isOne(text) || WITHIN_A_NAME.matcher(text).find();
  }

  /**
   * Makes a key of its two parts, written as Momento's JavaScript SDK writes it.
   *
   * @throws RotationException {@code KEY_UNREADABLE}
   */
  static V1 v1(String endpoint, String token) {
    if (!HOST_NAME.matcher(endpoint).matches()) {
      throw new RotationException(KEY_UNREADABLE, "The key's endpoint is not a host name.");
    }
    if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      // It becomes a header of a call: anything else could not be sent.
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

  /** Returns the claims of a JWT, without a look at its signature: that is Momento's business. */
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
