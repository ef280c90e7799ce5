package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import keyrotation.sandbox.V2Keys.Role;
import org.jspecify.annotations.Nullable;

/**
 * A stand-in for Momento's HTTP API, which manages v2 keys: over TLS on the loopback interface.
 *
 * <p>{@code sandbox/README.md} describes what it models.
 */
public final class MomentoApiServer implements AutoCloseable {

  /** The name of {@code POST /api-keys} in {@link #calls}. */
  public static final String ISSUE = "IssueApiKey";

  /** The name of {@code GET /api-keys} in {@link #calls}. */
  public static final String LIST = "ListApiKeys";

  /** The name of {@code DELETE /api-keys/{key_id}} in {@link #calls}. */
  public static final String REVOKE = "RevokeApiKey";

  /** The name of {@code GET /roles} in {@link #calls}. */
  public static final String LIST_ROLES = "ListRoles";

  private static final String ACCOUNT = "a-sandbox";
  private static final int LARGEST_PAGE = 100;

  private final V2Keys keys;
  private final ObjectMapper json = new ObjectMapper();
  private final FaultInjector<MomentoApiException> calls;
  private final HttpsServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile UnaryOperator<String> alteration = UnaryOperator.identity();
  private volatile int longestDescription = Integer.MAX_VALUE;

