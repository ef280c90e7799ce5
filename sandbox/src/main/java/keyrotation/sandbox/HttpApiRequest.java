package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import okio.ByteString;

/**
 * A request to an {@link HttpApi}.
 *
 * @param headers by their names in lower case; repeated ones are joined by commas
 */
record HttpApiRequest(
    String id,
    String method,
    URI uri,
    String protocol,
    String sourceIp,
    Map<String, String> headers,
    List<String> cookies,
    ByteString body) {

  private static final String API_ID = "sandbox";
  private static final String ACCOUNT_ID = "123456789012";
  private static final String STAGE = "$default";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  /** The types whose bodies are texts; AWS does not document them, and users have found them. */
  private static final Pattern TEXT =
      Pattern.compile("(text/.*|application/(json|xml|javascript)) *(;.*)?");

  static HttpApiRequest read(HttpExchange exchange) throws IOException {
    Map<String, String> headers = new TreeMap<>();
    exchange
        .getRequestHeaders()
        .forEach(
            (name, values) -> headers.put(name.toLowerCase(Locale.ROOT), String.join(",", values)));
    headers.remove("cookie");
    String sourceIp = exchange.getRemoteAddress().getAddress().getHostAddress();
    headers.merge("x-forwarded-for", sourceIp, (former, last) -> former + ", " + last);
    headers.put("x-forwarded-port", "443");
    headers.put("x-forwarded-proto", "https");
    List<String> cookies =
        exchange.getRequestHeaders().getOrDefault("Cookie", List.of()).stream()
            .flatMap(header -> Arrays.stream(header.split("; *")))
            .toList();
    return new HttpApiRequest(
        Tokens.random(12),
        exchange.getRequestMethod(),
        exchange.getRequestURI(),
        exchange.getProtocol(),
        sourceIp,
        headers,
        cookies,
        ByteString.of(exchange.getRequestBody().readAllBytes()));
  }

  String path() {
    return uri.getPath();
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(headers.get(name));
  }

  /** Returns the event for a function. What a request does not have is left out. */
  ObjectNode event(String route, ObjectNode caller, Instant now) {
    String query = Optional.ofNullable(uri.getRawQuery()).orElse("");
    ObjectNode event = JSON.createObjectNode();
    event.put("version", "2.0").put("routeKey", route);
    event.put("rawPath", path()).put("rawQueryString", query);
    if (!cookies.isEmpty()) {
      event.set("cookies", JSON.valueToTree(cookies));
    }
    event.set("headers", JSON.valueToTree(headers));
    if (!query.isEmpty()) {
      event.set("queryStringParameters", JSON.valueToTree(parameters(query)));
    }
    event.set("requestContext", context(route, caller, now));
    boolean isText = TEXT.matcher(header("content-type").orElse("")).matches();
    if (body.size() > 0) {
      event.put("body", isText ? body.utf8() : body.base64());
    }
    return event.put("isBase64Encoded", body.size() > 0 && !isText);
  }

  private ObjectNode context(String route, ObjectNode caller, Instant now) {
    ObjectNode context = JSON.createObjectNode();
    context.put("accountId", ACCOUNT_ID).put("apiId", API_ID).putNull("authentication");
    context.set("authorizer", caller);
    context.put("domainName", API_ID + ".execute-api.us-east-1.amazonaws.com");
    context.put("domainPrefix", API_ID);
    context
        .putObject("http")
        .put("method", method)
        .put("path", path())
        .put("protocol", protocol)
        .put("sourceIp", sourceIp)
        .put("userAgent", header("user-agent").orElse(""));
    context.put("requestId", id).put("routeKey", route).put("stage", STAGE);
    return context.put("time", TIME.format(now)).put("timeEpoch", now.toEpochMilli());
  }

  private static Map<String, String> parameters(String query) {
    Map<String, String> parameters = new TreeMap<>();
    for (String parameter : query.split("&", -1)) {
      String[] nameAndValue = parameter.split("=", 2);
      String value = nameAndValue.length == 2 ? nameAndValue[1] : "";
      parameters.merge(
          URLDecoder.decode(nameAndValue[0], UTF_8),
          URLDecoder.decode(value, UTF_8),
          (former, next) -> former + "," + next);
    }
    return parameters;
  }
}
