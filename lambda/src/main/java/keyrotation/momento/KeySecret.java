package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;

/**
 * The content of a secret: a key, and what belongs to it.
 *
 * <p>The JSON comes from the file that Momento's console offers; older ones name the key {@code
 * authToken} or {@code apiToken}. The names found, their order, and all other fields are kept when
 * a new key is written. A v2 key may also be stored bare, without JSON, and stays so.
 */
public final class KeySecret {

  private static final List<String> KEY_FIELDS = List.of("apiKey", "authToken", "apiToken");
  private static final String REFRESH_TOKEN = "refreshToken";
  private static final String VALID_UNTIL = "validUntil";
  private static final String ENDPOINT = "endpoint";

  /** The longest value that Secrets Manager stores, in bytes. */
  private static final int MAX_BYTES = 65_536;

  /** How many bytes longer a renewed value may be. Keys and tokens are far shorter. */
  private static final int MAX_GROWTH = 4_096;

  private final Optional<ObjectNode> json;
  private final MomentoKey key;
  private final Optional<Sensitive> refreshToken;
  private final Optional<String> endpoint;
  private final Expiry expiry;

  /**
   * Makes a content.
   *
   * @param json empty if the key is stored bare
   */
  private KeySecret(
      Optional<ObjectNode> json,
      MomentoKey key,
      Optional<Sensitive> refreshToken,
      Optional<String> endpoint,
      Expiry expiry) {
    this.json = json;
    this.key = key;
    this.refreshToken = refreshToken;
    this.endpoint = endpoint;
    this.expiry = expiry;
  }

  /**
   * Reads a secret's value.
   *
   * @throws RotationException {@code SECRET_MALFORMED}, {@code KEY_UNREADABLE}, or {@code
   *     KEY_NOT_REFRESHABLE} for a v1 key that was stored bare
   */
  public static KeySecret parse(Sensitive value) {
    return Json.read(value.value()).map(KeySecret::parse).orElseGet(() -> parseBare(value));
  }

  private static KeySecret parse(ObjectNode json) {
    List<String> keys =
        KEY_FIELDS.stream()
            .filter(json::has)
            .map(field -> text(json, field).strip())
            .distinct()
            .toList();
    if (keys.isEmpty()) {
      throw malformed("has no field \"apiKey\"");
    }
    if (keys.size() > 1) {
      throw malformed("holds two different keys in the fields " + KEY_FIELDS);
    }
    MomentoKey key = MomentoKey.parse(keys.getFirst());
    Optional<Sensitive> refreshToken =
        json.hasNonNull(REFRESH_TOKEN)
            ? Optional.of(text(json, REFRESH_TOKEN).strip())
                .filter(token -> !token.isEmpty())
                .map(Sensitive::new)
            : Optional.empty();
    Expiry stated = statedExpiry(json);
    return switch (key) {
      case MomentoKey.V1 v1 ->
          new KeySecret(
              Optional.of(json),
              key,
              refreshToken,
              Optional.of(v1.endpoint()),
              v1.expiry() instanceof Expiry.At claimed ? claimed : stated);
      case MomentoKey.V2 v2 ->
          new KeySecret(
              Optional.of(json), key, Optional.empty(), statedEndpoint(json), v2.expiry());
      case MomentoKey.Legacy _ ->
          new KeySecret(Optional.of(json), key, refreshToken, Optional.empty(), stated);
    };
  }

  /** Reads a key that is stored without JSON, as Momento's page on Secrets Manager shows it. */
  private static KeySecret parseBare(Sensitive value) {
    String text = value.value().strip();
    if (!KeyDetector.isKey(text)) {
      throw malformed("is not a JSON object, nor a bare v2 key");
    }
    if (MomentoKey.parse(text) instanceof MomentoKey.V2 key) {
      return new KeySecret(Optional.empty(), key, Optional.empty(), Optional.empty(), key.expiry());
    }
    throw new RotationException(
        KEY_NOT_REFRESHABLE, "The secret holds a bare key without a refresh token.");
  }

  /** Returns the content of a secret that had none: a v2 key and its endpoint. */
  public static Sensitive first(MomentoKey.V2 key, String endpoint) {
    ObjectNode json = Json.object().put(KEY_FIELDS.getFirst(), "").put(ENDPOINT, endpoint);
    return new Sensitive(Json.write(withKey(json, key.token(), key.expiry())));
  }