  private MomentoApiServer(CertificateAuthority authority, InstantSource clock, V2Keys keys)
      throws IOException {
    this.keys = keys;
    this.calls = new FaultInjector<>(clock);
    this.server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(authority.contextForLocalhost()));
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** Starts a server on a free port, with a certificate for localhost from the authority. */
  static MomentoApiServer start(CertificateAuthority authority, InstantSource clock, V2Keys keys) {
    try {
      return new MomentoApiServer(authority, clock, keys);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns host and port: the value of {@code MOMENTO_API_ENDPOINT}. */
  public String endpoint() {
    return "localhost:" + server.getAddress().getPort();
  }

  /** Returns the recorded calls and the planned faults. */
  public FaultInjector<MomentoApiException> calls() {
    return calls;
  }

  /** Changes the bodies of successful responses; the account is not changed. */
  public void alterAnswers(UnaryOperator<String> change) {
    alteration = change;
  }

  /** Cuts the descriptions of keys issued later to this number of characters. */
  public void cutDescriptionsTo(int characters) {
    longestDescription = characters;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      Map<String, String> parameters = parameters(exchange.getRequestURI().getRawQuery());
      String token =
          Optional.ofNullable(exchange.getRequestHeaders().getFirst("Authorization")).orElse("");
      try {
        String request = exchange.getRequestMethod() + " " + path;
        switch (request) {
          case "POST /api-keys" -> answer(exchange, ISSUE, token, _ -> issue(body));
          case "GET /api-keys" ->
              answer(exchange, LIST, token, view -> page(parameters, keys.list(view)));
          case "GET /roles" -> answer(exchange, LIST_ROLES, token, _ -> roles(parameters));
          case String revoke when revoke.matches("DELETE /api-keys/[^/]+") ->
              answer(
                  exchange, REVOKE, token, _ -> revoke(path.substring(path.lastIndexOf('/') + 1)));
          default -> throw MomentoApiException.notFound("There is no " + request + ".");
        }
      } catch (MomentoApiException e) {
        send(exchange, e);
      } catch (InterruptedException e) {
        // The server is stopping; the connection is closed.
        Thread.currentThread().interrupt();
      }
    }
  }

  private void answer(
      HttpExchange exchange,
      String action,
      String token,
      Function<FaultInjector.View, ObjectNode> work)
      throws IOException, InterruptedException {
    FaultInjector.Answer<ObjectNode> answer =
        calls.answer(
            action,
            view -> {
              authorize(token);
              return work.apply(view);
            });
    switch (answer) {
      case FaultInjector.Answer.Whole<ObjectNode>(ObjectNode whole) -> {
        byte[] body = alteration.apply(whole.toString()).getBytes(UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
      }
      case FaultInjector.Answer.Half<ObjectNode>(ObjectNode whole) -> {
        byte[] body = whole.toString().getBytes(UTF_8);
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body, 0, body.length / 2);
        exchange.getResponseBody().flush();
        Thread.sleep(Long.MAX_VALUE);
      }
      case FaultInjector.Answer.None<ObjectNode> _ -> {}
    }
  }

  private void send(HttpExchange exchange, MomentoApiException e) throws IOException {
    e.retryAfter()
        .ifPresent(
            pause ->
                exchange.getResponseHeaders().set("Retry-After", Long.toString(pause.toSeconds())));
    String body =
        e.code().isEmpty()
            ? "<html>" + e.getMessage() + "</html>"
            : json.createObjectNode()
                .put("code", e.code())
                .put("message", e.getMessage())
                .toString();
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(e.status(), bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private void authorize(String token) {
    V2Key caller = keys.find(token).orElseThrow(MomentoApiException::unauthorized);
    if (keys.isPropagating(caller)) {
      throw MomentoApiException.unauthorized();
    }
    if (keys.role(caller).filter(Role::managesKeys).isEmpty()) {
      throw MomentoApiException.forbidden();
    }
  }

  private ObjectNode issue(String body) {
    JsonNode request = parse(body);
    Role role =
        keys.role(request.path("role_id").asText())
            .orElseThrow(() -> MomentoApiException.notFound("There is no such role."));
    String description = request.path("description").asText();
    V2Key key =
        keys.issueByCall(
            role,
            description.substring(0, Math.min(description.length(), longestDescription)),
            expiry(request.path("expiry")));
    ObjectNode result = json.createObjectNode().put("api_key", key.token());
    if (key.expiry().isPresent() && !request.path("exclude_refresh_token").asBoolean(false)) {
      // Its use is not public; the sandbox only shows that it may come.
      result.put("refresh_token", "refresh-canary-of-" + key.id());
    }
    result.set("key_info", info(key));
    return result;
  }

  private JsonNode parse(String body) {
    try {
      return json.readTree(body);
    } catch (JsonProcessingException e) {
      throw MomentoApiException.badRequest("The body is not JSON.");
    }
  }

  private static Optional<Instant> expiry(JsonNode expiry) {
    return switch (expiry) {
      case JsonNode never when never.asText().equals("never") -> Optional.empty();
      case JsonNode seconds when seconds.canConvertToLong() ->
          Optional.of(Instant.ofEpochSecond(seconds.asLong()));
      default ->
          throw MomentoApiException.badRequest(
              "expiry is neither \"never\" nor a number of seconds.");
    };
  }

  private ObjectNode revoke(String id) {
    if (!keys.revoke(id)) {
      throw MomentoApiException.notFound("There is no such key.");
    }
    return json.createObjectNode();
  }

  private ObjectNode page(Map<String, String> parameters, List<V2Key> all) {
    return page("key_info", parameters, all, V2Key::id, (result, key) -> result.add(info(key)));
  }

  private ObjectNode roles(Map<String, String> parameters) {
    List<Role> wanted =
        keys.roles().stream()
            .filter(
                role ->
                    !parameters.containsKey("type")
                        || role.type().name().equalsIgnoreCase(parameters.get("type")))
            .toList();
    return page(
        "roles",
        parameters,
        wanted,
        Role::id,
        (result, role) ->
            result
                .addObject()
                .put("role_id", role.id())
                .put("role_name", role.name())
                .put("role_type", role.type().name().toLowerCase(Locale.ROOT)));
  }

  /** Returns a page of a list; the token of the next one is the last id of this one. */
  private <T> ObjectNode page(
      String field,
      Map<String, String> parameters,
      List<T> all,
      Function<T, String> id,
      BiConsumer<ArrayNode, T> add) {
    int limit = limit(parameters);
    String after = parameters.getOrDefault("next_token", "");
    List<String> ids = all.stream().map(id).toList();
    int start = after.isEmpty() ? 0 : ids.indexOf(after) + 1;
    if (start == 0 && !after.isEmpty()) {
      throw MomentoApiException.badRequest("next_token is not known.");
    }
    int end = Math.min(start + limit, all.size());
    ObjectNode result = json.createObjectNode();
    ArrayNode entries = result.putArray(field);
    all.subList(start, end).forEach(entry -> add.accept(entries, entry));
    if (end < all.size()) {
      result.put("next_token", ids.get(end - 1));
    }
    return result;
  }

  private static int limit(Map<String, String> parameters) {
    String limit = parameters.getOrDefault("limit", Integer.toString(LARGEST_PAGE));
    if (!limit.matches("[1-9][0-9]?|100")) {
      throw MomentoApiException.badRequest("limit is no number from 1 to 100.");
    }
    return Integer.parseInt(limit);
  }

  private ObjectNode info(V2Key key) {
    ObjectNode info =
        json.createObjectNode()
            .put("key_id", key.id())
            .put("account_id", ACCOUNT)
            .put("description", key.description())
            .put("role_id", key.roleId())
            .put("issued_at_epoch_seconds", key.issued().getEpochSecond());
    key.expiry().ifPresent(at -> info.put("expires_at_epoch_seconds", at.getEpochSecond()));
    return info;
  }

  private static Map<String, String> parameters(@Nullable String query) {
    return Stream.ofNullable(query)
        .flatMap(text -> Stream.of(text.split("&", -1)))
        .map(parameter -> parameter.split("=", 2))
        .filter(parts -> parts.length == 2)
        .collect(toMap(parts -> parts[0], parts -> URLDecoder.decode(parts[1], UTF_8)));
  }
}
