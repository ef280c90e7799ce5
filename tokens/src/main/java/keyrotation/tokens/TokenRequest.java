package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a caller may choose: a rule of the policy, and a shorter life.
 *
 * @param rule the rule's name
 */
record TokenRequest(Optional<String> rule, Optional<Duration> lifetime) {

  private static final Set<String> FIELDS = Set.of("rule", "lifetimeSeconds");

  /**
   * Reads a request's body. No body is an empty object.
   *
   * @throws TokenException {@code REQUEST_INVALID}
   */
  static TokenRequest of(APIGatewayV2HTTPEvent event) {
    String body = body(event);
    if (body.isBlank()) {
      return new TokenRequest(Optional.empty(), Optional.empty());
    }
    ObjectNode json = Json.read(body).orElseThrow(() -> invalid("is not a JSON object"));
    json.fieldNames()
        .forEachRemaining(
            field -> {
              // Not ignored: a caller must not believe to have narrowed its token.
              if (!FIELDS.contains(field)) {
                throw invalid("has a field other than rule and lifetimeSeconds");
              }
            });
    return new TokenRequest(rule(json.get("rule")), lifetime(json.get("lifetimeSeconds")));
  }

  private static String body(APIGatewayV2HTTPEvent event) {
    String body = Optional.ofNullable(event.getBody()).orElse("");
    try {
      return event.getIsBase64Encoded()
          ? new String(Base64.getDecoder().decode(body), UTF_8)
          : body;
    } catch (IllegalArgumentException e) {
      throw invalid("is not base64, as the event says");
    }
  }

  private static Optional<String> rule(@Nullable JsonNode json) {
    if (json == null) {
      return Optional.empty();
    }
    if (!json.isTextual()) {
      throw invalid("names a rule that is not a text");
    }
    return Optional.of(json.textValue());
  }

  private static Optional<Duration> lifetime(@Nullable JsonNode json) {
    if (json == null) {
      return Optional.empty();
    }
    if (!json.isInt() || json.intValue() < 1) {
      throw invalid("has lifetimeSeconds that are not a whole number of at least 1");
    }
    return Optional.of(Duration.ofSeconds(json.intValue()));
  }

  private static TokenException invalid(String mistake) {
    return new TokenException(RefusalReason.REQUEST_INVALID, "The body " + mistake + ".");
  }
}
