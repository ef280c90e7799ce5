package keyrotation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.regex.Pattern;

/** JSON as this function takes it: strictly, and losing nothing. */
final class Json {

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  /** Half a character; whole ones do not match, though they consist of two such halves. */
  private static final Pattern LONE_SURROGATE = Pattern.compile("\\p{Cs}");

  private Json() {}

  /**
   * Reads an object; empty if the text is no JSON, or none of an object. What is wrong with it
   * stays unsaid: it may be secret.
   */
  static Optional<ObjectNode> read(String text) {
    try {
      return MAPPER.readTree(text) instanceof ObjectNode object
          ? Optional.of(object)
          : Optional.empty();
    } catch (JsonProcessingException | NumberFormatException e) {
      // The latter is for an exponent that no number of Java's can have.
      return Optional.empty();
    }
  }

  /** Writes what was read. Half a character is escaped, for UTF-8 would make a "?" of it. */
  static String write(ObjectNode json) {
    return LONE_SURROGATE
        .matcher(json.toString())
        .replaceAll(half -> "\\\\u%04x".formatted((int) half.group().charAt(0)));
  }

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }
}
