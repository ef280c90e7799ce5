package keyrotation.client;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import keyrotation.client.Application.Report;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Keys;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Demonstrates an application under load whose key the packed function rotates twice, rolls back
 * and, if it is a v2 key, rotates again and revokes at once.
 */
final class ClientsDemo implements AutoCloseable {

  private static final String MANAGEMENT_SECRET = "momento/management-key";
  private static final Duration LIFETIME = Duration.ofDays(30);
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /** How many calls the application makes after each step. */
  private static final long CALLS = 1_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private enum Kind {
    V1,
    V2
  }

  private final Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
  private final SecretsManagerClient secretsManager =
      sandbox.secretsManager().clientBuilder().build();
  private final LambdaServer lambda;

  private ClientsDemo(Path archive) {
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    environment.put("MOMENTO_ALLOWED_ROLES", V2Keys.OPERATOR.id());
    lambda =
        LambdaServer.start(
            new Function(
                archive,
                "keyrotation.RotationHandler::handleRequest",
                512,
                Duration.ofSeconds(60),
                false,
                environment));
  }

  /**
   * Plays the demo with a key of each kind; ends with status 0 only if no call failed, and no
   * message was lost or doubled.
   *
   * @param args the function's archive
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    boolean isAsExpected = true;
    for (Kind kind : Kind.values()) {
      try (ClientsDemo demo = new ClientsDemo(Path.of(args[0]))) {
        isAsExpected &= demo.play(kind);
      }
    }
    System.out.println();
    System.out.println(
        isAsExpected
            ? "No call failed, and no message was lost or doubled."
            : "DEMO FAILED: calls failed, messages were lost or doubled, or clients stayed open;"
                + " the application's log is client/target/application.log.");
    System.exit(isAsExpected ? 0 : 1);
  }

  private boolean play(Kind kind) throws IOException, InterruptedException {
    store(MANAGEMENT_SECRET, v2Key(V2Keys.OWNER));
    store(Application.FIXED_SECRET, v2Key(V2Keys.OPERATOR));
    store(
        Application.SECRET,
        switch (kind) {
          case V1 -> sandbox.momento().issue(LIFETIME, Permissions.SUPER_USER);
          case V2 -> v2Key(V2Keys.OPERATOR);
        });
    System.out.printf("%nA %s key%n", kind.name().toLowerCase(Locale.ROOT));
    System.out.printf(
        "  %-46s %-8s %9s %7s %9s %5s %8s%n",
        "step", "version", "calls", "failed", "messages", "lost", "doubled");
    Path log = Path.of("client", "target", "application.log");
    try (ApplicationProcess application = new ApplicationProcess(sandbox, log)) {
      show("an application starts", followed(application));
      invoke("", "ROTATED");
      show("its key is rotated", followed(application));
      invoke("", "ROTATED");
      show("its key is rotated again", followed(application));
      invoke("rollback", "ROLLED_BACK");
      show("the rotation is rolled back", followed(application));
      if (kind == Kind.V2) {
        invoke("", "ROTATED");
        invoke("revoke_previous", "REVOKED");
        show("its key is rotated, and the old one revoked", followed(application));
      }
      var _ = await(application, report -> report.clients() == 1);
      Report last = application.stop();
      show("the application ends", last);
      System.out.printf(
          "  cache clients open at the end %d; connections open after it %d%n",
          last.clients(), sandbox.momento().openConnections());
      return last.failures().isEmpty()
          && last.lost() == 0
          && last.doubled() == 0
          && last.clients() == 1
          && sandbox.momento().openConnections() == 0;
    }
  }

  private static void show(String step, Report report) {
    System.out.printf(
        "  %-46s %-8s %,9d %7d %,9d %5d %8d%n",
        step,
        report.version().substring(0, 8),
        report.calls(),
        report.failures().values().stream().mapToLong(count -> count).sum(),
        report.received(),
        report.lost(),
        report.doubled());
  }

  /** Waits until the application uses the current key, and has made many calls with it. */
  private Report followed(ApplicationProcess application) throws InterruptedException {
    String current = secretsManager.getSecretValue(r -> r.secretId(Application.SECRET)).versionId();
    long calls = await(application, report -> report.version().equals(current)).calls();
    return await(application, report -> report.calls() >= calls + CALLS);
  }

  private static Report await(ApplicationProcess application, Predicate<Report> condition)
      throws InterruptedException {
    return application.await(condition, LIMIT);
  }

  /** Sends the function a manual event. */
  private void invoke(String action, String expected) throws IOException {
    var event = JSON.createObjectNode().put("momento_auth_token_secret_name", Application.SECRET);
    if (!action.isEmpty()) {
      event.put(action, true);
    }
    Outcome outcome = lambda.invoke(event.toString()).outcome();
    if (!(outcome instanceof Outcome.Response response)
        || !response.json().contains("\"" + expected + "\"")) {
      throw new IllegalStateException("The function did not answer " + expected + ": " + outcome);
    }
  }

  private SandboxKey v2Key(V2Keys.Role role) {
    return sandbox.momento().v2Keys().issue(role, "of the console", Optional.empty());
  }

  private void store(String name, SandboxKey key) {
    secretsManager.createSecret(r -> r.name(name).secretString(key.consoleJson()));
  }

  @Override
  public void close() {
    lambda.close();
    secretsManager.close();
    sandbox.close();
  }
}
