package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import keyrotation.sandbox.live.LiveSettings.HostAndPort;

/** The calls to Momento's HTTP API, which issues, lists and deletes v2 keys. */
final class MomentoApi implements AutoCloseable {

  /** The address that Momento documents; it is the same for all regions. */
  static final HostAndPort DEFAULT_TARGET =
      new HostAndPort("mga.registry.prod.a.momentohq.com", 443);

  private static final int CALL_TIMEOUT_SECONDS = 20;

  /** Five calls a second, which Momento documents for the auth service, with some room. */
  private static final Duration MIN_CALL_INTERVAL = Duration.ofMillis(250);

  private static final long MAX_BODY_BYTES = 1 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** An id becomes part of a path, and must not change that. */
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,128}");

  private static final Pattern CODE = Pattern.compile("[A-Za-z_ ]{1,40}");

  private final URI base;
  private final HttpClient client;
  private final Poller poller;

  /** Prepares for calls; the first one connects. */
  MomentoApi(HostAndPort target, HttpClient.Builder builder, Poller poller) {
    this.base = URI.create("https://" + target);
    this.client =
        builder
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(CALL_TIMEOUT_SECONDS))
            .build();
    this.poller = poller;
  }

  /** Asks for a new key, once: Momento may issue a key each time. */
  ApiAnswer issue(String managementKey, ObjectNode order) throws InterruptedException {
    return call(
        "POST /api-keys",
        request("/api-keys", managementKey)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(order.toString())));
  }

  /**
   * Asks for a page of the list of keys.
   *
   * @param nextToken what the page before ended with; empty for the first page
   */
  ApiAnswer page(String managementKey, int limit, String nextToken) throws InterruptedException {
    String next = nextToken.isEmpty() ? "" : "&next_token=" + URLEncoder.encode(nextToken, UTF_8);
    HttpRequest.Builder request = request("/api-keys?limit=" + limit + next, managementKey).GET();
    return UnavailableException.retry(poller, () -> call("GET /api-keys", request));
  }

  /**
   * Asks for the deletion of a key.
   *
   * @throws RefutedException if the id is unusable
   */
  ApiAnswer delete(String managementKey, String id) throws InterruptedException {
    if (!isUsable(id)) {
      throw new RefutedException("A key's id has other characters than A-Z, a-z, 0-9, _ and -.");
    }
    HttpRequest.Builder request = request("/api-keys/" + id, managementKey).DELETE();
    return UnavailableException.retry(poller, () -> call("DELETE /api-keys", request));
  }

  /** Tells whether the function accepts an id. */
  static boolean isUsable(String id) {
    return ID.matcher(id).matches();
  }

  private HttpRequest.Builder request(String pathAndQuery, String managementKey) {
    return HttpRequest.newBuilder(base.resolve(pathAndQuery))
        .header("Authorization", managementKey);
  }

  private ApiAnswer call(String name, HttpRequest.Builder request) throws InterruptedException {
    poller.pause(MIN_CALL_INTERVAL);
    CompletableFuture<HttpResponse<String>> response =
        client.sendAsync(
            request.build(), BodyHandlers.limiting(BodyHandlers.ofString(), MAX_BODY_BYTES));
    try {
      // A request's own timeout ends with the headers.
      return answer(name, response.get(CALL_TIMEOUT_SECONDS, SECONDS));
    } catch (ExecutionException | TimeoutException e) {
      throw new UnavailableException(
          name, "no response (%s)".formatted(InconclusiveException.rootCauseName(e)));
    } finally {
      response.cancel(true);
    }
  }

  private static ApiAnswer answer(String name, HttpResponse<String> response) {
    int status = response.statusCode();
    JsonNode body = json(response.body());
    if (status == 200 && body.isObject()) {
      return new ApiAnswer.Success(body);
    }
    if (status == 200 || status == 429 || status >= 500) {
      throw new UnavailableException(
          name, "HTTP " + status + (status == 200 ? " without JSON" : ""));
    }
    String code = body.path("code").asText();
    return new ApiAnswer.Refused(
        status, body.has("code") || body.has("err"), CODE.matcher(code).matches() ? code : "");
  }

  private static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
