package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;

import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.tokens.Authorizer;
import keyrotation.tokens.TokenSettings;
import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Code;
import software.constructs.Construct;

/**
 * The properties of a {@link MomentoKeyRotation}. Each stands for the setting of the same meaning
 * in {@code docs/settings.md}, which has its default and its limits; {@link MomentoKeyRotation}
 * checks them. ARNs, and ids of subnets and security groups, may be tokens of the CDK.
 *
 * <p>Each method that sets a property changes this object and returns it.
 */
public final class MomentoKeyRotationProps {

  private final Code rotationArchive;
  private final Map<String, String> settings = new TreeMap<>();
  private final List<String> created = new ArrayList<>();
  private final List<String> existing = new ArrayList<>();
  private @Nullable Path tokenArchive;

  /**
   * Begins with the defaults.
   *
   * @param rotationArchive the release's {@code rotation-function.zip}
   */
  public MomentoKeyRotationProps(Code rotationArchive) {
    this.rotationArchive = rotationArchive;
  }

  /** Creates these secrets, without a value, and rotates them. */
  public MomentoKeyRotationProps createSecrets(String... names) {
    created.addAll(List.of(names));
    return this;
  }

  /** Rotates secrets that exist; those of another account are named by their ARN. */
  public MomentoKeyRotationProps existingSecrets(String... namesOrArns) {
    existing.addAll(List.of(namesOrArns));
    return this;
  }

  /** Rotates all secrets with this tag as well. */
  public MomentoKeyRotationProps secretTag(String key, String value) {
    return set(StackSettings.SECRET_TAG, key + "=" + value);
  }

  /** Rotates and revokes v2 keys with the management key in this secret. */
  public MomentoKeyRotationProps managementKeySecret(String nameOrArn) {
    return set(StackSettings.MANAGEMENT_SECRET, nameOrArn);
  }

  /** Sets the age at which a key is due, in whole days. */
  public MomentoKeyRotationProps rotateAfter(Duration age) {
    return set("AUTO_ROTATION_IN_DAYS", whole(age, ChronoUnit.DAYS));
  }

  /** Starts scheduled runs at equal intervals of whole hours. */
  public MomentoKeyRotationProps checkEvery(Duration interval) {
    return set("CHECK_INTERVAL_IN_HOURS", whole(interval, ChronoUnit.HOURS));
  }

  /** Starts scheduled runs at a time of day on these days; without days, on each day. */
  public MomentoKeyRotationProps checkAt(LocalTime time, ZoneId zone, DayOfWeek... days) {
    if (days.length > 0) {
      set(
          "CHECK_DAYS",
          Stream.of(days)
              .map(day -> day.name().substring(0, 3).toUpperCase(Locale.ROOT))
              .collect(joining(",")));
    }
    return set("CHECK_AT", time + " " + zone.getId());
  }

  /** Sets what starts rotations. */
  public MomentoKeyRotationProps trigger(RotationTrigger trigger) {
    return set(
        StackSettings.TRIGGER,
        switch (trigger) {
          case EVENTBRIDGE -> "eventbridge";
          case SECRETS_MANAGER -> "secrets-manager";
        });
  }

  /** Names the KMS keys of the secrets; the first encrypts those that are created. */
  public MomentoKeyRotationProps kmsKeys(String... arns) {
    return set(StackSettings.KMS_KEY_ARN, List.of(arns));
  }

  /** Replicates the secrets that are created to these regions. */
  public MomentoKeyRotationProps replicaRegions(String... regions) {
    return set(StackSettings.REPLICA_REGIONS, List.of(regions));
  }

  /**
   * Replicates the secrets that are created.
   *
   * @param kmsKeyArns for each region, the key in that region that encrypts the replicas
   */
  public MomentoKeyRotationProps replicaRegions(Map<String, String> kmsKeyArns) {
    return set(
        StackSettings.REPLICA_REGIONS,
        new TreeMap<>(kmsKeyArns)
            .entrySet().stream().map(key -> key.getKey() + "=" + key.getValue()).toList());
  }

  /** Allows new keys of these roles only, if a tag or an event asks for a role. */
  public MomentoKeyRotationProps allowedRoles(String... roleIds) {
    return set("MOMENTO_ALLOWED_ROLES", List.of(roleIds));
  }

  /** Has first keys issued for the secrets that are created. */
  public MomentoKeyRotationProps firstKeys(String roleId, String endpoint) {
    set(StackSettings.FIRST_KEY_ROLE, roleId);
    return set(StackSettings.ENDPOINT, endpoint);
  }