  public MomentoKey key() {
    return key;
  }

  /** Returns the refresh token; empty if there is none. */
  public Optional<Sensitive> refreshToken() {
    return refreshToken;
  }

  /**
   * Returns the key's endpoint. It is empty if a v2 key is stored without one, and for a legacy
   * key.
   */
  public Optional<String> endpoint() {
    return endpoint;
  }

  /** Returns when the key expires, by its token; else by the field {@code validUntil}. */
  public Expiry expiry() {
    return expiry;
  }

  /**
   * Checks that a new key would fit. A new key that cannot be stored would be lost.
   *
   * @throws RotationException {@code SECRET_MALFORMED}, if it would not
   */
  public void requireRoom() {
    int length = json.map(object -> Json.write(object).getBytes(UTF_8).length).orElse(0);
    if (length + MAX_GROWTH > MAX_BYTES) {
      throw new RotationException(
          SECRET_MALFORMED, "The secret's value is too large: a new key might not fit.");
    }
  }

  /** Returns the same content with a refreshed v1 key in place of the old one. */
  public Sensitive renewed(RefreshedKey refreshed) {
    ObjectNode renewed =
        withKey(json.orElseThrow(), refreshed.key().text(), refreshed.expiry())
            .put(REFRESH_TOKEN, refreshed.refreshToken().value());
    return new Sensitive(Json.write(renewed));
  }

  /**
   * Returns the same content with a v2 key in place of the old one, which may be a v1 key. A v2 key
   * is not refreshed, so no refresh token is kept.
   */
  public Sensitive replacedBy(MomentoKey.V2 issued) {
    if (json.isEmpty()) {
      return issued.token();
    }
    ObjectNode replaced = withKey(json.get(), issued.token(), issued.expiry());
    replaced.remove(REFRESH_TOKEN);
    if (key instanceof MomentoKey.V1 v1) {
      replaced.put(ENDPOINT, v1.endpoint());
    }
    return new Sensitive(Json.write(replaced));
  }

  private static ObjectNode withKey(ObjectNode json, Sensitive text, Expiry expiry) {
    ObjectNode changed = json.deepCopy();
    for (String field : KEY_FIELDS) {
      if (changed.has(field)) {
        changed.put(field, text.value());
      }
    }
    long seconds = expiry instanceof Expiry.At(var instant) ? instant.getEpochSecond() : 0;
    if (json.path(VALID_UNTIL).isNumber()) {
      changed.put(VALID_UNTIL, seconds);
    } else {
      changed.put(VALID_UNTIL, Long.toString(seconds));
    }
    return changed;
  }

  /** Hides everything. */
  @Override
  public String toString() {
    return "KeySecret[hidden]";
  }

  private static Optional<String> statedEndpoint(ObjectNode json) {
    if (!json.hasNonNull(ENDPOINT)) {
      return Optional.empty();
    }
    String endpoint = text(json, ENDPOINT).strip();
    if (!HostAndPort.isHostName(endpoint)) {
      throw malformed(
          "has a field \"endpoint\" that is not a host name alone, without scheme and port");
    }
    return Optional.of(endpoint);
  }

  private static Expiry statedExpiry(ObjectNode json) {
    JsonNode stated = json.path(VALID_UNTIL);
    String digits =
        switch (stated.getNodeType()) {
          case MISSING, NULL -> "";
          case STRING -> stated.asText().strip();
          case NUMBER -> stated.asText();
          default -> throw malformed("has a field \"validUntil\" that is neither text nor number");
        };
    if (digits.isEmpty()) {
      return new Expiry.Unknown();
    }
    if (!digits.matches("\\d{1,18}") || !Expiry.isPlausible(Long.parseLong(digits))) {
      throw malformed(
          "has a field \"validUntil\" that is not a number of seconds since 1970, up to the year"
              + " 9999");
    }
    return Expiry.ofEpochSeconds(Long.parseLong(digits));
  }

  private static String text(ObjectNode json, String field) {
    if (!json.path(field).isTextual()) {
      throw malformed("has a field \"" + field + "\" that is not text");
    }
    return json.path(field).asText();
  }

  private static RotationException malformed(String what) {
    return new RotationException(SECRET_MALFORMED, "The secret's value " + what + ".");
  }
}
