package keyrotation.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Demonstrates the packed function. For each event, it stores a key as a user would, sends the
 * event twice, prints the results, and compares them with the expected ones.
 */
public final class Demo {

  private static final String SECRET = "momento/authentication-token";
  private static final String MANAGEMENT_SECRET = "momento/management-key";
  private static final String FUNCTION_ARN =
      "arn:aws:lambda:us-east-1:123456789012:function:sandbox";
  private static final Duration LIFETIME = Duration.ofDays(30);

  /** The key was stored 6 hours ago and expires in 49 hours, so that it is due. */
  private static final Duration STORED_AGO = Duration.ofHours(6);

  private static final Duration LEFT = Duration.ofHours(49).plus(STORED_AGO);
  private static final int MEMORY_MEGABYTES = 512;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The kinds of keys. */
  private enum Kind {
    V1,
    V2;

    /** Tells whether an event is about keys of this kind: only v2 keys can be revoked. */
    boolean has(Path event) {
      return switch (this) {
        case V1 -> !event.endsWith("revoke-previous.json");
        case V2 -> !event.endsWith("to-v2.json");
      };
    }
  }

  /** A version of the secret, as a reader of the secret sees it. */
  private record Row(String id, String apiKey, Instant validUntil, List<String> labels) {}

  private final PrintStream out;
  private final Sandbox sandbox;
  private final LambdaServer lambda;
  private final SecretsManagerClient secretsManager;

  private Demo(
      PrintStream out, Sandbox sandbox, LambdaServer lambda, SecretsManagerClient secretsManager) {
    this.out = out;
    this.sandbox = sandbox;
    this.lambda = lambda;
    this.secretsManager = secretsManager;
  }