  /** Allows endpoints of v2 keys with these ends, beside Momento's own. */
  public MomentoKeyRotationProps endpointSuffixes(String... suffixes) {
    return set("MOMENTO_ENDPOINT_SUFFIXES", List.of(suffixes));
  }

  /** Revokes replaced v2 keys after this time, in whole hours. */
  public MomentoKeyRotationProps revokeAfter(Duration grace) {
    return set("REVOKE_AFTER_HOURS", whole(grace, ChronoUnit.HOURS));
  }

  /** Revokes no replaced keys. */
  public MomentoKeyRotationProps doNotRevoke() {
    return set("REVOKE_AFTER_HOURS", "off");
  }

  /** Revokes also replaced v2 keys that this function has not had issued. */
  public MomentoKeyRotationProps revokeOperatorKeys() {
    return set("REVOKE_OPERATOR_KEYS", true);
  }

  /**
   * Limits the calls in a second that manage keys: stacks of one Momento account share its quota.
   */
  public MomentoKeyRotationProps refreshesPerSecond(int calls) {
    return set(StackSettings.REFRESHES_PER_SECOND, calls);
  }

  /** Limits the writing calls to Secrets Manager in a second. */
  public MomentoKeyRotationProps writesPerSecond(int calls) {
    return set("SECRETS_MANAGER_WRITES_PER_SECOND", calls);
  }

  /** Uses this address of Momento's control plane for all keys. */
  public MomentoKeyRotationProps controlEndpoint(String host, int port) {
    return set("MOMENTO_CONTROL_ENDPOINT", host + ":" + port);
  }

  /** Uses this address of Momento's API for v2 keys. */
  public MomentoKeyRotationProps apiEndpoint(String host, int port) {
    return set("MOMENTO_API_ENDPOINT", host + ":" + port);
  }

  /** Mails the alarms. */
  public MomentoKeyRotationProps alarmEmail(String address) {
    return set(StackSettings.ALARM_EMAIL, address);
  }

  /** Publishes the alarms to a topic that exists. */
  public MomentoKeyRotationProps alarmTopic(String arn) {
    return set(StackSettings.ALARM_TOPIC_ARN, arn);
  }

  /** Adds metrics of each secret. */
  public MomentoKeyRotationProps metricsPerSecret() {
    return set(StackSettings.METRICS_PER_SECRET, true);
  }

  /** Creates a topic for the events of changed keys. */
  public MomentoKeyRotationProps keyChangedTopic() {
    return set(StackSettings.KEY_CHANGED_EVENTS, "topic");
  }

  /** Sends the events of changed keys to an event bus. */
  public MomentoKeyRotationProps keyChangedBus(String arn) {
    return set(StackSettings.KEY_CHANGED_EVENTS, arn);
  }

  /** Connects the functions to subnets of a VPC. */
  public MomentoKeyRotationProps network(List<String> subnetIds, List<String> securityGroupIds) {
    set(HostingParser.SUBNET_IDS, subnetIds);
    return set(HostingParser.SECURITY_GROUP_IDS, securityGroupIds);
  }

  /**
   * Sends the functions' HTTPS requests through a proxy.
   *
   * @param except the hosts that are connected to directly
   */
  public MomentoKeyRotationProps proxy(String host, int port, String... except) {
    set(HostingParser.PROXY_EXCEPT, List.of(except));
    return set(HostingParser.PROXY, host + ":" + port);
  }

  /** Limits each role by this managed policy. */
  public MomentoKeyRotationProps permissionsBoundary(String policyArn) {
    return set(HostingParser.PERMISSIONS_BOUNDARY_ARN, policyArn);
  }

  /** Sets the path of each role, which begins and ends with a slash. */
  public MomentoKeyRotationProps rolePath(String path) {
    return set(HostingParser.ROLE_PATH, path);
  }

  /** Adds a tag to each resource. */
  public MomentoKeyRotationProps tag(String key, String value) {
    return set(
        HostingParser.TAGS,
        Stream.concat(
                Optional.ofNullable(settings.get(HostingParser.TAGS)).stream(),
                Stream.of(key + "=" + value))
            .toList());
  }

  /** Encrypts the logs, the queues and the topics with this KMS key. */
  public MomentoKeyRotationProps encryption(String kmsKeyArn) {
    return set(HostingParser.KMS_KEY_ARN, kmsKeyArn);
  }

  /** Keeps log lines for this number of days. */
  public MomentoKeyRotationProps logRetention(int days) {
    return set(HostingParser.LOG_RETENTION, days);
  }

