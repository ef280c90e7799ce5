package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A Momento key, as a version of a secret holds it.
 *
 * @param versionId the id of the secret's version, which tells one key from another
 * @param token what calls send as {@code authorization}; secret
 * @param hosts where calls go
 */
public record ApiKey(String versionId, String token, Hosts hosts) {

  /** The host names of Momento's services; all of them listen on port 443, with TLS. */
  public record Hosts(String control, String cache, String storage, String token) {

    /**
     * Returns the hosts of an endpoint, such as {@code cell-1-us-east-1-1.prod.a.momentohq.com}.
     */
    public static Hosts of(String endpoint) {
      return new Hosts(
          "control." + endpoint, "cache." + endpoint, "storage." + endpoint, "token." + endpoint);
    }
  }

  private static final List<String> KEY_FIELDS = List.of("apiKey", "authToken", "apiToken");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+");
  private static final Pattern TOKEN = Pattern.compile("[!-~]+");
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Reads the value of a secret. It is a JSON object with the key in {@code apiKey} (in older files
   * {@code authToken} or {@code apiToken}), or the key alone. {@link CurrentKey} does this; an
   * application does it itself if it gets the value otherwise.
   *
   * @param secret the secret's name, for messages
   * @param defaultEndpoint the endpoint of v2 keys that are stored without one
   * @throws KeyUnavailableException if the value holds no key that can be used
   */
  public static ApiKey parse(
      String secret, String versionId, String value, Optional<String> defaultEndpoint) {
    JsonNode json = object(value);
    Optional<String> stated =
        Optional.of(json.path("endpoint").asText().strip()).filter(text -> !text.isEmpty());
    Reader reader = new Reader(secret, versionId, stated.or(() -> defaultEndpoint));
    if (json.isMissingNode()) {
      return reader.key(value.strip());
    }
    List<String> keys =
        KEY_FIELDS.stream()
            .filter(json::hasNonNull)
            .map(field -> json.path(field).asText().strip())
            .distinct()
            .toList();
    if (keys.isEmpty()) {
      throw reader.unusable("has no field \"apiKey\"");
    }
    if (keys.size() > 1) {
      throw reader.unusable("holds two different keys in the fields " + KEY_FIELDS);
    }
    return reader.key(keys.get(0));
  }

  /** Hides the token. */
  @Override
  public String toString() {
    return "ApiKey[version " + versionId + ", host " + hosts.cache + "]";
  }

  /** Returns the JSON object that a text consists of; a missing node if it is none. */
  private static JsonNode object(String text) {
    try {
      JsonNode json = JSON.readTree(text);
      return json.isObject() ? json : MissingNode.getInstance();
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  private static JsonNode object(Base64.Decoder decoder, String text) {
    try {
      return object(new String(decoder.decode(text), UTF_8));
    } catch (IllegalArgumentException e) {
      return MissingNode.getInstance();
    }
  }

  /** Reads a key in one of the forms in which Momento has handed out keys. */
  private record Reader(String secret, String versionId, Optional<String> endpoint) {

    ApiKey key(String text) {
      String[] parts = text.split("\\.", -1);
      if (parts.length != 3) {
        JsonNode v1 = object(Base64.getDecoder(), text);
        if (!v1.hasNonNull("api_key")) {
          throw unusable("holds a key that is neither a JWT nor base64 of a JSON object");
        }
        return at(v1.path("endpoint").asText(), v1.path("api_key").asText());
      }
      JsonNode claims = object(Base64.getUrlDecoder(), parts[1]);
      if (claims.path("t").asText().equals("g")) {
        return at(
            endpoint.orElseThrow(
                () ->
                    unusable(
                        "holds a v2 key without its endpoint. Add a field \"endpoint\", or name the"
                            + " endpoint in the application")),
            text);
      }
      if (claims.hasNonNull("c") && claims.hasNonNull("cp")) {
        String cache = host(claims.path("c").asText());
        return with(
            text, new Hosts(host(claims.path("cp").asText()), cache, "storage." + cache, cache));
      }
      throw unusable("holds a JWT that is not a Momento API key");
    }

    private ApiKey at(String endpoint, String token) {
      return with(token, Hosts.of(host(endpoint)));
    }

    private ApiKey with(String token, Hosts hosts) {
      // gRPC would log a header with other characters, and with it the key.
      if (!TOKEN.matcher(token).matches()) {
        throw unusable("holds a key with a garbled token");
      }
      return new ApiKey(versionId, token, hosts);
    }

    private String host(String text) {
      if (!HOST.matcher(text).matches()) {
        throw unusable("names an endpoint that is not a host name alone");
      }
      return text;
    }

    KeyUnavailableException unusable(String reason) {
      return new KeyUnavailableException(
          "The secret %s, version %s, %s.".formatted(secret, versionId, reason));
    }
  }
}
