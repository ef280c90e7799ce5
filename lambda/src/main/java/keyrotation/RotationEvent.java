package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.FailureReason.EVENT_UNKNOWN;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** A way in: what somebody or something asks of the function. */
sealed interface RotationEvent {

  /**
   * A person wants a secret rotated now.
   *
   * @param secretId its name or ARN
   */
  record Manual(String secretId) implements RotationEvent {}

  /** What Secrets Manager allows in names and ARNs. */
  Pattern SECRET_ID = Pattern.compile("[A-Za-z0-9/_+=.@:-]{1,2048}");

  /** The field that names a secret, as in the function that this one replaces. */
  String SECRET_NAME = "momento_auth_token_secret_name";

  /**
   * Reads an event.
   *
   * @throws RotationFailure {@code EVENT_UNKNOWN}
   */
  static RotationEvent parse(byte[] event) {
    JsonNode json =
        Json.read(new String(event, UTF_8))
            .filter(JsonNode::isObject)
            .orElseThrow(() -> unknown("The event is not a JSON object."));
    if (!json.has(SECRET_NAME)) {
      throw unknown("The event has no field \"" + SECRET_NAME + "\".");
    }
    List<String> others = new ArrayList<>();
    json.fieldNames().forEachRemaining(others::add);
    others.remove(SECRET_NAME);
    if (!others.isEmpty()) {
      // A misspelt wish must not turn into a rotation that nobody asked for.
      throw unknown("The event has " + others.size() + " fields beside \"" + SECRET_NAME + "\".");
    }
    JsonNode name = json.get(SECRET_NAME);
    if (!name.isTextual() || !SECRET_ID.matcher(name.asText()).matches()) {
      throw unknown("The field \"" + SECRET_NAME + "\" is not the name of a secret.");
    }
    return new Manual(name.asText());
  }

  private static RotationFailure unknown(String what) {
    return new RotationFailure(
        EVENT_UNKNOWN,
        what + " This function takes {\"" + SECRET_NAME + "\": \"<name or ARN of a secret>\"}.");
  }
}
