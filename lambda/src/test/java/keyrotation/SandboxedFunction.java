package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import keyrotation.sandbox.Calls;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaContext;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.Vault;
import keyrotation.sandbox.Vault.Value;
import keyrotation.sandbox.Vault.Version;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The handler, in this JVM, with the sandbox around it and a clock that stands. */
final class SandboxedFunction implements AutoCloseable {

  static final String SECRET = "momento/authentication-token";
  static final Duration LIFETIME = Duration.ofDays(30);

  /** Enough to mint a key, and little to ask about it, since a test of an outage waits for that. */
  private static final Duration TIME_LEFT = Duration.ofSeconds(14);

  /** Short, since a test of a rejection waits for all of it. */
  private static final Duration GRACE = Duration.ofMillis(300);

  private static final ObjectMapper JSON = new ObjectMapper();

  final ManualClock clock = new ManualClock();
  final Sandbox sandbox;

  /** The clock that the handler looks at; the sandbox keeps to the other. */
  InstantSource handlersClock = clock;

  private final SecretsManagerClient client;
  private final RotationHandler handler;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();

  SandboxedFunction(RefreshTokens refreshTokens) {
    this(refreshTokens, GRACE);
  }

  SandboxedFunction(RefreshTokens refreshTokens, Duration grace) {
    this(refreshTokens, grace, Map.of());
  }

  SandboxedFunction(RefreshTokens refreshTokens, Duration grace, Map<String, String> settings) {
    this.sandbox = Sandbox.start(clock, refreshTokens);
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    // The pace that Momento allows would only slow the tests down.
    environment.put("MOMENTO_REFRESHES_PER_SECOND", "1000");
    environment.put("SECRETS_MANAGER_WRITES_PER_SECOND", "1000");
    environment.putAll(settings);
    this.client = RotationHandler.configured(sandbox.secretsManager().functionsClientBuilder());
    try {
      this.handler =
          new RotationHandler(
              Settings.from(environment),
              client,
              TlsChannelCredentials.newBuilder()
                  .trustManager(sandbox.authority().certificate())
                  .build(),
              () -> handlersClock.instant(),
              grace,
              new PrintStream(log, true, UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  MomentoServer momento() {
    return sandbox.momento();
  }

  Vault vault() {
    return sandbox.secretsManager().vault();
  }

  Calls<SecretsManagerException> awsCalls() {
    return sandbox.secretsManager().calls();
  }

  int minted() {
    return momento().calls().count(MomentoServer.REFRESH);
  }

  /** Issues a key with two of its thirty days left, and stores it as an operator does. */
  IssuedKey storeKey() {
    IssuedKey key = issueOldKey(Permissions.SUPER_USER);
    store(key.consoleJson());
    return key;
  }

  IssuedKey issueOldKey(Permissions permissions) {
    return momento().issueAged(LIFETIME, Duration.ofDays(28), permissions);
  }

  /** Stores a value as an operator does: a new version, current at once. */
  Version store(String value) {
    return store(new Value.Text(value));
  }

  Version store(Value value) {
    String token = UUID.randomUUID().toString();
    clock.advance(Duration.ofSeconds(1));
    try {
      return vault().put(SECRET, token, value, Set.of());
    } catch (SecretsManagerException e) {
      return vault().create(SECRET, value, token, null).labelled(Vault.CURRENT).orElseThrow();
    }
  }

  /** Labels a value as pending, as an unfinished rotation of the current key leaves it. */
  Version leavePending(String value) {
    markRefreshed(current());
    return labelPending(value);
  }

  /** Labels a value as pending, as somebody else may do. */
  Version labelPending(String value) {
    clock.advance(Duration.ofSeconds(1));
    return vault()
        .put(SECRET, UUID.randomUUID().toString(), new Value.Text(value), Set.of(Vault.PENDING));
  }

  /** Labels a version as the one whose key was refreshed last. */
  void markRefreshed(Version version) {
    vault()
        .moveLabel(
            SECRET,
            SecretStore.REFRESHED,
            labelled(SecretStore.REFRESHED).map(Version::id).orElse(null),
            version.id());
  }

  /** Asks for a rotation under a new request id. */
  JsonNode rotate() {
    return rotate(UUID.randomUUID().toString());
  }

  JsonNode rotate(String requestId) {
    return rotate(requestId, TIME_LEFT);
  }

  JsonNode rotate(String requestId, Duration timeLeft) {
    return invoke(manualEvent(SECRET), requestId, timeLeft).path("secrets").path(0);
  }

  static String manualEvent(String secretId) {
    return JSON.createObjectNode().put("momento_auth_token_secret_name", secretId).toString();
  }

  /** Invokes the handler; throws what it throws. */
  JsonNode invoke(String event, String requestId, Duration timeLeft) {
    ByteArrayOutputStream response = new ByteArrayOutputStream();
    try {
      handler.handleRequest(
          new ByteArrayInputStream(event.getBytes(UTF_8)),
          response,
          new LambdaContext(requestId, timeLeft));
      return JSON.readTree(response.toByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  Optional<Version> labelled(String label) {
    return vault().describe(SECRET).labelled(label);
  }

  Version current() {
    return labelled(Vault.CURRENT).orElseThrow();
  }

  JsonNode currentJson() {
    return json(current());
  }

  static JsonNode json(Version version) {
    try {
      return version.value() instanceof Value.Text(String text)
          ? JSON.readTree(text)
          : JSON.missingNode();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Tells whether Momento accepts the current key. */
  boolean currentKeyWorks() {
    return momento().accepts(currentJson().path("apiKey").asText());
  }

  /** Returns the labels of every version that has one. */
  Map<String, Set<String>> labels() {
    return vault().describe(SECRET).versions().stream()
        .filter(version -> !version.labels().isEmpty())
        .collect(toMap(Version::id, Version::labels));
  }

  String log() {
    return log.toString(UTF_8);
  }

  @Override
  public void close() {
    client.close();
    sandbox.close();
  }
}
