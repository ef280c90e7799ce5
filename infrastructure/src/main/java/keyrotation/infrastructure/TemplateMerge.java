package keyrotation.infrastructure;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A template that is merged from several: where two differ, it decides by a condition; where many
 * differ, by a mapping. CloudFormation evaluates both when it deploys the template.
 */
final class TemplateMerge {

  /** The parts whose entries have a condition of their own. */
  private static final List<String> CONDITIONAL_PARTS = List.of("Resources", "Outputs");

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private ObjectNode template = JSON.objectNode();
  private final ObjectNode conditions = JSON.objectNode();
  private final SortedMap<String, SortedMap<String, ObjectNode>> mappings = new TreeMap<>();

  /** Begins with a template. */
  void begin(ObjectNode first) {
    template = first.deepCopy();
  }

  /** Defines a condition. */
  void define(String name, JsonNode condition) {
    conditions.set(name, condition);
  }

  /**
   * Merges a difference into the template.
   *
   * @param condition the name of the condition under which the second of the two holds
   */
  void merge(String condition, ObjectNode without, ObjectNode with) {
    for (String part : CONDITIONAL_PARTS) {
      ObjectNode entries = (ObjectNode) template.path(part);
      for (String id : names(without.path(part), with.path(part))) {
        JsonNode absent = without.path(part).path(id);
        JsonNode present = with.path(part).path(id);
        if (absent.isMissingNode()) {
          addEntry(entries, id, present, ref(condition));
        } else if (present.isMissingNode()) {
          addEntry(entries, id, absent, not(condition));
        } else {
          entries.set(id, merged(entries.path(id), absent, present, condition));
        }
      }
    }
  }

  /** Adds a resource or an output, or limits it further if it is there. */
  private void addEntry(ObjectNode entries, String id, JsonNode value, JsonNode condition) {
    ObjectNode entry =
        entries.path(id).isMissingNode()
            ? value.<ObjectNode>deepCopy()
            : (ObjectNode) entries.path(id);
    JsonNode before = entry.path("Condition");
    ObjectNode conditional = JSON.objectNode();
    conditional.put(
        "Condition", before.isMissingNode() ? nameOf(condition) : both(before.asText(), condition));
    conditional.setAll(entry.deepCopy().remove(List.of("Condition")));
    entries.set(id, conditional);
  }

  /** Sets the condition of the resources or outputs whose ids begin like this. */
  void limit(String prefix, String condition) {
    CONDITIONAL_PARTS.stream()
        .flatMap(part -> template.path(part).properties().stream())
        .filter(entry -> entry.getKey().startsWith(prefix))
        .forEach(entry -> ((ObjectNode) entry.getValue()).put("Condition", condition));
  }

  private String both(String first, JsonNode second) {
    String name = first + "And" + nameOf(second);
    ObjectNode and = JSON.objectNode();
    and.putArray("Fn::And").add(ref(first)).add(second);
    define(name, and);
    return name;
  }

  /** Returns the name of a condition or of the opposite of one, which is then defined. */
  private String nameOf(JsonNode condition) {
    if (condition.has("Condition")) {
      return condition.path("Condition").asText();
    }
    String name = "Not" + condition.at("/Fn::Not/0/Condition").asText();
    define(name, condition);
    return name;
  }

  /**
   * Returns a value with a difference merged into it.
   *
   * @param value the value as it is in the template, with other differences merged into it
   */
  private static JsonNode merged(
      JsonNode value, JsonNode without, JsonNode with, String condition) {
    if (without.equals(with)) {
      return value;
    }
    if (isPlain(value) && isPlain(without) && isPlain(with)) {
      ObjectNode merged = (ObjectNode) value;
      for (String name : names(without, with)) {
        merged.set(
            name, merged(part(merged, name), part(without, name), part(with, name), condition));
      }
      return merged;
    }
    if (value.isArray() && without.isArray() && with.isArray()) {
      return mergedLists((ArrayNode) value, without, with, condition);
    }
    return with.isMissingNode()
        ? choice(condition, noValue(), value.isMissingNode() ? without : value)
        : without.isMissingNode()
            ? choice(condition, value.isMissingNode() ? with : value, noValue())
            : choice(condition, with, value.equals(with) ? without : value);
  }

