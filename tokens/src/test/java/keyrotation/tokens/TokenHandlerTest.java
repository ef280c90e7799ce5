package keyrotation.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.tokens.TokenFixture.Response;
import momento.token._GenerateDisposableTokenResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenHandlerTest {

  private static final Map<String, String> ALICE = Map.of("sub", "alice");

  private final TokenFixture fixture = new TokenFixture();

  @BeforeEach
  void deploy() {
    fixture.store(fixture.issue());
    fixture.deploy(TokenFixture.OWN_ITEMS);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void assertRefused(Response response, int status, RefusalReason reason) {
    assertThat(response.status()).isEqualTo(status);
    assertThat(response.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(response.header("Cache-Control")).isEqualTo("no-store");
    assertThat(response.body().path("status").intValue()).isEqualTo(status);
    assertThat(response.body().path("title").textValue()).isNotBlank();
    assertThat(response.body().path("requestId").textValue()).isEqualTo("api-request");
    ObjectNode line = fixture.lastLine();
    assertThat(line.path("result").textValue()).isEqualTo("REFUSED");
    assertThat(line.path("reason").textValue()).isEqualTo(reason.name());
    assertThat(line.path("status").intValue()).isEqualTo(status);
    assertThat(line.path("level").textValue()).isEqualTo(status < 500 ? "WARN" : "ERROR");
    assertThat(line.path("api_request_id").textValue()).isEqualTo("api-request");
    assertThat(line.path("message").textValue()).isNotBlank();
  }

  @Test
  void a_verified_caller_gets_a_token() {
    Response response = fixture.request(ALICE, "");

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("Content-Type")).isEqualTo("application/json");
    assertThat(response.header("Cache-Control")).isEqualTo("no-store");
    assertThat(response.body().properties()).hasSize(3);
    assertThat(response.body().path("endpoint").textValue()).isEqualTo(MomentoServer.ENDPOINT);
    assertThat(Instant.ofEpochSecond(response.body().path("expiresAt").longValue()))
        .isEqualTo(fixture.clock.instant().plusSeconds(600));
    assertThat(fixture.sandbox.momento().tokens())
        .singleElement()
        .satisfies(
            token -> {
              assertThat(token.id()).isEqualTo("alice");
              assertThat(token.token()).isEqualTo(response.token());
            });
    ObjectNode line = fixture.lastLine();
    assertThat(line.path("result").textValue()).isEqualTo("ISSUED");
    assertThat(line.path("level").textValue()).isEqualTo("INFO");
    assertThat(line.path("subject").textValue()).isEqualTo("alice");
    assertThat(line.path("rule").textValue()).isEqualTo("own-items");
    assertThat(line.path("request_id").textValue()).isEqualTo("request-1");
    assertThat(line.path("expires_at").textValue())
        .isEqualTo(fixture.clock.instant().plusSeconds(600).toString());
  }

  @Test
  void a_caller_may_name_a_rule_and_a_shorter_life() {
    Response response = fixture.request(ALICE, "{\"rule\":\"own-items\",\"lifetimeSeconds\":5}");

    assertThat(response.body().path("expiresAt").longValue())
        .isEqualTo(fixture.clock.instant().plusSeconds(5).getEpochSecond());
  }

  @Test
  void the_body_may_be_base64() {
    APIGatewayV2HTTPEvent event =
        TokenFixture.event(
            ALICE, Base64.getEncoder().encodeToString("{\"lifetimeSeconds\":5}".getBytes(UTF_8)));
    event.setIsBase64Encoded(true);

    assertThat(fixture.send(event).body().path("expiresAt").longValue())
        .isEqualTo(fixture.clock.instant().plusSeconds(5).getEpochSecond());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "[]",
        "1",
        "{\"rule\":1}",
        "{\"rule\":null}",
        "{\"lifetimeSeconds\":0}",
        "{\"lifetimeSeconds\":-1}",
        "{\"lifetimeSeconds\":1.0}",
        "{\"lifetimeSeconds\":\"5\"}",
        "{\"lifetimeSeconds\":null}",
        "{\"lifetimeSeconds\":99999999999}",
        "{\"lifetimeSeconds\":1e999999999}",
        "{\"permissions\":[]}",
        "{\"rule\":\"own-items\",\"rule\":\"own-items\"}",
        "{} {}"
      })
  void another_body_is_refused(String body) {
    assertRefused(fixture.request(ALICE, body), 400, RefusalReason.REQUEST_INVALID);
    assertThat(fixture.sandbox.momento().tokens()).isEmpty();
  }

  @Test
  void a_body_that_is_not_the_base64_that_it_claims_to_be_is_refused() {
    APIGatewayV2HTTPEvent event = TokenFixture.event(ALICE, "%");
    event.setIsBase64Encoded(true);

    assertRefused(fixture.send(event), 400, RefusalReason.REQUEST_INVALID);
  }

  @Test
  void an_unverified_caller_gets_no_token() {
    assertRefused(fixture.send(TokenFixture.unverified()), 403, RefusalReason.CALLER_UNVERIFIED);
  }

  @Test
  void refused_callers_learn_nothing_of_the_policy() {
    fixture.deploy(
        """
        {"rules": [{"name": "operators", "claims": {"groups": {"contains": "operators"}},
          "lifetimeSeconds": 60,
          "permissions": [{"access": "publish", "caches": "all", "topic": "{tenant}"}]}]}
        """);

    Response uncovered = fixture.request(ALICE, "");
    assertRefused(uncovered, 403, RefusalReason.RULE_MISSING);
    Response existing = fixture.request(ALICE, "{\"rule\":\"operators\"}");
    assertRefused(existing, 403, RefusalReason.RULE_MISSING);
    Response unknown = fixture.request(ALICE, "{\"rule\":\"none\"}");
    assertRefused(unknown, 403, RefusalReason.RULE_MISSING);
    Response unusable = fixture.request(Map.of("sub", "bob", "groups", "[operators]"), "");
    assertRefused(unusable, 403, RefusalReason.CLAIM_UNUSABLE);

    assertThat(List.of(existing.body(), unknown.body(), unusable.body()))
        .containsOnly(uncovered.body());
  }

  @Test
  void more_requests_than_the_share_for_tokens_are_refused_for_a_while() {
    fixture.deploy(TokenFixture.OWN_ITEMS, 2);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);

    Response refused = fixture.request(ALICE, "");
    assertRefused(refused, 429, RefusalReason.RATE_LIMITED);
    assertThat(refused.header("Retry-After")).isEqualTo("1");
    assertThat(fixture.sandbox.momento().tokens()).hasSize(2);

    fixture.clock.advance(Duration.ofSeconds(1));
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  @Test
  void a_refused_caller_takes_nothing_of_the_share() {
    fixture.deploy(TokenFixture.OWN_ITEMS, 1);
    assertRefused(fixture.request(Map.of("sub", "a/b"), ""), 403, RefusalReason.CLAIM_UNUSABLE);

    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  private void refuseOnce(StatusRuntimeException error) {
    fixture
        .sandbox
        .momento()
        .calls()
        .onNext(MomentoServer.GENERATE_TOKEN, new Fault.Refuse<>(error));
  }

  private void refuse(StatusRuntimeException error) {
    fixture
        .sandbox
        .momento()
        .calls()
        .onEvery(MomentoServer.GENERATE_TOKEN, new Fault.Refuse<>(error));
  }

  @ParameterizedTest
  @CsvSource({
    "PERMISSION_DENIED, 503, KEY_NOT_ALLOWED, 60",
    "UNAUTHENTICATED, 503, KEY_REJECTED, 60",
    "UNAVAILABLE, 503, MOMENTO_UNAVAILABLE, 1",
    "INTERNAL, 503, MOMENTO_UNAVAILABLE, 1",
    "UNKNOWN, 503, MOMENTO_UNAVAILABLE, 1",
    "RESOURCE_EXHAUSTED, 429, MOMENTO_THROTTLED, 1",
    "INVALID_ARGUMENT, 500, MOMENTO_REFUSED, ''",
    "NOT_FOUND, 500, MOMENTO_REFUSED, ''",
    "UNIMPLEMENTED, 500, MOMENTO_REFUSED, ''",
  })
  void each_error_of_momento_has_a_reason(
      Status.Code code, int status, RefusalReason reason, String retryAfter) {
    refuse(code.toStatus().asRuntimeException());

    Response refused = fixture.request(ALICE, "");
    assertRefused(refused, status, reason);
    assertThat(refused.header("Retry-After")).isEqualTo(retryAfter);
    assertThat(fixture.lastLine().path("message").textValue())
        .contains("the secret " + TokenFixture.SECRET);
  }

  @Test
  void a_proxys_denial_is_not_taken_for_momentos() {
    refuse(Status.PERMISSION_DENIED.withDescription("HTTP status code 403").asRuntimeException());

    assertRefused(fixture.request(ALICE, ""), 503, RefusalReason.MOMENTO_UNAVAILABLE);
  }

  @Test
  void a_call_that_momento_did_not_answer_is_repeated() {
    refuseOnce(Status.UNAVAILABLE.asRuntimeException());

    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  @Test
  void a_call_that_takes_too_long_is_repeated_over_a_new_connection() {
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
    assertThat(fixture.sandbox.momento().connectionsMade()).isEqualTo(1);
    fixture
        .sandbox
        .momento()
        .calls()
        .onNext(MomentoServer.GENERATE_TOKEN, new Fault.Delay<>(Duration.ofMinutes(1)));

    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
    assertThat(fixture.sandbox.momento().connectionsMade()).isEqualTo(2);
  }

  @Test
  void a_momento_that_does_not_answer_is_not_waited_for_until_the_function_ends() {
    fixture
        .sandbox
        .momento()
        .calls()
        .onEvery(MomentoServer.GENERATE_TOKEN, new Fault.Delay<>(Duration.ofMinutes(1)));

    long start = System.nanoTime();
    assertRefused(fixture.request(ALICE, ""), 503, RefusalReason.MOMENTO_UNAVAILABLE);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(25));
  }

  @Test
  void a_secret_that_cannot_be_read_is_read_again_at_the_next_request() {
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onEvery(
            "GetSecretValue",
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied(
                    "secretsmanager:GetSecretValue", TokenFixture.SECRET)));

    Response refused = fixture.request(ALICE, "");
    assertRefused(refused, 503, RefusalReason.KEY_UNAVAILABLE);
    assertThat(refused.header("Retry-After")).isEqualTo("10");
    assertThat(fixture.lastLine().path("message").textValue())
        .contains("momento/api-key", "secretsmanager:GetSecretValue");

    fixture.sandbox.clearFaults();
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  @Test
  void a_rotation_a_rollback_and_a_revocation_cost_no_request() {
    V2Key first = fixture.issue();
    fixture.store(first);
    fixture.deploy(TokenFixture.OWN_ITEMS);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);

    V2Key second = fixture.issue();
    fixture.store(second);
    // Has the function read the secret before its next regular read.
    refuseOnce(Status.UNAUTHENTICATED.asRuntimeException());
    assertThat(fixture.request(ALICE, "").status()).as("after a rotation").isEqualTo(200);
    assertThat(fixture.sandbox.momento().tokens().getLast().maker()).isEqualTo(second);

    fixture.rollBack();
    fixture.sandbox.momento().v2Keys().revoke(second.id());
    assertThat(fixture.request(ALICE, "").status()).as("after a rollback").isEqualTo(200);
    assertThat(fixture.sandbox.momento().tokens().getLast().maker()).isEqualTo(first);

    V2Key third = fixture.issue();
    fixture.store(third);
    fixture.sandbox.momento().v2Keys().revoke(first.id());
    assertThat(fixture.request(ALICE, "").status()).as("after a revocation").isEqualTo(200);
    assertThat(fixture.sandbox.momento().tokens().getLast().maker()).isEqualTo(third);
  }

  @Test
  void a_rejected_key_is_not_blamed_while_the_secret_cannot_be_read() {
    V2Key revoked = fixture.issue();
    fixture.store(revoked);
    fixture.deploy(TokenFixture.OWN_ITEMS);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
    fixture.store(fixture.issue());
    fixture.sandbox.momento().v2Keys().revoke(revoked.id());
    fixture
        .sandbox
        .secretsManager()
        .calls()
        .onNext("GetSecretValue", new Fault.Refuse<>(SecretsManagerException.kmsDenied()));

    assertRefused(fixture.request(ALICE, ""), 503, RefusalReason.KEY_UNAVAILABLE);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  @Test
  void a_key_without_an_endpoint_is_used_at_the_one_that_is_set() {
    fixture.store(fixture.issue().token());
    fixture.deploy(
        TokenFixture.OWN_ITEMS,
        new TokenSettings(
            TokenFixture.SECRET,
            Optional.of(MomentoServer.ENDPOINT),
            Authorizer.JWT,
            3,
            Duration.ofHours(1)));

    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
  }

  @Test
  void a_caller_with_aws_credentials_gets_what_its_role_gets() {
    fixture.deploy(
        """
        {"rules": [{"name": "readers", "claims": {"role": {"equals": "Reader"}},
          "lifetimeSeconds": 60,
          "permissions": [{"access": "subscribe", "caches": "all", "topic": "of/{account}"}]}]}
        """,
        new TokenSettings(
            TokenFixture.SECRET, Optional.empty(), Authorizer.IAM, 3, Duration.ofHours(1)));

    assertThat(
            fixture
                .send(
                    TokenFixture.signedBy("arn:aws:sts::123456789012:assumed-role/Reader/anything"))
                .status())
        .isEqualTo(200);
    assertThat(fixture.sandbox.momento().tokens().getLast().id())
        .isEqualTo("123456789012:role/Reader");
    assertRefused(
        fixture.send(TokenFixture.signedBy("arn:aws:sts::123456789012:assumed-role/Writer/Reader")),
        403,
        RefusalReason.RULE_MISSING);
  }

  @Test
  void a_refused_request_is_logged_with_its_caller_and_rule() {
    refuse(Status.UNAVAILABLE.asRuntimeException());
    assertRefused(fixture.request(ALICE, ""), 503, RefusalReason.MOMENTO_UNAVAILABLE);

    assertThat(fixture.lastLine().path("subject").textValue()).isEqualTo("alice");
    assertThat(fixture.lastLine().path("rule").textValue()).isEqualTo("own-items");
  }

  @Test
  void a_fault_of_the_function_is_answered_and_logged_without_its_message() {
    // The client is closed, which no request can cause.
    fixture.deploy(TokenFixture.OWN_ITEMS);
    assertThat(fixture.request(ALICE, "").status()).isEqualTo(200);
    fixture.closeFunction();

    assertRefused(fixture.request(ALICE, ""), 500, RefusalReason.INTERNAL_ERROR);
    assertThat(fixture.lastLine().path("message").textValue())
        .contains("java.lang.IllegalStateException [keyrotation.client.FollowingClient.")
        .doesNotContain("The client is closed");
  }

  private static IllegalStateException innermost() {
    return new IllegalStateException("canary");
  }

  @Test
  void the_cause_of_a_fault_is_logged() {
    assertThat(TokenLog.internal(new CompletionException("canary", innermost())))
        .hasMessageContaining(
            "java.util.concurrent.CompletionException of java.lang.IllegalStateException"
                + " [keyrotation.tokens.TokenHandlerTest.innermost(")
        .message()
        .doesNotContain("canary");
  }

  @ParameterizedTest
  @CsvSource({
    "'', cell.example.com, 1796000000",
    "a b, cell.example.com, 1796000000",
    "a.b.c, '', 1796000000",
    "a.b.c, https://cell.example.com, 1796000000",
    "a.b.c, cell.example.com, 0",
    "a.b.c, cell.example.com, -1",
  })
  void an_answer_of_momento_without_a_usable_token_is_refused(
      String token, String endpoint, long validUntil) {
    var answer =
        _GenerateDisposableTokenResponse.newBuilder()
            .setApiKey(token)
            .setEndpoint(endpoint)
            .setValidUntil(validUntil)
            .build();

    assertThatThrownBy(() -> Token.of(answer)).isInstanceOf(TokenException.class);
    assertThatCode(
            () ->
                Token.of(
                    answer.toBuilder()
                        .setApiKey("a.b.c")
                        .setEndpoint("cell.example.com")
                        .setValidUntil(1_796_000_000)
                        .build()))
        .doesNotThrowAnyException();
  }

  @ParameterizedTest
  @EnumSource(Permissions.class)
  void a_v1_key_makes_tokens_if_it_is_a_super_user_key(Permissions permissions) {
    IssuedKey key = fixture.sandbox.momento().issue(Duration.ofDays(30), permissions);
    fixture.store(key);
    fixture.deploy(TokenFixture.OWN_ITEMS);

    Response response = fixture.request(ALICE, "");
    if (permissions == Permissions.SUPER_USER) {
      assertThat(response.status()).isEqualTo(200);
    } else {
      assertRefused(response, 503, RefusalReason.KEY_NOT_ALLOWED);
    }
  }

  @Test
  void a_role_without_the_right_makes_no_tokens() {
    fixture.store(
        fixture.sandbox.momento().v2Keys().issue(V2Keys.VIEWER, "viewer", Optional.empty()));
    fixture.deploy(TokenFixture.OWN_ITEMS);

    assertRefused(fixture.request(ALICE, ""), 503, RefusalReason.KEY_NOT_ALLOWED);
  }

  @Test
  void the_log_holds_no_header_no_token_and_no_claim_but_the_subject() {
    APIGatewayV2HTTPEvent event =
        TokenFixture.event(
            Map.of("sub", "alice", "email", "canary-claim", "canary-name", "x"),
            "{\"rule\":\"canary-rule\"}");
    event.setHeaders(Map.of("authorization", "Bearer canary-header"));
    event.setCookies(List.of("canary-cookie"));
    assertRefused(fixture.send(event), 403, RefusalReason.RULE_MISSING);
    event.setBody("");
    Response issued = fixture.send(event);

    assertThat(fixture.log())
        .hasSize(2)
        .noneMatch(line -> line.contains("canary"))
        .noneMatch(line -> line.contains("eyJ"))
        .noneMatch(line -> line.contains(issued.token()));
  }

  @Test
  void a_long_subject_is_cut_in_the_log_and_hashed_for_momento() {
    fixture.deploy(
        """
        {"rules": [{"name": "a", "claims": {}, "lifetimeSeconds": 60,
          "permissions": [{"access": "publish", "caches": "all", "topics": "all"}]}]}
        """);
    assertThat(fixture.request(Map.of("sub", "a".repeat(1000)), "").status()).isEqualTo(200);

    assertThat(fixture.lastLine().path("subject").textValue()).isEqualTo("a".repeat(256));
    assertThat(fixture.sandbox.momento().tokens().getFirst().id()).matches("[0-9a-f]{64}");
  }
}
