package keyrotation;

import static keyrotation.FailureReason.ACCESS_DENIED;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SECRET_DELETED;
import static keyrotation.FailureReason.SECRET_MALFORMED;
import static keyrotation.FailureReason.SECRET_NOT_FOUND;

import dev.failsafe.Failsafe;
import dev.failsafe.RateLimiter;
import dev.failsafe.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import keyrotation.Settings.Tag;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.FilterNameStringType;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.UpdateSecretVersionStageRequest;

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
   * A label of our own: the version whose key was refreshed last, and so the one that the pending
   * key was made of. If that is not the current one, somebody has stored another key meanwhile.
   */
  static final String REFRESHED = "MOMENTO_REFRESHED";

  /** How long a call may take, with its retries. */
  static final Duration LONGEST_CALL = Duration.ofSeconds(8);

  /** How long one attempt at a call may take. */
  static final Duration LONGEST_ATTEMPT = Duration.ofSeconds(3);

  /**
   * A secret, and which version has which labels. A version without a label is not listed.
   *
   * @param name as an operator knows it
   * @param rotationEnabled whether Secrets Manager's own rotation is switched on
   * @param labels the staging labels, by version id
   */
  record Secret(
      String arn, String name, boolean rotationEnabled, Map<String, List<String>> labels) {

    /** Returns the id of the version that has the label. */
    Optional<String> labelled(String label) {
      return labels.entrySet().stream()
          .filter(entry -> entry.getValue().contains(label))
          .map(Map.Entry::getKey)
          .findFirst();
    }
  }

  /**
   * A version that has a value.
   *
   * @param text the value; empty if it is binary
   * @param labels what it is for, as of this read
   */
  record Version(String id, Optional<Sensitive> text, Instant created, List<String> labels) {

    /**
     * Returns the value.
     *
     * @throws RotationFailure {@code SECRET_MALFORMED}, if it is binary
     */
    Sensitive value() {
      return text.orElseThrow(
          () ->
              new RotationFailure(SECRET_MALFORMED, "The version " + id + " is binary, not text."));
    }
  }

  /** A secret in a list. */
  record Listed(String name, String arn) {}

  private final SecretsManagerClient client;
  private final RateLimiter<Object> writes;

  /**
   * Prepares for calls.
   *
   * @param writes how many writing calls an account is allowed; shared by all rotations
   */
  SecretStore(SecretsManagerClient client, RateLimiter<Object> writes) {
    this.client = client;
    this.writes = writes;
  }

  /** A read may not see at once what was just written: it is done again if it sees what was. */
  static <T> RetryPolicy<T> whileSeeing(T outdated) {
    return RetryPolicy.<T>builder()
        .handleIf(failure -> false)
        .handleResult(outdated)
        .withBackoff(Duration.ofMillis(200), Duration.ofSeconds(1))
        .withMaxRetries(4)
        .build();
  }

  /** Looks a secret up by name or ARN. */
  Secret describe(String secretId) {
    DescribeSecretResponse secret =
        call("DescribeSecret", secretId, () -> client.describeSecret(r -> r.secretId(secretId)));
    if (secret.deletedDate() != null) {
      throw new RotationFailure(SECRET_DELETED, "The secret is scheduled for deletion.");
    }
    return new Secret(
        secret.arn(),
        secret.name(),
        Boolean.TRUE.equals(secret.rotationEnabled()),
        secret.versionIdsToStages());
  }

  /**
   * Returns all secrets that have the tag, in order of their names.
   *
   * @throws RotationFailure {@code SECRET_NOT_FOUND}, if there are none, as where the tag is
   *     misspelt
   */
  List<Listed> tagged(Tag tag) {
    List<Listed> tagged =
        call(
            "ListSecrets",
            "*",
            () ->
                client
                    .listSecretsPaginator(
                        r ->
                            r.filters(
                                filter(FilterNameStringType.TAG_KEY, tag.key()),
                                filter(FilterNameStringType.TAG_VALUE, tag.value())))
                    .stream()
                    .flatMap(page -> page.secretList().stream())
                    // The service takes any tag that begins so.
                    .filter(
                        secret ->
                            secret.tags().stream()
                                .anyMatch(
                                    t ->
                                        t.key().equals(tag.key()) && t.value().equals(tag.value())))
                    .map(secret -> new Listed(secret.name(), secret.arn()))
                    .sorted(Comparator.comparing(Listed::name))
                    .toList());
    if (tagged.isEmpty()) {
      throw new RotationFailure(SECRET_NOT_FOUND, "No secret has the tag.");
    }
    return tagged;
  }

  private static Filter filter(FilterNameStringType key, String value) {
    return Filter.builder().key(key).values(value).build();
  }

  /** Reads a version; empty if there is none with that id, or none with a value yet. */
  Optional<Version> read(Secret secret, String versionId) {
    return call(
        "GetSecretValue",
        secret.name(),
        () -> {
          try {
            return Optional.of(
                version(client.getSecretValue(r -> r.secretId(secret.arn()).versionId(versionId))));
          } catch (ResourceNotFoundException e) {
            return Optional.empty();
          }
        });
  }

  /**
   * Proves the right to write, at no cost: a version that is put again with its own id and value
   * stays as it is. It waits for the turn of {@link #stage}, too.
   */
  void probeWrite(Secret secret, Version current) {
    takeTurns("PutSecretValue", 2);
    call(
        "PutSecretValue", secret.name(), () -> put(secret, current.id(), current.value(), CURRENT));
  }

  /**
   * Stores a value under a version id, labelled as pending. If the version exists already, by
   * another delivery of the same request, it stays as it is: that key is as good as this one, and
   * is the one that everybody will read.
   *
   * <p>It never waits for its turn, lest a key that was minted be lost.
   */
  void stage(Secret secret, String versionId, Sensitive value) {
    call(
        "PutSecretValue",
        secret.name(),
        () -> {
          try {
            put(secret, versionId, value, PENDING);
          } catch (ResourceExistsException e) {
            // It is there.
          }
        });
  }

  /**
   * Moves the current label from one version to another; Secrets Manager does so only if it is
   * where it is believed to be.
   *
   * @return false if it was elsewhere, and has stayed there
   */
  boolean promote(Secret secret, String from, String to) {
    return moveLabel(secret, CURRENT, Optional.of(from), to);
  }

  /**
   * Marks a version as the one that a key is about to be made of, if the mark is where it was
   * described to be.
   *
   * @return false if it was elsewhere, and has stayed there
   */
  boolean markRefreshed(Secret secret, String versionId) {
    Optional<String> from = secret.labelled(REFRESHED);
    return from.equals(Optional.of(versionId)) || moveLabel(secret, REFRESHED, from, versionId);
  }

  private boolean moveLabel(Secret secret, String label, Optional<String> from, String to) {
    if (moveLabel(
        secret,
        r -> r.versionStage(label).removeFromVersionId(from.orElse(null)).moveToVersionId(to))) {
      return true;
    }
    // If it was elsewhere it may be where it should be: an answer was lost, or the same request
    // was delivered twice. A look that still finds it where it was is an old one.
    return Failsafe.with(whileSeeing(from))
        .get(() -> describe(secret.arn()).labelled(label))
        .equals(Optional.of(to));
  }

  /** Takes the pending label off a version, if it is still there, so that nothing waits for it. */
  void dropPending(Secret secret, String versionId) {
    var _ = moveLabel(secret, r -> r.versionStage(PENDING).removeFromVersionId(versionId));
  }

  /** Returns false if the label was not where it was to be taken from. */
  private boolean moveLabel(Secret secret, Consumer<UpdateSecretVersionStageRequest.Builder> move) {
    takeTurns("UpdateSecretVersionStage", 1);
    return call(
        "UpdateSecretVersionStage",
        secret.name(),
        () -> {
          try {
            var _ = client.updateSecretVersionStage(move.andThen(r -> r.secretId(secret.arn())));
            return true;
          } catch (InvalidParameterException e) {
            return false;
          }
        });
  }

  private void put(Secret secret, String versionId, Sensitive value, String label) {
    var _ =
        client.putSecretValue(
            r ->
                r.secretId(secret.arn())
                    .clientRequestToken(versionId)
                    .secretString(value.value())
                    .versionStages(label));
  }

  private static Version version(GetSecretValueResponse answer) {
    return new Version(
        answer.versionId(),
        Optional.ofNullable(answer.secretString()).map(Sensitive::new),
        answer.createdDate(),
        answer.versionStages());
  }

  /** Waits until that many writing calls may be made without exceeding the quota. */
  private void takeTurns(String action, int calls) {
    try {
      if (writes.tryAcquirePermits(calls, LONGEST_CALL)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new RotationFailure(
        SECRETS_MANAGER_UNAVAILABLE,
        "secretsmanager:" + action + " had to wait too long for its turn among many.");
  }

  /**
   * Makes a call, and names the reason if it fails in a way that the call itself has no use for.
   */
  private static <T> T call(String action, String secretId, Supplier<T> call) {
    try {
      return call.get();
    } catch (AwsServiceException e) {
      throw failure("secretsmanager:" + action + " on " + secretId, e);
    } catch (SdkClientException e) {
      throw new RotationFailure(
          SECRETS_MANAGER_UNAVAILABLE,
          "secretsmanager:" + action + " got no answer (" + e.getClass().getSimpleName() + ").");
    }
  }

  /** The same for a call without an answer of interest. */
  private static void call(String action, String secretId, Runnable call) {
    var _ =
        call(
            action,
            secretId,
            () -> {
              call.run();
              return true;
            });
  }

  private static RotationFailure failure(String action, AwsServiceException e) {
    // What answers may be a gateway on the way, and know nothing of AWS's codes.
    String code =
        Optional.ofNullable(e.awsErrorDetails())
            .flatMap(details -> Optional.ofNullable(details.errorCode()))
            .orElse("HTTP status " + e.statusCode());
    String told = " (" + code + ", AWS request " + e.requestId() + ").";
    return switch (code) {
      case "ResourceNotFoundException" ->
          new RotationFailure(SECRET_NOT_FOUND, "There is no such secret in this region" + told);
      case "InvalidRequestException" ->
          String.valueOf(e.getMessage()).contains("deletion")
              ? new RotationFailure(SECRET_DELETED, "The secret is scheduled for deletion" + told)
              : new RotationFailure(
                  ACCESS_DENIED, action + " is not allowed for a secret of this kind" + told);
      case "AccessDeniedException" ->
          new RotationFailure(ACCESS_DENIED, action + " was refused, or KMS refused" + told);
      case "DecryptionFailure" ->
          new RotationFailure(ACCESS_DENIED, action + " failed for want of kms:Decrypt" + told);
      case "EncryptionFailure" ->
          new RotationFailure(
              ACCESS_DENIED, action + " failed for want of kms:GenerateDataKey" + told);
      default -> new RotationFailure(SECRETS_MANAGER_UNAVAILABLE, action + " failed" + told);
    };
  }
}
