package keyrotation.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Shows one key being rotated: stores it as a user would, sends the packed function an event, sends
 * the same again, and tells what came of it.
 */
public final class Demo {

  private static final String SECRET = "momento/authentication-token";
  private static final Duration LIFETIME = Duration.ofDays(30);
  private static final Duration LEFT = Duration.ofDays(2);
  private static final int MEMORY_MEGABYTES = 512;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A version of the secret as its reader sees it; the key only by its fingerprint. */
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
   * Runs the demo; ends with status 0 only if the rotation took place.
   *
   * @param args the function's archive, the event's file, and perhaps {@code --keep}
   */
  public static void main(String[] args) throws IOException {
    Thread main = Thread.currentThread();
    CountDownLatch closed = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> endEarly(main, closed)));
    boolean rotated = false;
    try {
      rotated = run(Path.of(args[0]), Path.of(args[1]), List.of(args).contains("--keep"));
    } catch (InterruptedException e) {
      System.out.println("Interrupted.");
    } finally {
      closed.countDown();
    }
    System.exit(rotated ? 0 : 1);
  }

  /** Lets the main thread close what it has started, when a signal ends the process. */
  private static void endEarly(Thread main, CountDownLatch closed) {
    if (closed.getCount() > 0) {
      main.interrupt();
    }
    try {
      var _ = closed.await(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean run(Path archive, Path event, boolean keep)
      throws IOException, InterruptedException {
    try (Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
        LambdaServer lambda =
            LambdaServer.start(
                new Function(
                    archive,
                    "keyrotation.RotationHandler::handleRequest",
                    MEMORY_MEGABYTES,
                    Duration.ofSeconds(60),
                    sandbox.environment()));
        SecretsManagerClient secretsManager = sandbox.secretsManager().clientBuilder().build()) {
      Demo demo = new Demo(System.out, sandbox, lambda, secretsManager);
      demo.introduce(archive);
      boolean rotated = demo.rotate(event);
      if (keep) {
        demo.explainHowToGoOn();
        new CountDownLatch(1).await();
      }
      return rotated;
    }
  }

  private void introduce(Path archive) throws IOException {
    out.println("Momento key rotation, on this machine alone");
    out.println();
    out.printf("  Momento          %s, TLS%n", sandbox.momento().controlEndpoint());
    out.printf("  Secrets Manager  %s%n", sandbox.secretsManager().endpoint());
    out.printf(
        "  Lambda           %s, %.1f MB, with %d MB of memory%n",
        archive.getFileName(), Files.size(archive) / 1e6, MEMORY_MEGABYTES);
  }

  private boolean rotate(Path eventFile) throws IOException {
    IssuedKey old =
        sandbox.momento().issueAged(LIFETIME, LIFETIME.minus(LEFT), Permissions.SUPER_USER);
    secretsManager.createSecret(r -> r.name(SECRET).secretString(old.consoleJson()));
    List<Row> before = versions();
    show("Before", before);

    String event = Files.readString(eventFile);
    String requestId = UUID.randomUUID().toString();
    out.printf("%nThe event in %s%n", eventFile);
    Invocation first = lambda.invoke(event, requestId);
    showLog(first);
    showAnswer(first);
    List<Row> after = versions();
    show("After", after);

    out.printf("%nThe same event again, under the same request id, as when Lambda retries%n");
    Invocation second = lambda.invoke(event, requestId);
    showAnswer(second);
    int minted = sandbox.momento().calls().count(MomentoServer.REFRESH);
    out.printf("  minted   %d key in all%n%n", minted);

    boolean rotated =
        result(first).equals("ROTATED")
            && after.size() == 2
            && after.getFirst().labels().contains("AWSCURRENT")
            && sandbox.momento().accepts(after.getFirst().apiKey())
            && after.getFirst().validUntil().isAfter(old.validUntil())
            && after.getLast().labels().contains("AWSPREVIOUS")
            && after.getLast().apiKey().equals(old.apiKey())
            && result(second).equals("ALREADY_ROTATED")
            && versions().equals(after)
            && minted == 1;
    out.println(
        rotated
            ? "The key was rotated, and nothing happened twice."
            : "THE DEMO FAILED: what is shown above is not one rotation.");
    return rotated;
  }

  /** Reads all labelled versions, the current one first, the way any user of the secret can. */
  private List<Row> versions() {
    Map<String, List<String>> labels =
        new TreeMap<>(secretsManager.describeSecret(r -> r.secretId(SECRET)).versionIdsToStages());
    return labels.entrySet().stream()
        .map(entry -> row(entry.getKey(), entry.getValue()))
        .sorted(Comparator.comparing(row -> row.labels().toString()))
        .toList();
  }

  private Row row(String id, List<String> labels) {
    try {
      JsonNode secret =
          JSON.readTree(
              secretsManager.getSecretValue(r -> r.secretId(SECRET).versionId(id)).secretString());
      return new Row(
          id,
          secret.path("apiKey").asText(),
          Instant.ofEpochSecond(secret.path("validUntil").asLong()),
          labels.stream().sorted().toList());
    } catch (IOException e) {
      throw new IllegalStateException("The version " + id + " is not JSON.", e);
    }
  }

  private void show(String title, List<Row> rows) {
    out.printf("%n%s%n", title);
    for (Row row : rows) {
      Duration left = Duration.between(Instant.now(), row.validUntil());
      out.printf(
          "  version %s  key %s  expires in %2d days  %s%n",
          row.id().substring(0, 8),
          Fingerprint.of(row.apiKey()),
          left.plus(12, ChronoUnit.HOURS).toDays(),
          String.join(", ", row.labels()));
    }
  }

  private void showLog(Invocation invocation) throws IOException {
    for (String line : invocation.log()) {
      if (line.startsWith("Picked up JAVA_TOOL_OPTIONS")) {
        continue; // The JVM's word on the sandbox's own trust store.
      }
      if (!line.startsWith("{")) {
        out.println("  " + line);
        continue;
      }
      JsonNode entry = JSON.readTree(line);
      out.printf(
          "  %-8s %-13s %5d ms  %s %s%n",
          entry.path("level").asText(),
          entry.path("step").asText(),
          entry.path("duration_ms").asLong(),
          entry.path("outcome").asText(),
          entry.path("message").asText());
    }
  }

  private void showAnswer(Invocation invocation) throws IOException {
    switch (invocation.outcome()) {
      case Outcome.Response(String json) -> {
        String label = "answer";
        for (Map.Entry<String, JsonNode> field :
            JSON.readTree(json).path("secrets").path(0).properties()) {
          out.printf("  %-8s %-20s %s%n", label, field.getKey(), field.getValue().asText());
          label = "";
        }
      }
      case Outcome.Failure(_, String message, _) -> out.println("  error    " + message);
      case Outcome.TimedOut _ -> out.println("  error    The time was up.");
      case Outcome.Exited(int status) ->
          out.println("  error    The process ended with status " + status + ".");
    }
    out.printf("  took     %d ms", invocation.duration().toMillis());
    invocation
        .initDuration()
        .ifPresent(init -> out.printf(", after %d ms to start", init.toMillis()));
    out.println();
  }

  private static String result(Invocation invocation) throws IOException {
    return invocation.outcome() instanceof Outcome.Response(String json)
        ? JSON.readTree(json).path("secrets").path(0).path("result").asText()
        : "";
  }

  private void explainHowToGoOn() {
    out.println();
    out.println("It is left running until you press Ctrl-C. From another shell:");
    out.println();
    out.println("  export AWS_ENDPOINT_URL=" + sandbox.secretsManager().endpoint());
    out.println("  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1");
    out.println("  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox");
    out.println("  aws secretsmanager describe-secret --secret-id " + SECRET);
  }
}
