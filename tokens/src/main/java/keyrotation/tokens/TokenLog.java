package keyrotation.tokens;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent.RequestContext;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;

/**
 * The line of a request in the log: JSON, which Lambda forwards from standard output unchanged.
 *
 * <p>It holds the caller's subject, and no other claim, no header and no token.
 */
final class TokenLog {

  private static final int MAX_SUBJECT = 256;

  private final PrintStream out;
  private final InstantSource clock;
  private final Instant start;
  private final String requestId;
  private final String apiRequestId;
  private String subject = "";
  private String rule = "";

  TokenLog(PrintStream out, InstantSource clock, String requestId, APIGatewayV2HTTPEvent event) {
    this.out = out;
    this.clock = clock;
    this.start = clock.instant();
    this.requestId = requestId;
    this.apiRequestId =
        Optional.ofNullable(event.getRequestContext()).map(RequestContext::getRequestId).orElse("");
  }

  /** Returns API Gateway's id of the request, which its access log has as well. */
  String apiRequestId() {
    return apiRequestId;
  }

  void setSubject(String subject) {
    this.subject = subject.substring(0, Math.min(subject.length(), MAX_SUBJECT));
  }

  void setRule(String rule) {
    this.rule = rule;
  }

  /** Logs that a token was made. */
  void issued(Token token) {
    out.println(line("INFO", "ISSUED").put("expires_at", token.expiresAt().toString()));
  }

  /** Logs that the request got no token. */
  void refused(TokenException refusal) {
    out.println(
        line(refusal.reason().status() < 500 ? "WARN" : "ERROR", "REFUSED")
            .put("reason", refusal.reason().name())
            .put("status", refusal.reason().status())
            .put("message", refusal.getMessage()));
  }

  /**
   * Describes an unexpected exception by its classes and the innermost stack trace. The messages
   * are left out: they may quote a key.
   */
  static TokenException internal(Throwable e) {
    StringBuilder classes = new StringBuilder(e.getClass().getName());
    Throwable innermost = e;
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      classes.append(" of ").append(cause.getClass().getName());
      innermost = cause;
    }
    return new TokenException(
        RefusalReason.INTERNAL_ERROR,
        "This is a fault in the function. Report it with this line: %s %s."
            .formatted(classes, Arrays.stream(innermost.getStackTrace()).limit(5).toList()));
  }

  private ObjectNode line(String level, String result) {
    Instant now = clock.instant();
    ObjectNode line =
        Json.object()
            .put("timestamp", now.toString())
            .put("level", level)
            .put("request_id", requestId)
            .put("api_request_id", apiRequestId)
            .put("step", "token")
            .put("duration_ms", Duration.between(start, now).toMillis())
            .put("result", result);
    if (!subject.isEmpty()) {
      line.put("subject", subject);
    }
    return rule.isEmpty() ? line : line.put("rule", rule);
  }
}
