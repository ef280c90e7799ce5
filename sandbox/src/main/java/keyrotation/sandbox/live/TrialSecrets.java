package keyrotation.sandbox.live;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ReplicaRegionType;
import software.amazon.awssdk.services.secretsmanager.model.ReplicationStatusType;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.StatusType;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/** The secrets of the check, which {@link #close} deletes. Their values are not keys. */
final class TrialSecrets implements AutoCloseable {

  /** The prefix of all names. */
  static final String PREFIX = "momento-key-rotation-live-check/";

  /** The tag key of all secrets; the tag's value is the secret's name. */
  static final String TAG = "momento-key-rotation-live-check";

  /** The time limit of slow operations, such as replication. */
  static final Duration SLOW_OPERATION_TIMEOUT = Duration.ofMinutes(5);

  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);

  /** Error codes that refuse the request itself; other errors say nothing about an assumption. */
  private static final Set<String> REFUSALS =
      Set.of(
          "InvalidParameterException",
          "InvalidRequestException",
          "LimitExceededException",
          "ResourceExistsException",
          "ResourceNotFoundException",
          "ValidationException");

  private static final Pattern ACTION = Pattern.compile("(secretsmanager|lambda|logs):[A-Za-z]+");

  private final Supplier<SecretsManagerClientBuilder> clients;
  private final SecretsManagerClient client;
  private final LiveSettings settings;
  private final Poller poller;
  private final Report report;
  private final String names = PREFIX + UUID.randomUUID().toString().substring(0, 8) + "/";
  private final List<TrialSecret> secrets = new ArrayList<>();
  private @Nullable TrialSecret primary;
  private @Nullable TrialSecret replica;
  private @Nullable SecretsManagerClient clientOfReplicas;

  private TrialSecrets(
      Supplier<SecretsManagerClientBuilder> clients,
      LiveSettings settings,
      Poller poller,
      Report report) {
    this.clients = clients;
    this.client = build(clients.get());
    this.settings = settings;
    this.poller = poller;
    this.report = report;
  }

  /**
   * Connects and verifies the credentials.
   *
   * @throws InconclusiveException if Secrets Manager cannot be reached or denies access
   */
  static TrialSecrets connect(
      Supplier<SecretsManagerClientBuilder> clients,
      LiveSettings settings,
      Poller poller,
      Report report) {
    TrialSecrets secrets = new TrialSecrets(clients, settings, poller, report);
    try {
      var _ = secrets.client.describeSecret(r -> r.secretId(PREFIX + "none"));
    } catch (ResourceNotFoundException e) {
      return secrets;
    } catch (SdkException e) {
      secrets.close();
      throw new InconclusiveException(
          "Secrets Manager in %s cannot be called: %s".formatted(secrets.region(), explain(e))
              + " Check the credentials, AWS_REGION, AWS_ENDPOINT_URL and the network.");
    }
    return secrets;
  }

  /** Creates a secret without a value. */
  TrialSecret create() {
    TrialSecret secret = new TrialSecret(client, names + secrets.size(), poller);
    // Added before the call, so that it is deleted even if the response is lost.
    secrets.add(secret);
    var _ =
        client.createSecret(
            r ->
                r.name(secret.name())
                    .description(
                        "Created by the live check of Momento key rotation, which deletes it.")
                    .tags(Tag.builder().key(TAG).value(secret.name()).build()));
    return secret;
  }

  /** Returns the prefix of this run's names. */
  String names() {
    return names;
  }

  SecretsManagerClient client() {
    return client;
  }

  Poller poller() {
    return poller;
  }

  /** Returns the ARN of an alias of a rotation function; empty if none is set. */
  Optional<String> functionAlias() {
    return settings.functionAlias();
  }

  /** Returns the region of the secrets, the primary region of the replica. */
  String region() {
    return client.serviceClientConfiguration().region().id();
  }

  /** Returns the replica, created on the first call; empty if no region is set. */
  Optional<TrialSecret> replica() throws InterruptedException {
    if (settings.replicaRegion().isEmpty()) {
      return Optional.empty();
    }
    String region = settings.replicaRegion().get();
    if (primary == null) {
      primary = create();
      primary.put("a");
      SecretsManagerClient there = build(clients.get().region(Region.of(region)));
      clientOfReplicas = there;
      replica = isReplicated(primary, region) ? primary.seenBy(there) : null;
    }
    if (replica == null) {
      throw new InconclusiveException("No replica was created in " + region + ".");
    }
    return Optional.of(replica);
  }

  private boolean isReplicated(TrialSecret secret, String region) throws InterruptedException {
    ReplicaRegionType added = ReplicaRegionType.builder().region(region).build();
    return refusalOf(
                () ->
                    client.replicateSecretToRegions(
                        r -> r.secretId(secret.name()).addReplicaRegions(added)))
            .isEmpty()
        && poller.await(
            "the replica to be in sync",
            SLOW_OPERATION_TIMEOUT,
            () ->
                secret.describe().replicationStatus().stream()
                    .map(ReplicationStatusType::status)
                    .anyMatch(StatusType.IN_SYNC::equals),
            inSync -> inSync);
  }

  /** Deletes all secrets without a recovery window, even if the check was interrupted. */
  @Override
  public void close() {
    boolean wasInterrupted = Thread.interrupted();
    for (TrialSecret secret : secrets) {
      try {
        delete(secret);
      } catch (SdkException | InterruptedException e) {
        report.error(
            "A secret could not be deleted. Delete it: aws secretsmanager delete-secret --region %s"
                    .formatted(region())
                + " --secret-id %s --force-delete-without-recovery".formatted(secret.name()));
      }
    }
    secrets.clear();
    client.close();
    if (clientOfReplicas != null) {
      clientOfReplicas.close();
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void delete(TrialSecret secret) throws InterruptedException {
    if (secret == primary) {
      String region = settings.replicaRegion().orElseThrow();
      // Ignores the refusal if there is no replica.
      var _ =
          refusalOf(
              () ->
                  client.removeRegionsFromReplication(
                      r -> r.secretId(secret.name()).removeReplicaRegions(region)));
    }
    // A secret cannot be deleted while it has replicas.
    boolean isDeleted =
        poller.await(
            "a replica to be deleted",
            SLOW_OPERATION_TIMEOUT,
            () -> isDeleted(secret),
            deleted -> deleted);
    if (!isDeleted) {
      throw InvalidRequestException.builder().message("It has replicas.").build();
    }
  }

  private boolean isDeleted(TrialSecret secret) {
    try {
      var _ = client.deleteSecret(r -> r.secretId(secret.name()).forceDeleteWithoutRecovery(true));
      return true;
    } catch (ResourceNotFoundException e) {
      return true;
    } catch (InvalidRequestException e) {
      return false;
    }
  }

  private static SecretsManagerClient build(SecretsManagerClientBuilder builder) {
    return builder
        .overrideConfiguration(
            builder.overrideConfiguration().toBuilder().apiCallTimeout(CALL_TIMEOUT).build())
        .build();
  }

  /** Confirms that a call is refused with an error code and a message that contains a text. */
  static Finding refused(String code, String part, Runnable call) {
    Optional<AwsServiceException> refusal = refusalOf(call);
    return refusal
        .map(
            e ->
                Finding.confirmedIf(
                    code(e).equals(code) && textOf(e).contains(part),
                    "It was refused with %s: %s".formatted(code(e), textOf(e))))
        .orElse(new Finding.Refuted("It was not refused."));
  }

  /** Confirms that a call is refused with an error code. */
  static Finding refused(String code, Runnable call) {
    return refused(code, "", call);
  }

  /** Makes a call and returns its refusal; empty if it succeeds. Throws other errors. */
  static Optional<AwsServiceException> refusalOf(Runnable call) {
    try {
      call.run();
      return Optional.empty();
    } catch (AwsServiceException e) {
      if (refusal(e).isEmpty()) {
        throw e;
      }
      return Optional.of(e);
    }
  }

  private static String textOf(AwsServiceException e) {
    return String.valueOf(e.awsErrorDetails().errorMessage());
  }

  /**
   * Returns the error code of a refusal; empty for other errors, such as missing permissions,
   * throttling or network failures.
   */
  static Optional<String> refusal(SdkException e) {
    return e instanceof AwsServiceException service
        ? Optional.of(code(service)).filter(REFUSALS::contains)
        : Optional.empty();
  }

  /** Describes an error without its message, which might contain credentials. */
  static String explain(SdkException e) {
    if (!(e instanceof AwsServiceException service)) {
      return "no response (" + InconclusiveException.rootCauseName(e) + ").";
    }
    Matcher action = ACTION.matcher(String.valueOf(e.getMessage()));
    return code(service) + (action.find() ? " without the permission " + action.group() : "") + ".";
  }

  private static String code(AwsServiceException e) {
    return Optional.ofNullable(e.awsErrorDetails())
        .flatMap(details -> Optional.ofNullable(details.errorCode()))
        .orElse("HTTP status " + e.statusCode());
  }
}
