package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import grpc.control_client.ScsControlGrpc;
import grpc.control_client._ListCachesRequest;
import grpc.control_client._ListCachesResponse;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.okhttp.OkHttpServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.RateLimit;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.event.RotationEventParser;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoApiKeys;
import keyrotation.momento.MomentoClient;
import keyrotation.momento.MomentoControlPlane;
import keyrotation.momento.MomentoKey;
import keyrotation.rotation.RotationLog;
import keyrotation.secretsmanager.SecretStore;
import keyrotation.secretsmanager.StagingLabel;
import momento.auth.AuthGrpc;
import momento.auth._RefreshApiTokenRequest;
import momento.auth._RefreshApiTokenResponse;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * The rotation of a made-up key in a made-up secret, which loads and initializes the classes of a
 * rotation. Secrets Manager and Momento are stand-ins inside this process: a rehearsal needs no
 * permission, calls no other machine, and knows no key.
 */
final class Rehearsal {

  private static final String SECRET = "rehearsal";
  private static final String CURRENT_ID = "version-of-the-rehearsal";
  private static final String ENDPOINT = "rehearsal.momentohq.com";
  private static final String OLD_TOKEN = "e30.e30.";
  private static final String NEW_TOKEN = "e30.e31.";
  private static final Duration LIFETIME = Duration.ofDays(30);
  private static final Duration TIME_LEFT = Duration.ofMinutes(1);
  private static final Duration GRACE = Duration.ofSeconds(1);

  private final Time time;

  Rehearsal(Time time) {
    this.time = time;
  }

  /** Rotates the key, and returns the report. */
  RotationReport run() throws IOException {
    Server momento =
        OkHttpServerBuilder.forPort(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                InsecureServerCredentials.create())
            .addService(new Refresh())
            .addService(new Verification())
            .build()
            .start();
    try (SecretsManagerClient secretsManager =
        SecretsManagerClient.builder()
            .httpClient(new SecretsManager())
            .region(Region.US_EAST_1)
            .credentialsProvider(AnonymousCredentialsProvider.create())
            .build()) {
      return rotate(secretsManager, new HostAndPort("localhost", momento.getPort()));
    } finally {
      momento.shutdownNow();
    }
  }

  private RotationReport rotate(SecretsManagerClient secretsManager, HostAndPort momento) {
    byte[] event =
        Json.object().put("momento_auth_token_secret_name", SECRET).toString().getBytes(UTF_8);
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), false, UTF_8);
    RateLimit unlimited = new RateLimit(Duration.ZERO, time);
    try (MomentoControlPlane controlPlane =
            new MomentoControlPlane(
                Optional.of(momento), InsecureChannelCredentials.create(), time);
        // A v1 key needs no call to the HTTP API.
        MomentoApiKeys apiKeys = new MomentoApiKeys(momento, HttpClient.newBuilder(), time)) {
      return new Invocation(
              Settings.from(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET)),
              new SecretStore(secretsManager, Optional.empty(), unlimited, time),
              new MomentoClient(controlPlane, time, unlimited),
              new KeyManagement(apiKeys, time, unlimited),
              time,
              new TimeBudget(time, time.instant().plus(TIME_LEFT), GRACE),
              new RotationLog(nowhere, time, SECRET))
          .run(RotationEventParser.parse(event, time.instant()));
    }
  }

  /** Momento's refresh of keys. */
  private final class Refresh extends AuthGrpc.AuthImplBase {
    @Override
    public void refreshApiToken(
        _RefreshApiTokenRequest request, StreamObserver<_RefreshApiTokenResponse> response) {
      response.onNext(
          _RefreshApiTokenResponse.newBuilder()
              .setApiKey(NEW_TOKEN)
              .setRefreshToken("none")
              .setEndpoint(ENDPOINT)
              .setValidUntil(time.instant().plus(LIFETIME).getEpochSecond())
              .build());
      response.onCompleted();
    }
  }

  /** Momento's list of caches, which verifies a key. */
  private static final class Verification extends ScsControlGrpc.ScsControlImplBase {
    @Override
    public void listCaches(
        _ListCachesRequest request, StreamObserver<_ListCachesResponse> response) {
      response.onNext(_ListCachesResponse.getDefaultInstance());
      response.onCompleted();
    }
  }

  /** Secrets Manager with one secret, whose labels stay as they are. */
  private final class SecretsManager implements SdkHttpClient {

    private final Map<String, String> values = new HashMap<>();

    SecretsManager() {
      Instant soon = time.instant().plus(LIFETIME.dividedBy(2));
      values.put(
          CURRENT_ID,
          Json.object()
              .put("apiKey", MomentoKey.v1(ENDPOINT, OLD_TOKEN).text().value())
              .put("refreshToken", "none")
              .put("validUntil", soon.getEpochSecond())
              .toString());
    }

    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
      return new ExecutableHttpRequest() {
        @Override
        public HttpExecuteResponse call() throws IOException {
          return response(respond(request));
        }

        @Override
        public void abort() {}
      };
    }

    private Optional<ObjectNode> respond(HttpExecuteRequest request) throws IOException {
      String action = request.httpRequest().firstMatchingHeader("X-Amz-Target").orElseThrow();
      byte[] body = request.contentStreamProvider().orElseThrow().newStream().readAllBytes();
      ObjectNode parameters = Json.read(new String(body, UTF_8)).orElseThrow();
      return switch (action.substring(action.indexOf('.') + 1)) {
        case "DescribeSecret" -> Optional.of(description());
        case "GetSecretValue" -> version(parameters.path("VersionId").asText());
        case "PutSecretValue" -> {
          values.put(
              parameters.path("ClientRequestToken").asText(),
              parameters.path("SecretString").asText());
          yield Optional.of(Json.object());
        }
        default -> Optional.of(Json.object());
      };
    }

    private static ObjectNode description() {
      ObjectNode secret = Json.object().put("ARN", SECRET).put("Name", SECRET);
      secret.putObject("VersionIdsToStages").putArray(CURRENT_ID).add(StagingLabel.CURRENT);
      return secret;
    }

    private Optional<ObjectNode> version(String id) {
      return Optional.ofNullable(values.get(id))
          .map(
              value ->
                  Json.object()
                      .put("VersionId", id)
                      .put("SecretString", value)
                      .put("CreatedDate", 0));
    }

    private static HttpExecuteResponse response(Optional<ObjectNode> body) {
      String json =
          body.orElseGet(() -> Json.object().put("__type", "ResourceNotFoundException")).toString();
      return HttpExecuteResponse.builder()
          .response(SdkHttpResponse.builder().statusCode(body.isPresent() ? 200 : 400).build())
          .responseBody(AbortableInputStream.create(new ByteArrayInputStream(json.getBytes(UTF_8))))
          .build();
    }

    @Override
    public void close() {}
  }
}
