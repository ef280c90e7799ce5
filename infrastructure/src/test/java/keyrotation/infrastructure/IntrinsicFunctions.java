package keyrotation.infrastructure;

import static keyrotation.infrastructure.ParameterValues.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Evaluates the functions in a template's values, as far as CloudFormation can before it creates
 * resources. What a resource will have stays: its {@code Ref}, its {@code Fn::GetAtt} as a list,
 * and around them {@code Fn::Split}, {@code Fn::Select}, and {@code Fn::Join} with an empty
 * delimiter. Equal values have equal forms.
 *
 * @param values the parameters' and the pseudo parameters' values; a missing node has no value
 * @param mappings the template's mappings
 * @param conditions tells whether a condition holds
 * @param created tells whether a resource is created, and notes that it is referred to
 */
record IntrinsicFunctions(
    Map<String, JsonNode> values,
    JsonNode mappings,
    Predicate<String> conditions,
    Predicate<String> created) {

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{(!?)([^}]*)}");
  private static final Set<String> KEYS_OF_MAPS = Set.of("Ref", "Fn::FindInMap");

  /** Returns the value; a missing node if it is {@code AWS::NoValue}. */
  JsonNode evaluate(JsonNode node) {
    if (node.isArray()) {
      ArrayNode list = JSON.arrayNode();
      node.forEach(entry -> addUnlessMissing(list, evaluate(entry)));
      return list;
    }
    if (!node.isObject()) {
      check(!node.isNull(), "CloudFormation allows no null.");
      return node;
    }
    for (String name : (Iterable<String>) node::fieldNames) {
      if (isFunction(name)) {
        check(node.size() == 1, "%s has other keys beside it: %s", name, node);
        return call(name, node.path(name));
      }
    }
    ObjectNode object = JSON.objectNode();
    node.properties()
        .forEach(
            property -> {
              JsonNode value = evaluate(property.getValue());
              if (!value.isMissingNode()) {
                object.set(property.getKey(), value);
              }
            });
    return object;
  }

  static boolean isFunction(String name) {
    return name.equals("Ref") || name.startsWith("Fn::");
  }

  private static void addUnlessMissing(ArrayNode list, JsonNode value) {
    if (!value.isMissingNode()) {
      list.add(value);
    }
  }

  private JsonNode call(String name, JsonNode argument) {
    return switch (name) {
      case "Ref" -> ref(argument.asText());
      case "Fn::GetAtt" -> getAtt(argument);
      case "Fn::If" -> {
        checkSize(name, argument, 3);
        yield evaluate(argument.path(conditions.test(argument.path(0).asText()) ? 1 : 2));
      }
      case "Fn::FindInMap" -> findInMap(argument);
      case "Fn::Join" -> join(argument);
      case "Fn::Split" -> split(argument);
      case "Fn::Select" -> select(argument);
      case "Fn::Sub" -> sub(argument);
      default -> throw new IllegalArgumentException("The function " + name + " is not supported.");
    };
  }

  private JsonNode ref(String name) {
    JsonNode value = values.get(name);
    if (value != null) {
      return value;
    }
    checkCreated(name, "Ref");
    return JSON.objectNode().put("Ref", name);
  }

  private void checkCreated(String resource, String function) {
    check(
        created.test(resource),
        "%s names %s, which is neither a parameter nor a resource of this stack.",
        function,
        resource);
  }

  private JsonNode getAtt(JsonNode argument) {
    if (argument.isTextual()) {
      String[] parts = argument.asText().split("\\.", 2);
      check(parts.length == 2, "Fn::GetAtt has no attribute: %s", argument);
      return getAtt(JSON.arrayNode().add(parts[0]).add(parts[1]));
    }
    checkSize("Fn::GetAtt", argument, 2);
    checkCreated(argument.path(0).asText(), "Fn::GetAtt");
    return JSON.objectNode().set("Fn::GetAtt", argument);
  }

  private JsonNode findInMap(JsonNode argument) {
    checkSize("Fn::FindInMap", argument, 3);
    JsonNode found = mappings;
    for (JsonNode key : argument) {
      // Without a transform, CloudFormation allows no other functions here.
      check(
          key.isTextual() || KEYS_OF_MAPS.contains(onlyName(key)),
          "Fn::FindInMap has a key that is neither text nor a Ref: %s",
          key);
      String name = text("Fn::FindInMap", evaluate(key));
      check(found.has(name), "Fn::FindInMap has no %s: %s", name, argument);
      found = found.path(name);
    }
    return found;
  }

  private static String onlyName(JsonNode node) {
    return node.isObject() && node.size() == 1 ? node.fieldNames().next() : "";
  }

  private JsonNode join(JsonNode argument) {
    checkSize("Fn::Join", argument, 2);
    check(argument.path(0).isTextual(), "Fn::Join has a delimiter that is no text: %s", argument);
    JsonNode list = evaluate(argument.path(1));
    check(list.isArray(), "Fn::Join has no list: %s", argument);
    List<JsonNode> parts = new ArrayList<>();
    for (JsonNode part : list) {
      if (!parts.isEmpty()) {
        parts.add(argument.path(0));
      }
      parts.add(part);
    }
    return concatenate("Fn::Join", parts);
  }

  /** Returns a text, or else a join that has no other join and no two texts in succession. */
  private static JsonNode concatenate(String function, List<JsonNode> parts) {
    ArrayNode merged = JSON.arrayNode();
    StringBuilder text = new StringBuilder();
    for (JsonNode part : parts) {
      check(!part.isArray() && !part.isNull(), "%s has a part that is no text: %s", function, part);
      JsonNode nested = part.path("Fn::Join").path(1);
      for (JsonNode piece : nested.isArray() ? nested : List.of(part)) {
        if (piece.isObject()) {
          addText(merged, text);
          merged.add(piece);
        } else {
          text.append(text(function, piece));
        }
      }
    }
    if (merged.isEmpty()) {
      return TextNode.valueOf(text.toString());
    }
    addText(merged, text);
    return merged.size() == 1
        ? merged.path(0)
        : JSON.objectNode().set("Fn::Join", JSON.arrayNode().add("").add(merged));
  }

  private static void addText(ArrayNode merged, StringBuilder text) {
    if (!text.isEmpty()) {
      merged.add(text.toString());
      text.setLength(0);
    }
  }

  private JsonNode split(JsonNode argument) {
    checkSize("Fn::Split", argument, 2);
    String delimiter = text("Fn::Split", argument.path(0));
    JsonNode source = evaluate(argument.path(1));
    if (source.isObject()) {
      return JSON.objectNode().set("Fn::Split", JSON.arrayNode().add(delimiter).add(source));
    }
    ArrayNode list = JSON.arrayNode();
    for (String part : text("Fn::Split", source).split(Pattern.quote(delimiter), -1)) {
      list.add(part);
    }
    return list;
  }

  private JsonNode select(JsonNode argument) {
    checkSize("Fn::Select", argument, 2);
    JsonNode list = evaluate(argument.path(1));
    String index = text("Fn::Select", evaluate(argument.path(0)));
    check(index.matches("\\d{1,9}"), "Fn::Select has the index %s.", index);
    if (list.has("Fn::Split")) {
      return JSON.objectNode().set("Fn::Select", JSON.arrayNode().add(index).add(list));
    }
    check(list.isArray(), "Fn::Select has no list: %s", argument);
    check(list.has(Integer.parseInt(index)), "Fn::Select has no entry %s in %s.", index, list);
    return list.path(Integer.parseInt(index));
  }

  private JsonNode sub(JsonNode argument) {
    JsonNode variables = JSON.objectNode();
    JsonNode template = argument;
    if (argument.isArray()) {
      checkSize("Fn::Sub", argument, 2);
      template = argument.path(0);
      variables = argument.path(1);
    }
    check(template.isTextual(), "Fn::Sub has a template that is no text: %s", argument);
    String text = template.asText();
    List<JsonNode> parts = new ArrayList<>();
    int end = 0;
    for (Matcher found = VARIABLE.matcher(text); found.find(); end = found.end()) {
      parts.add(TextNode.valueOf(text.substring(end, found.start())));
      parts.add(
          found.group(1).isEmpty()
              ? variable(found.group(2), variables)
              : TextNode.valueOf("${" + found.group(2) + "}"));
    }
    parts.add(TextNode.valueOf(text.substring(end)));
    return concatenate("Fn::Sub", parts);
  }

  private JsonNode variable(String name, JsonNode variables) {
    JsonNode value;
    if (variables.has(name)) {
      value = evaluate(variables.path(name));
    } else if (name.contains(".")) {
      value = getAtt(TextNode.valueOf(name));
    } else {
      value = ref(name);
    }
    check(!value.isMissingNode(), "Fn::Sub has no value for %s.", name);
    return value;
  }

  private static void checkSize(String function, JsonNode argument, int size) {
    check(
        argument.isArray() && argument.size() == size,
        "%s takes %s arguments: %s",
        function,
        size,
        argument);
  }

  /** Returns the text of a value that is known before resources are created. */
  static String text(String function, JsonNode value) {
    check(
        value.isValueNode() && !value.isNull(),
        "%s has a value that is no text or not known: %s",
        function,
        value);
    return value.asText();
  }

  /** Returns what stands for {@code AWS::NoValue}. */
  static JsonNode noValue() {
    return MissingNode.getInstance();
  }
}