  /**
   * Runs the demo; exits with status 0 only if each event had the expected result.
   *
   * @param args the function's archive, {@code v1}, {@code v2} or {@code both}, event files, and
   *     optionally {@code --keep}
   */
  public static void main(String[] args) throws IOException {
    Thread main = Thread.currentThread();
    CountDownLatch closed = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> closeOnSignal(main, closed)));
    boolean done = false;
    try {
      List<String> rest = new ArrayList<>(List.of(args).subList(2, args.length));
      boolean keep = rest.remove("--keep");
      done = run(Path.of(args[0]), kinds(args[1]), rest.stream().map(Path::of).toList(), keep);
    } catch (InterruptedException e) {
      System.out.println("Interrupted.");
    } finally {
      closed.countDown();
    }
    System.exit(done ? 0 : 1);
  }

  private static List<Kind> kinds(String argument) {
    return argument.equals("both")
        ? List.of(Kind.V2, Kind.V1)
        : List.of(Kind.valueOf(argument.toUpperCase(Locale.ROOT)));
  }

  /** Lets the main thread close the servers when a signal ends the process. */
  private static void closeOnSignal(Thread main, CountDownLatch closed) {
    if (closed.getCount() > 0) {
      main.interrupt();
    }
    try {
      var _ = closed.await(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean run(Path archive, List<Kind> kinds, List<Path> events, boolean keep)
      throws IOException, InterruptedException {
    try (Sandbox sandbox =
            Sandbox.start(
                Clock.offset(Clock.systemUTC(), STORED_AGO.negated()), RefreshTokens.SINGLE_USE);
        LambdaServer lambda =
            LambdaServer.start(
                new Function(
                    archive,
                    "keyrotation.RotationHandler::handleRequest",
                    MEMORY_MEGABYTES,
                    Duration.ofSeconds(60),
                    false,
                    environment(sandbox)));
        SecretsManagerClient client = sandbox.secretsManager().clientBuilder().build()) {
      sandbox
          .secretsManager()
          .allowInvocation(
              FUNCTION_ARN, event -> lambda.invoke(event).outcome() instanceof Outcome.Response);
      sandbox.secretsManager().serve(InvokeApi.PATH, new InvokeApi(lambda));
      // The function compares it with the time of the machine.
      sandbox.momentoApi().dateIsOffBy(STORED_AGO);
      Demo demo = new Demo(System.out, sandbox, lambda, client);
      demo.printHeader(archive);
      demo.storeManagementKey();
      List<String> failed = new ArrayList<>();
      for (Path event : events) {
        for (Kind kind : kinds) {
          if (kind.has(event) && !demo.play(event, kind, events.size() == 1)) {
            failed.add(kind.name().toLowerCase(Locale.ROOT) + " " + event);
          }
        }
      }
      System.out.println();
      System.out.println(
          failed.isEmpty()
              ? "Every event had the expected result; its second delivery changed nothing."
              : "DEMO FAILED: unexpected results, shown above, for " + failed + ".");
      if (keep) {
        demo.printInstructions();
        new CountDownLatch(1).await();
      }
      return failed.isEmpty();
    }
  }

  private static Map<String, String> environment(Sandbox sandbox) {
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    environment.put("MOMENTO_ALLOWED_ROLES", V2Keys.OPERATOR.id());
    return environment;
  }

  private void printHeader(Path archive) throws IOException {
    out.println("Momento key rotation in the local sandbox");
    out.println();
    out.printf(
        "  Momento          %s and %s, TLS%n",
        sandbox.momento().controlEndpoint(), sandbox.momentoApi().endpoint());
    out.printf("  Secrets Manager  %s%n", sandbox.secretsManager().endpoint());
    out.printf(
        "  Lambda           %s, %.1f MB, with %d MB of memory%n",
        archive.getFileName(), Files.size(archive) / 1e6, MEMORY_MEGABYTES);
  }

  /** Sends an event twice and prints the results; returns whether they are as expected. */
  private boolean play(Path eventFile, Kind kind, boolean withLog)
      throws IOException, InterruptedException {
    JsonNode event = withCurrentTime(JSON.readTree(eventFile.toFile()));
    storeDueKey(kind);
    prepareSecret(event);
    int newBefore = newKeys();

    out.printf("%nA %s key%n", kind.name().toLowerCase(Locale.ROOT));
    out.printf("%s  %s%n", eventFile, mask(event));
    showVersions("before", versions());
    String requestId = UUID.randomUUID().toString();
    Invocation first = lambda.invoke(event.toString(), requestId);
    if (withLog) {
      showLog(first);
    }
    showOutcome(first, withLog);
    List<Row> after = versions();
    showVersions("after", after);
    int made = newKeys() - newBefore;

    Invocation second = lambda.invoke(event.toString(), requestId);
    out.printf(
        "  retry    the same event, delivered again: %s, in %d ms; new keys in total: %d%n",
        result(second), second.duration().toMillis(), newKeys() - newBefore);

    return expectedResults(kindOf(event)).equals(List.of(result(first), result(second)))
        && newKeys() - newBefore == made
        && versions().equals(after)
        && sandbox.momento().accepts(after.getFirst().apiKey())
        && (!result(first).equals("ROTATED") || isRotated(after));
  }

  /** Sets the time of a scheduled event to the current minute. */
  private static JsonNode withCurrentTime(JsonNode event) {
    return event.has("time")
        ? ((ObjectNode) event).put("time", Instant.now().truncatedTo(ChronoUnit.MINUTES).toString())
        : event;
  }

  /** Hides the rotation token. */
  private static JsonNode mask(JsonNode event) {
    ObjectNode shown = event.deepCopy();
    return shown.has("RotationToken") ? shown.put("RotationToken", "[hidden]") : shown;
  }

  private static boolean isRotated(List<Row> rows) {
    return rows.size() == 2
        && rows.getFirst().validUntil().isAfter(rows.getLast().validUntil())
        && rows.getLast().labels().contains("AWSPREVIOUS");
  }

  /** Stores a v2 key that may manage keys, as users do. */
  private void storeManagementKey() {
    V2Key key = sandbox.momento().v2Keys().issue(V2Keys.OWNER, "management key", Optional.empty());
    secretsManager.createSecret(r -> r.name(MANAGEMENT_SECRET).secretString(key.consoleJson()));
  }

  /** Stores a key that expires in two days, as users do. */
  private void storeDueKey(Kind kind) {
    if (sandbox.secretsManager().state().list().stream().anyMatch(s -> s.name().equals(SECRET))) {
      secretsManager.deleteSecret(r -> r.secretId(SECRET).forceDeleteWithoutRecovery(true));
    }
    Duration age = LIFETIME.minus(LEFT);
    SandboxKey old =
        switch (kind) {
          case V1 -> sandbox.momento().issueAged(LIFETIME, age, Permissions.SUPER_USER);
          case V2 ->
              sandbox
                  .momento()
                  .v2Keys()
                  .issueAged(V2Keys.OPERATOR, "of the console", age, LIFETIME);
        };
    secretsManager.createSecret(r -> r.name(SECRET).secretString(old.consoleJson()));
  }

  /** Brings the secret into the state that the event presumes. */
  private void prepareSecret(JsonNode event) throws InterruptedException {
    String kind = kindOf(event);
    if (kind.equals("rollback") || kind.equals("revoke_previous")) {
      ObjectNode rotation = event.deepCopy();
      rotation.remove(kind);
      var _ = lambda.invoke(rotation.toString());
      if (kind.equals("revoke_previous")) {
        // Only the second one replaces a key that the function has had issued.
        var _ = lambda.invoke(rotation.toString());
      }
    }
    if (event.has("Step")) {
      secretsManager.rotateSecret(
          r -> r.secretId(SECRET).rotationLambdaARN(FUNCTION_ARN).rotateImmediately(false));
      sandbox.secretsManager().awaitRotations();
      sandbox
          .secretsManager()
          .state()
          .addPendingVersion(SECRET, event.path("ClientRequestToken").asText());
      for (String step : List.of("createSecret", "setSecret", "testSecret", "finishSecret")) {
        if (step.equals(kind)) {
          return;
        }
        ObjectNode earlier = event.deepCopy();
        var _ = lambda.invoke(earlier.put("Step", step).toString());
      }
    }
  }

  private static String kindOf(JsonNode event) {
    if (event.has("Step")) {
      return event.path("Step").asText();
    }
    return Stream.of("rollback", "revoke_previous", "dry_run")
        .filter(action -> event.path(action).asBoolean())
        .findFirst()
        .orElse("rotation");
  }

  /** Returns the expected results of the first and the second delivery. */
  private static List<String> expectedResults(String kind) {
    return switch (kind) {
      case "dry_run" -> List.of("WOULD_ROTATE", "WOULD_ROTATE");
      case "rollback" -> List.of("ROLLED_BACK", "ROLLED_BACK");
      case "revoke_previous" -> List.of("REVOKED", "REVOKED");
      case "createSecret", "setSecret", "testSecret" -> List.of("STEP_DONE", "STEP_DONE");
      case "finishSecret" -> List.of("STEP_DONE", "ALREADY_ROTATED");
      default -> List.of("ROTATED", "ALREADY_ROTATED");
    };
  }

  /** Counts the calls that ask Momento for a new key. */
  private int newKeys() {
    return sandbox.momento().calls().count(MomentoServer.REFRESH)
        + sandbox.momentoApi().calls().count(MomentoApiServer.ISSUE);
  }

  /** Reads all versions that have a value, the current one first. */
  private List<Row> versions() throws IOException {
    Map<String, List<String>> labels =
        new TreeMap<>(secretsManager.describeSecret(r -> r.secretId(SECRET)).versionIdsToStages());
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<String, List<String>> version : labels.entrySet()) {
      boolean empty =
          sandbox
              .secretsManager()
              .state()
              .describe(SECRET)
              .version(version.getKey())
              .filter(v -> v.value() == null)
              .isPresent();
      if (!empty) {
        rows.add(row(version.getKey(), version.getValue()));
      }
    }
    rows.sort(Comparator.comparing(row -> row.labels().toString()));
    return rows;
  }

  private Row row(String id, List<String> labels) throws IOException {
    JsonNode secret =
        JSON.readTree(
            secretsManager.getSecretValue(r -> r.secretId(SECRET).versionId(id)).secretString());
    return new Row(
        id,
        secret.path("apiKey").asText(),
        validUntil(secret.path("apiKey").asText()),
        labels.stream()
            .sorted()
            // Shortens the version id in a label like the ids of the versions.
            .map(text -> text.replaceFirst("(MOMENTO_REPLACES_.{8}).*", "$1"))
            .toList());
  }

  private Instant validUntil(String apiKey) {
    return Stream.<SandboxKey>concat(
            sandbox.momento().issued().stream(), sandbox.momento().v2Keys().issued().stream())
        .filter(key -> key.apiKey().equals(apiKey))
        .map(SandboxKey::validUntil)
        .findFirst()
        .orElseThrow();
  }

  private void showVersions(String title, List<Row> rows) {
    String label = title;
    for (Row row : rows) {
      Duration left = Duration.between(Instant.now(), row.validUntil());
      out.printf(
          "  %-8s version %s  key %s  expires in %2d days  %s%n",
          label,
          row.id().substring(0, 8),
          Fingerprint.of(row.apiKey()),
          left.plus(12, ChronoUnit.HOURS).toDays(),
          String.join(", ", row.labels()));
      label = "";
    }
  }

  private void showLog(Invocation invocation) throws IOException {
    String label = "log";
    for (String line : invocation.log()) {
      if (line.startsWith("Picked up JAVA_TOOL_OPTIONS")) {
        continue; // The JVM prints this because of the sandbox's trust store.
      }
      if (line.startsWith("{")) {
        JsonNode entry = JSON.readTree(line);
        out.printf(
            "  %-8s %-5s %-14s %5d ms  %s%n",
            label,
            entry.path("level").asText(),
            entry.path("step").asText(),
            entry.path("duration_ms").asLong(),
            entry.path("outcome").asText());
      } else {
        out.printf("  %-8s %s%n", label, line);
      }
      label = "";
    }
  }

  private void showOutcome(Invocation invocation, boolean inFull) throws IOException {
    switch (invocation.outcome()) {
      case Outcome.Response(String json) -> {
        JsonNode secret = JSON.readTree(json).path("secrets").path(0);
        String label = "response";
        for (Map.Entry<String, JsonNode> field : secret.properties()) {
          if (inFull || field.getKey().equals("result") || field.getKey().equals("message")) {
            out.printf("  %-8s %-20s %s%n", label, field.getKey(), field.getValue().asText());
            label = "";
          }
        }
      }
      case Outcome.Failure(_, String message, _) -> out.println("  error    " + message);
      case Outcome.TimedOut _ -> out.println("  error    The function timed out.");
      case Outcome.Exited(int status) ->
          out.println("  error    The function's process exited with status " + status + ".");
    }
    out.printf("  took     %d ms", invocation.duration().toMillis());
    invocation
        .initDuration()
        .ifPresent(init -> out.printf(", after a cold start of %d ms", init.toMillis()));
    out.println();
  }

  private static String result(Invocation invocation) throws IOException {
    return invocation.outcome() instanceof Outcome.Response(String json)
        ? JSON.readTree(json).path("secrets").path(0).path("result").asText()
        : "an error";
  }

  private void printInstructions() {
    out.println();
    out.println("The sandbox runs until you press Ctrl-C. To call it from another shell:");
    out.println();
    out.println("  export AWS_ENDPOINT_URL=" + sandbox.secretsManager().endpoint());
    out.println("  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1");
    out.println("  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox");
    out.println("  ./scripts/status.sh");
    out.println("  ./scripts/rotate.sh --all");
    out.println("  aws secretsmanager describe-secret --secret-id " + SECRET);
    out.println("  aws secretsmanager rotate-secret --secret-id " + SECRET + " \\");
    out.println("    --rotation-lambda-arn " + FUNCTION_ARN);
  }
}
