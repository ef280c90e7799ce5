package keyrotation.tokens;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;

/** The HTTP responses. No cache may store one. */
final class Answers {

  private static final int OK = 200;

  private Answers() {}

  /** Hands out a token. */
  static APIGatewayV2HTTPResponse issued(Token token) {
    return response(
        OK,
        Map.of("Content-Type", "application/json"),
        Json.object()
            .put("authToken", token.authToken())
            .put("endpoint", token.endpoint())
            .put("expiresAt", token.expiresAt().getEpochSecond()));
  }

  /**
   * Refuses a request. The response tells nothing of the policy; the log names the reason.
   *
   * @param requestId by which an operator finds the line in the log
   */
  static APIGatewayV2HTTPResponse refused(RefusalReason reason, String requestId) {
    Map<String, String> headers = new HashMap<>();
    headers.put("Content-Type", "application/problem+json");
    reason
        .retryAfterSeconds()
        .ifPresent(seconds -> headers.put("Retry-After", Integer.toString(seconds)));
    return response(
        reason.status(),
        headers,
        Json.object()
            .put("title", reason.title())
            .put("status", reason.status())
            .put("detail", reason.detail())
            .put("requestId", requestId));
  }

  private static APIGatewayV2HTTPResponse response(
      int status, Map<String, String> headers, ObjectNode body) {
    Map<String, String> all = new HashMap<>(headers);
    all.put("Cache-Control", "no-store");
    return APIGatewayV2HTTPResponse.builder()
        .withStatusCode(status)
        .withHeaders(all)
        .withBody(body.toString())
        .build();
  }
}
