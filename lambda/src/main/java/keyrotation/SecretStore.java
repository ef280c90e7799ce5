package keyrotation;

import static keyrotation.FailureReason.ACCESS_DENIED;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SECRET_DELETED;
import static keyrotation.FailureReason.SECRET_MALFORMED;
import static keyrotation.FailureReason.SECRET_NOT_FOUND;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/**
 * Secrets Manager: the versions of a secret, and the staging labels that say what each is for.
 *
 * <p>Every method ends in a {@link RotationFailure} when the service refuses or can't be reached.
 * What the service says of an error is not repeated, for it may quote a value; its code is.
 */
final class SecretStore {

  static final String CURRENT = "AWSCURRENT";
  static final String PENDING = "AWSPENDING";
  static final String PREVIOUS = "AWSPREVIOUS";

  /**
   * A secret, and which version has which labels. A version without a label is not listed.
   *
   * @param name as an operator knows it
   * @param labels the staging labels, by version id
   */
  record Secret(String arn, String name, Map<String, List<String>> labels) {

    /** Returns the id of the version that has the label. */
    Optional<String> labelled(String label) {
      return labels.entrySet().stream()
          .filter(entry -> entry.getValue().contains(label))
          .map(Map.Entry::getKey)
          .findFirst();
    }
  }

  /** A version that has a value. */
  record Version(String id, Sensitive value, Instant created) {}

  private final SecretsManagerClient client;

  SecretStore(SecretsManagerClient client) {
    this.client = client;
  }

  /** Looks a secret up by name or ARN. */
  Secret describe(String secretId) {
    try {
      DescribeSecretResponse secret =
          call("DescribeSecret", secretId, () -> client.describeSecret(r -> r.secretId(secretId)));
      if (secret.deletedDate() != null) {
        throw new RotationFailure(SECRET_DELETED, "The secret is scheduled for deletion.");
      }
      return new Secret(secret.arn(), secret.name(), secret.versionIdsToStages());
    } catch (ResourceNotFoundException e) {
      throw new RotationFailure(SECRET_NOT_FOUND, "There is no such secret in this region.");
    }
  }

  /**
   * Reads a version; empty if there is none with that id, or none with a value yet.
   *
   * @throws RotationFailure also {@code SECRET_MALFORMED}, if the value is binary
   */
  Optional<Version> read(Secret secret, String versionId) {
    try {
      var answer =
          call(
              "GetSecretValue",
              secret.name(),
              () -> client.getSecretValue(r -> r.secretId(secret.arn()).versionId(versionId)));
      if (answer.secretString() == null) {
        throw new RotationFailure(
            SECRET_MALFORMED, "The version " + versionId + " is binary, not text.");
      }
      return Optional.of(
          new Version(versionId, new Sensitive(answer.secretString()), answer.createdDate()));
    } catch (ResourceNotFoundException e) {
      return Optional.empty();
    }
  }

  /**
   * Proves the right to write, at no cost: a version that is put again with its own id and value
   * stays as it is.
   */
  void probeWrite(Secret secret, Version current) {
    var _ = put(secret, current.id(), current.value(), CURRENT);
  }

  /**
   * Stores a value under a version id, labelled as pending. If the version exists already, by
   * another delivery of the same request, it stays as it is.
   */
  void stage(Secret secret, String versionId, Sensitive value) {
    try {
      var _ = put(secret, versionId, value, PENDING);
    } catch (ResourceExistsException e) {
      // The other delivery's key is as good as this one, and is what everybody will read.
    }
  }

  /**
   * Moves the current label from one version to another; Secrets Manager does so only if it is
   * where it is believed to be.
   *
   * @return false if it was elsewhere, and has stayed there
   */
  boolean promote(Secret secret, String from, String to) {
    try {
      var _ =
          call(
              "UpdateSecretVersionStage",
              secret.name(),
              () ->
                  client.updateSecretVersionStage(
                      r ->
                          r.secretId(secret.arn())
                              .versionStage(CURRENT)
                              .removeFromVersionId(from)
                              .moveToVersionId(to)));
      return true;
    } catch (InvalidParameterException e) {
      // It may be there already: an answer was lost, or the same request was delivered twice.
      return describe(secret.arn()).labelled(CURRENT).equals(Optional.of(to));
    }
  }

  /** Takes the pending label off a version, if it is still there, so that nothing waits for it. */
  void dropPending(Secret secret, String versionId) {
    try {
      var _ =
          call(
              "UpdateSecretVersionStage",
              secret.name(),
              () ->
                  client.updateSecretVersionStage(
                      r ->
                          r.secretId(secret.arn())
                              .versionStage(PENDING)
                              .removeFromVersionId(versionId)));
    } catch (InvalidParameterException e) {
      // It is elsewhere by now.
    }
  }

  private Object put(Secret secret, String versionId, Sensitive value, String label) {
    return call(
        "PutSecretValue",
        secret.name(),
        () ->
            client.putSecretValue(
                r ->
                    r.secretId(secret.arn())
                        .clientRequestToken(versionId)
                        .secretString(value.value())
                        .versionStages(label)));
  }

  /** Makes a call. What a caller can make sense of, it catches; everything else ends here. */
  private static <T> T call(String action, String secretId, Supplier<T> call) {
    try {
      return call.get();
    } catch (ResourceNotFoundException
        | ResourceExistsException
        | InvalidParameterException meaningful) {
      throw meaningful;
    } catch (AwsServiceException e) {
      throw failure(action, secretId, e);
    } catch (SdkClientException e) {
      throw new RotationFailure(
          SECRETS_MANAGER_UNAVAILABLE, "secretsmanager:" + action + " got no answer.");
    }
  }

  private static RotationFailure failure(String action, String secretId, AwsServiceException e) {
    String code = e.awsErrorDetails() == null ? "" : e.awsErrorDetails().errorCode();
    String told = " (" + code + ", AWS request " + e.requestId() + ").";
    return switch (code) {
      case "AccessDeniedException" ->
          new RotationFailure(
              ACCESS_DENIED,
              "secretsmanager:"
                  + action
                  + " on "
                  + secretId
                  + " was refused, or KMS refused"
                  + told);
      case "DecryptionFailure", "DecryptionFailureException" ->
          new RotationFailure(
              ACCESS_DENIED, "kms:Decrypt with the key of " + secretId + " was refused" + told);
      case "EncryptionFailure", "EncryptionFailureException" ->
          new RotationFailure(
              ACCESS_DENIED,
              "kms:GenerateDataKey with the key of " + secretId + " was refused" + told);
      case "InvalidRequestException" ->
          new RotationFailure(
              SECRET_DELETED, "secretsmanager:" + action + " is not possible now" + told);
      default ->
          new RotationFailure(
              SECRETS_MANAGER_UNAVAILABLE, "secretsmanager:" + action + " failed" + told);
    };
  }
}
