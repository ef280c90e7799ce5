package keyrotation.sandbox.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClientBuilder;

/** A stand-in for CloudWatch Logs that tests filter patterns: its action TestMetricFilter. */
public final class LogsServer implements AutoCloseable {

  private static final String ACTION = "Logs_20140328.TestMetricFilter";

  private final ObjectMapper json = new ObjectMapper();
  private final HttpServer http;

  private LogsServer(HttpServer http) {
    this.http = http;
  }

  /** Starts a server on a free port of the loopback interface. */
  public static LogsServer start() {
    try {
      HttpServer http =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      LogsServer server = new LogsServer(http);
      http.createContext("/", server::handle);
      http.start();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a builder for a client. */
  public CloudWatchLogsClientBuilder clientBuilder() {
    return CloudWatchLogsClient.builder()
        .endpointOverride(URI.create("http://localhost:" + http.getAddress().getPort()))
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("operator", "sandbox")))
        .httpClientBuilder(UrlConnectionHttpClient.builder());
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean isKnown = ACTION.equals(exchange.getRequestHeaders().getFirst("X-Amz-Target"));
      ObjectNode answer =
          isKnown
              ? test(json.readTree(exchange.getRequestBody()))
              : json.createObjectNode().put("__type", "UnknownOperationException");
      byte[] body = json.writeValueAsBytes(answer);
      exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
      exchange.sendResponseHeaders(isKnown ? 200 : 400, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private ObjectNode test(JsonNode request) throws IOException {
    FilterPattern pattern = FilterPattern.parse(request.path("filterPattern").asText());
    JsonNode lines = request.path("logEventMessages");
    ObjectNode answer = json.createObjectNode();
    ArrayNode matches = answer.putArray("matches");
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.path(i).asText();
      if (pattern.matches(json.readTree(line))) {
        matches.addObject().put("eventNumber", i + 1).put("eventMessage", line);
      }
    }
    return answer;
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
