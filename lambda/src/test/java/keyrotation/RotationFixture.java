package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;
import keyrotation.core.RotationRequest;
import keyrotation.core.TimeBudget;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;

/**
 * The function, in this JVM or in a process of its own, and the sandbox around it with one secret,
 * as an operator, Momento and Secrets Manager see and change them.
 */
abstract class RotationFixture implements AutoCloseable {

  /** How an invocation ends. */
  sealed interface Outcome {

    /** Returns the secret's entry in the report; a missing node if there is no report. */
    default JsonNode entry() {
      return this instanceof Answered(JsonNode report)
          ? report.path("secrets").path(0)
          : JSON.missingNode();
    }

    /** Returns the reported result; empty if there is none. */
    default String result() {
      return entry().path("result").asText();
    }

    /** Returns the id of the version that is reported; empty if there is none. */
    default String versionId() {
      return entry().path("version_id").asText();
    }

    /** The function answered with a report. */
    record Answered(JsonNode report) implements Outcome {}

    /** It ended in an error. */
    record Failed(String message) implements Outcome {}

    /** Its process crashed. */
    record Crashed() implements Outcome {}
  }

  static final String SECRET = "momento/authentication-token";
  static final String ISSUER = "momento-key-rotation/1";
  static final String MANAGEMENT_SECRET = "momento/management-key";
  static final Duration LIFETIME = Duration.ofDays(30);

  /** How long a key has to live where scheduled runs are a day apart. */
  static final Duration SHORTEST_LIFE =
      new RenewalPolicy(Optional.empty(), Duration.ofDays(1)).shortestLife();

  /** How much is left of a key that is near its end, but not too short-lived. */
  private static final Duration LEFT = SHORTEST_LIFE.plusHours(5);

  /** How long ago such a key was stored, so that it is due by now. */
  static final Duration STORED_FOR = LEFT.minus(SHORTEST_LIFE).plusHours(1);

  private static final String FUNCTION_ARN =
      "arn:aws:lambda:us-east-1:123456789012:function:sandbox";
  private static final ObjectMapper JSON = new ObjectMapper();

  final Sandbox sandbox;
  final KeyKind kind;
  private final Consumer<Duration> clock;
  private int revocationsSeen;
  private final Map<String, Instant> scheduledTimes = new ConcurrentHashMap<>();

  /**
   * Starts without the secret.
   *
   * @param kind the kind of the keys that {@link #storeDueKey} and its like store
   * @param clock lets time pass
   */
  RotationFixture(Sandbox sandbox, KeyKind kind, Consumer<Duration> clock) {
    this.sandbox = sandbox;
    this.kind = kind;
    this.clock = clock;
  }

  /** Hands the function an event. */
  abstract Outcome deliver(String event, String requestId);

  /** Makes a request that has all the time it needs. */
  RotationRequest request(String identity) {
    return new RotationRequest(
        identity, new TimeBudget(this::now, Instant.MAX, TimeBudget.PROPAGATION_GRACE));
  }

  /** Returns the time by the function's clock. */
  abstract Instant now();

  /** Returns the time of a scheduled event: the same whenever it is delivered. */
  Instant scheduledTime(String identity) {
    return scheduledTimes.computeIfAbsent(identity, _ -> now().plusSeconds(scheduledTimes.size()));
  }

  /** Returns all that the function has shown so far: its log, responses and errors. */
  abstract String shown();

  /** Returns all keys that Momento has issued so far. */
  List<SandboxKey> keys() {
    return Stream.<SandboxKey>concat(momento().issued().stream(), v2Keys().issued().stream())
        .toList();
  }

  /** Returns the key in a version, if Momento has issued it. */
  Optional<SandboxKey> issued(Version version) {
    String apiKey = json(version).path("apiKey").asText();
    return keys().stream().filter(key -> key.apiKey().equals(apiKey)).findFirst();
  }

  /**
   * Returns the key that a key was made from: the one that it was refreshed from; or for a v2 key
   * the one of the version that its own was stored for.
   */
  Optional<String> parentOf(String apiKey) {
    return momento().parentOf(apiKey).map(SandboxKey::apiKey).or(() -> parentOfV2(apiKey));
  }

  private Optional<String> parentOfV2(String apiKey) {
    if (issuedByFunction().noneMatch(key -> key.apiKey().equals(apiKey))) {
      return Optional.empty();
    }
    List<Version> versions = state().describe(SECRET).versions();
    Set<String> labels =
        versions.stream()
            .filter(holder -> json(holder).path("apiKey").asText().equals(apiKey))
            .flatMap(holder -> holder.firstLabels().stream())
            .collect(toSet());
    return versions.stream()
        .filter(source -> labels.contains(StagingLabel.replaces(source.id())))
        .map(source -> json(source).path("apiKey").asText())
        .findFirst();
  }

