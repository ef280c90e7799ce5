package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static keyrotation.core.FailureReason.MOMENTO_THROTTLED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import keyrotation.core.ConnectionFailure;
import keyrotation.core.FailureReason;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.Sensitive;
import keyrotation.core.TimeBudget;

/**
 * The calls to Momento's HTTP API, which issues, lists and revokes v2 keys. Each is one attempt.
 *
 * <p>Momento documents the API as "API key management"; its host is the same for all regions.
 */
public final class MomentoApiKeys implements AutoCloseable {

  /** Where Momento documents the API to be. */
  public static final HostAndPort DEFAULT_ENDPOINT =
      new HostAndPort("mga.registry.prod.a.momentohq.com", 443);

  /** Many times the size of the largest page of a list. */
  private static final long MAX_BODY_BYTES = 1 << 20;

  /** What Momento calls an error; anything else is not shown, as it may quote a key. */
  private static final Pattern CODE = Pattern.compile("[A-Za-z_ ]{1,40}");

  /** Less than any call's limit, so that a call that never connected is known as such. */
  private static final Duration CONNECT_TIMEOUT = TimeBudget.LIST_TIMEOUT.minusSeconds(1);

  private final HostAndPort endpoint;
  private final URI base;
  private final Supplier<HttpClient> builder;
  private Optional<HttpClient> client = Optional.empty();
  private final InstantSource clock;

  /**
   * Prepares for calls; the first one makes the HTTP client, and connects.
   *
   * @param builder makes the HTTP client, which {@link #close} closes
   */
  public MomentoApiKeys(HostAndPort endpoint, HttpClient.Builder builder, InstantSource clock) {
    this.endpoint = endpoint;
    this.base = URI.create("https://" + endpoint.host() + ":" + endpoint.port());
    this.builder =
        () -> builder.version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT_TIMEOUT).build();
    this.clock = clock;
  }

  /** Asks for a new key. */
  ApiAnswer issue(Sensitive managementKey, ObjectNode request, Duration limit) {
    return call(
        request("/api-keys", managementKey)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofByteArray(request.toString().getBytes(UTF_8))),
        limit);
  }

  /**
   * Asks for a page of the list of all keys.
   *
   * @param nextToken what the page before ended with; empty for the first page
   */
  ApiAnswer list(Sensitive managementKey, String nextToken, Duration limit) {
    String next = nextToken.isEmpty() ? "" : "&next_token=" + URLEncoder.encode(nextToken, UTF_8);
    return call(request("/api-keys?limit=100" + next, managementKey).GET(), limit);
  }

  /** Revokes a key. */
  ApiAnswer revoke(Sensitive managementKey, String keyId, Duration limit) {
    if (!MomentoKey.ID.matcher(keyId).matches()) {
      throw new IllegalArgumentException("not a key's id");
    }
    return call(request("/api-keys/" + keyId, managementKey).DELETE(), limit);
  }

  private HttpRequest.Builder request(String pathAndQuery, Sensitive managementKey) {
    return HttpRequest.newBuilder(base.resolve(pathAndQuery))
        .header("Authorization", managementKey.value());
  }

  private ApiAnswer call(HttpRequest.Builder request, Duration limit) {
    CompletableFuture<HttpResponse<byte[]>> response =
        client()
            .sendAsync(
                request.build(), BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_BODY_BYTES));
    try {
      // A request's own timeout ends with the headers, and a response may stop after them.
      return answer(response.get(limit.toMillis(), MILLISECONDS));
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNull(e.getCause());
      Optional<String> noConnection = ConnectionFailure.describe(endpoint, cause);
      String failure = cause.getClass().getSimpleName();
      return failed(
          noConnection.map(text -> failure + ": " + text).orElse(failure), noConnection.isEmpty());
    } catch (TimeoutException e) {
      return failed("no answer in time from " + ConnectionFailure.route(endpoint), true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting.");
    } finally {
      response.cancel(true);
    }
  }

  private ApiAnswer answer(HttpResponse<byte[]> response) {
    int status = response.statusCode();
    if (status == 407) { // From a proxy, and without a body.
      String refused = ConnectionFailure.describe(endpoint, "the proxy answered HTTP 407");
      return unknown(MOMENTO_UNAVAILABLE, refused, Optional.of(Unavailable.NEVER), false);
    }
    Optional<ObjectNode> body = Json.read(new String(response.body(), UTF_8));
    if (status == 200) {
      return body.<ApiAnswer>map(json -> new ApiAnswer.Success(json, clockSkew(response)))
          .orElseGet(() -> failed("HTTP 200 without JSON", true));
    }
    if (status == 429) {
      return unknown(MOMENTO_THROTTLED, "HTTP 429", retryAfter(response), false);
    }
    if (status >= 500) {
      return unknown(MOMENTO_UNAVAILABLE, "HTTP " + status, retryAfter(response), true);
    }
    return body.filter(error -> error.has("code") || error.has("err"))
        .<ApiAnswer>map(error -> new ApiAnswer.Refused(status, code(error)))
        // An intermediary has answered, and will do so again.
        .orElseGet(
            () ->
                unknown(
                    MOMENTO_UNAVAILABLE, "HTTP " + status, Optional.of(Unavailable.NEVER), false));
  }

  private static String code(ObjectNode body) {
    String code = body.path("code").asText();
    return CODE.matcher(code).matches() ? code : "";
  }

  private static ApiAnswer failed(String what, boolean mayHaveActed) {
    return unknown(MOMENTO_UNAVAILABLE, what, Optional.empty(), mayHaveActed);
  }

  private static ApiAnswer unknown(
      FailureReason reason, String what, Optional<Duration> retryAfter, boolean mayHaveActed) {
    return new ApiAnswer.Unknown(new Unavailable(reason, what, retryAfter), mayHaveActed);
  }

  private Optional<Duration> clockSkew(HttpResponse<?> response) {
    return response.headers().firstValue("Date").flatMap(this::durationUntil).map(Duration::abs);
  }

  /** Reads how long to wait, which HTTP has as seconds or as a date. */
  private Optional<Duration> retryAfter(HttpResponse<?> response) {
    return response.headers().firstValue("Retry-After").flatMap(this::duration);
  }

  private Optional<Duration> duration(String retryAfter) {
    if (retryAfter.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(retryAfter)));
    }
    return durationUntil(retryAfter);
  }

  /** Returns how long it is until a date in HTTP's form; empty if the text is no date. */
  private Optional<Duration> durationUntil(String date) {
    try {
      Instant instant = ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return Optional.of(Duration.between(clock.instant(), instant));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /** Makes the client when it is needed: with v1 keys alone it never is. */
  private synchronized HttpClient client() {
    HttpClient made = client.orElseGet(builder);
    client = Optional.of(made);
    return made;
  }

  @Override
  public synchronized void close() {
    client.ifPresent(HttpClient::shutdownNow);
  }
}
