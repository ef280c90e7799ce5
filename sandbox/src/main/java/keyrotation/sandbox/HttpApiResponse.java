package keyrotation.sandbox;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import okio.ByteString;

/**
 * A response of an {@link HttpApi}.
 *
 * @param headers by their names, whatever their case
 */
record HttpApiResponse(
    int status, Map<String, String> headers, List<String> cookies, ByteString body) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CONTENT_TYPE = "content-type";
  private static final String JSON_TYPE = "application/json";

  /** Returns a response of the API itself. */
  static HttpApiResponse message(int status, String message) {
    return json(status, JSON.createObjectNode().put("message", message).toString());
  }

  /** Returns the response to a request whose function has failed. */
  static HttpApiResponse failure() {
    return message(500, "Internal Server Error");
  }

  /** Returns the response that a function's output describes; without a status it is the body. */
  static HttpApiResponse of(String output) {
    JsonNode described = parse(output);
    if (!described.has("statusCode")) {
      return json(200, output);
    }
    return isWellFormed(described) ? described(described) : failure();
  }

  private static HttpApiResponse described(JsonNode response) {
    Map<String, String> headers = noHeaders();
    headers.put(CONTENT_TYPE, "text/plain; charset=utf-8");
    response
        .path("headers")
        .properties()
        .forEach(header -> headers.put(header.getKey(), header.getValue().asText()));
    List<String> cookies = new ArrayList<>();
    response.path("cookies").forEach(cookie -> cookies.add(cookie.asText()));
    String text = response.path("body").asText("");
    ByteString body =
        response.path("isBase64Encoded").asBoolean()
            ? ByteString.decodeBase64(text)
            : ByteString.encodeUtf8(text);
    return body == null
        ? failure()
        : new HttpApiResponse(response.path("statusCode").asInt(), headers, cookies, body);
  }

  private static boolean isWellFormed(JsonNode response) {
    JsonNode body = response.path("body");
    JsonNode headers = response.path("headers");
    JsonNode cookies = response.path("cookies");
    return response.path("statusCode").isInt()
        && response.path("statusCode").asInt() >= 200
        && response.path("statusCode").asInt() <= 599
        && (body.isTextual() || isAbsent(body))
        && (headers.isObject() || isAbsent(headers))
        && headers.valueStream().allMatch(JsonNode::isValueNode)
        && (cookies.isArray() || isAbsent(cookies))
        && cookies.valueStream().allMatch(JsonNode::isTextual);
  }

  private static boolean isAbsent(JsonNode field) {
    return field.isNull() || field.isMissingNode();
  }

  HttpApiResponse with(String name, String value) {
    Map<String, String> more = noHeaders();
    more.putAll(headers);
    more.put(name, value);
    return new HttpApiResponse(status, more, cookies, body);
  }

  void write(HttpExchange exchange, String requestId) throws IOException {
    headers.forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
    cookies.forEach(cookie -> exchange.getResponseHeaders().add("set-cookie", cookie));
    exchange.getResponseHeaders().set("apigw-requestid", requestId);
    exchange.sendResponseHeaders(status, body.size() == 0 ? -1 : body.size());
    body.write(exchange.getResponseBody());
  }

  private static HttpApiResponse json(int status, String body) {
    Map<String, String> headers = noHeaders();
    headers.put(CONTENT_TYPE, JSON_TYPE);
    return new HttpApiResponse(status, headers, List.of(), ByteString.encodeUtf8(body));
  }

  private static Map<String, String> noHeaders() {
    return new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  }

  private static JsonNode parse(String output) {
    try {
      return JSON.readTree(output);
    } catch (JsonProcessingException e) {
      // API Gateway passes such an output on, too.
      return JSON.missingNode();
    }
  }
}