  /** Returns the v2 keys that the function has had issued for the secret. */
  List<V2Key> keysIssuedByFunction() {
    return issuedByFunction().toList();
  }

  /** Returns the ids of the keys that the function has revoked since this was asked last. */
  synchronized List<String> newlyRevoked() {
    List<String> all = v2Keys().revokedByCalls();
    List<String> newly = all.subList(revocationsSeen, all.size());
    revocationsSeen = all.size();
    return newly;
  }

  private Stream<V2Key> issuedByFunction() {
    return v2Keys().issued().stream().filter(key -> key.description().startsWith(ISSUER));
  }

  /** Counts the keys that the function has had made, those included that were lost. */
  long renewals() {
    return momento().issued().stream()
            .filter(key -> momento().parentOf(key.apiKey()).isPresent())
            .count()
        + issuedByFunction().count();
  }

  /** Stores a key of the kind that is near its end, a while ago, so that it is due. */
  SandboxKey storeDueKey() {
    return kind == KeyKind.V2 ? storeV2Key() : storeKey();
  }

  /** Issues a key of the kind that is near its end. */
  SandboxKey issueDueKey() {
    return kind == KeyKind.V2
        ? issueOldV2Key(V2Keys.OPERATOR)
        : issueOldKey(Permissions.SUPER_USER);
  }

  /** Issues a key of the kind that has all its life before it. */
  SandboxKey issueFreshKey(Duration age) {
    return kind == KeyKind.V2
        ? v2Keys().issueAged(V2Keys.OPERATOR, "console", age, LIFETIME)
        : momento().issueAged(LIFETIME, age, Permissions.SUPER_USER);
  }

  /** Has Momento make a key in place of another one, as the function would. */
  SandboxKey renew(SandboxKey old) {
    return switch (old) {
      case IssuedKey v1 -> momento().refresh(v1);
      case V2Key v2 ->
          v2Keys()
              .issueAged(
                  V2Keys.OPERATOR,
                  String.join(
                      " ",
                      ISSUER,
                      hash(state().describe(SECRET).arn()),
                      UUID.randomUUID().toString(),
                      SECRET),
                  Duration.ZERO,
                  LIFETIME);
    };
  }

