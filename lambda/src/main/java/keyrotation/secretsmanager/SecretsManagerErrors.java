package keyrotation.secretsmanager;

import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_DELETED;
import static keyrotation.core.FailureReason.SECRET_IS_REPLICA;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;

import java.util.Optional;
import keyrotation.core.RotationException;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * The reasons behind Secrets Manager's errors. An error's message is never repeated, since it may
 * quote a value; its code and request id are.
 */
public final class SecretsManagerErrors {

  private SecretsManagerErrors() {}

  /**
   * Returns the reason for an error.
   *
   * @param action the refused action and the secret
   */
  static RotationException failure(String action, AwsServiceException e) {
    // A gateway on the way may answer, and knows nothing of AWS's codes.
    String code =
        Optional.ofNullable(e.awsErrorDetails())
            .flatMap(details -> Optional.ofNullable(details.errorCode()))
            .orElse("HTTP status " + e.statusCode());
    String source = " (" + code + ", AWS request " + e.requestId() + ").";
    if (isAboutReplica(e)) {
      return new RotationException(
          SECRET_IS_REPLICA, action + " is not allowed on a replica" + source);
    }
    return switch (code) {
      case "ResourceNotFoundException" ->
          new RotationException(
              SECRET_NOT_FOUND, "There is no such secret in this region" + source);
      case "InvalidRequestException" ->
          String.valueOf(e.getMessage()).contains("deletion")
              ? new RotationException(
                  SECRET_DELETED, "The secret is scheduled for deletion" + source)
              : new RotationException(
                  ACCESS_DENIED, action + " is not allowed for a secret of this kind" + source);
      case "AccessDeniedException" ->
          new RotationException(ACCESS_DENIED, action + " was refused, or KMS refused" + source);
      case "DecryptionFailure" ->
          new RotationException(
              ACCESS_DENIED, action + " failed: kms:Decrypt is not allowed" + source);
      case "EncryptionFailure" ->
          new RotationException(
              ACCESS_DENIED, action + " failed: kms:GenerateDataKey is not allowed" + source);
      case "LimitExceededException" ->
          new RotationException(QUOTA_EXCEEDED, action + " exceeds a quota" + source);
      default -> new RotationException(SECRETS_MANAGER_UNAVAILABLE, action + " failed" + source);
    };
  }

  /** Tells a refusal of any write to a replica, by its message: its code has other causes, too. */
  static boolean isAboutReplica(AwsServiceException e) {
    return String.valueOf(e.getMessage()).contains("replica secret");
  }

  public static RotationException replica(String primaryRegion) {
    return new RotationException(
        SECRET_IS_REPLICA, "The secret is a replica; its primary is in " + primaryRegion + ".");
  }
}
