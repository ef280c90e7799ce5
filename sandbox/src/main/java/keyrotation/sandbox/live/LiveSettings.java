package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The settings of the live check. The AWS SDK reads its own environment variables.
 *
 * @param key a v1 super-user key; its refresh token is not used
 * @param spareKey a second super-user key, whose refresh token is used
 * @param managementKey a v2 key that may manage keys
 * @param apiEndpoint Momento's HTTP API; if empty, the documented one
 * @param controlEndpoint Momento's control plane; if empty, it is derived from the key
 * @param functionAlias the ARN of an alias of a rotation function
 * @param replicaRegion the region to replicate a secret to
 * @param only the ids of the assumptions to try; empty for all
 */
record LiveSettings(
    Optional<ApiKey> key,
    Optional<ApiKey> spareKey,
    Optional<ManagementKey> managementKey,
    Optional<HostAndPort> apiEndpoint,
    Optional<HostAndPort> controlEndpoint,
    Optional<String> functionAlias,
    Optional<String> replicaRegion,
    Set<String> only) {

  static final String KEY_FILE = "LIVE_MOMENTO_KEY_FILE";
  static final String SPARE_KEY_FILE = "LIVE_MOMENTO_SPARE_KEY_FILE";
  static final String MANAGEMENT_KEY_FILE = "LIVE_MOMENTO_MANAGEMENT_KEY_FILE";
  static final String FUNCTION = "LIVE_ROTATION_FUNCTION_ARN";
  static final String REPLICA_REGION = "LIVE_REPLICA_REGION";
  static final String ONLY = "LIVE_ONLY";

  /** The function has this setting, too. */
  static final String API_ENDPOINT = "MOMENTO_API_ENDPOINT";

  /** The function has this setting, too. */
  static final String CONTROL_ENDPOINT = "MOMENTO_CONTROL_ENDPOINT";

  private static final Pattern ALIAS =
      Pattern.compile("arn:aws[a-z-]*:lambda:[a-z0-9-]+:\\d{12}:function:[^:]+:[^:]+");
  private static final Pattern HOST_AND_PORT = Pattern.compile("([A-Za-z0-9.-]+):(\\d{1,5})");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.-]+");
  private static final Pattern JWT =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The address of a server. */
  record HostAndPort(String host, int port) {
    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /**
   * Reads the environment variables and the files that they name.
   *
   * @throws InconclusiveException if a variable or a file is invalid
   */
  static LiveSettings from(Map<String, String> environment) {
    return new LiveSettings(
        value(environment, KEY_FILE).map(file -> key(KEY_FILE, file)),
        value(environment, SPARE_KEY_FILE).map(file -> key(SPARE_KEY_FILE, file)),
        value(environment, MANAGEMENT_KEY_FILE).map(LiveSettings::managementKey),
        value(environment, API_ENDPOINT).map(text -> hostAndPort(API_ENDPOINT, text)),
        value(environment, CONTROL_ENDPOINT).map(text -> hostAndPort(CONTROL_ENDPOINT, text)),
        value(environment, FUNCTION).map(LiveSettings::alias),
        value(environment, REPLICA_REGION),
        value(environment, ONLY).map(ids -> Set.of(ids.split("[, ]+"))).orElse(Set.of()));
  }

  private static Optional<String> value(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).map(String::strip).filter(v -> !v.isEmpty());
  }

  private static String alias(String text) {
    if (!ALIAS.matcher(text).matches()) {
      throw new InconclusiveException(
          FUNCTION
              + " is not the ARN of a function's alias, such as"
              + " arn:aws:lambda:eu-west-1:123456789012:function:NAME:live.");
    }
    return text;
  }

  private static HostAndPort hostAndPort(String variable, String text) {
    Matcher matcher = HOST_AND_PORT.matcher(text);
    if (!matcher.matches()) {
      throw new InconclusiveException(
          variable + " is not a host and a port, such as localhost:8080.");
    }
    return new HostAndPort(matcher.group(1), Integer.parseInt(matcher.group(2)));
  }

  /** Reads a file from Momento's console; older files have other names for the key's field. */
  private static ApiKey key(String variable, String file) {
    String content = content(variable, file);
    try {
      JsonNode json = JSON.readTree(content);
      String apiKey =
          Stream.of("apiKey", "authToken", "apiToken")
              .map(field -> json.path(field).asText())
              .filter(text -> !text.isEmpty())
              .findFirst()
              .orElse("");
      JsonNode inner = JSON.readTree(new String(Base64.getDecoder().decode(apiKey), UTF_8));
      String endpoint = inner.path("endpoint").asText();
      String token = inner.path("api_key").asText();
      if (List.of(endpoint, token).contains("")) {
        throw noKey(variable);
      }
      return new ApiKey(
          endpoint,
          token,
          json.path("refreshToken").asText(),
          Instant.ofEpochSecond(json.path("validUntil").asLong()));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      // The content and the parser's message contain the key and are not shown.
      throw noKey(variable);
    }
  }

  /** Reads a v2 key, in the form of a secret that the function rotates. */
  private static ManagementKey managementKey(String file) {
    String content = content(MANAGEMENT_KEY_FILE, file);
    try {
      JsonNode json = JSON.readTree(content);
      String endpoint = json.path("endpoint").asText();
      String token = json.path("apiKey").asText();
      if (HOST.matcher(endpoint).matches()
          && JWT.matcher(token).matches()
          && Jwt.claims(token).path("t").asText().equals("g")) {
        return new ManagementKey(endpoint, token);
      }
    } catch (JsonProcessingException e) {
      // The content and the parser's message contain the key and are not shown.
    }
    throw new InconclusiveException(
        "The file that "
            + MANAGEMENT_KEY_FILE
            + " names contains no v2 key. It must be a JSON object with the key in the field"
            + " \"apiKey\" and its endpoint in the field \"endpoint\".");
  }

  private static String content(String variable, String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException | InvalidPathException e) {
      throw new InconclusiveException("The file that " + variable + " names cannot be read.");
    }
  }

  private static InconclusiveException noKey(String variable) {
    return new InconclusiveException(
        "The file that "
            + variable
            + " names contains no v1 key. It must be the JSON file that Momento's console offers"
            + " for download, with the field \"apiKey\".");
  }
}