  private static String hash(String arn) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(arn.getBytes(UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, 20);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Has Secrets Manager rotate the secret by its own rotation, once.
   *
   * @return how its last step ended
   */
  Outcome rotateSecret() {
    List<Outcome> steps = ownRotation(true);
    return steps.getLast();
  }

  /** Switches Secrets Manager's own rotation on, which tests the function and rotates nothing. */
  void enableRotation() {
    var _ = ownRotation(false);
  }

  private List<Outcome> ownRotation(boolean immediately) {
    List<Outcome> steps = new CopyOnWriteArrayList<>();
    sandbox.secretsManager().setRotationAttempts(1);
    sandbox
        .secretsManager()
        .allowInvocation(
            FUNCTION_ARN,
            event -> {
              Outcome step = deliver(event, UUID.randomUUID().toString());
              steps.add(step);
              return step instanceof Outcome.Answered;
            });
    try (var client = sandbox.secretsManager().clientBuilder().build()) {
      var _ =
          client.rotateSecret(
              r ->
                  r.secretId(SECRET)
                      .rotationLambdaARN(FUNCTION_ARN)
                      .rotateImmediately(immediately));
    } catch (InvalidRequestException e) {
      // A rotation is unfinished; Secrets Manager goes on with it.
    }
    try {
      sandbox.secretsManager().awaitRotations();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return steps;
  }

  /** Lets Momento and Secrets Manager work again as they should. */
  void clearFaults() {
    sandbox.clearFaults();
  }

  /** Lets time pass. */
  void pass(Duration duration) {
    clock.accept(duration);
  }

  MomentoServer momento() {
    return sandbox.momento();
  }

  SecretsManagerState state() {
    return sandbox.secretsManager().state();
  }

  FaultInjector<SecretsManagerException> awsCalls() {
    return sandbox.secretsManager().calls();
  }

  /** Counts the refreshes that Momento was asked for, refused ones too. */
  int refreshes() {
    return momento().calls().count(MomentoServer.REFRESH);
  }

  /** Stores a key that is near its end as an operator does, a while ago, so that it is due. */
  IssuedKey storeKey() {
    IssuedKey key = storeKeyAtOnce();
    pass(STORED_FOR);
    return key;
  }

  /** Stores a key that is near its end as an operator does, at this moment. */
  IssuedKey storeKeyAtOnce() {
    IssuedKey key = issueOldKey(Permissions.SUPER_USER);
    store(key.consoleJson());
    return key;
  }

  /** Stores a v2 key that is near its end as an operator does, a while ago, so that it is due. */
  V2Key storeV2Key() {
    storeManagementKey();
    V2Key key = issueOldV2Key(V2Keys.OPERATOR);
    store(key.consoleJson());
    pass(STORED_FOR);
    return key;
  }

  V2Key issueOldV2Key(V2Keys.Role role) {
    return v2Keys().issueAged(role, "console", LIFETIME.minus(LEFT), LIFETIME);
  }

  /** Stores a management key that never expires, if there is none yet. */
  void storeManagementKey() {
    if (state().list().stream().noneMatch(secret -> secret.name().equals(MANAGEMENT_SECRET))) {
      V2Key key = v2Keys().issue(V2Keys.OWNER, "management key", Optional.empty());
      var _ =
          state()
              .create(
                  MANAGEMENT_SECRET,
                  new Value.Text(key.consoleJson()),
                  UUID.randomUUID().toString(),
                  null);
    }
  }

  V2Keys v2Keys() {
    return momento().v2Keys();
  }

  FaultInjector<MomentoApiException> apiCalls() {
    return sandbox.momentoApi().calls();
  }

  IssuedKey issueOldKey(Permissions permissions) {
    return momento().issueAged(LIFETIME, LIFETIME.minus(LEFT), permissions);
  }

  /** Stores a value as an operator does: a new version, current at once. */
  Version store(String value) {
    return store(new Value.Text(value));
  }

  Version store(Value value) {
    String token = versionIdFor(value);
    pass(Duration.ofSeconds(1));
    try {
      return state().put(SECRET, token, value, Set.of());
    } catch (SecretsManagerException e) {
      return state()
          .create(SECRET, value, token, null)
          .labelled(SecretsManagerState.CURRENT)
          .orElseThrow();
    }
  }

  /** Stores a value as the current version's successor, as an unfinished rotation leaves it. */
  Version leaveSuccessor(String value) {
    return put(value, StagingLabel.replaces(current().id()));
  }

  /** Stores a value as an unfinished rotation of Secrets Manager's own leaves it. */
  Version leavePending(String value) {
    return put(value, SecretsManagerState.PENDING, StagingLabel.replaces(current().id()));
  }

  /** Stores a value as an unfinished rotation by an older version of the function leaves it. */
  Version leaveAsOlderFunction(String value) {
    markRefreshed(current());
    return put(value, SecretsManagerState.PENDING);
  }

  /** Stores a value with labels. */
  Version put(String value, String... labels) {
    pass(Duration.ofSeconds(1));
    Value text = new Value.Text(value);
    return state().put(SECRET, versionIdFor(text), text, Set.of(labels));
  }

  /**
   * Returns the version id that the function had a key issued for, and did not use; else a new one.
   */
  private String versionIdFor(Value value) {
    return issuedByFunction()
        .filter(key -> value.equals(new Value.Text(key.consoleJson())))
        .map(key -> key.description().split(" ", -1)[2])
        .filter(id -> state().describe(SECRET).version(id).isEmpty())
        .findFirst()
        .orElseGet(() -> UUID.randomUUID().toString());
  }

  /** Labels a version as older versions of the function did, before they refreshed its key. */
  void markRefreshed(Version version) {
    state()
        .moveLabel(
            SECRET,
            StagingLabel.REFRESHED,
            labelled(StagingLabel.REFRESHED).map(Version::id).orElse(null),
            version.id());
  }

  Optional<Version> labelled(String label) {
    return state().describe(SECRET).labelled(label);
  }

  /** Returns the stored, not yet promoted version that replaces the current one. */
  Optional<Version> successor() {
    return labelled(StagingLabel.replaces(current().id()));
  }

  Version current() {
    return labelled(SecretsManagerState.CURRENT).orElseThrow();
  }

  JsonNode currentJson() {
    return json(current());
  }

  static JsonNode json(Version version) {
    return version.value() instanceof Value.Text(String text) ? parse(text) : JSON.missingNode();
  }

  static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns when the key of a version ends, by its value, or else as Momento has issued it. */
  Instant validUntil(Version version) {
    JsonNode stated = json(version).path("validUntil");
    return stated.isMissingNode()
        ? issued(version).map(SandboxKey::validUntil).orElse(Instant.EPOCH)
        : Instant.ofEpochSecond(stated.asLong());
  }

  /** Tells whether Momento accepts the current key. */
  boolean currentKeyWorks() {
    return momento().accepts(currentJson().path("apiKey").asText());
  }

  /** Returns the labels of every version that has one. */
  Map<String, Set<String>> labels() {
    return state().describe(SECRET).versions().stream()
        .filter(version -> !version.labels().isEmpty())
        .collect(toMap(Version::id, Version::labels));
  }

  static String manualEvent(String secretId) {
    return JSON.createObjectNode().put("momento_auth_token_secret_name", secretId).toString();
  }

  @Override
  public abstract void close();
}
