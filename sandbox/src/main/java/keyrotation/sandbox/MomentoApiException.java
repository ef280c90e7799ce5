package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** An error response of Momento's HTTP API. */
public final class MomentoApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String code;
  private final transient Optional<String> retryAfter;

  private MomentoApiException(
      int status, String code, String message, Optional<String> retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Returns the HTTP status. */
  public int status() {
    return status;
  }

  /** Returns the field {@code code}; empty for a gateway's error, whose body is the message. */
  public String code() {
    return code;
  }

  /** Returns the value of the header {@code Retry-After}. */
  public Optional<String> retryAfter() {
    return retryAfter;
  }

  /** A field or parameter is missing or invalid. */
  public static MomentoApiException badRequest(String message) {
    return new MomentoApiException(400, "Bad Request", message, Optional.empty());
  }

  /** The key in the header is missing, unknown, expired or revoked. */
  public static MomentoApiException unauthorized() {
    return new MomentoApiException(
        401, "Unauthenticated", "The key is not valid.", Optional.empty());
  }

  /** The key's role does not allow the call. */
  public static MomentoApiException forbidden() {
    return new MomentoApiException(
        403, "PermissionDenied", "Insufficient permissions.", Optional.empty());
  }

  /** There is no such role or key. */
  public static MomentoApiException notFound(String message) {
    return new MomentoApiException(404, "NotFound", message, Optional.empty());
  }

  /** Too many calls; the response says nothing about when to call again. */
  public static MomentoApiException throttled() {
    return new MomentoApiException(429, "TooManyRequests", "Too many requests.", Optional.empty());
  }

  /** Too many calls; the response asks for a pause before the next. */
  public static MomentoApiException throttledFor(Duration pause) {
    return new MomentoApiException(
        429, "TooManyRequests", "Too many requests.", Optional.of("" + pause.toSeconds()));
  }

  /** Too many calls; the response says by a date when to call again. */
  public static MomentoApiException throttledUntil(Instant end) {
    return new MomentoApiException(
        429,
        "TooManyRequests",
        "Too many requests.",
        Optional.of(DateTimeFormatter.RFC_1123_DATE_TIME.format(end.atOffset(ZoneOffset.UTC))));
  }

  /** The service failed. */
  public static MomentoApiException internal() {
    return new MomentoApiException(500, "InternalServerError", "Internal error.", Optional.empty());
  }

  /** A gateway in front answered that Momento cannot be reached. */
  public static MomentoApiException badGateway() {
    return ofGateway(502);
  }

  /** A gateway in front answered with this HTTP status; Momento has not seen the call. */
  public static MomentoApiException ofGateway(int status) {
    return withBody(status, "<html>From a gateway</html>");
  }

  /** The response has this HTTP status and this body. */
  public static MomentoApiException withBody(int status, String body) {
    return new MomentoApiException(status, "", body, Optional.empty());
  }
}
