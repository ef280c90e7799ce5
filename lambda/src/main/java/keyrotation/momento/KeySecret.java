package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;

/**
 * The content of a secret: a key, its refresh token, and its expiry.
 *
 * <p>The JSON comes from the file that Momento's console offers; older ones name the key {@code
 * authToken} or {@code apiToken}. The names found, their order, and all other fields are kept when
 * a renewed key is written.
 */
public final class KeySecret {

  private static final List<String> KEY_FIELDS = List.of("apiKey", "authToken", "apiToken");
  private static final String REFRESH_TOKEN = "refreshToken";
  private static final String VALID_UNTIL = "validUntil";

  /** The longest value that Secrets Manager stores, in bytes. */
  private static final int MAX_BYTES = 65_536;

  /** How many bytes longer a renewed value may be. Keys and tokens are far shorter. */
  private static final int MAX_GROWTH = 4_096;

  private final ObjectNode json;
  private final MomentoKey key;
  private final Optional<Sensitive> refreshToken;
  private final Expiry expiry;

  private KeySecret(
      ObjectNode json, MomentoKey key, Optional<Sensitive> refreshToken, Expiry expiry) {
    this.json = json;
    this.key = key;
    this.refreshToken = refreshToken;
    this.expiry = expiry;
  }

  /**
   * Reads a secret's value.
   *
   * @throws RotationException {@code SECRET_MALFORMED}, {@code KEY_UNREADABLE}, or {@code
   *     KEY_NOT_REFRESHABLE} for a key that was stored bare
   */
  public static KeySecret parse(Sensitive value) {
    ObjectNode json = Json.read(value.value()).orElseThrow(() -> noObject(value));
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
    Expiry expiry =
        key instanceof MomentoKey.V1 v1 && v1.expiry() instanceof Expiry.At claimed
            ? claimed
            : stated;
    return new KeySecret(json, key, refreshToken, expiry);
  }

  public MomentoKey key() {
    return key;
  }

  /** Returns the refresh token; empty if there is none. */
  public Optional<Sensitive> refreshToken() {
    return refreshToken;
  }

  /** Returns when the key expires, by its token; else by the field {@code validUntil}. */
  public Expiry expiry() {
    return expiry;
  }

  /** Tells whether a new key would fit. A refreshed key that cannot be stored would be lost. */
  public boolean hasRoom() {
    return Json.write(json).getBytes(UTF_8).length + MAX_GROWTH <= MAX_BYTES;
  }

  /** Returns the same content with the new key in place of the old one. */
  public Sensitive renewed(RefreshedKey refreshed) {
    ObjectNode renewed = json.deepCopy();
    for (String field : KEY_FIELDS) {
      if (renewed.has(field)) {
        renewed.put(field, refreshed.key().text().value());
      }
    }
    renewed.put(REFRESH_TOKEN, refreshed.refreshToken().value());
    long seconds =
        refreshed.expiry() instanceof Expiry.At(var instant) ? instant.getEpochSecond() : 0;
    if (json.path(VALID_UNTIL).isNumber()) {
      renewed.put(VALID_UNTIL, seconds);
    } else {
      renewed.put(VALID_UNTIL, Long.toString(seconds));
    }
    return new Sensitive(Json.write(renewed));
  }

  /** Hides everything. */
  @Override
  public String toString() {
    return "KeySecret[hidden]";
  }

  /** Momento's documentation on Secrets Manager stores a bare key. It cannot be refreshed. */
  private static RotationException noObject(Sensitive value) {
    return KeyDetector.isKey(value.value().strip())
        ? new RotationException(
            KEY_NOT_REFRESHABLE, "The secret holds a bare key without a refresh token.")
        : malformed("is not a JSON object");
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