  /** Returns a property. A resource without properties has none, and not no properties. */
  private static JsonNode part(JsonNode object, String name) {
    JsonNode part = object.path(name);
    return part.isMissingNode() && name.equals("Properties") ? JSON.objectNode() : part;
  }

  /** Lists of the same length differ in their elements; others in which elements they have. */
  private static ArrayNode mergedLists(
      ArrayNode value, JsonNode without, JsonNode with, String condition) {
    if (without.size() == with.size() && with.size() == value.size()) {
      for (int i = 0; i < with.size(); i++) {
        value.set(i, merged(value.path(i), without.path(i), with.path(i), condition));
      }
      return value;
    }
    List<JsonNode> elements = new ArrayList<>();
    value.forEach(elements::add);
    wrap(elements, with, without, condition, true);
    wrap(elements, without, with, condition, false);
    return JSON.arrayNode().addAll(elements);
  }

  /** Makes those elements conditional that only one of two lists has. */
  private static void wrap(
      List<JsonNode> elements, JsonNode some, JsonNode others, String condition, boolean isWith) {
    for (int i = 0; i < some.size(); i++) {
      JsonNode element = some.path(i);
      if (!contains(others, element)) {
        JsonNode wrapped =
            isWith ? choice(condition, element, noValue()) : choice(condition, noValue(), element);
        int index = indexOf(elements, element);
        if (index >= 0) {
          elements.set(index, inPlaceOf(elements.get(index), element, wrapped));
        } else {
          elements.add(next(elements, some, i), wrapped);
        }
      }
    }
  }

  /** Returns where an element is, also as the choice of another condition. */
  private static int indexOf(List<JsonNode> elements, JsonNode element) {
    return IntStream.range(0, elements.size())
        .filter(
            i -> elements.get(i).equals(element) || elements.get(i).at("/Fn::If/1").equals(element))
        .findFirst()
        .orElse(-1);
  }

  private static JsonNode inPlaceOf(JsonNode value, JsonNode element, JsonNode wrapped) {
    return value.equals(element)
        ? wrapped
        : choice(value.at("/Fn::If/0").asText(), wrapped, noValue());
  }

  /** Returns where the first of the following elements of a list is in another one. */
  private static int next(List<JsonNode> elements, JsonNode list, int from) {
    for (int i = from + 1; i < list.size(); i++) {
      int index = indexOf(elements, list.path(i));
      if (index >= 0) {
        return index;
      }
    }
    return elements.size();
  }

  private static boolean contains(JsonNode list, JsonNode element) {
    return list.valueStream().anyMatch(element::equals);
  }

  /**
   * Returns the template that many templates have in common. Each value in which they differ comes
   * from a mapping.
   *
   * @param parameter the parameter whose values the templates belong to
   */
  ObjectNode mapped(String mapping, String parameter, SortedMap<String, ObjectNode> templates) {
    SortedMap<String, JsonNode> values = new TreeMap<>(templates);
    return (ObjectNode) mapped(mapping, parameter, List.of(), values);
  }

  private JsonNode mapped(
      String mapping, String parameter, List<String> path, SortedMap<String, JsonNode> values) {
    JsonNode first = values.sequencedValues().getFirst();
    if (values.values().stream().allMatch(first::equals)) {
      return first;
    }
    if (first.isObject()) {
      ObjectNode common = JSON.objectNode();
      first
          .properties()
          .forEach(
              field ->
                  common.set(
                      field.getKey(),
                      mapped(
                          mapping,
                          parameter,
                          with(path, field.getKey()),
                          each(values, field.getKey()))));
      return common;
    }
    if (first.isArray()) {
      ArrayNode common = JSON.arrayNode();
      for (int i = 0; i < first.size(); i++) {
        common.add(mapped(mapping, parameter, path, each(values, i)));
      }
      return common;
    }
    String attribute = attribute(path);
    values.forEach(
        (key, value) ->
            mappings
                .computeIfAbsent(mapping, _ -> new TreeMap<>())
                .computeIfAbsent(key, _ -> JSON.objectNode())
                .set(attribute, value));
    ObjectNode find = JSON.objectNode();
    find.putArray("Fn::FindInMap").add(mapping).add(param(parameter)).add(attribute);
    return find;
  }

