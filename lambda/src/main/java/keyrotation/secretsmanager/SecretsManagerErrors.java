package keyrotation.secretsmanager;

import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_DELETED;
import static keyrotation.core.FailureReason.SECRET_IS_REPLICA;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import keyrotation.core.RotationException;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * The reasons behind Secrets Manager's errors. An error's message is never repeated, since it may
 * quote a value; its code and request id are, and so is the kind of policy that refused a call.
 */
public final class SecretsManagerErrors {

  /** What AWS writes of the policy that refused a call. */
  private static final Pattern POLICY =
      Pattern.compile(
          "(because no|(?<explicit>with an explicit deny in an?)) (?<policy>identity-based policy"
              + "|resource-based policy|service control policy|resource control policy"
              + "|permissions boundary|session policy|VPC endpoint policy)");

  private SecretsManagerErrors() {}

  /**
   * Returns the reason for an error.
   *
   * @param action the refused action and the secret
   * @param otherAccount the secret's account, if it is not the function's own
   */
  static RotationException failure(
      String action, Optional<String> otherAccount, AwsServiceException e) {
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
    RotationException failure = failure(action, code, source, e);
    return failure.reason() == ACCESS_DENIED && otherAccount.isPresent()
        ? new RotationException(
            ACCESS_DENIED, failure.what() + " " + whatToAllow(otherAccount.get()))
        : failure;
  }

  private static RotationException failure(
      String action, String code, String source, AwsServiceException e) {
    return switch (code) {
      case "ResourceNotFoundException" ->
          new RotationException(
              SECRET_NOT_FOUND, "There is no such secret in this region" + source);
      case "InvalidRequestException" ->
          String.valueOf(e.getMessage()).contains("deletion")
              ? new RotationException(
                  SECRET_DELETED, "The secret is scheduled for deletion" + source)
              : new RotationException(
                  ACCESS_DENIED,
                  action
                      + (isAboutOtherAccount(e)
                          ? refusal(e)
                          : " is not allowed for a secret of this kind")
                      + source);
      case "AccessDeniedException" ->
          new RotationException(ACCESS_DENIED, action + refusal(e) + source);
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

  /** Tells which policy has refused the call, as far as AWS says so in its own fixed words. */
  private static String refusal(AwsServiceException e) {
    String message = String.valueOf(e.getMessage());
    Matcher policy = POLICY.matcher(message);
    if (policy.find()) {
      return policy.group("explicit") == null
          ? " was refused: no " + policy.group("policy") + " allows it"
          : " was refused: the " + policy.group("policy") + " denies it";
    }
    if (isAboutOtherAccount(e)) {
      return " was refused: the secret is encrypted with AWS's own key";
    }
    return message.contains("Access to KMS is not allowed")
        ? " was refused: KMS does not allow the use of the secret's KMS key"
        : " was refused, or KMS refused";
  }

  /** Tells that a secret is encrypted with AWS's own key, which does not serve other accounts. */
  private static boolean isAboutOtherAccount(AwsServiceException e) {
    return String.valueOf(e.getMessage()).contains("different AWS account");
  }

  private static String whatToAllow(String otherAccount) {
    return "The secret is of the account "
        + otherAccount
        + ". Three policies must allow the function's role: the role's own, the resource policy of"
        + " the secret, and, with kms:Decrypt and kms:GenerateDataKey, the policy of the secret's"
        + " KMS key, which must not be AWS's own key.";
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
