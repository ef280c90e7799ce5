package keyrotation.tokens;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Keys;
import keyrotation.tokens.PackedTokens.Answer;
import momento.sdk.CacheClient;
import momento.sdk.auth.CredentialProvider;
import momento.sdk.config.Configurations;
import momento.sdk.exceptions.SdkException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Demonstrates a token that {@code curl} fetches and Momento's SDK uses, inside its scope, outside
 * it, and after its end, while the packed function rotates and revokes the key beneath.
 */
final class TokensDemo implements AutoCloseable {

  private static final String MANAGEMENT_SECRET = "momento/management-key";
  private static final String CACHE = "sessions";
  private static final String OWN_KEY = "user/alice/theme";
  private static final String OTHERS_KEY = "user/bob/theme";
  private static final Duration LIFETIME = Duration.ofSeconds(8);

  /** The SDK's, which would write between the steps. */
  private static final Logger SDK_LOG = Logger.getLogger("momento");

  private static final Duration PAUSE = Duration.ofMillis(100);

  private final Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
  private final Sandbox.Route route = sandbox.routeMomentoHosts();
  private final LambdaServer rotation;
  private final PackedTokens tokens;
  private boolean isAsExpected = true;

  private TokensDemo(Path rotationArchive, Path tokensArchive, String policy) {
    try (SecretsManagerClient secretsManager = sandbox.secretsManager().clientBuilder().build()) {
      store(secretsManager, MANAGEMENT_SECRET, V2Keys.OWNER);
      store(secretsManager, TokenFixture.SECRET, V2Keys.OPERATOR);
    }
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    this.rotation =
        LambdaServer.start(
            new Function(
                rotationArchive,
                "keyrotation.RotationHandler::handleRequest",
                512,
                Duration.ofSeconds(60),
                false,
                environment));
    this.tokens = new PackedTokens(sandbox, tokensArchive, policy, false);
  }

  private void store(SecretsManagerClient secretsManager, String name, V2Keys.Role role) {
    String value =
        sandbox.momento().v2Keys().issue(role, "of the console", Optional.empty()).consoleJson();
    secretsManager.createSecret(r -> r.name(name).secretString(value));
  }

  /**
   * Plays the demo; ends with status 0 only if each step ends as it should.
   *
   * @param args the archive of the rotation function, that of the token function, and the policy
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    SDK_LOG.setLevel(Level.WARNING);
    String policy = Files.readString(Path.of(args[2]));
    boolean isAsExpected;
    try (TokensDemo demo = new TokensDemo(Path.of(args[0]), Path.of(args[1]), policy)) {
      System.out.printf("%nThe policy %s%n%n", args[2]);
      demo.play();
      isAsExpected = demo.isAsExpected;
    }
    System.out.println();
    System.out.println(
        isAsExpected
            ? "The token reached what its rule covers, and nothing else, until its end."
            : "DEMO FAILED: the steps marked with \"but expected\" ended in another way.");
    System.exit(isAsExpected ? 0 : 1);
  }

  private void play() throws IOException, InterruptedException {
    show("curl, without a JWT", "401", curl("").status());
    show("curl, with a forged JWT", "401", curl(forged(jwt())).status());
    show(
        "curl, as alice, for a rule of operators",
        "403",
        curl(jwt(), "--data", "{\"rule\":\"all-data\"}").status());
    Answer answer =
        curl(jwt(), "--data", "{\"lifetimeSeconds\":%d}".formatted(LIFETIME.toSeconds()));
    show("curl, as alice, for %d seconds".formatted(LIFETIME.toSeconds()), "200", answer.status());
    Instant end = Instant.ofEpochSecond(Long.parseLong(answer.field("expiresAt")));
    try (CacheClient cache =
        new CacheClient(
            CredentialProvider.fromString(answer.field("authToken")),
            Configurations.InRegion.latest(),
            Duration.ofMinutes(10))) {
      show("SDK with this token: set " + OWN_KEY, "done", set(cache, OWN_KEY));
      show("SDK with this token: set " + OTHERS_KEY, "PERMISSION_ERROR", set(cache, OTHERS_KEY));
      show("the key beneath is rotated", "ROTATED", invoke(""));
      show("curl, as alice", "200", curl(jwt()).status());
      show("the replaced key is revoked", "REVOKED", invoke("revoke_previous"));
      show("curl, as alice", "200", curl(jwt()).status());
      System.out.printf("  waiting %d s until the first token ends%n", secondsUntil(end));
      show("SDK with the first token: set " + OWN_KEY, "AUTHENTICATION_ERROR", last(cache, end));
    }
    System.out.printf("%nThe log of the token function%n");
    tokens.log().stream().map(Json::read).flatMap(Optional::stream).forEach(TokensDemo::showLine);
  }

  private static void showLine(ObjectNode line) {
    System.out.printf(
        "  %-5s %-8s subject %s  %s, %d ms%n",
        line.path("level").asText(),
        line.path("result").asText(),
        line.path("subject").asText(),
        line.path("reason").asText("rule " + line.path("rule").asText()),
        line.path("duration_ms").asInt());
  }

  private String jwt() {
    return tokens.jwt(Map.of("sub", "alice", "groups", List.of("members")));
  }

  /** Returns a JWT whose last character is another one. */
  private static String forged(String jwt) {
    int last = jwt.length() - 6;
    char other = jwt.charAt(last) == 'A' ? 'B' : 'A';
    return jwt.substring(0, last) + other + jwt.substring(last + 1);
  }

  private Answer curl(String jwt, String... options) throws IOException, InterruptedException {
    String[] all = Arrays.copyOf(options, options.length + 2);
    all[options.length] = "--header";
    all[options.length + 1] = jwt.isEmpty() ? "Accept: */*" : "Authorization: Bearer " + jwt;
    return PackedTokens.curl(tokens.url(), all);
  }

  private static String set(CacheClient cache, String key) {
    return cache.set(CACHE, key, "dark").join() instanceof SdkException error
        ? error.getErrorCode().name()
        : "done";
  }

  /** Uses a token until it ends, at this instant, and once after that. */
  private static String last(CacheClient cache, Instant end) throws InterruptedException {
    String result = set(cache, OWN_KEY);
    while (Instant.now().isBefore(end) && result.equals("done")) {
      Thread.sleep(PAUSE);
      result = set(cache, OWN_KEY);
    }
    return result.equals("done") ? set(cache, OWN_KEY) : result;
  }

  private static long secondsUntil(Instant end) {
    return Math.max(0, Duration.between(Instant.now(), end).toSeconds());
  }

  /** Has the rotation function do something with the secret; returns its result. */
  private String invoke(String action) {
    ObjectNode event = Json.object().put("momento_auth_token_secret_name", TokenFixture.SECRET);
    if (!action.isEmpty()) {
      event.put(action, true);
    }
    Outcome outcome = rotation.invoke(event.toString()).outcome();
    return outcome instanceof Outcome.Response(String json)
        ? Json.read(json).orElseThrow().path("secrets").path(0).path("result").asText()
        : outcome.toString();
  }

  private void show(String step, String expected, Object actual) {
    boolean isExpected = expected.equals(actual.toString());
    isAsExpected &= isExpected;
    System.out.printf(
        "  %-52s %s%s%n", step, actual, isExpected ? "" : ", but expected " + expected);
  }

  @Override
  public void close() {
    tokens.close();
    rotation.close();
    route.close();
    sandbox.close();
  }
}
