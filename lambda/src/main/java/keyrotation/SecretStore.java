package keyrotation;

import static java.util.stream.Collectors.toMap;
import static keyrotation.FailureReason.ACCESS_DENIED;
import static keyrotation.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.FailureReason.RATE_LIMITED_LOCALLY;
import static keyrotation.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.FailureReason.SECRET_DELETED;
import static keyrotation.FailureReason.SECRET_IS_REPLICA;
import static keyrotation.FailureReason.SECRET_MALFORMED;
import static keyrotation.FailureReason.SECRET_NOT_FOUND;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import keyrotation.Settings.Tag;
import org.jspecify.annotations.Nullable;
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
 * <p>Every method ends in a {@link RotationException} when the service refuses or can't be reached.
 * What the service says of an error is not repeated, for it may quote a value; its code is.
 */
final class SecretStore {

  static final String CURRENT = "AWSCURRENT";
  static final String PENDING = "AWSPENDING";
  static final String PREVIOUS = "AWSPREVIOUS";

  /**
   * The beginning of a label of our own on a new version; the rest is the id of its source, the
   * version that it is to replace. It is put in the same call as the value, so that a version never
   * stands without its source.
   */
  static final String REPLACES = "MOMENTO_REPLACES_";

  /** What older versions of this function put on a source, while AWSPENDING was on the new one. */
  static final String REFRESHED = "MOMENTO_REFRESHED";

  /** How many staging labels a secret can have, on all its versions (AWS's quota). */
  static final int MAX_LABELS = 20;

  /** How long a call may take, with its retries. */
  static final Duration CALL_TIMEOUT = Duration.ofSeconds(8);

  /** How long one attempt at a call may take. */
  static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(3);

  /**
   * How long a connection may be silent. The AWS SDK cannot interrupt a read from a TLS connection,
   * so this is what ends an answer that stops half-way; three attempts fit into one call.
   */
  static final Duration SOCKET_TIMEOUT = Duration.ofMillis(2_500);

