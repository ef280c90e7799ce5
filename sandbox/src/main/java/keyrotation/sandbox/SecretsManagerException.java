package keyrotation.sandbox;

/** An error response of Secrets Manager: a type and a message. */
public final class SecretsManagerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String type;
  private final int status;

  private SecretsManagerException(int status, String type, String message) {
    super(message);
    this.type = type;
    this.status = status;
  }

  /** Returns the type, such as {@code ResourceNotFoundException}; empty for a gateway's error. */
  public String type() {
    return type;
  }

  /** Returns the HTTP status. */
  public int status() {
    return status;
  }

  /** The secret or version does not exist. */
  public static SecretsManagerException notFound(String message) {
    return new SecretsManagerException(400, "ResourceNotFoundException", message);
  }

  /** The name or the version id is in use. */
  public static SecretsManagerException exists(String message) {
    return new SecretsManagerException(400, "ResourceExistsException", message);
  }

  /** The secret's state does not allow the call. */
  public static SecretsManagerException invalidRequest(String message) {
    return new SecretsManagerException(400, "InvalidRequestException", message);
  }

  /** A parameter is invalid or contradicts the secret's labels. */
  public static SecretsManagerException invalidParameter(String message) {
    return new SecretsManagerException(400, "InvalidParameterException", message);
  }

  /** The call would write to a replica. */
  public static SecretsManagerException replica() {
    return invalidParameter(
        "Operation not permitted on a replica secret. Call must be made in primary secret's"
            + " region.");
  }

  /** The secret would exceed a quota. */
  public static SecretsManagerException limitExceeded(String message) {
    return new SecretsManagerException(400, "LimitExceededException", message);
  }

  /** A parameter violates its documented length. */
  public static SecretsManagerException validation(String message) {
    return new SecretsManagerException(400, "ValidationException", message);
  }

  /** The caller's role does not allow the action on the secret. */
  public static SecretsManagerException accessDenied(String action, String resource) {
    return denied(action, resource, "identity-based");
  }

  /** The policy of a secret of another account does not allow the action. */
  public static SecretsManagerException deniedByResourcePolicy(String action, String resource) {
    return denied(action, resource, "resource-based");
  }

  private static SecretsManagerException denied(String action, String resource, String kind) {
    return new SecretsManagerException(
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/sandbox/function is not authorized to"
            + " perform: secretsmanager:"
            + action
            + " on resource: "
            + resource
            + " because no "
            + kind
            + " policy allows the secretsmanager:"
            + action
            + " action");
  }

  /** A secret of another account is encrypted with AWS's own key. The code is users' reports. */
  public static SecretsManagerException keyOfOtherAccount() {
    return invalidRequest(
        "You can't access a secret from a different AWS account if you encrypt the secret with the"
            + " default KMS service key.");
  }

  /** The rotation function does not exist or must not be invoked. */
  public static SecretsManagerException cannotInvoke() {
    return new SecretsManagerException(
        400,
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function"
            + " policy grants access to the principal secretsmanager.amazonaws.com.");
  }

  /** KMS denied the use of the key. */
  public static SecretsManagerException kmsDenied() {
    return new SecretsManagerException(
        400, "AccessDeniedException", "Access to KMS is not allowed");
  }

  /** The rate of calls exceeds the quota. */
  public static SecretsManagerException throttled() {
    return new SecretsManagerException(400, "ThrottlingException", "Rate exceeded");
  }

  /** The service failed internally. */
  public static SecretsManagerException internal() {
    return new SecretsManagerException(
        500, "InternalServiceError", "An error occurred on the server side.");
  }

  /** The service is temporarily unavailable. */
  public static SecretsManagerException unavailable() {
    return new SecretsManagerException(503, "ServiceUnavailableException", "Service Unavailable");
  }

  /** A gateway between client and service responds with its own error page. */
  public static SecretsManagerException badGateway() {
    return new SecretsManagerException(502, "", "Bad gateway");
  }
}