  private static SortedMap<String, JsonNode> each(Map<String, JsonNode> values, String name) {
    SortedMap<String, JsonNode> fields = new TreeMap<>();
    values.forEach((key, value) -> fields.put(key, value.required(name)));
    return fields;
  }

  private static SortedMap<String, JsonNode> each(Map<String, JsonNode> values, int index) {
    SortedMap<String, JsonNode> elements = new TreeMap<>();
    values.forEach((key, value) -> elements.put(key, value.required(index)));
    return elements;
  }

  /** Returns the name of a value in a mapping, which has letters and digits alone. */
  private static String attribute(List<String> path) {
    String property =
        path.reversed().stream().filter(name -> !name.startsWith("Fn::")).findFirst().orElseThrow();
    String resource = path.get(1).replaceFirst("[0-9A-F]{8}$", "");
    return (resource + property).replaceAll("[^A-Za-z0-9]", "");
  }

  private static List<String> with(List<String> path, String name) {
    List<String> longer = new ArrayList<>(path);
    longer.add(name);
    return longer;
  }

  /** Returns the template as merged so far, with its mappings and conditions. */
  ObjectNode result() {
    ObjectNode result = JSON.objectNode();
    ObjectNode maps = result.putObject("Mappings");
    mappings.forEach((name, keys) -> maps.putObject(name).setAll(keys));
    ObjectNode used = result.putObject("Conditions");
    CONDITIONAL_PARTS.forEach(part -> result.set(part, template.path(part)));
    conditions.properties().stream()
        .filter(condition -> isUsed(condition.getKey(), result))
        .forEach(condition -> used.set(condition.getKey(), condition.getValue()));
    return result;
  }

  /** Tells whether a condition decides anything, by itself or in another condition. */
  private boolean isUsed(String condition, JsonNode result) {
    String name = "\"" + condition + "\"";
    return CONDITIONAL_PARTS.stream().anyMatch(part -> result.path(part).toString().contains(name))
        || conditions.properties().stream()
            .filter(other -> other.getValue().toString().contains(name))
            .anyMatch(other -> isUsed(other.getKey(), result));
  }

  private static Set<String> names(JsonNode without, JsonNode with) {
    Set<String> names = new LinkedHashSet<>();
    with.properties().forEach(field -> names.add(field.getKey()));
    without.properties().forEach(field -> names.add(field.getKey()));
    return names;
  }

  /** Tells whether a node is an object, and no function of CloudFormation. */
  private static boolean isPlain(JsonNode node) {
    return node.isObject()
        && node.properties().stream()
            .map(Map.Entry::getKey)
            .noneMatch(name -> name.equals("Ref") || name.startsWith("Fn::"));
  }

  /** Returns a choice by a condition. */
  static ObjectNode choice(String condition, JsonNode then, JsonNode otherwise) {
    ObjectNode choice = JSON.objectNode();
    choice.putArray("Fn::If").add(condition).add(then).add(otherwise);
    return choice;
  }

  /** Returns what removes a property. */
  static ObjectNode noValue() {
    return param("AWS::NoValue");
  }

  /** Returns the value of a parameter. */
  static ObjectNode param(String name) {
    return JSON.objectNode().put("Ref", name);
  }

  private static ObjectNode ref(String condition) {
    return JSON.objectNode().put("Condition", condition);
  }

  private static ObjectNode not(String condition) {
    ObjectNode not = JSON.objectNode();
    not.putArray("Fn::Not").add(ref(condition));
    return not;
  }
}