  /**
   * A secret, and which version has which labels. A version without a label is not listed.
   *
   * @param name as an operator knows it
   * @param rotationEnabled whether Secrets Manager's own rotation is switched on
   * @param changed when it was changed last
   * @param labels the staging labels, by version id
   */
  record Secret(
      String arn,
      String name,
      boolean rotationEnabled,
      Instant changed,
      Map<String, List<String>> labels) {

    /** Returns the id of the version that has the label. */
    Optional<String> labelled(String label) {
      return labels.entrySet().stream()
          .filter(entry -> entry.getValue().contains(label))
          .map(Map.Entry::getKey)
          .findFirst();
    }

    /** Tells whether there is no room for another label; a secret can have 20. */
    boolean isFull() {
      return labels.values().stream().mapToInt(List::size).sum() >= MAX_LABELS;
    }

    /** Returns the labels of a version; none if it has none, or does not exist. */
    List<String> labelsOf(String versionId) {
      return labels.getOrDefault(versionId, List.of());
    }

    /** Returns the secret as it is once the label is taken off. */
    Secret without(String label) {
      Map<String, List<String>> left =
          labels.entrySet().stream()
              .collect(
                  toMap(
                      Map.Entry::getKey,
                      version ->
                          version.getValue().stream().filter(l -> !l.equals(label)).toList()));
      left.values().removeIf(List::isEmpty);
      return new Secret(arn, name, rotationEnabled, changed, left);
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
     * @throws RotationException {@code SECRET_MALFORMED}, if it is binary
     */
    Sensitive value() {
      return text.orElseThrow(
          () ->
              new RotationException(
                  SECRET_MALFORMED, "The version " + id + " is binary, not text."));
    }

    /** Returns when its key ends, as far as that is known. */
    Expiry expiry() {
      return content().map(KeySecret::expiry).orElseGet(Expiry.Unknown::new);
    }

    /** Returns its key and refresh token; empty if the value is binary or cannot be parsed. */
    Optional<KeySecret> content() {
      try {
        return text.map(KeySecret::parse);
      } catch (RotationException unreadable) {
        return Optional.empty();
      }
    }
  }

  /**
   * A secret in a list.
   *
   * @param primaryRegion where its primary is, if this is a replica
   */
  record Listed(String name, String arn, Optional<String> primaryRegion) {}

  private static final int MAX_READS = 5;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(1);

  private final SecretsManagerClient client;
  private final RateLimit writes;
  private final Time time;

  /**
   * Prepares for calls.
   *
   * @param writes how many writing calls an account is allowed; shared by all rotations
   */
  SecretStore(SecretsManagerClient client, RateLimit writes, Time time) {
    this.client = client;
    this.writes = writes;
    this.time = time;
  }

  /**
   * Reads until the answer is as expected, for 2.4 seconds: a read may not see at once what was
   * just written.
   *
   * @return the last answer, as expected or not
   */
  <T> T retryWhileStale(Predicate<T> expected, Supplier<T> read) {
    Duration pause = FIRST_PAUSE;
    T answer = read.get();
    for (int reads = 1; reads < MAX_READS && !expected.test(answer); reads++) {
      time.sleep(pause);
      pause = Collections.min(List.of(pause.multipliedBy(2), MAX_PAUSE));
      answer = read.get();
    }
    return answer;
  }

  /**
   * Looks a secret up by name or ARN.
   *
   * @throws RotationException {@code SECRET_IS_REPLICA} too: a replica takes no write
   */
  Secret describe(String secretId) {
    DescribeSecretResponse secret =
        call("DescribeSecret", secretId, () -> client.describeSecret(r -> r.secretId(secretId)));
    if (secret.deletedDate() != null) {
      throw new RotationException(SECRET_DELETED, "The secret is scheduled for deletion.");
    }
    primaryOfReplica(secret.arn(), secret.primaryRegion())
        .ifPresent(
            region -> {
              throw isReplica(region);
            });
    return new Secret(
        secret.arn(),
        secret.name(),
        Boolean.TRUE.equals(secret.rotationEnabled()),
        Optional.ofNullable(secret.lastChangedDate()).orElse(Instant.EPOCH),
        secret.versionIdsToStages());
  }

  /** Returns the region of a replica's primary; empty if the secret is no replica. */
  private static Optional<String> primaryOfReplica(String arn, @Nullable String primaryRegion) {
    return primaryRegion == null || arn.contains(":secretsmanager:" + primaryRegion + ":")
        ? Optional.empty()
        : Optional.of(primaryRegion);
  }

  static RotationException isReplica(String primaryRegion) {
    return new RotationException(
        SECRET_IS_REPLICA, "The secret is a replica; its primary is in " + primaryRegion + ".");
  }

  /**
   * Returns all secrets that have the tag, in order of their names.
   *
   * @throws RotationException {@code SECRET_NOT_FOUND}, if there are none, as where the tag is
   *     misspelt
   */
  List<Listed> findByTag(Tag tag) {
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
   * stays as it is. It waits for the permit of {@link #put}, too.
   */
  void probeWrite(Secret secret, Version current) {
    acquireWritePermits("PutSecretValue", 2);
    call(
        "PutSecretValue",
        secret.name(),
        () -> putValue(secret, current.id(), current.value(), List.of(CURRENT)));
  }

  /**
   * Stores a value under a version id, with labels, in one call. It never waits for a permit, so
   * that no key is lost for want of one.
   *
   * @return false if the id is taken by another value, which stays as it is
   */
  boolean put(Secret secret, String versionId, Sensitive value, List<String> labels) {
    return call(
        "PutSecretValue",
        secret.name(),
        () -> {
          try {
            putValue(secret, versionId, value, labels);
            return true;
          } catch (ResourceExistsException e) {
            return false;
          }
        });
  }

  /**
   * Moves AWSCURRENT from one version to another; Secrets Manager does so only if it is where it is
   * believed to be.
   *
   * @return false if it was elsewhere, and has stayed there
   */
  boolean promote(Secret secret, String from, String to) {
    if (moveLabel(
        secret, r -> r.versionStage(CURRENT).removeFromVersionId(from).moveToVersionId(to))) {
      return true;
    }
    // If it was elsewhere it may be where it should be: an answer was lost, or the same request
    // was delivered twice. A look that still finds it where it was is an old one.
    return retryWhileStale(
            current -> !current.equals(Optional.of(from)),
            () -> describe(secret.arn()).labelled(CURRENT))
        .equals(Optional.of(to));
  }

  /** Takes a label off a version, if it is still there. */
  void removeLabel(Secret secret, String label, String versionId) {
    var _ = moveLabel(secret, r -> r.versionStage(label).removeFromVersionId(versionId));
  }

  /** Returns false if the label was not where it was to be taken from. */
  private boolean moveLabel(Secret secret, Consumer<UpdateSecretVersionStageRequest.Builder> move) {
    acquireWritePermits("UpdateSecretVersionStage", 1);
    return call(
        "UpdateSecretVersionStage",
        secret.name(),
        () -> {
          try {
            var _ = client.updateSecretVersionStage(move.andThen(r -> r.secretId(secret.arn())));
            return true;
          } catch (InvalidParameterException e) {
            if (isAboutReplica(e)) {
              throw e;
            }
            return false;
          }
        });
  }

  private void putValue(Secret secret, String versionId, Sensitive value, List<String> labels) {
    var _ =
        client.putSecretValue(
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

  /** Waits until that many writing calls may be made without exceeding the quota. */
  private void acquireWritePermits(String action, int calls) {
    if (!writes.acquire(calls, CALL_TIMEOUT)) {
      throw new RotationException(
          RATE_LIMITED_LOCALLY,
          "secretsmanager:"
              + action
              + " would have waited for a permit for more than "
              + CALL_TIMEOUT.toSeconds()
              + " s; SECRETS_MANAGER_WRITES_PER_SECOND is the limit.");
    }
  }

  /**
   * Makes a call, and names the reason if it fails in a way that the call itself has no use for.
   */
  private static <T extends @Nullable Object> T call(
      String action, String secretId, Supplier<T> call) {
    try {
      return call.get();
    } catch (AwsServiceException e) {
      throw failure("secretsmanager:" + action + " on " + secretId, e);
    } catch (SdkClientException e) {
      throw new RotationException(
          SECRETS_MANAGER_UNAVAILABLE,
          "secretsmanager:" + action + " got no answer (" + e.getClass().getSimpleName() + ").");
    }
  }

  /** The same for a call without an answer of interest. */
  private static void call(String action, String secretId, Runnable call) {
    var _ =
        SecretStore.<@Nullable Object>call(
            action,
            secretId,
            () -> {
              call.run();
              return null;
            });
  }

  /** Recorded: the code is the one for a label that is elsewhere, too; only the message differs. */
  private static boolean isAboutReplica(AwsServiceException e) {
    return String.valueOf(e.getMessage()).contains("replica secret");
  }

  private static RotationException failure(String action, AwsServiceException e) {
    // What answers may be a gateway on the way, and know nothing of AWS's codes.
    String code =
        Optional.ofNullable(e.awsErrorDetails())
            .flatMap(details -> Optional.ofNullable(details.errorCode()))
            .orElse("HTTP status " + e.statusCode());
    String told = " (" + code + ", AWS request " + e.requestId() + ").";
    if (isAboutReplica(e)) {
      return new RotationException(
          SECRET_IS_REPLICA, action + " is not allowed on a replica" + told);
    }
    return switch (code) {
      case "ResourceNotFoundException" ->
          new RotationException(SECRET_NOT_FOUND, "There is no such secret in this region" + told);
      case "InvalidRequestException" ->
          String.valueOf(e.getMessage()).contains("deletion")
              ? new RotationException(SECRET_DELETED, "The secret is scheduled for deletion" + told)
              : new RotationException(
                  ACCESS_DENIED, action + " is not allowed for a secret of this kind" + told);
      case "AccessDeniedException" ->
          new RotationException(ACCESS_DENIED, action + " was refused, or KMS refused" + told);
      case "DecryptionFailure" ->
          new RotationException(
              ACCESS_DENIED, action + " failed: kms:Decrypt is not allowed" + told);
      case "EncryptionFailure" ->
          new RotationException(
              ACCESS_DENIED, action + " failed: kms:GenerateDataKey is not allowed" + told);
      case "LimitExceededException" ->
          new RotationException(QUOTA_EXCEEDED, action + " exceeds a quota" + told);
      default -> new RotationException(SECRETS_MANAGER_UNAVAILABLE, action + " failed" + told);
    };
  }
}
