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
 * Calls of Secrets Manager, one after the other, and what the service itself answered to them.
 *
 * <p>The answers are those that LocalStack's tests (Apache-2.0) recorded in AWS; each file in
 * {@code recordings} names the test and the day. The requests are what that test asks for, as an
 * SDK sends it: with a token. A step without an {@code answer} went well, and more of it was not
 * recorded.
 *
 * <p>A word in braces stands for what differs from run to run, and for the same thing throughout a
 * file. How a list is ordered was not recorded, nor how a refusal to invoke a function spells
 * {@code Message}.
 *
 * <p>No recorded answer is left out; only the tests' waiting is, until a new secret is listed, a
 * deleted one is gone, or a rotation is over.
 */
record Recording(String name, List<Step> steps) {

  record Step(String action, JsonNode request, int status, Optional<JsonNode> answer) {}

  /** Waits until the rotations are over that calls have begun. */
  interface Rotations {
    void await() throws InterruptedException;
  }

  /** The function of the recordings that rotates a secret, as AWS's template does it. */
  static final String FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotates";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Returns all recordings, in order of their names. */
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

  /** Makes the calls, and fails at the first that is answered otherwise. */
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
        // The emulators tell by it which service is meant.
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

  /** Returns the same in order, and with a word for dates, so that equal content is equal text. */
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

  /** What there is in this run for the placeholders of a recording. */
  private static final class Placeholders {

    private static final Pattern WORD = Pattern.compile("\\{[a-z]+( [0-9a-z]+)?}");

    private final Map<String, String> values = new HashMap<>();

    /**
     * Puts values for placeholders. The caller chooses names and tokens, and so the ids of
     * versions.
     */
    String resolve(JsonNode request) {
      return WORD.matcher(request.toString())
          .replaceAll(
              word -> values.computeIfAbsent(word.group(), _ -> UUID.randomUUID().toString()));
    }

    /** Puts placeholders for values. */
    JsonNode substitute(String body, Optional<JsonNode> recorded) {
      recorded.ifPresent(answer -> learnArn(parse(body).path("ARN").asText(), answer));
      String substituted = body;
      // An ARN has the name in it, and goes first.
      for (Map.Entry<String, String> word :
          values.entrySet().stream()
              .sorted(Comparator.comparingInt(entry -> -entry.getValue().length()))
              .toList()) {
        substituted = substituted.replace(word.getValue(), word.getKey());
      }
      return normal(parse(substituted));
    }

    /** ARNs are the only thing that the service draws: they are first met in an answer. */
    private void learnArn(String arn, JsonNode recorded) {
      String form =
          "arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:%s-[0-9A-Za-z]{6}"
              .formatted(values.get("{name}"));
      if (recorded.has("ARN") && arn.matches(form) && !values.containsValue(arn)) {
        values.putIfAbsent(recorded.path("ARN").asText(), arn);
      }
    }

    /** Returns what is not JSON as a text, to be shown. */
    private static JsonNode parse(String body) {
      try {
        return JSON.readTree(body);
      } catch (JsonProcessingException e) {
        return TextNode.valueOf(body);
      }
    }
  }
}
