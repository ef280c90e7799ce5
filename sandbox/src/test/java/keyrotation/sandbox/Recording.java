package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A sequence of calls to Secrets Manager, and the service's recorded responses.
 *
 * <p>LocalStack's tests (Apache-2.0) recorded the responses in AWS; each file in {@code recordings}
 * names the test and the day. The requests are those of the test, with the token that an SDK adds.
 * A step without an {@code answer} succeeded; its response was not recorded.
 *
 * <p>A word in braces is a placeholder for a value that differs between runs. The order of lists
 * was not recorded, nor the spelling of {@code Message} when invoking a function is refused.
 *
 * <p>All recorded responses are included. Only the calls that wait for a change are omitted.
 */
record Recording(String name, List<Step> steps) {

  record Step(String action, JsonNode request, int status, Optional<JsonNode> answer) {}

  /** Waits until all started rotations have ended. */
  interface Rotations {
    void await() throws InterruptedException;
  }

  /** The rotation function of the recordings; it follows AWS's template. */
  static final String FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotates";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Returns all recordings, sorted by name. */
  static Stream<Recording> all() throws IOException, URISyntaxException {
    Path directory =
        Path.of(Objects.requireNonNull(Recording.class.getResource("/recordings")).toURI());
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().map(Recording::read).toList().stream();
    }
  }

  private static Recording read(Path file) {
    try {
      return new Recording(
          file.getFileName().toString().replace(".json", ""),
          JSON.readTree(file.toFile())
              .path("steps")
              .valueStream()
              .map(
                  step ->
                      new Step(
                          step.path("action").asText(),
                          step.path("request"),
                          step.path("status").asInt(),
                          Optional.ofNullable(step.get("answer"))))
              .toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes the calls; fails at the first response that differs. */
  void replay(URI endpoint, Rotations rotations) throws IOException, InterruptedException {
    Placeholders placeholders = new Placeholders();
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (int i = 0; i < steps.size(); i++) {
        Step step = steps.get(i);
        HttpResponse<String> response =
            http.send(
                call(endpoint, step.action, placeholders.resolve(step.request)),
                HttpResponse.BodyHandlers.ofString());
        rotations.await();
        JsonNode answer = placeholders.substitute(response.body(), step.answer);
        assertThat(text(response.statusCode(), answer))
            .as("%s, step %d: %s%n%s%n", name, i + 1, step.action, step.request.toPrettyString())
            .isEqualTo(text(step.status, step.answer.map(Recording::normal).orElse(answer)));
      }
    }
  }

  private static HttpRequest call(URI endpoint, String action, String body) {
    return HttpRequest.newBuilder(endpoint)
        .header("X-Amz-Target", "secretsmanager." + action)
        .header("Content-Type", "application/x-amz-json-1.1")
        // The emulators select the service by this header.
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=operator/20260101/us-east-1/secretsmanager/aws4_request,"
                + " SignedHeaders=host, Signature=0")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private static String text(int status, JsonNode answer) {
    return "status " + status + "\n" + answer.toPrettyString();
  }

  /** Sorts fields and elements and replaces dates, so that equal content is equal text. */
  private static JsonNode normal(JsonNode node) {
    return switch (node) {
      case ObjectNode object -> {
        Map<String, JsonNode> fields = new TreeMap<>();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
          boolean date = field.getKey().endsWith("Date") && field.getValue().isNumber();
          fields.put(field.getKey(), date ? TextNode.valueOf("{date}") : normal(field.getValue()));
        }
        yield JSON.createObjectNode().setAll(fields);
      }
      case ArrayNode array ->
          JSON.createArrayNode()
              .addAll(
                  array
                      .valueStream()
                      .map(Recording::normal)
                      .sorted(Comparator.comparing(JsonNode::toString))
                      .toList());
      default -> node;
    };
  }

  /** The values of the placeholders in this run. */
  private static final class Placeholders {

    private static final Pattern WORD = Pattern.compile("\\{[a-z]+( [0-9a-z]+)?}");

    private final Map<String, String> values = new HashMap<>();

    /** Replaces placeholders by values: names and tokens, which become version ids. */
    String resolve(JsonNode request) {
      return WORD.matcher(request.toString())
          .replaceAll(
              word -> values.computeIfAbsent(word.group(), _ -> UUID.randomUUID().toString()));
    }

    /** Replaces values by placeholders. */
    JsonNode substitute(String body, Optional<JsonNode> recorded) {
      recorded.ifPresent(answer -> learnArn(parse(body).path("ARN").asText(), answer));
      String substituted = body;
      // Longest first, because an ARN contains the name.
      for (Map.Entry<String, String> word :
          values.entrySet().stream()
              .sorted(Comparator.comparingInt(entry -> -entry.getValue().length()))
              .toList()) {
        substituted = substituted.replace(word.getValue(), word.getKey());
      }
      return normal(parse(substituted));
    }

    /** Learns an ARN from a response, because the service generates its suffix. */
    private void learnArn(String arn, JsonNode recorded) {
      String form =
          "arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:%s-[0-9A-Za-z]{6}"
              .formatted(values.get("{name}"));
      if (recorded.has("ARN") && arn.matches(form) && !values.containsValue(arn)) {
        values.putIfAbsent(recorded.path("ARN").asText(), arn);
      }
    }

    /** Returns a body that is not JSON as a text node. */
    private static JsonNode parse(String body) {
      try {
        return JSON.readTree(body);
      } catch (JsonProcessingException e) {
        return TextNode.valueOf(body);
      }
    }
  }
}
