package keyrotation.tokens;

import java.util.OptionalInt;

/** Why a request got no token. The log names it; the caller sees the status and detail alone. */
enum RefusalReason {
  /** The body is not one that {@link TokenRequest} reads. */
  REQUEST_INVALID(
      400,
      "The body must be a JSON object. It may have the field rule, a text, and the field"
          + " lifetimeSeconds, a whole number of at least 1, and no other."),
  /** API Gateway has not verified the caller in the way that is set. */
  CALLER_UNVERIFIED(403, Detail.FORBIDDEN),
  /** No rule of the policy covers the caller, or not the one that the request names. */
  RULE_MISSING(403, Detail.FORBIDDEN),
  /** A claim that becomes part of a name is missing, or has a value that is not allowed there. */
  CLAIM_UNUSABLE(403, Detail.FORBIDDEN),
  /** More requests than the account's share for tokens. */
  RATE_LIMITED(429, 1),
  /** Momento has refused the call, since the account makes too many. */
  MOMENTO_THROTTLED(429, 1),
  /** Momento did not answer, or with an error of its own. */
  MOMENTO_UNAVAILABLE(503, 1),
  /** The key cannot be read from Secrets Manager. */
  KEY_UNAVAILABLE(503, 10),
  /** Momento rejects the key, also after another look at the secret. */
  KEY_REJECTED(503, 60),
  /** The key may not make tokens, or not these. */
  KEY_NOT_ALLOWED(503, 60),
  /** Momento has refused the request itself. */
  MOMENTO_REFUSED(500, Detail.FAILED),
  /** A fault in this function. */
  INTERNAL_ERROR(500, Detail.FAILED);

  private static final class Detail {
    static final String FORBIDDEN = "This caller gets no such token.";
    static final String RETRY = "Try again after the time that Retry-After states, in seconds.";
    static final String FAILED = "The token could not be made.";
  }

  private final int status;
  private final String detail;
  private final OptionalInt retryAfterSeconds;

  /** A reason for which the same request may succeed later. */
  RefusalReason(int status, int retryAfterSeconds) {
    this(status, Detail.RETRY, OptionalInt.of(retryAfterSeconds));
  }

  RefusalReason(int status, String detail) {
    this(status, detail, OptionalInt.empty());
  }

  RefusalReason(int status, String detail, OptionalInt retryAfterSeconds) {
    this.status = status;
    this.detail = detail;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Returns the status of the HTTP response. */
  int status() {
    return status;
  }

  /** Returns the name of that status. */
  String title() {
    return switch (status) {
      case 400 -> "Bad Request";
      case 403 -> "Forbidden";
      case 429 -> "Too Many Requests";
      case 503 -> "Service Unavailable";
      default -> "Internal Server Error";
    };
  }

  /** Returns what the caller may know. */
  String detail() {
    return detail;
  }

  /** Returns when the same request may succeed; empty if time alone does not help. */
  OptionalInt retryAfterSeconds() {
    return retryAfterSeconds;
  }
}
