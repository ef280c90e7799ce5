package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Comparator.naturalOrder;
import static java.util.stream.Collectors.toCollection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.sandbox.SecretsManagerState.Rotation;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/**
 * A stand-in for AWS Secrets Manager: its JSON protocol over HTTP on the loopback interface.
 *
 * <p>It accepts any credentials. {@code sandbox/README.md} describes what it models.
 */
public final class SecretsManagerServer implements AutoCloseable {

  /** The access key id of functions; other callers are operators. */
  public static final String FUNCTION = "function";

  private static final String TARGET_PREFIX = "secretsmanager.";
  private static final Pattern CALLERS_REGION = Pattern.compile("Credential=[^/]+/[^/]+/([^/]+)/");

  /** The actions allowed in a replica's region: those that do not change the secret. */
  private static final Set<String> ACTIONS_ON_REPLICAS =
      Set.of("DescribeSecret", "GetSecretValue", "ListSecretVersionIds");

  private static final Set<String> ACTIONS_OF_FUNCTIONS = new ConcurrentSkipListSet<>();

  private final ObjectMapper json = new ObjectMapper();
  private final FaultInjector<SecretsManagerException> calls;
  private final SecretsManagerState state;
  private final HttpServer http;
  private @Nullable HttpsServer https;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, Predicate<String>> functions = new ConcurrentHashMap<>();
  private final Queue<Future<?>> rotations = new ConcurrentLinkedQueue<>();
  private final Set<InetSocketAddress> callers = ConcurrentHashMap.newKeySet();
  private volatile int rotationAttempts = 2;

  private SecretsManagerServer(HttpServer http, InstantSource clock) {
    this.http = http;
    this.calls = new FaultInjector<>(clock);
    this.state = new SecretsManagerState(clock);
  }

