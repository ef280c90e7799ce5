package keyrotation.sandbox;

/** An error as Secrets Manager answers it: a type and a message. */
public final class SecretsManagerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String type;
  private final int status;

  private SecretsManagerException(int status, String type, String message) {
    super(message);
    this.type = type;
    this.status = status;
  }

  /**
   * Returns the type, such as {@code ResourceNotFoundException}; empty if it isn't the service's.
   */
  public String type() {
    return type;
  }

  /** Returns the HTTP status that goes with it. */
  public int status() {
    return status;
  }

  /** No such secret, or no such version of it. */
  public static SecretsManagerException notFound(String message) {
    return new SecretsManagerException(400, "ResourceNotFoundException", message);
  }

  /** The name or the version id is taken. */
  public static SecretsManagerException exists(String message) {
    return new SecretsManagerException(400, "ResourceExistsException", message);
  }

  /** Not possible in the secret's present state. */
  public static SecretsManagerException invalidRequest(String message) {
    return new SecretsManagerException(400, "InvalidRequestException", message);
  }

  /** A parameter that can't be, or doesn't match the secret's labels. */
  public static SecretsManagerException invalidParameter(String message) {
    return new SecretsManagerException(400, "InvalidParameterException", message);
  }

  /** A write to a replica. */
  public static SecretsManagerException replica() {
    return invalidParameter(
        "Operation not permitted on a replica secret. Call must be made in primary secret's"
            + " region.");
  }

  /** More of something than a secret may have. */
  public static SecretsManagerException limitExceeded(String message) {
    return new SecretsManagerException(400, "LimitExceededException", message);
  }

  /** A parameter outside its documented length. */
  public static SecretsManagerException validation(String message) {
    return new SecretsManagerException(400, "ValidationException", message);
  }

  /** The caller's role does not allow the action on the secret. */
  public static SecretsManagerException accessDenied(String action, String resource) {
    return new SecretsManagerException(
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/sandbox/function is not authorized to"
            + " perform: secretsmanager:"
            + action
            + " on resource: "
            + resource
            + " because no identity-based policy allows the secretsmanager:"
            + action
            + " action");
  }

  /** The rotation function is not there, or may not be invoked. */
  public static SecretsManagerException cannotInvoke() {
    return new SecretsManagerException(
        400,
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function"
            + " policy grants access to the principal secretsmanager.amazonaws.com.");
  }

  /** KMS refused, or can't be reached through. */
  public static SecretsManagerException kmsDenied() {
    return new SecretsManagerException(
        400, "AccessDeniedException", "Access to KMS is not allowed");
  }

  /** Too many calls. */
  public static SecretsManagerException throttled() {
    return new SecretsManagerException(400, "ThrottlingException", "Rate exceeded");
  }

  /** The service's own fault. */
  public static SecretsManagerException internal() {
    return new SecretsManagerException(
        500, "InternalServiceError", "An error occurred on the server side.");
  }

  /** The service takes no calls now. */
  public static SecretsManagerException unavailable() {
    return new SecretsManagerException(503, "ServiceUnavailableException", "Service Unavailable");
  }

  /** The page of a gateway on the way, which knows nothing of the service's protocol. */
  public static SecretsManagerException badGateway() {
    return new SecretsManagerException(502, "", "Bad gateway");
  }
}
