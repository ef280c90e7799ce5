package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent.RequestContext;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.sandbox.LambdaContext;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The function in this process, with the sandbox and a secret. */
final class TokenFixture implements AutoCloseable {

  static final String SECRET = "momento/api-key";

  /** A policy that lets each caller write its own items of the cache sessions. */
  static final String OWN_ITEMS =
      """
      {"rules": [{"name": "own-items", "claims": {}, "lifetimeSeconds": 600, "permissions": [
        {"access": "read-write", "cache": "sessions", "keyPrefix": "user/{sub}/"}]}]}
      """;

  final ManualClock clock = new ManualClock();
  final Sandbox sandbox = Sandbox.start(clock, RefreshTokens.SINGLE_USE);
  final SecretsManagerClient secretsManager = sandbox.secretsManager().clientBuilder().build();
  private final Sandbox.Route route = sandbox.routeMomentoHosts();
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private Optional<TokenHandler> handler = Optional.empty();
  private int requests;

  /** Has the function follow this policy, in a new process as it were. */
  void deploy(String policy) {
    deploy(policy, 10_000);
  }

  void deploy(String policy, int tokensPerSecond) {
    deploy(
        policy,
        new TokenSettings(
            SECRET, Optional.empty(), Authorizer.JWT, tokensPerSecond, Duration.ofHours(1)));
  }

  void deploy(String policy, TokenSettings settings) {
    handler.ifPresent(TokenHandler::close);
    handler =
        Optional.of(
            new TokenHandler(
                settings,
                Policy.parse(policy, settings.authorizer(), settings.maxLifetime()),
                secretsManager,
                TlsChannelCredentials.create(),
                clock,
                new PrintStream(log, true, UTF_8)));
  }

  /** Ends the function's threads; it can be called on. */
  void closeFunction() {
    handler.ifPresent(TokenHandler::close);
  }

  /** Issues a v2 key that may do everything with data. */
  V2Key issue() {
    return sandbox.momento().v2Keys().issue(V2Keys.OPERATOR, "application", Optional.empty());
  }

  /** Stores a key as the current one. */
  void store(SandboxKey key) {
    store(key.consoleJson());
  }

  void store(String value) {
    boolean isNew =
        sandbox.secretsManager().state().list().stream().noneMatch(s -> s.name().equals(SECRET));
    if (isNew) {
      secretsManager.createSecret(r -> r.name(SECRET).secretString(value));
    } else {
      secretsManager.putSecretValue(r -> r.secretId(SECRET).secretString(value));
    }
  }

  /** Makes the previous version of the secret current again. */
  void rollBack() {
    var versions = secretsManager.describeSecret(r -> r.secretId(SECRET)).versionIdsToStages();
    secretsManager.updateSecretVersionStage(
        r ->
            r.secretId(SECRET)
                .versionStage("AWSCURRENT")
                .removeFromVersionId(versionWith("AWSCURRENT", versions))
                .moveToVersionId(versionWith("AWSPREVIOUS", versions)));
  }

  private static String versionWith(String label, Map<String, List<String>> versions) {
    return versions.entrySet().stream()
        .filter(version -> version.getValue().contains(label))
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  /** Sends a request of a caller with these claims. */
  Response request(Map<String, String> claims, String body) {
    return send(event(claims, body));
  }

  Response send(APIGatewayV2HTTPEvent event) {
    requests++;
    return new Response(
        handler
            .orElseThrow()
            .handleRequest(
                event, new LambdaContext("request-" + requests, Duration.ofSeconds(29))));
  }

  /** Returns API Gateway's event of a request of a caller with these claims. */
  static APIGatewayV2HTTPEvent event(Map<String, String> claims, String body) {
    var jwt = RequestContext.Authorizer.JWT.builder().withClaims(new HashMap<>(claims)).build();
    return APIGatewayV2HTTPEvent.builder()
        .withRequestContext(
            RequestContext.builder()
                .withRequestId("api-request")
                .withAuthorizer(RequestContext.Authorizer.builder().withJwt(jwt).build())
                .build())
        .withBody(body)
        .build();
  }

  /** Returns API Gateway's event of a request that was signed with AWS credentials. */
  static APIGatewayV2HTTPEvent signedBy(String arn) {
    APIGatewayV2HTTPEvent event = event(Map.of(), "");
    event
        .getRequestContext()
        .setAuthorizer(
            RequestContext.Authorizer.builder()
                .withIam(RequestContext.IAM.builder().withUserArn(arn).build())
                .build());
    return event;
  }

  /** Returns the event of a request whose caller was not verified. */
  static APIGatewayV2HTTPEvent unverified() {
    APIGatewayV2HTTPEvent event = event(Map.of("sub", "alice"), "");
    event.getRequestContext().setAuthorizer(null);
    return event;
  }

  /** Returns what the function has logged. */
  List<String> log() {
    return log.toString(UTF_8).lines().toList();
  }

  /** Returns the last line of the log. */
  ObjectNode lastLine() {
    return Json.read(log().getLast()).orElseThrow();
  }

  @Override
  public void close() {
    handler.ifPresent(TokenHandler::close);
    route.close();
    secretsManager.close();
    sandbox.close();
  }

  /** A response of the function. */
  record Response(APIGatewayV2HTTPResponse http) {

    int status() {
      return http.getStatusCode();
    }

    ObjectNode body() {
      return Json.read(http.getBody()).orElseThrow();
    }

    String header(String name) {
      return http.getHeaders().getOrDefault(name, "");
    }

    /** Returns the token that calls send, out of the one that SDKs take. */
    String token() {
      String json =
          new String(Base64.getDecoder().decode(body().path("authToken").textValue()), UTF_8);
      return Json.read(json).orElseThrow().path("api_key").textValue();
    }
  }
}