  /** Keeps the log groups when the stack is deleted. */
  public MomentoKeyRotationProps keepLogs() {
    return set(HostingParser.LOG_REMOVAL, "keep");
  }

  /** Sets the memory of the function that rotates keys. */
  public MomentoKeyRotationProps memory(int megabytes) {
    return set(HostingParser.MEMORY, megabytes);
  }

  /** Sets the longest time that an invocation of the function that rotates keys may take. */
  public MomentoKeyRotationProps timeout(Duration time) {
    return set(HostingParser.TIMEOUT, whole(time, ChronoUnit.SECONDS));
  }

  /** Sets the processors of the functions. */
  public MomentoKeyRotationProps architecture(Architecture architecture) {
    return set(HostingParser.ARCHITECTURE, architecture.getName());
  }

  /** Starts the functions without a snapshot. */
  public MomentoKeyRotationProps withoutSnapStart() {
    return set(HostingParser.SNAP_START, "off");
  }

  /**
   * Adds the function that makes tokens, for callers with a JWT.
   *
   * @param archive the release's {@code token-function.zip}
   * @param policy the file with the policy
   */
  public MomentoKeyRotationProps tokensForJwts(
      Path archive, Path policy, String issuer, Collection<String> audiences) {
    set(TokenStackSettings.JWT_ISSUER, issuer);
    set(TokenStackSettings.JWT_AUDIENCE, List.copyOf(audiences));
    return tokens(archive, policy, Authorizer.JWT);
  }

  /** Adds the function that makes tokens, for callers with AWS credentials. */
  public MomentoKeyRotationProps tokensForAwsCredentials(Path archive, Path policy) {
    return tokens(archive, policy, Authorizer.IAM);
  }

  private MomentoKeyRotationProps tokens(Path archive, Path policy, Authorizer authorizer) {
    this.tokenArchive = archive;
    set(TokenStackSettings.TOKENS, "on");
    set(TokenStackSettings.POLICY, policy);
    return set(TokenSettings.AUTHORIZER, authorizer.name().toLowerCase(Locale.ROOT));
  }

  /** Makes the tokens with the key in this secret, if several are rotated. */
  public MomentoKeyRotationProps tokenSecret(String nameOrArn) {
    return set(TokenSettings.SECRET, nameOrArn);
  }

  /** Lets web pages of these origins request tokens. */
  public MomentoKeyRotationProps tokenOrigins(String... origins) {
    return set(TokenStackSettings.ALLOWED_ORIGINS, List.of(origins));
  }

  /** Limits the requests for tokens in a second. */
  public MomentoKeyRotationProps tokensPerSecond(int requests) {
    return set(TokenSettings.PER_SECOND, requests);
  }

  /** Sets the longest life of a token that a rule of the policy may allow, in whole minutes. */
  public MomentoKeyRotationProps maxTokenLifetime(Duration life) {
    return set(TokenSettings.MAX_LIFETIME, whole(life, ChronoUnit.MINUTES));
  }

  private MomentoKeyRotationProps set(String name, Object value) {
    settings.put(
        name,
        value instanceof Collection<?> entries
            ? entries.stream().map(Object::toString).collect(joining(","))
            : value.toString());
    return this;
  }

  private static long whole(Duration duration, ChronoUnit unit) {
    if (!duration.truncatedTo(unit).equals(duration)) {
      throw new IllegalArgumentException(
          duration + " is not a whole number of " + unit.name().toLowerCase(Locale.ROOT) + ".");
    }
    return duration.dividedBy(unit.getDuration());
  }

  /** Returns the settings that these properties stand for. */
  Map<String, String> values() {
    Map<String, String> values = new TreeMap<>(settings);
    List<String> all = Stream.of(created, existing).flatMap(List::stream).toList();
    values.put(StackSettings.SECRET_NAME, String.join(",", all));
    values.put(
        StackSettings.CREATE_SECRETS,
        existing.isEmpty() ? "true" : created.isEmpty() ? "false" : String.join(",", created));
    return values;
  }

  /** Returns the checked settings; the scope's stack may know its account and region. */
  StackSettings settings(Construct scope) {
    Stack stack = Stack.of(scope);
    return StackSettings.from(
        values(), new Environment(known(stack.getAccount()), known(stack.getRegion())));
  }

  private static Optional<String> known(String value) {
    return Optional.of(value).filter(text -> !text.contains("${Token["));
  }

  Archives archives() {
    return new Archives(rotationArchive, Optional.ofNullable(tokenArchive));
  }
}
