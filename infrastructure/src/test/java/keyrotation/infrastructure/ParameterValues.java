package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Checks the values of a template's parameters as CloudFormation does. */
final class ParameterValues {

  /** In bytes, of one parameter. */
  private static final int MAX_VALUE_SIZE = 4096;

  private static final Pattern VALUE = Pattern.compile("%s");
  private static final String NUMBER = "[-+]?\\d+(\\.\\d+)?";

  private static final Set<String> ATTRIBUTES =
      Set.of("Type", "Default", "Description", "NoEcho", "ConstraintDescription", "AllowedValues");

  private ParameterValues() {}

  /**
   * Returns the value of each parameter: a text, or a list of texts for the types of lists.
   *
   * @throws IllegalArgumentException if a value is missing or violates a constraint, or if there is
   *     no such parameter
   */
  static Map<String, JsonNode> values(JsonNode parameters, Map<String, String> given) {
    for (String name : given.keySet()) {
      check(parameters.has(name), "The template has no parameter %s.", name);
    }
    Map<String, JsonNode> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> parameter : parameters.properties()) {
      String name = parameter.getKey();
      values.put(name, value(name, parameter.getValue(), Optional.ofNullable(given.get(name))));
    }
    return values;
  }

  private static JsonNode value(String name, JsonNode parameter, Optional<String> given) {
    check(
        given.isPresent() || parameter.has("Default"),
        "The parameter %s has no value and no default.",
        name);
    String type = parameter.path("Type").asText();
    parameter.fieldNames().forEachRemaining(attribute -> checkAttribute(name, type, attribute));
    String byDefault = parameter.path("Default").asText();
    if (parameter.has("Default")) {
      // A default is checked even if it is not used.
      checkedValue(name, parameter, type, byDefault);
    }
    return checkedValue(name, parameter, type, given.orElse(byDefault));
  }

  private static void checkAttribute(String name, String type, String attribute) {
    boolean applies =
        switch (attribute) {
          case "AllowedPattern" -> !isNumeric(type);
          case "MinLength", "MaxLength" -> !isNumeric(type) && !isList(type);
          case "MinValue", "MaxValue" -> isNumeric(type);
          default -> ATTRIBUTES.contains(attribute);
        };
    check(applies, "The parameter %s of type %s cannot have %s.", name, type, attribute);
  }

  private static JsonNode checkedValue(String name, JsonNode parameter, String type, String text) {
    check(
        isList(type)
            || type.equals("String")
            || type.equals("Number")
            || (type.startsWith("AWS::") && !type.startsWith("AWS::SSM::")),
        "The parameter %s is of the unknown type %s.",
        name,
        type);
    check(
        text.getBytes(UTF_8).length <= MAX_VALUE_SIZE,
        "The value of the parameter %s has more than %s bytes.",
        name,
        MAX_VALUE_SIZE);
    if (!isList(type)) {
      checkConstraints(name, parameter, text);
      return TextNode.valueOf(text);
    }
    // No text is a list with one empty entry.
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (String entry : text.split(",", -1)) {
      checkConstraints(name, parameter, entry.strip());
      list.add(entry.strip());
    }
    return list;
  }

  private static void checkConstraints(String name, JsonNode parameter, String value) {
    check(
        !isNumeric(parameter.path("Type").asText()) || value.matches(NUMBER),
        "The parameter %s is \"%s\", but must be a number.",
        name,
        value);
    List<String> violated =
        Stream.of(
                "AllowedPattern", "AllowedValues", "MinLength", "MaxLength", "MinValue", "MaxValue")
            .filter(constraint -> parameter.has(constraint))
            .filter(constraint -> !holds(constraint, parameter.path(constraint), value))
            .toList();
    check(
        violated.isEmpty(),
        "The parameter %s is \"%s\", but must satisfy %s: %s",
        name,
        value,
        String.join(" and ", violated),
        parameter.path("ConstraintDescription").asText());
  }

  private static boolean holds(String constraint, JsonNode limit, String value) {
    int length = value.codePointCount(0, value.length());
    return switch (constraint) {
      case "AllowedPattern" -> value.matches(limit.asText());
      case "AllowedValues" -> limit.valueStream().map(JsonNode::asText).anyMatch(value::equals);
      case "MinLength" -> length >= limit.asInt();
      case "MaxLength" -> length <= limit.asInt();
      case "MinValue" -> new BigDecimal(value).compareTo(limit.decimalValue()) >= 0;
      default -> new BigDecimal(value).compareTo(limit.decimalValue()) <= 0;
    };
  }

  private static boolean isNumeric(String type) {
    return type.equals("Number") || type.equals("List<Number>");
  }

  private static boolean isList(String type) {
    return type.equals("CommaDelimitedList")
        || type.equals("List<Number>")
        || type.startsWith("List<AWS::");
  }

  /** Fills each {@code %s} of the message with one of the values. */
  static void check(boolean condition, String message, Object... values) {
    if (!condition) {
      Iterator<Object> rest = List.of(values).iterator();
      throw new IllegalArgumentException(
          VALUE.matcher(message).replaceAll(_ -> Matcher.quoteReplacement("" + rest.next())));
    }
  }
}
