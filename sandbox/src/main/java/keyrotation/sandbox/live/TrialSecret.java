package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/**
 * A secret whose versions have names, so that a trial can state the expected labels in one line.
 *
 * <p>The id of a version is derived from its name. {@code REPLACES_a} stands for the function's
 * label on the successor of version {@code a}. A state is written as in {@code "a AWSPREVIOUS, b
 * AWSCURRENT REPLACES_a"}.
 */
final class TrialSecret {

  static final String CURRENT = "AWSCURRENT";
  static final String PENDING = "AWSPENDING";

  /** The interval of rotations, if rotation is enabled. */
  static final long DAYS_BETWEEN_ROTATIONS = 30;

  private static final String REPLACES = "REPLACES_";
  private static final String OWN_LABEL = "MOMENTO_REPLACES_";

  /** The longest time that reads may lag behind writes. */
  private static final Duration MAX_LAG = Duration.ofSeconds(10);

  /** The time after which an unwanted change would be visible. */
  private static final Duration STABLE_PERIOD = Duration.ofSeconds(3);

  private final SecretsManagerClient client;
  private final String name;
  private final Poller poller;
  private final Map<String, String> versions;

  TrialSecret(SecretsManagerClient client, String name, Poller poller) {
    this(client, name, poller, new HashMap<>());
  }

  private TrialSecret(
      SecretsManagerClient client, String name, Poller poller, Map<String, String> versions) {
    this.client = client;
    this.name = name;
    this.poller = poller;
    this.versions = versions;
  }

  /** Returns the same secret, called by the client of another region. */
  TrialSecret seenBy(SecretsManagerClient other) {
    return new TrialSecret(other, name, poller, versions);
  }

  SecretsManagerClient client() {
    return client;
  }

  String name() {
    return name;
  }

  /** Returns the id of a version, existing or not: an MD5-based UUID, as the function's ids are. */
  String id(String version) {
    String id = UUID.nameUUIDFromBytes((name + "/" + version).getBytes(UTF_8)).toString();
    versions.put(id, version);
    return id;
  }

  /** Returns the value that {@link #put} stores in a version. */
  String value(String version) {
    return "value of " + version;
  }

  /** PutSecretValue with the version's id and value; moves AWSCURRENT if no labels are given. */
  void put(String version, String... labels) {
    putValue(version, value(version), labels);
  }

  /** The same with any value. */
  void putValue(String version, String value, String... labels) {
    var _ =
        client.putSecretValue(
            r -> {
              r.secretId(name).clientRequestToken(id(version)).secretString(value);
              if (labels.length > 0) {
                r.versionStages(List.of(labels).stream().map(this::label).toList());
              }
            });
  }

  /** UpdateSecretVersionStage, from one version to another. */
  void move(String label, String from, String to) {
    var _ =
        client.updateSecretVersionStage(
            r ->
                r.secretId(name)
                    .versionStage(label(label))
                    .removeFromVersionId(id(from))
                    .moveToVersionId(id(to)));
  }

  /** UpdateSecretVersionStage, from a version to none: removes the label. */
  void takeOff(String label, String from) {
    var _ =
        client.updateSecretVersionStage(
            r -> r.secretId(name).versionStage(label(label)).removeFromVersionId(id(from)));
  }

  /** RotateSecret: Secrets Manager rotates the secret at once, into this version. */
  void rotate(String version, String function) {
    rotate(version, function, true);
  }

  /** RotateSecret without rotating: Secrets Manager only invokes the function's testSecret. */
  void switchRotationOn(String version, String function) {
    rotate(version, function, false);
  }

  private void rotate(String version, String function, boolean now) {
    var _ =
        client.rotateSecret(
            r ->
                r.secretId(name)
                    .clientRequestToken(id(version))
                    .rotationLambdaARN(function)
                    .rotationRules(rules -> rules.automaticallyAfterDays(DAYS_BETWEEN_ROTATIONS))
                    .rotateImmediately(now));
  }

  /** DescribeSecret. */
  DescribeSecretResponse describe() {
    return client.describeSecret(r -> r.secretId(name));
  }

  /** GetSecretValue by id. */
  GetSecretValueResponse readOnce(String version) {
    return client.getSecretValue(r -> r.secretId(name).versionId(id(version)));
  }

  /** The same, retried until a read sees the version. */
  GetSecretValueResponse read(String version) throws InterruptedException {
    return poller
        .await("a version to be seen", MAX_LAG, () -> look(version), Optional::isPresent)
        .orElseThrow(() -> new RefutedException("Version " + version + " cannot be read."));
  }

  /** Reads a version once; empty if the read does not see it. */
  Optional<GetSecretValueResponse> look(String version) {
    try {
      return Optional.of(readOnce(version));
    } catch (ResourceNotFoundException e) {
      return Optional.empty();
    }
  }

  /** Tells whether a version has a label, according to DescribeSecret. */
  boolean has(String version, String label) {
    return describe()
        .versionIdsToStages()
        .getOrDefault(id(version), List.of())
        .contains(label(label));
  }

  /** Confirms that the secret reaches a state. */
  Finding becomes(String state) throws InterruptedException {
    String seen = poller.await("labels to move", MAX_LAG, this::state, state::equals);
    return Finding.confirmedIf(
        seen.equals(state), "The labels are \"%s\"; expected: \"%s\".".formatted(seen, state));
  }

  /** Confirms that the secret stays in a state. */
  Finding stays(String state) throws InterruptedException {
    poller.pause(STABLE_PERIOD);
    return becomes(state);
  }

  private String state() {
    Map<String, String> labels = new TreeMap<>();
    describe()
        .versionIdsToStages()
        .forEach(
            (id, stages) ->
                labels.put(
                    versions.getOrDefault(id, "another"),
                    stages.stream().map(this::shortened).sorted().collect(joining(" "))));
    return labels.entrySet().stream()
        .map(version -> version.getKey() + " " + version.getValue())
        .collect(joining(", "));
  }

  private String label(String label) {
    return label.startsWith(REPLACES) ? OWN_LABEL + id(label.substring(REPLACES.length())) : label;
  }

  private String shortened(String label) {
    return label.startsWith(OWN_LABEL)
        ? REPLACES + versions.getOrDefault(label.substring(OWN_LABEL.length()), "another")
        : label;
  }
}
