package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import keyrotation.sandbox.V2Keys.Role;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okhttp3.Headers;
import okio.ByteString;
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

  /** Closes the connection without a response. */
  private static final MockResponse NO_RESPONSE =
      new MockResponse.Builder().onResponseStart(new SocketEffect.CloseSocket()).build();

  /** Held here, as a logger that nothing refers to loses its level. */
  private static final Logger SERVER_LOG = Logger.getLogger(MockWebServer.class.getName());

  static {
    // It warns of a connection without a request, which a caller that crashes leaves behind.
    SERVER_LOG.setLevel(Level.SEVERE);
  }

  private final InstantSource clock;
  private final V2Keys keys;
  private final ObjectMapper json = new ObjectMapper();
  private final FaultInjector<MomentoApiException> calls;
  private final MockWebServer server = new MockWebServer();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private volatile UnaryOperator<String> alteration = UnaryOperator.identity();
  private volatile int longestDescription = Integer.MAX_VALUE;
  private volatile Optional<Duration> dateOffset = Optional.of(Duration.ZERO);

  private MomentoApiServer(CertificateAuthority authority, InstantSource clock, V2Keys keys)
      throws IOException {
    this.clock = clock;
    this.keys = keys;
    this.calls = new FaultInjector<>(clock);
    server.setServerSocketFactory(new UndelayedServerSockets());
    server.useHttps(authority.contextForLocalhost().getSocketFactory());
    // HTTP/1.1 only.
    server.setProtocolNegotiationEnabled(false);
    server.setDispatcher(new InterruptibleDispatcher());
    server.start(InetAddress.getLoopbackAddress(), 0);
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
    return "localhost:" + server.getPort();
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

  /** Has later responses state a date that differs from the clock's time by this much. */
  public void dateIsOffBy(Duration offset) {
    dateOffset = Optional.of(offset);
  }

  /** Leaves the header {@code Date} out of later responses. */
  public void leaveOutDate() {
    dateOffset = Optional.empty();
  }

  @Override
  public void close() {
    // The server waits for its connections, which wait for these threads.
    threads.shutdownNow();
    // On an interrupted thread it could not wait.
    boolean wasInterrupted = Thread.interrupted();
    server.close();
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Answers each call on a thread of its own, which {@link #close} interrupts. */
  private final class InterruptibleDispatcher extends Dispatcher {
    @Override
    public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
      try {
        return threads.submit(() -> answer(request)).get();
      } catch (ExecutionException | RejectedExecutionException e) {
        // The server is stopping, or what a test planned has failed.
        return NO_RESPONSE;
      }
    }
  }

  private MockResponse answer(RecordedRequest request) throws InterruptedException {
    URI target = URI.create(request.getTarget());
    String path = target.getPath();
    String body = Optional.ofNullable(request.getBody()).map(ByteString::utf8).orElse("");
    Map<String, String> parameters = parameters(target.getRawQuery());
    String token = Optional.ofNullable(request.getHeaders().get("Authorization")).orElse("");
    String call = request.getMethod() + " " + path;
    try {
      return switch (call) {
        case "POST /api-keys" -> answer(ISSUE, token, _ -> issue(body));
        case "GET /api-keys" -> answer(LIST, token, view -> page(parameters, keys.list(view)));
        case "GET /roles" -> answer(LIST_ROLES, token, _ -> roles(parameters));
        case String revoke when revoke.matches("DELETE /api-keys/[^/]+") ->
            answer(REVOKE, token, _ -> revoke(path.substring(path.lastIndexOf('/') + 1)));
        default -> throw MomentoApiException.notFound("There is no " + call + ".");
      };
    } catch (MomentoApiException e) {
      return refusal(e);
    }
  }

  private MockResponse answer(
      String action, String token, Function<FaultInjector.View, ObjectNode> work)
      throws InterruptedException {
    FaultInjector.Answer<ObjectNode> answer =
        calls.answer(
            action,
            view -> {
              authorize(token);
              return work.apply(view);
            });
    return switch (answer) {
      case FaultInjector.Answer.Whole<ObjectNode>(ObjectNode whole) ->
          response(200, alteration.apply(whole.toString())).build();
      case FaultInjector.Answer.Half<ObjectNode>(ObjectNode whole) ->
          response(200, whole.toString()).onResponseBody(SocketEffect.Stall.INSTANCE).build();
      case FaultInjector.Answer.None<ObjectNode> _ -> NO_RESPONSE;
    };
  }

  private MockResponse refusal(MomentoApiException e) {
    String body =
        e.code().isEmpty()
            ? String.valueOf(e.getMessage())
            : json.createObjectNode()
                .put("code", e.code())
                .put("message", e.getMessage())
                .toString();
    MockResponse.Builder response = response(e.status(), body);
    e.retryAfter().ifPresent(pause -> response.setHeader("Retry-After", pause));
    return response.build();
  }

  private MockResponse.Builder response(int status, String body) {
    Headers.Builder headers = new Headers.Builder();
    dateOffset.ifPresent(offset -> headers.set("Date", clock.instant().plus(offset)));
    return new MockResponse.Builder().code(status).headers(headers.build()).body(body);
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
    if (!keys.revokeByCall(id)) {
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
