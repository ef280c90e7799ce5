package keyrotation.infrastructure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Stands in for the event history of CloudTrail, in pages, and for the descriptions of the secret
 * and the function that the events are about.
 */
final class CloudTrailServer implements AutoCloseable {

  static final String ARN =
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:momento/authentication-token-Ab3dEf";

  private static final int PAGE = 10;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final List<JsonNode> events;
  private final ObjectNode secret;
  private final ObjectNode versions;
  private final AtomicBoolean throttles = new AtomicBoolean();
  private volatile boolean denies;
  private volatile String attempts = "";
  private volatile boolean hasFunction = true;

  private CloudTrailServer(HttpServer server, List<JsonNode> events) throws IOException {
    this.server = server;
    this.events = events;
    secret =
        (ObjectNode)
            JSON.readTree(
                """
                {"ARN": "%s", "Name": "momento/authentication-token", "LastChangedDate": 1795320012.4}
                """
                    .formatted(ARN));
    versions =
        (ObjectNode)
            JSON.readTree(
                """
                {"Versions": [
                  {"VersionId": "a1410fcb-5e87-4af7-a3ec-2b4524078360", "CreatedDate": 1792728010,
                   "VersionStages": ["AWSPREVIOUS"]},
                  {"VersionId": "938f5b05-bb89-34b1-826e-a0dca70c875e", "CreatedDate": 1795320010.9,
                   "VersionStages": ["AWSCURRENT"]}]}
                """);
  }

  /** Starts a server with events, the newest first. */
  static CloudTrailServer start(List<JsonNode> events) throws IOException {
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    CloudTrailServer server = new CloudTrailServer(http, events);
    http.createContext("/", server::answer);
    http.start();
    return server;
  }

  URI endpoint() {
    return URI.create("http://localhost:" + server.getAddress().getPort());
  }

  void describe(Consumer<ObjectNode> change) {
    change.accept(secret);
  }

  /** Changes the current version. */
  void version(Consumer<ObjectNode> change) {
    change.accept((ObjectNode) versions.path("Versions").get(1));
  }

  /** Rejects the next call for a page that is not the first one, as too many calls are rejected. */
  void throttleOnce() {
    throttles.set(true);
  }

  /** Returns the header that states how often the last caller tries a call. */
  String attempts() {
    return attempts;
  }

  void deny() {
    denies = true;
  }

  void withoutFunction() {
    hasFunction = false;
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] request = exchange.getRequestBody().readAllBytes();
    String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
    if (target == null) {
      if (exchange.getRequestURI().getPath().endsWith(StackNames.FUNCTION + "/configuration")
          && hasFunction) {
        send(
            exchange,
            200,
            JSON.createObjectNode()
                .put(
                    "Role",
                    "arn:aws:iam::111122223333:role/momento-auth-token-refresh-FunctionRole1A2B3C4D"));
      } else {
        send(exchange, 404, error("ResourceNotFoundException"));
      }
    } else if (target.endsWith(".DescribeSecret")) {
      send(exchange, 200, secret);
    } else if (target.endsWith(".ListSecretVersionIds")) {
      send(exchange, 200, versions);
    } else if (target.endsWith(".LookupEvents")) {
      attempts = String.valueOf(exchange.getRequestHeaders().getFirst("amz-sdk-request"));
      lookUp(exchange, JSON.readTree(request));
    } else {
      send(exchange, 400, error("UnknownOperationException"));
    }
  }

  private void lookUp(HttpExchange exchange, JsonNode request) throws IOException {
    int first = request.path("NextToken").asInt(0);
    if (denies) {
      send(exchange, 400, error("AccessDeniedException"));
      return;
    }
    if (first > 0 && throttles.getAndSet(false)) {
      send(exchange, 400, error("ThrottlingException"));
      return;
    }
    JsonNode attribute = request.path("LookupAttributes").get(0);
    Instant from = Instant.ofEpochSecond(request.path("StartTime").asLong());
    List<JsonNode> found =
        events.stream()
            .filter(_ -> attribute.path("AttributeKey").asText().equals("EventName"))
            .filter(event -> event.path("eventName").equals(attribute.path("AttributeValue")))
            .filter(event -> !Instant.parse(event.path("eventTime").asText()).isBefore(from))
            .toList();
    ObjectNode page = JSON.createObjectNode();
    ArrayNode list = page.putArray("Events");
    found.stream()
        .skip(first)
        .limit(PAGE)
        .forEach(event -> list.addObject().put("CloudTrailEvent", event.toString()));
    if (first + PAGE < found.size()) {
      page.put("NextToken", String.valueOf(first + PAGE));
    }
    send(exchange, 200, page);
  }

  private static ObjectNode error(String code) {
    return JSON.createObjectNode().put("__type", code).put("message", "The stand-in's " + code);
  }

  private static void send(HttpExchange exchange, int status, JsonNode answer) throws IOException {
    byte[] body = JSON.writeValueAsBytes(answer);
    exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
    if (status == 404) {
      exchange.getResponseHeaders().set("X-Amzn-ErrorType", "ResourceNotFoundException");
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
