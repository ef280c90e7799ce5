package keyrotation.secretsmanager;

import static java.util.Objects.requireNonNullElse;
import static java.util.stream.Collectors.toMap;
import static keyrotation.core.FailureReason.RATE_LIMITED_LOCALLY;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_DELETED;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;
import static keyrotation.core.TimeBudget.SECRETS_MANAGER_TIMEOUT;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.SecretId;
import keyrotation.core.SecretTag;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.FilterNameStringType;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.PutSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.ReplicationStatusType;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.Tag;
import software.amazon.awssdk.services.secretsmanager.model.UpdateSecretVersionStageRequest;

/**
 * The calls to Secrets Manager: it reads and writes versions of secrets and their staging labels.
 *
 * <p>Every method throws a {@link RotationException} if the service refuses the call or cannot be
 * reached.
 */
public final class SecretStore {

  /**
   * A secret in a list.
   *
   * @param primaryRegion where its primary is, if this is a replica
   */
  public record Listed(String name, String arn, Optional<String> primaryRegion) {}

  private final SecretsManagerClient client;
  private final RateLimit writes;
  private final Time time;
  private final Optional<String> account;

  /**
   * Prepares for calls.
   *
   * @param account the function's own account, which names mean; empty if it is not known
   * @param writes the limit of writing calls, which all rotations share
   */
  public SecretStore(
      SecretsManagerClient client, Optional<String> account, RateLimit writes, Time time) {
    this.client = client;
    this.account = account;
    this.writes = writes;
    this.time = time;
  }

  /** Returns the function's own account, which names mean; empty if it is not known. */
  public Optional<String> account() {
    return account;
  }

  /**
   * Looks a secret up by name or ARN. A name means the function's own account.
   *
   * @throws RotationException {@code SECRET_IS_REPLICA} too: a replica takes no write
   */
  public Secret describe(String secretId) {
    DescribeSecretResponse secret =
        call("DescribeSecret", secretId, () -> client.describeSecret(r -> r.secretId(secretId)));
    if (secret.deletedDate() != null) {
      throw new RotationException(SECRET_DELETED, "The secret is scheduled for deletion.");
    }
    primaryOfReplica(secret.arn(), secret.primaryRegion())
        .ifPresent(
            region -> {
              throw SecretsManagerErrors.replica(region);
            });
    return new Secret(
        secret.arn(),
        SecretId.of(secret.arn()).otherAccount(account).isPresent() ? secret.arn() : secret.name(),
        requireNonNullElse(secret.createdDate(), Instant.EPOCH),
        Boolean.TRUE.equals(secret.rotationEnabled()),
        Optional.ofNullable(secret.nextRotationDate()),
        Optional.ofNullable(secret.lastChangedDate()).orElse(Instant.EPOCH),
        secret.replicationStatus().stream().map(SecretStore::replica).toList(),
        secret.versionIdsToStages(),
        new SecretTags(
            secret.tags().stream()
                .collect(toMap(Tag::key, tag -> requireNonNullElse(tag.value(), "")))));
  }

  private static Replica replica(ReplicationStatusType replica) {
    return new Replica(
        requireNonNullElse(replica.region(), "unknown"),
        requireNonNullElse(replica.statusAsString(), "unknown"),
        Optional.ofNullable(replica.statusMessage()));
  }

  /** Returns the region of a replica's primary; empty if the secret is no replica. */
  private static Optional<String> primaryOfReplica(String arn, @Nullable String primaryRegion) {
    return primaryRegion == null || arn.contains(":secretsmanager:" + primaryRegion + ":")
        ? Optional.empty()
        : Optional.of(primaryRegion);
  }

