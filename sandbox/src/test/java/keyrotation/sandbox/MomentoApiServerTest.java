package keyrotation.sandbox;

import static java.time.temporal.ChronoUnit.SECONDS;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.MomentoApiServer.LIST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import keyrotation.sandbox.V2Keys.Role;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MomentoApiServerTest {

  private static final Duration WEEK = Duration.ofDays(7);

  private final ManualClock clock = new ManualClock();
  private final CertificateAuthority authority = new CertificateAuthority();
  private final V2Keys keys = new V2Keys(clock);
  private final MomentoApiServer server = MomentoApiServer.start(authority, clock, keys);
  private final V2Key manager = keys.issue(V2Keys.OWNER, "manager", Optional.empty());
  private final HttpClient client =
      HttpClient.newBuilder().sslContext(authority.contextForClients()).build();
  private final ObjectMapper json = new ObjectMapper();

  @AfterEach
  void stop() {
    client.shutdownNow();
    server.close();
  }

  @Test
  void issues_a_key_of_a_role_that_expires() throws IOException, InterruptedException {
    Instant expiry = clock.instant().plus(WEEK);

    JsonNode answer = issue("r-viewer", "for a test", Long.toString(expiry.getEpochSecond()), true);

    JsonNode info = answer.path("key_info");
    assertThat(info.path("role_id").asText()).isEqualTo("r-viewer");
    assertThat(info.path("description").asText()).isEqualTo("for a test");
    assertThat(info.path("issued_at_epoch_seconds").asLong())
        .isEqualTo(clock.instant().getEpochSecond());
    assertThat(info.path("expires_at_epoch_seconds").asLong()).isEqualTo(expiry.getEpochSecond());
    assertThat(answer.has("refresh_token")).isFalse();
    String token = answer.path("api_key").asText();
    assertThat(keys.accepts(token)).isTrue();
    clock.advance(WEEK);
    assertThat(keys.accepts(token)).isFalse();
  }

  @Test
  void issues_a_key_that_never_expires() throws IOException, InterruptedException {
    JsonNode answer = issue("r-viewer", "", "\"never\"", false);

    assertThat(answer.path("key_info").has("expires_at_epoch_seconds")).isFalse();
    assertThat(answer.has("refresh_token")).isFalse();
  }

  @Test
  void a_key_that_expires_comes_with_a_refresh_token_unless_it_is_excluded()
      throws IOException, InterruptedException {
    String expiry = Long.toString(clock.instant().plus(WEEK).getEpochSecond());

    assertThat(issue("r-viewer", "", expiry, false).has("refresh_token")).isTrue();
  }

  @Test
  void a_role_or_expiry_that_is_unknown_issues_no_key() throws IOException, InterruptedException {
    assertThat(post("{\"role_id\":\"r-none\",\"expiry\":\"never\"}").statusCode()).isEqualTo(404);
    assertThat(post("{\"role_id\":\"r-viewer\",\"expiry\":\"soon\"}").statusCode()).isEqualTo(400);
    assertThat(post("no JSON").statusCode()).isEqualTo(400);
    assertThat(keys.list()).containsExactly(manager);
  }

  @Test
  void lists_keys_in_pages_and_without_their_tokens() throws IOException, InterruptedException {
    List<String> issued = new ArrayList<>(List.of(manager.id()));
    for (int i = 0; i < 4; i++) {
      issued.add(keys.issue(V2Keys.VIEWER, "key " + i, Optional.empty()).id());
    }
    List<String> listed = new ArrayList<>();
    String next = "";
    do {
      String body = get("/api-keys?limit=2" + next).body();
      assertThat(body).doesNotContain(manager.token());
      JsonNode page = json.readTree(body);
      page.path("key_info").forEach(info -> listed.add(info.path("key_id").asText()));
      next = page.has("next_token") ? "&next_token=" + page.path("next_token").asText() : "";
    } while (!next.isEmpty());

    assertThat(listed).isEqualTo(issued);
  }

  @Test
  void pages_have_from_one_to_a_hundred_entries() throws IOException, InterruptedException {
    assertThat(get("/api-keys?limit=100").statusCode()).isEqualTo(200);
    assertThat(get("/api-keys?limit=0").statusCode()).isEqualTo(400);
    assertThat(get("/api-keys?limit=101").statusCode()).isEqualTo(400);
    assertThat(get("/api-keys?next_token=unknown").statusCode()).isEqualTo(400);
  }

  @Test
  void lists_roles_by_type() throws IOException, InterruptedException {
    keys.add(new Role("r-custom", "Custom", Role.Type.CUSTOM, false, false));

    assertThat(json.readTree(get("/roles").body()).path("roles")).hasSize(4);
    assertThat(json.readTree(get("/roles?type=custom").body()).path("roles"))
        .singleElement()
        .satisfies(role -> assertThat(role.path("role_id").asText()).isEqualTo("r-custom"));
  }

  @Test
  void a_revoked_key_is_rejected_at_once_and_is_gone_from_the_list()
      throws IOException, InterruptedException {
    V2Key key = keys.issue(V2Keys.OWNER, "", Optional.empty());

    assertThat(delete(key.id()).statusCode()).isEqualTo(200);

    assertThat(keys.accepts(key.token())).isFalse();
    assertThat(keys.list()).containsExactly(manager);
    assertThat(delete(key.id()).statusCode()).isEqualTo(404);
    assertThat(call(key.token(), "GET", "/api-keys", "").statusCode()).isEqualTo(401);
  }

  @Test
  void only_a_key_whose_role_manages_keys_may_call() throws IOException, InterruptedException {
    V2Key viewer = keys.issue(V2Keys.VIEWER, "", Optional.empty());

    assertThat(call(viewer.token(), "GET", "/api-keys", "").statusCode()).isEqualTo(403);
    assertThat(call("unknown", "GET", "/api-keys", "").statusCode()).isEqualTo(401);
  }

  @Test
  void a_new_key_may_be_refused_at_first() throws IOException, InterruptedException {
    keys.refuseNewKeysAtFirst(1);
    String token = issue("r-owner", "", "\"never\"", true).path("api_key").asText();

    assertThat(call(token, "GET", "/api-keys", "").statusCode()).isEqualTo(401);
    assertThat(call(token, "GET", "/api-keys", "").statusCode()).isEqualTo(200);
  }

  @Test
  void a_throttled_call_may_ask_for_a_pause() throws IOException, InterruptedException {
    server
        .calls()
        .onNext(LIST, new Fault.Refuse<>(MomentoApiException.throttledFor(Duration.ofSeconds(3))));

    HttpResponse<String> refused = get("/api-keys");

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("Retry-After")).contains("3");
    assertThat(json.readTree(refused.body()).path("code").asText()).isNotEmpty();
    assertThat(get("/api-keys").statusCode()).isEqualTo(200);
  }

  @Test
  void a_gateways_error_is_no_json() throws IOException, InterruptedException {
    server.calls().onNext(LIST, new Fault.Refuse<>(MomentoApiException.badGateway()));

    HttpResponse<String> refused = get("/api-keys");

    assertThat(refused.statusCode()).isEqualTo(502);
    assertThat(refused.body()).startsWith("<html>");
  }

  @Test
  void a_call_whose_response_is_dropped_takes_effect() {
    server.calls().onNext(ISSUE, new Fault.DropResponse<>());

    assertThatThrownBy(() -> issue("r-viewer", "lost", "\"never\"", true))
        .isInstanceOf(IOException.class);
    assertThat(keys.list()).extracting(V2Key::description).containsExactly("manager", "lost");
  }

  @Test
  void a_response_may_stop_half_way() {
    server.calls().onNext(LIST, new Fault.StopHalfway<>());

    CompletableFuture<?> answer =
        client.sendAsync(request(manager.token(), "GET", "/api-keys", ""), BodyHandlers.ofString());

    assertThat(answer)
        .failsWithin(Duration.ofSeconds(1))
        .withThrowableOfType(TimeoutException.class);
  }

  @Test
  void a_list_may_lag_behind() throws IOException, InterruptedException {
    clock.advance(Duration.ofMinutes(1));
    keys.issue(V2Keys.VIEWER, "new", Optional.empty());
    server.calls().onNext(LIST, new Fault.ReadStale<>());
    server.calls().onNth(LIST, 2, new Fault.Lag<>(Duration.ofSeconds(30)));

    assertThat(json.readTree(get("/api-keys").body()).path("key_info")).hasSize(1);
    assertThat(json.readTree(get("/api-keys").body()).path("key_info")).hasSize(1);
    assertThat(json.readTree(get("/api-keys").body()).path("key_info")).hasSize(2);
  }

  @Test
  void a_description_may_be_cut_short_and_an_answer_be_no_json()
      throws IOException, InterruptedException {
    server.cutDescriptionsTo(4);
    assertThat(
            issue("r-viewer", "description", "\"never\"", true)
                .path("key_info")
                .path("description")
                .asText())
        .isEqualTo("desc");

    server.alterAnswers(answer -> "<html>" + answer);
    assertThat(get("/api-keys").body()).startsWith("<html>");
  }

  @Test
  void every_response_states_the_clocks_time() throws IOException, InterruptedException {
    clock.advance(WEEK);

    assertThat(date(get("/api-keys"))).contains(clock.instant().truncatedTo(SECONDS));
    assertThat(date(get("/unknown"))).contains(clock.instant().truncatedTo(SECONDS));
  }

  @Test
  void the_date_may_be_off() throws IOException, InterruptedException {
    server.dateIsOffBy(WEEK.negated());

    assertThat(date(get("/api-keys"))).contains(clock.instant().minus(WEEK).truncatedTo(SECONDS));
  }

  @Test
  void the_date_may_be_missing() throws IOException, InterruptedException {
    server.leaveOutDate();

    assertThat(date(get("/api-keys"))).isEmpty();
  }

  @Test
  void closes_at_once_while_responses_are_unfinished() throws IOException, InterruptedException {
    server.calls().onNext(LIST, new Fault.StopHalfway<>());
    server.calls().onNth(LIST, 2, new Fault.Delay<>(Duration.ofHours(1)));
    HttpRequest request = request(manager.token(), "GET", "/api-keys", "");
    try (InputStream half = client.send(request, BodyHandlers.ofInputStream()).body()) {
      CompletableFuture<?> delayed = client.sendAsync(request, BodyHandlers.ofString());
      while (server.calls().count(LIST) < 2) {
        Thread.sleep(1);
      }

      // As at the end of an interrupted demo.
      Thread.currentThread().interrupt();
      assertTimeout(Duration.ofSeconds(1), server::close);

      assertThat(Thread.interrupted()).isTrue();
      assertThat(delayed).failsWithin(Duration.ofSeconds(1));
      assertThatThrownBy(half::readAllBytes).isInstanceOf(IOException.class);
    }
  }

  @Test
  void keys_and_roles_are_restored_as_they_were_saved() {
    Runnable restore = keys.save();
    keys.revoke(manager.id());
    keys.remove(V2Keys.OWNER);

    restore.run();

    assertThat(keys.accepts(manager.token())).isTrue();
    assertThat(keys.role(manager)).contains(V2Keys.OWNER);
  }

  @Test
  void shows_no_key() {
    assertThat(manager.toString()).doesNotContain(manager.token()).contains(manager.id());
  }

  private JsonNode issue(String role, String description, String expiry, boolean withoutRefresh)
      throws IOException, InterruptedException {
    HttpResponse<String> response =
        post(
            "{\"role_id\":\"%s\",\"description\":\"%s\",\"expiry\":%s,\"exclude_refresh_token\":%s}"
                .formatted(role, description, expiry, withoutRefresh));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return json.readTree(response.body());
  }

  private HttpResponse<String> post(String body) throws IOException, InterruptedException {
    return call(manager.token(), "POST", "/api-keys", body);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return call(manager.token(), "GET", path, "");
  }

  private HttpResponse<String> delete(String id) throws IOException, InterruptedException {
    return call(manager.token(), "DELETE", "/api-keys/" + id, "");
  }

  private HttpResponse<String> call(String token, String method, String path, String body)
      throws IOException, InterruptedException {
    return client.send(request(token, method, path, body), BodyHandlers.ofString());
  }

  private static Optional<Instant> date(HttpResponse<String> response) {
    return response
        .headers()
        .firstValue("Date")
        .map(date -> DateTimeFormatter.RFC_1123_DATE_TIME.parse(date, Instant::from));
  }

  private HttpRequest request(String token, String method, String path, String body) {
    return HttpRequest.newBuilder(URI.create("https://" + server.endpoint() + path))
        .method(method, BodyPublishers.ofString(body))
        .header("Authorization", token)
        .build();
  }
}
