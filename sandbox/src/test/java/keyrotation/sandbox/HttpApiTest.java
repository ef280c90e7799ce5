package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.amazonaws.services.lambda.runtime.Context;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Outcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpApiTest {

  private static final String ISSUER = "https://identity.sandbox.example";
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Map<String, Object> ALICE = Map.of("sub", "alice", "aud", "app");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;
  private static LambdaServer lambda;
  private static HttpClient client;

  // One for all tests, as it takes a while to make a key.
  private static final ManualClock CLOCK = new ManualClock();
  private static final IdentityProvider PROVIDER = new IdentityProvider(ISSUER, CLOCK);

  private final Authorizer.Jwt authorizer = PROVIDER.authorizer(Set.of("app", "other app"));
  private HttpApi api;

  @BeforeAll
  static void start() throws IOException {
    lambda = start(Duration.ofSeconds(30));
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    lambda.close();
  }

  @BeforeEach
  void open() {
    api = HttpApi.start(lambda, "POST /tokens", authorizer, CLOCK);
  }

  @AfterEach
  void close() {
    api.close();
  }

  @Test
  void the_event_describes_the_request() throws Exception {
    JsonNode event =
        event(
            request("/tokens?a=1&b=x%20y&a=2")
                .header("Content-Type", "application/json")
                .header("X-Tag", "one")
                .header("X-Tag", "two")
                .header("Cookie", "c=1; d=2")
                .header("X-Forwarded-For", "192.0.2.1")
                .header("User-Agent", "tester")
                .POST(BodyPublishers.ofString("{\"name\":\"é\"}")));

    assertThat(event.path("version").asText()).isEqualTo("2.0");
    assertThat(event.path("routeKey").asText()).isEqualTo("POST /tokens");
    assertThat(event.path("rawPath").asText()).isEqualTo("/tokens");
    assertThat(event.path("rawQueryString").asText()).isEqualTo("a=1&b=x%20y&a=2");
    assertThat(event.path("queryStringParameters"))
        .isEqualTo(json("{\"a\":\"1,2\",\"b\":\"x y\"}"));
    assertThat(event.path("cookies")).isEqualTo(json("[\"c=1\",\"d=2\"]"));
    assertThat(event.path("headers").has("cookie")).isFalse();
    assertThat(event.path("headers").path("content-type").asText()).isEqualTo("application/json");
    assertThat(event.path("headers").path("x-tag").asText()).isEqualTo("one,two");
    assertThat(event.path("headers").path("x-forwarded-for").asText())
        .isEqualTo("192.0.2.1, 127.0.0.1");
    assertThat(event.path("headers").path("x-forwarded-proto").asText()).isEqualTo("https");
    assertThat(event.path("body").asText()).isEqualTo("{\"name\":\"é\"}");
    assertThat(event.path("isBase64Encoded")).isEqualTo(json("false"));
  }

  @Test
  void the_request_context_describes_the_call() throws Exception {
    CLOCK.advanceTo(Instant.parse("2026-03-01T12:30:05Z"));
    JsonNode context =
        event(request("/tokens").header("User-Agent", "tester").POST(BodyPublishers.noBody()))
            .path("requestContext");

    assertThat(context.path("http"))
        .isEqualTo(
            json(
                """
                {"method":"POST","path":"/tokens","protocol":"HTTP/1.1","sourceIp":"127.0.0.1",
                 "userAgent":"tester"}
                """));
    assertThat(context.path("authentication").isNull()).isTrue();
    assertThat(context.path("stage").asText()).isEqualTo("$default");
    assertThat(context.path("routeKey").asText()).isEqualTo("POST /tokens");
    assertThat(context.path("domainName").asText())
        .startsWith(context.path("domainPrefix").asText() + ".execute-api.");
    assertThat(context.path("requestId").asText()).isNotEmpty();
    assertThat(context.path("time").asText()).isEqualTo("01/Mar/2026:12:30:05 +0000");
    assertThat(context.path("timeEpoch").asLong()).isEqualTo(CLOCK.instant().toEpochMilli());
  }

  @Test
  void the_event_has_no_empty_fields() throws Exception {
    JsonNode event = event(request("/tokens").POST(BodyPublishers.noBody()));

    assertThat(event.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder(
            "version",
            "routeKey",
            "rawPath",
            "rawQueryString",
            "headers",
            "requestContext",
            "isBase64Encoded");
    assertThat(event.path("rawQueryString").asText()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "text/plain, false",
    "application/json; charset=utf-8, false",
    "application/xml, false",
    "application/javascript, false",
    "application/jsonp, true",
    "application/x-www-form-urlencoded, true",
    "application/octet-stream, true"
  })
  void a_body_is_encoded_unless_its_type_is_a_text(String type, boolean isEncoded)
      throws Exception {
    JsonNode event =
        event(request("/tokens").header("Content-Type", type).POST(BodyPublishers.ofString("a=1")));

    assertThat(event.path("isBase64Encoded").asBoolean()).isEqualTo(isEncoded);
    assertThat(event.path("body").asText()).isEqualTo(isEncoded ? "YT0x" : "a=1");
  }

  @Test
  void a_body_without_a_type_is_encoded() throws Exception {
    JsonNode event = event(request("/tokens").POST(BodyPublishers.ofByteArray(new byte[] {-1})));

    assertThat(event.path("isBase64Encoded").asBoolean()).isTrue();
    assertThat(event.path("body").asText()).isEqualTo("/w==");
  }

  @Test
  void claims_become_texts() throws Exception {
    String token =
        PROVIDER.token(
            Map.of(
                "sub",
                "alice",
                "aud",
                List.of("app", "x"),
                "email_verified",
                true,
                "auth_time",
                1_767_225_600L,
                "groups",
                List.of("a", "b", "c"),
                "none",
                List.of(),
                "scope",
                "read write"),
            HOUR);

    JsonNode caller =
        event(request("/tokens", token).POST(BodyPublishers.noBody()))
            .path("requestContext")
            .path("authorizer");

    long now = CLOCK.instant().getEpochSecond();
    assertThat(caller)
        .isEqualTo(
            json(
                """
                {"jwt": {
                  "claims": {
                    "sub": "alice", "aud": "[app x]", "email_verified": "true",
                    "auth_time": "1767225600", "groups": "[a b c]", "none": "[]",
                    "scope": "read write", "iss": "%s", "iat": "%d", "exp": "%d"},
                  "scopes": null}}
                """
                    .formatted(ISSUER, now, now + 3600)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET /tokens", "POST /token", "POST /tokens/", "POST /"})
  void another_route_is_not_found(String route) throws Exception {
    String[] methodAndPath = route.split(" ", -1);

    HttpResponse<String> response =
        send(
            request(methodAndPath[1], PROVIDER.token(ALICE, HOUR))
                .method(methodAndPath[0], BodyPublishers.noBody()));

    assertMessage(response, 404, "Not Found");
  }

  @Test
  void a_request_without_a_token_is_unauthorized() throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(api.endpoint().resolve("/tokens"));

    assertUnauthorized(send(request.POST(BodyPublishers.noBody())));
  }

  @Test
  void a_token_may_follow_the_word_bearer_or_stand_alone() throws Exception {
    String token = PROVIDER.token(ALICE, HOUR);

    assertThat(status(token)).isEqualTo(200);
    assertThat(post(Map.of("Authorization", token)).statusCode()).isEqualTo(200);
  }

  @Test
  void a_token_is_valid_before_its_end_only() throws Exception {
    String token = PROVIDER.token(ALICE, HOUR);
    CLOCK.advance(HOUR.minusSeconds(1));
    assertThat(status(token)).isEqualTo(200);

    CLOCK.advance(Duration.ofSeconds(1));

    assertUnauthorized(token);
  }

  @Test
  void a_token_needs_an_end_in_numbers() throws Exception {
    assertUnauthorized(PROVIDER.token(Map.of("aud", "app", "exp", "9999999999"), HOUR));
  }

  @ParameterizedTest
  @ValueSource(strings = {"nbf", "iat"})
  void a_token_is_not_valid_before_its_beginning(String claim) throws Exception {
    long start = CLOCK.instant().getEpochSecond() + 60;
    String token = PROVIDER.token(Map.of("aud", "app", claim, start), HOUR);
    assertUnauthorized(token);

    CLOCK.advance(Duration.ofSeconds(60));

    assertThat(status(token)).isEqualTo(200);
  }

  @Test
  void a_token_of_another_issuer_is_refused() throws Exception {
    assertUnauthorized(PROVIDER.token(Map.of("aud", "app", "iss", ISSUER + "/"), HOUR));
  }

  @Test
  void a_token_names_an_audience_or_else_a_client() throws Exception {
    assertThat(status(PROVIDER.token(Map.of("aud", "other app"), HOUR))).isEqualTo(200);
    assertThat(status(PROVIDER.token(Map.of("aud", List.of("x", "app")), HOUR))).isEqualTo(200);
    assertThat(status(PROVIDER.token(Map.of("client_id", "app"), HOUR))).isEqualTo(200);

    assertUnauthorized(PROVIDER.token(Map.of("aud", "x"), HOUR));
    assertUnauthorized(PROVIDER.token(Map.of("aud", List.of()), HOUR));
    assertUnauthorized(PROVIDER.token(Map.of("aud", "x", "client_id", "app"), HOUR));
    assertUnauthorized(PROVIDER.token(Map.of("client_id", "x"), HOUR));
    assertUnauthorized(PROVIDER.token(Map.of("sub", "alice"), HOUR));
  }

  @Test
  void a_token_with_changed_claims_is_refused() throws Exception {
    String[] parts = PROVIDER.token(ALICE, HOUR).split("\\.", -1);
    String[] others = PROVIDER.token(Map.of("sub", "bob", "aud", "app"), HOUR).split("\\.", -1);

    assertUnauthorized(parts[0] + "." + others[1] + "." + parts[2]);
    assertUnauthorized(parts[0] + "." + parts[1] + "." + others[2]);
  }

  @Test
  void a_token_of_another_key_is_refused() throws Exception {
    IdentityProvider impostor = new IdentityProvider(ISSUER, CLOCK);
    String foreign = impostor.token(ALICE, HOUR);
    String header = PROVIDER.token(ALICE, HOUR).split("\\.", -1)[0];

    assertUnauthorized(foreign);
    assertUnauthorized(header + foreign.substring(foreign.indexOf('.')));
  }

  @Test
  void a_token_that_names_another_key_is_refused() throws Exception {
    api.close();
    Authorizer.Jwt other = new Authorizer.Jwt(ISSUER, Set.of("app"), "another", authorizer.key());
    api = HttpApi.start(lambda, "POST /tokens", other, CLOCK);

    assertUnauthorized(PROVIDER.token(ALICE, HOUR));
  }

  @Test
  void a_token_without_an_algorithm_is_refused() throws Exception {
    String claims = PROVIDER.token(ALICE, HOUR).split("\\.", -1)[1];

    assertUnauthorized(header("none") + "." + claims + ".");
    assertUnauthorized(header("None") + "." + claims + ".");
    assertUnauthorized(header("none") + "." + claims);
  }

  @Test
  void a_token_signed_with_the_public_key_as_a_secret_is_refused() throws Exception {
    String signed = header("HS256") + "." + PROVIDER.token(ALICE, HOUR).split("\\.", -1)[1];

    assertUnauthorized(signed + "." + hmac(signed, authorizer.key().getEncoded()));
  }

  @Test
  void a_genuine_signature_under_the_name_of_another_algorithm_is_refused() throws Exception {
    KeyPair keys = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    api.close();
    Authorizer.Jwt own =
        new Authorizer.Jwt(
            ISSUER, Set.of("app"), authorizer.keyId(), (RSAPublicKey) keys.getPublic());
    api = HttpApi.start(lambda, "POST /tokens", own, CLOCK);
    String claims = PROVIDER.token(ALICE, HOUR).split("\\.", -1)[1];

    assertThat(status(signed(header("RS256") + "." + claims, keys))).isEqualTo(200);
    assertUnauthorized(signed(header("RS512") + "." + claims, keys));
    assertUnauthorized(signed(header("none") + "." + claims, keys));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer e30.e30.e30", "Basic x"})
  void a_header_that_is_no_token_is_refused(String header) throws Exception {
    assertUnauthorized(post(Map.of("Authorization", header)));
  }

  @Test
  void a_principal_is_known_by_its_access_key() throws Exception {
    useIam();

    JsonNode event = json(post(Map.of("Authorization", signedBy("AKIASANDBOX"))).body());

    assertThat(event.path("requestContext").path("authorizer"))
        .isEqualTo(
            json(
                """
                {"iam": {
                  "accessKey": "AKIASANDBOX", "accountId": "111122223333", "callerId": "AIDASANDBOX",
                  "cognitoIdentity": null, "principalOrgId": null,
                  "userArn": "arn:aws:iam::111122223333:user/alice", "userId": "AIDASANDBOX"}}
                """));
  }

  @Test
  void an_unknown_principal_is_forbidden() throws Exception {
    useIam();

    assertMessage(post(Map.of("Authorization", signedBy("AKIAOTHER"))), 403, "Forbidden");
    assertMessage(post(Map.of("Authorization", "Bearer AKIASANDBOX")), 403, "Forbidden");
    assertMessage(post(Map.of()), 403, "Forbidden");
    assertThat(api.invocations()).isEmpty();
  }

  @Test
  void a_function_describes_its_response() throws Exception {
    HttpResponse<String> response = run("teapot");

    assertThat(response.statusCode()).isEqualTo(418);
    assertThat(response.headers().allValues("x-one")).containsExactly("1");
    assertThat(response.headers().allValues("content-type")).containsExactly("text/html");
    assertThat(response.headers().allValues("set-cookie")).containsExactly("a=1", "b=2; Secure");
    assertThat(response.headers().firstValue("apigw-requestid")).isPresent();
    assertThat(response.body()).isEqualTo("<p>é</p>");
  }

  @Test
  void a_response_may_lack_all_but_its_status() throws Exception {
    HttpResponse<String> response = run("bare");

    assertThat(response.statusCode()).isEqualTo(204);
    assertThat(response.body()).isEmpty();
  }

  @Test
  void a_response_without_a_type_is_plain_text() throws Exception {
    HttpResponse<String> response = run("binary");

    assertThat(response.headers().firstValue("content-type")).contains("text/plain; charset=utf-8");
    assertThat(response.body()).isEqualTo("binary");
  }

  @ParameterizedTest
  @CsvSource({"text, '\"Hello\"'", "object, '{\"body\":\"x\"}'", "half, '{\"statusCode\":'"})
  void an_output_without_a_status_is_the_body(String command, String body) throws Exception {
    HttpResponse<String> response = run(command);

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).contains("application/json");
    assertThat(response.body()).isEqualTo(body);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"no-number", "no-status", "no-text", "no-headers", "no-cookies", "no-base64"})
  void a_malformed_response_is_an_error(String command) throws Exception {
    assertMessage(run(command), 500, "Internal Server Error");
  }

  @ParameterizedTest
  @ValueSource(strings = {"throw", "exit"})
  void a_failed_invocation_is_an_error(String command) throws Exception {
    assertMessage(run(command), 500, "Internal Server Error");
    assertThat(status(PROVIDER.token(ALICE, HOUR))).isEqualTo(200);
  }

  @Test
  void an_invocation_that_takes_too_long_is_an_error() throws Exception {
    api.close();
    try (LambdaServer impatient = start(Duration.ofMillis(300));
        HttpApi slow = HttpApi.start(impatient, "POST /tokens", authorizer, CLOCK)) {
      api = slow;

      assertMessage(run("hang"), 500, "Internal Server Error");
      assertThat(slow.invocations().getFirst().outcome()).isEqualTo(new Outcome.TimedOut());
    }
  }

  @Test
  void a_test_sees_what_each_invocation_has_logged() throws Exception {
    run("bare");
    run("throw");

    assertThat(api.invocations().getFirst().log()).contains("got bare");
    assertThat(api.invocations().getLast().log()).contains("got throw");
    assertThat(api.invocations().getLast().outcome())
        .asInstanceOf(type(Outcome.Failure.class))
        .satisfies(failure -> assertThat(failure.message()).isEqualTo("as asked"));
  }

  @Test
  void requests_beyond_the_rate_are_refused() throws Exception {
    api.throttle(0.5, 2);
    String token = PROVIDER.token(ALICE, HOUR);

    assertThat(List.of(status(token), status(token), status(token))).containsExactly(200, 200, 429);
    CLOCK.advance(Duration.ofSeconds(2));
    assertThat(List.of(status(token), status(token))).containsExactly(200, 429);
    CLOCK.advance(HOUR.dividedBy(2));
    assertThat(List.of(status(token), status(token), status(token))).containsExactly(200, 200, 429);
    assertMessage(post(Map.of()), 429, "Too Many Requests");
    assertThat(api.invocations()).hasSize(5);
  }

  private void useIam() {
    api.close();
    Authorizer.Iam iam =
        new Authorizer.Iam(
            Map.of(
                "AKIASANDBOX",
                new Authorizer.Iam.Principal(
                    "111122223333", "AIDASANDBOX", "arn:aws:iam::111122223333:user/alice")));
    api = HttpApi.start(lambda, "POST /tokens", iam, CLOCK);
  }

  private static String signedBy(String accessKey) {
    return "AWS4-HMAC-SHA256 Credential="
        + accessKey
        + "/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date,"
        + " Signature=0000";
  }

  private String header(String algorithm) {
    return base64Url(
        "{\"alg\":\"%s\",\"kid\":\"%s\"}".formatted(algorithm, authorizer.keyId()).getBytes(UTF_8));
  }

  private static String signed(String content, KeyPair keys) throws GeneralSecurityException {
    Signature signer = Signature.getInstance("SHA256withRSA");
    signer.initSign(keys.getPrivate());
    signer.update(content.getBytes(UTF_8));
    return content + "." + base64Url(signer.sign());
  }

  private static String hmac(String signed, byte[] secret) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret, "HmacSHA256"));
    return base64Url(mac.doFinal(signed.getBytes(UTF_8)));
  }

  private static String base64Url(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Has the function execute a command. */
  private HttpResponse<String> run(String command) throws Exception {
    return send(request("/tokens?" + command).POST(BodyPublishers.noBody()));
  }

  /** Sends a request with a valid token; returns the event, which the function repeats. */
  private static JsonNode event(HttpRequest.Builder request) throws Exception {
    return json(send(request).body());
  }

  private int status(String token) throws Exception {
    return send(request("/tokens", token).POST(BodyPublishers.noBody())).statusCode();
  }

  private HttpResponse<String> post(Map<String, String> headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(api.endpoint().resolve("/tokens"));
    headers.forEach(request::header);
    return send(request.POST(BodyPublishers.noBody()));
  }

  private HttpRequest.Builder request(String path) {
    return request(path, PROVIDER.token(ALICE, HOUR));
  }

  private HttpRequest.Builder request(String path, String token) {
    URI url = api.endpoint().resolve(path);
    return HttpRequest.newBuilder(url)
        .version(HttpClient.Version.HTTP_1_1)
        .header("Authorization", "Bearer " + token);
  }

  private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private void assertUnauthorized(String token) throws Exception {
    assertUnauthorized(send(request("/tokens", token).POST(BodyPublishers.noBody())));
  }

  private static void assertUnauthorized(HttpResponse<String> response) {
    assertMessage(response, 401, "Unauthorized");
    assertThat(response.headers().firstValue("www-authenticate")).contains("Bearer");
  }

  private static void assertMessage(HttpResponse<String> response, int status, String message) {
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.body()).isEqualTo("{\"message\":\"" + message + "\"}");
    assertThat(response.headers().firstValue("content-type")).contains("application/json");
  }

  private static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  private static LambdaServer start(Duration timeout) throws IOException {
    Path archive = SampleArchive.of(Sample.class, directory);
    return LambdaServer.start(
        new Function(archive, Sample.class.getName() + "::handle", 128, timeout, false, Map.of()));
  }

  /** A function that executes the command in the query, and repeats its event without one. */
  public static final class Sample {

    /** Called by the runtime interface client. */
    public void handle(InputStream in, OutputStream out, Context context) throws Exception {
      String event = new String(in.readAllBytes(), UTF_8);
      String command = event.replaceFirst(".*\"rawQueryString\":\"([^\"]*)\".*", "$1");
      System.out.println("got " + command);
      String response =
          switch (command) {
            case "teapot" ->
                """
                {"statusCode": 418, "headers": {"X-One": 1, "Content-Type": "text/html"},
                 "cookies": ["a=1", "b=2; Secure"], "body": "<p>é</p>", "isBase64Encoded": false}
                """;
            case "bare" -> "{\"statusCode\": 204}";
            case "binary" ->
                """
                {"statusCode": 200, "headers": null, "isBase64Encoded": true, "body": "YmluYXJ5"}
                """;
            case "text" -> "\"Hello\"";
            case "object" -> "{\"body\":\"x\"}";
            case "half" -> "{\"statusCode\":";
            case "no-number" -> "{\"statusCode\": \"x\"}";
            case "no-status" -> "{\"statusCode\": 99}";
            case "no-text" -> "{\"statusCode\": 200, \"body\": {}}";
            case "no-headers" -> "{\"statusCode\": 200, \"headers\": {\"a\": []}}";
            case "no-cookies" -> "{\"statusCode\": 200, \"cookies\": [1]}";
            case "no-base64" -> "{\"statusCode\": 200, \"body\": \"?\", \"isBase64Encoded\": true}";
            case "throw" -> throw new IllegalStateException("as asked");
            case "exit" -> {
              System.exit(3);
              yield "";
            }
            case "hang" -> {
              Thread.sleep(Duration.ofMinutes(10));
              yield "";
            }
            default -> event;
          };
      out.write(response.getBytes(UTF_8));
    }
  }
}