  /**
   * Returns all secrets that have the tag, in order of their names.
   *
   * @throws RotationException {@code SECRET_NOT_FOUND}, if there are none, as where the tag is
   *     misspelt
   */
  public List<Listed> findByTag(SecretTag tag) {
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
                    // The service matches prefixes.
                    .filter(
                        secret ->
                            secret.tags().stream()
                                .anyMatch(
                                    t ->
                                        t.key().equals(tag.key()) && t.value().equals(tag.value())))
                    .map(
                        secret ->
                            new Listed(
                                secret.name(),
                                secret.arn(),
                                primaryOfReplica(secret.arn(), secret.primaryRegion())))
                    .sorted(Comparator.comparing(Listed::name))
                    .toList());
    if (tagged.isEmpty()) {
      throw new RotationException(SECRET_NOT_FOUND, "No secret has the tag.");
    }
    return tagged;
  }

  private static Filter filter(FilterNameStringType key, String value) {
    return Filter.builder().key(key).values(value).build();
  }

  /** Reads a version; empty if there is none with that id, or none with a value yet. */
  public Optional<Version> read(Secret secret, String versionId) {
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
   * Reads the current version of a secret, which may be a replica; empty if there is no such secret
   * or it has no value.
   */
  public Optional<Version> readCurrent(String secretId) {
    return call(
        "GetSecretValue",
        secretId,
        () -> {
          try {
            return Optional.of(
                version(
                    client.getSecretValue(
                        r -> r.secretId(secretId).versionStage(StagingLabel.CURRENT))));
          } catch (ResourceNotFoundException e) {
            return Optional.empty();
          }
        });
  }

  /**
   * Proves the right to write: it puts a version again with its own id and value, which changes
   * nothing. It also waits for the permit of the {@link #put} that follows.
   */
  public void probeWrite(Secret secret, String currentId, Sensitive value) {
    acquireWritePermits("PutSecretValue", 2);
    call(
        "PutSecretValue",
        secret.name(),
        () -> {
          var _ =
              writes.call(() -> putValue(secret, currentId, value, List.of(StagingLabel.CURRENT)));
        });
  }

  /**
   * Stores a value under a version id, with labels, in one call. It does not wait: {@link
   * #probeWrite} has waited for its turn, and a new key must not be lost over a wait.
   *
   * @return false if the id is taken by another value, which stays as it is
   */
  public boolean put(Secret secret, String versionId, Sensitive value, List<String> labels) {
    return call(
        "PutSecretValue",
        secret.name(),
        () -> {
          try {
            var _ = writes.callAtOnce(() -> putValue(secret, versionId, value, labels));
            return true;
          } catch (ResourceExistsException e) {
            return false;
          }
        });
  }

  /**
   * Moves AWSCURRENT from one version to another, if it is still on the first one.
   *
   * @return false if another version is current
   */
  public boolean promote(Secret secret, String from, String to) {
    if (moveLabel(
        secret,
        r -> r.versionStage(StagingLabel.CURRENT).removeFromVersionId(from).moveToVersionId(to))) {
      return true;
    }
    // The label may be on the right version already: an answer was lost, or the same request was
    // delivered twice. A description that still shows it on the first version is stale.
    return time.retryWhileStale(
            current -> !current.equals(Optional.of(from)),
            () -> describe(secret.arn()).labelled(StagingLabel.CURRENT))
        .equals(Optional.of(to));
  }

  /**
   * Puts a label on a version that exists.
   *
   * @return false if another version has the label
   */
  public boolean addLabel(Secret secret, String label, String versionId) {
    return moveLabel(secret, r -> r.versionStage(label).moveToVersionId(versionId));
  }

  /** Takes a label off a version, if it is still there. */
  public void removeLabel(Secret secret, String label, String versionId) {
    var _ = moveLabel(secret, r -> r.versionStage(label).removeFromVersionId(versionId));
  }

  /** Moves or removes a label; returns false if it was on another version. */
  private boolean moveLabel(Secret secret, Consumer<UpdateSecretVersionStageRequest.Builder> move) {
    acquireWritePermits("UpdateSecretVersionStage", 1);
    return call(
        "UpdateSecretVersionStage",
        secret.name(),
        () -> {
          try {
            var _ =
                writes.call(
                    () ->
                        client.updateSecretVersionStage(
                            move.andThen(r -> r.secretId(secret.arn()))));
            return true;
          } catch (InvalidParameterException e) {
            if (SecretsManagerErrors.isAboutReplica(e)) {
              throw e;
            }
            return false;
          }
        });
  }

  private PutSecretValueResponse putValue(
      Secret secret, String versionId, Sensitive value, List<String> labels) {
    return client.putSecretValue(
        r ->
            r.secretId(secret.arn())
                .clientRequestToken(versionId)
                .secretString(value.value())
                .versionStages(labels));
  }

  private static Version version(GetSecretValueResponse answer) {
    return new Version(
        answer.versionId(),
        Optional.ofNullable(answer.secretString()).map(Sensitive::new),
        answer.createdDate(),
        answer.versionStages());
  }

  /** Waits for the turn of that many writing calls. */
  private void acquireWritePermits(String action, int calls) {
    if (!writes.acquire(calls, SECRETS_MANAGER_TIMEOUT)) {
      throw new RotationException(
          RATE_LIMITED_LOCALLY,
          "secretsmanager:"
              + action
              + " would have waited for a permit for more than "
              + SECRETS_MANAGER_TIMEOUT.toSeconds()
              + " s; SECRETS_MANAGER_WRITES_PER_SECOND is the limit.");
    }
  }

  /** Makes a call, and turns an error that the call does not handle into a reason. */
  private <T extends @Nullable Object> T call(String action, String secretId, Supplier<T> call) {
    try {
      return call.get();
    } catch (AwsServiceException e) {
      throw SecretsManagerErrors.failure(
          "secretsmanager:" + action + " on " + secretId,
          SecretId.of(secretId).otherAccount(account),
          e);
    } catch (SdkClientException e) {
      throw new RotationException(
          SECRETS_MANAGER_UNAVAILABLE,
          "secretsmanager:" + action + " " + UnansweredCall.describe(e) + ".");
    }
  }

  /** Makes a call whose answer is not needed. */
  private void call(String action, String secretId, Runnable call) {
    var _ =
        this.<@Nullable Object>call(
            action,
            secretId,
            () -> {
              call.run();
              return null;
            });
  }
}