  /** Starts a server on a free port; the clock dates its versions. */
  public static SecretsManagerServer start(InstantSource clock) {
    try {
      HttpServer http =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      SecretsManagerServer server = new SecretsManagerServer(http, clock);
      http.setExecutor(server.threads);
      http.createContext("/", server::handle);
      http.start();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the value for {@code AWS_ENDPOINT_URL}. */
  public URI endpoint() {
    return URI.create("http://localhost:" + http.getAddress().getPort());
  }

  /** Serves another service's paths at the same address, so that one endpoint URL has both. */
  public void serve(String path, HttpHandler handler) {
    http.createContext(path, handler);
  }

  /** Also listens with TLS; returns the value for {@code AWS_ENDPOINT_URL}. */
  public synchronized URI listenWithTls(CertificateAuthority authority) {
    try {
      if (https == null) {
        https = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        https.setHttpsConfigurator(new HttpsConfigurator(authority.contextForLocalhost()));
        https.setExecutor(threads);
        https.createContext("/", this::handle);
        https.start();
      }
      return URI.create("https://localhost:" + https.getAddress().getPort());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a builder for an operator's client. */
  public SecretsManagerClientBuilder clientBuilder() {
    return clientBuilder(endpoint(), "operator");
  }

  /** Returns a builder for a function's client. */
  public SecretsManagerClientBuilder functionsClientBuilder() {
    return clientBuilder(endpoint(), FUNCTION);
  }

  static SecretsManagerClientBuilder clientBuilder(URI endpoint, String accessKeyId) {
    return SecretsManagerClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(accessKeyId, "sandbox")))
        .httpClientBuilder(UrlConnectionHttpClient.builder());
  }

  /** Returns the secrets, which tests read and change as operators do. */
  public SecretsManagerState state() {
    return state;
  }

  /**
   * Allows the server to invoke a function for its own rotation.
   *
   * @param function processes an event and returns whether it succeeded
   */
  public void allowInvocation(String functionArn, Predicate<String> function) {
    functions.put(functionArn, function);
  }

  /** Sets the number of attempts at a failing rotation; the service's number is not documented. */
  public void setRotationAttempts(int times) {
    rotationAttempts = times;
  }

  /** Waits until all started rotations have ended. */
  public void awaitRotations() throws InterruptedException {
    for (Future<?> rotation : rotations) {
      try {
        rotation.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("A rotation failed with an exception.", e);
      }
    }
  }

  /** Returns the actions that functions have called on any server in this JVM, sorted. */
  public static Set<String> actionsOfFunctions() {
    return Collections.unmodifiableSet(ACTIONS_OF_FUNCTIONS);
  }

  /** Returns the recorded calls, by action, and the planned faults. */
  public FaultInjector<SecretsManagerException> calls() {
    return calls;
  }

  /** Returns how many connections calls have come from so far. */
  public int connections() {
    return callers.size();
  }

  @Override
  public synchronized void close() {
    http.stop(0);
    if (https != null) {
      https.stop(0);
    }
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    callers.add(exchange.getRemoteAddress());
    try (exchange) {
      String target =
          Optional.ofNullable(exchange.getRequestHeaders().getFirst("X-Amz-Target")).orElse("");
      JsonNode request = json.readTree(exchange.getRequestBody());
      if (!target.startsWith(TARGET_PREFIX)) {
        answer(exchange, 400, error("UnknownOperationException", ""));
        return;
      }
      String action = target.substring(TARGET_PREFIX.length());
      if (isFunction(exchange)) {
        ACTIONS_OF_FUNCTIONS.add(action);
      }
      String region = callersRegion(exchange);
      try {
        switch (calls.answer(action, view -> carryOut(action, region, request, lookUp(view)))) {
          case FaultInjector.Answer.Whole<ObjectNode>(ObjectNode whole) ->
              answer(exchange, 200, whole);
          case FaultInjector.Answer.Half<ObjectNode>(ObjectNode whole) ->
              answerHalf(exchange, whole);
          case FaultInjector.Answer.None<ObjectNode> _ -> {}
        }
      } catch (SecretsManagerException e) {
        if (e.type().isEmpty()) {
          answer(exchange, e.status(), "<html>Bad gateway</html>".getBytes(UTF_8));
        } else {
          answer(exchange, e.status(), error(e.type(), e.getMessage()));
        }
      } catch (InterruptedException e) {
        // The server is stopping; the connection is closed.
        Thread.currentThread().interrupt();
      }
    }
  }

  private Function<String, Secret> lookUp(FaultInjector.View view) {
    return switch (view) {
      case FaultInjector.View.Latest _ -> state::describe;
      case FaultInjector.View.BeforeLatestWrite _ -> state::describeStale;
      case FaultInjector.View.AsOf(Duration ago) -> secretId -> state.describeAsOf(secretId, ago);
    };
  }

  private static boolean isFunction(HttpExchange exchange) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization"))
        .filter(header -> header.contains("Credential=" + FUNCTION + "/"))
        .isPresent();
  }

  private static String callersRegion(HttpExchange exchange) {
    Matcher scope =
        CALLERS_REGION.matcher(
            Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization")).orElse(""));
    return scope.find() ? scope.group(1) : "";
  }

  private ObjectNode carryOut(
      String action, String region, JsonNode request, Function<String, Secret> latest) {
    Function<String, Secret> lookUp = latest.andThen(secret -> state.seenIn(region, secret));
    if (!ACTIONS_ON_REPLICAS.contains(action)
        && state.hasReplicaIn(region, request.path("SecretId").asText())) {
      throw SecretsManagerException.replica();
    }
    return switch (action) {
      case "CreateSecret" -> createSecret(request);
      case "CancelRotateSecret" -> cancelRotateSecret(request);
      case "DeleteSecret" -> deleteSecret(request);
      case "DescribeSecret" -> describeSecret(lookUp.apply(secretId(request)));
      case "GetSecretValue" -> getSecretValue(lookUp.apply(secretId(request)), request);
      case "ListSecretVersionIds" -> listSecretVersionIds(lookUp.apply(secretId(request)), request);
      case "ListSecrets" -> listSecrets(request, region);
      case "PutSecretValue" -> putSecretValue(request);
      case "RemoveRegionsFromReplication" -> removeRegionsFromReplication(request);
      case "ReplicateSecretToRegions" -> replicateSecretToRegions(request);
      case "RestoreSecret" -> identify(state.restore(secretId(request)));
      case "RotateSecret" -> rotateSecret(request);
      case "TagResource" -> tagResource(request);
      case "UpdateSecret" -> updateSecret(request);
      case "UpdateSecretVersionStage" -> updateSecretVersionStage(request);
      default ->
          throw SecretsManagerException.invalidRequest(
              "The sandbox does not support " + action + "; see sandbox/README.md.");
    };
  }

  private ObjectNode createSecret(JsonNode request) {
    String name = require(request, "Name");
    Secret secret =
        state.create(
            name,
            value(request).orElse(null),
            text(request, "ClientRequestToken"),
            text(request, "KmsKeyId"));
    state.setDescription(name, Optional.ofNullable(text(request, "Description")).orElse(""));
    state.tag(name, tags(request));
    ObjectNode result = identify(secret);
    secret
        .labelled(SecretsManagerState.CURRENT)
        .ifPresent(version -> result.put("VersionId", version.id()));
    return result;
  }

  private ObjectNode deleteSecret(JsonNode request) {
    boolean atOnce = request.path("ForceDeleteWithoutRecovery").asBoolean(false);
    Secret secret = state.delete(secretId(request), atOnce);
    ObjectNode result = identify(secret);
    secret.deletion().ifPresent(date -> result.set("DeletionDate", seconds(date)));
    return result;
  }

  private ObjectNode describeSecret(Secret secret) {
    ObjectNode result = identify(secret);
    secret.description().ifPresent(text -> result.put("Description", text));
    secret.kmsKeyId().ifPresent(id -> result.put("KmsKeyId", id));
    result.set("CreatedDate", seconds(secret.created()));
    result.set("LastChangedDate", seconds(secret.changed()));
    state.lastReads(secret).values().stream()
        .max(naturalOrder())
        .ifPresent(date -> result.set("LastAccessedDate", seconds(date)));
    secret.deletion().ifPresent(date -> result.set("DeletedDate", seconds(date)));
    secret.primaryRegion().ifPresent(region -> result.put("PrimaryRegion", region));
    putReplicas(result, secret);
    secret
        .rotation()
        .ifPresent(
            rotation -> {
              result.put("RotationEnabled", true);
              result.put("RotationLambdaARN", rotation.functionArn());
              result.putObject("RotationRules").put("AutomaticallyAfterDays", rotation.everyDays());
              rotation.last().ifPresent(date -> result.set("LastRotatedDate", seconds(date)));
              result.set("NextRotationDate", seconds(rotation.next()));
            });
    for (Version version : secret.versions()) {
      if (!version.labels().isEmpty()) {
        result.withObjectProperty("VersionIdsToStages").set(version.id(), labels(version));
      }
    }
    if (!secret.tags().isEmpty()) {
      putTags(result, secret);
    }
    return result;
  }

  private static void putTags(ObjectNode result, Secret secret) {
    ArrayNode tags = result.putArray("Tags");
    secret.tags().forEach((key, value) -> tags.addObject().put("Key", key).put("Value", value));
  }

  private ObjectNode getSecretValue(Secret secret, JsonNode request) {
    Version version =
        SecretsManagerState.read(secret, text(request, "VersionId"), text(request, "VersionStage"));
    state.recordRead(secret, version);
    ObjectNode result = identify(secret, version);
    result.set("CreatedDate", seconds(version.created()));
    switch (version.value()) {
      case Value.Text(String text) -> result.put("SecretString", text);
      case Value.Binary(String base64) -> result.put("SecretBinary", base64);
      case null -> {}
    }
    return result;
  }

  private ObjectNode listSecretVersionIds(Secret secret, JsonNode request) {
    boolean deprecatedToo = request.path("IncludeDeprecated").asBoolean(false);
    Map<String, Instant> lastReads = state.lastReads(secret);
    ObjectNode result = identify(secret);
    ArrayNode list = result.putArray("Versions");
    for (Version version : secret.versions()) {
      if (deprecatedToo || !version.labels().isEmpty()) {
        ObjectNode entry = list.addObject();
        entry.put("VersionId", version.id());
        entry.set("CreatedDate", seconds(version.created()));
        if (lastReads.containsKey(version.id())) {
          entry.set("LastAccessedDate", seconds(lastReads.get(version.id())));
        }
        entry.putArray("KmsKeyIds").add(secret.kmsKeyId().orElse("DefaultEncryptionKey"));
        if (!version.labels().isEmpty()) {
          entry.set("VersionStages", labels(version));
        }
      }
    }
    return result;
  }

  private ObjectNode listSecrets(JsonNode request, String region) {
    ObjectNode result = json.createObjectNode();
    ArrayNode list = result.putArray("SecretList");
    for (Secret listed : state.list()) {
      Secret secret = state.seenIn(region, listed);
      boolean wanted =
          request.path("Filters").valueStream().allMatch(filter -> matches(secret, filter));
      if (wanted) {
        ObjectNode entry = identify(secret);
        list.add(entry);
        putTags(entry, secret);
        secret.primaryRegion().ifPresent(primary -> entry.put("PrimaryRegion", primary));
      }
    }
    return result;
  }

  /** A filter matches if a text starts with one of its values. */
  private static boolean matches(Secret secret, JsonNode filter) {
    Collection<String> texts =
        switch (filter.path("Key").asText()) {
          case "name" -> List.of(secret.name());
          case "tag-key" -> secret.tags().keySet();
          case "tag-value" -> secret.tags().values();
          default ->
              throw SecretsManagerException.invalidParameter(
                  "The sandbox supports only the filters name, tag-key and tag-value.");
        };
    return filter
        .path("Values")
        .valueStream()
        .anyMatch(value -> texts.stream().anyMatch(text -> text.startsWith(value.asText())));
  }

  private ObjectNode tagResource(JsonNode request) {
    state.tag(secretId(request), tags(request));
    return json.createObjectNode();
  }

  private static Map<String, String> tags(JsonNode request) {
    Map<String, String> tags = new TreeMap<>();
    request
        .path("Tags")
        .forEach(tag -> tags.put(tag.path("Key").asText(), tag.path("Value").asText()));
    return tags;
  }

  private ObjectNode replicateSecretToRegions(JsonNode request) {
    List<String> regions =
        request
            .path("AddReplicaRegions")
            .valueStream()
            .map(replica -> require(replica, "Region"))
            .toList();
    return putReplicas(json.createObjectNode(), state.addReplicas(secretId(request), regions));
  }

  private ObjectNode removeRegionsFromReplication(JsonNode request) {
    List<String> regions =
        request.path("RemoveReplicaRegions").valueStream().map(JsonNode::asText).toList();
    return putReplicas(json.createObjectNode(), state.removeReplicas(secretId(request), regions));
  }

  /** Adds the secret's replicas, and whether they are in sync. */
  private ObjectNode putReplicas(ObjectNode result, Secret secret) {
    state
        .replicaStatuses(secret)
        .forEach(
            (region, status) -> {
              ObjectNode replica = result.withArrayProperty("ReplicationStatus").addObject();
              replica.put("Region", region).put("Status", status);
              if (status.equals("Failed")) {
                replica.put(
                    "StatusMessage",
                    "Replication failed: Secret name %s already exists in region %s."
                        .formatted(secret.name(), region));
              }
            });
    return result;
  }

  private ObjectNode cancelRotateSecret(JsonNode request) {
    return identify(state.cancelRotation(secretId(request)));
  }

  private ObjectNode rotateSecret(JsonNode request) {
    String token = text(request, "ClientRequestToken");
    if (token == null) {
      throw SecretsManagerException.invalidParameter(
          "You must provide a ClientRequestToken value. We recommend a UUID-type value.");
    }
    Secret secret = state.describe(secretId(request));
    String functionArn =
        Optional.ofNullable(text(request, "RotationLambdaARN"))
            .or(() -> secret.rotation().map(Rotation::functionArn))
            .orElseThrow(
                () ->
                    SecretsManagerException.invalidRequest(
                        "No Lambda rotation function ARN is associated with this secret."));
    Predicate<String> function = functions.get(functionArn);
    if (function == null) {
      throw SecretsManagerException.cannotInvoke();
    }
    int days =
        request
            .path("RotationRules")
            .path("AutomaticallyAfterDays")
            .asInt(secret.rotation().map(Rotation::everyDays).orElse(1));
    state.setRotation(secret.name(), functionArn, days);
    if (!request.path("RotateImmediately").asBoolean(true)) {
      rotations.add(threads.submit(() -> test(secret, token, function)));
      return identify(secret);
    }
    Optional<Version> unfinished =
        secret
            .labelled(SecretsManagerState.PENDING)
            .filter(version -> !version.labels().contains(SecretsManagerState.CURRENT))
            .filter(version -> !version.id().equals(token));
    if (unfinished.isPresent()) {
      rotations.add(threads.submit(() -> rotate(secret, unfinished.get().id(), function)));
      throw SecretsManagerException.invalidRequest(
          "A previous rotation isn't complete. That rotation will be reattempted.");
    }
    state.addPendingVersion(secret.name(), token);
    rotations.add(threads.submit(() -> rotate(secret, token, function)));
    return identify(secret).put("VersionId", token);
  }

  /** Invokes the function for the four steps; repeats all of them after a failure. */
  private void rotate(Secret secret, String token, Predicate<String> function) {
    for (int attempt = 0; attempt < rotationAttempts; attempt++) {
      boolean done =
          Stream.of("createSecret", "setSecret", "testSecret", "finishSecret")
              .allMatch(step -> function.test(stepEvent(step, secret, token)));
      if (done) {
        state.finishRotation(secret.name(), token);
        return;
      }
    }
  }

  /** Invokes the function for testSecret only, with a temporary version. */
  private void test(Secret secret, String token, Predicate<String> function) {
    state.addPendingVersion(secret.name(), token);
    var _ = function.test(stepEvent("testSecret", secret, token));
    state.removeVersion(secret.name(), token);
  }

  private String stepEvent(String step, Secret secret, String token) {
    return json.createObjectNode()
        .put("Step", step)
        .put("SecretId", secret.arn())
        .put("ClientRequestToken", token)
        .put("RotationToken", UUID.randomUUID().toString())
        .toString();
  }

  private ObjectNode putSecretValue(JsonNode request) {
    Set<String> labels =
        request
            .path("VersionStages")
            .valueStream()
            .map(JsonNode::asText)
            .collect(toCollection(TreeSet::new));
    Value value =
        value(request)
            .orElseThrow(
                () ->
                    SecretsManagerException.invalidRequest(
                        "You must provide either SecretString or SecretBinary."));
    Version version =
        state.put(secretId(request), text(request, "ClientRequestToken"), value, labels);
    return identify(state.describe(secretId(request)), version);
  }

  private ObjectNode updateSecret(JsonNode request) {
    String secretId = secretId(request);
    Optional<Version> version =
        value(request)
            .map(value -> state.update(secretId, text(request, "ClientRequestToken"), value));
    Optional.ofNullable(text(request, "Description"))
        .ifPresent(description -> state.setDescription(secretId, description));
    ObjectNode result = identify(state.describe(secretId));
    version.ifPresent(stored -> result.put("VersionId", stored.id()));
    return result;
  }

  private ObjectNode updateSecretVersionStage(JsonNode request) {
    return identify(
        state.moveLabel(
            secretId(request),
            require(request, "VersionStage"),
            text(request, "RemoveFromVersionId"),
            text(request, "MoveToVersionId")));
  }

  private ObjectNode identify(Secret secret) {
    return json.createObjectNode().put("ARN", secret.arn()).put("Name", secret.name());
  }

  private ObjectNode identify(Secret secret, Version version) {
    ObjectNode result = identify(secret).put("VersionId", version.id());
    if (!version.labels().isEmpty()) {
      result.set("VersionStages", labels(version));
    }
    return result;
  }

  private ArrayNode labels(Version version) {
    ArrayNode array = json.createArrayNode();
    version.labels().forEach(array::add);
    return array;
  }

  /** Returns a date in the protocol's format: seconds since 1970 with three decimal places. */
  private JsonNode seconds(Instant date) {
    return json.getNodeFactory().numberNode(BigDecimal.valueOf(date.toEpochMilli(), 3));
  }

  private ObjectNode error(String type, @Nullable String message) {
    return json.createObjectNode().put("__type", type).put("Message", message);
  }

  private void answer(HttpExchange exchange, int status, ObjectNode body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
    answer(exchange, status, json.writeValueAsBytes(body));
  }

  /** Sends half of a response, and keeps the connection open until the server stops. */
  private void answerHalf(HttpExchange exchange, ObjectNode body)
      throws IOException, InterruptedException {
    byte[] bytes = json.writeValueAsBytes(body);
    exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
    exchange.getResponseBody().flush();
    Thread.sleep(Duration.ofHours(1));
  }

  private static void answer(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    exchange.getResponseHeaders().set("x-amzn-RequestId", UUID.randomUUID().toString());
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static String secretId(JsonNode request) {
    return require(request, "SecretId");
  }

  private static Optional<Value> value(JsonNode request) {
    String text = text(request, "SecretString");
    String base64 = text(request, "SecretBinary");
    if (text != null) {
      return Optional.of(new Value.Text(text));
    }
    return Optional.ofNullable(base64).map(Value.Binary::new);
  }

  private static @Nullable String text(JsonNode request, String field) {
    return request.hasNonNull(field) ? request.get(field).asText() : null;
  }

  private static String require(JsonNode request, String field) {
    String value = text(request, field);
    if (value == null || value.getBytes(UTF_8).length == 0) {
      throw SecretsManagerException.validation(
          "1 validation error detected: Value null at '"
              + Character.toLowerCase(field.charAt(0))
              + field.substring(1)
              + "' failed to satisfy constraint: Member must not be null");
    }
    return value;
  }
}
