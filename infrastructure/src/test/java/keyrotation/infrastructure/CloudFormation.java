package keyrotation.infrastructure;

import static keyrotation.infrastructure.ParameterValues.check;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Does what CloudFormation does with a template before it creates resources: checks the parameters
 * and the rules, evaluates the conditions and the functions, and leaves out the resources and the
 * outputs whose conditions are false. Knows nothing of the types of resources.
 */
final class CloudFormation {

  /**
   * A stack that would be created.
   *
   * @param resources each resource without its condition, by logical id
   * @param outputs each output without its condition
   */
  record Stack(ObjectNode resources, ObjectNode outputs) {}

  private static final Set<String> SECTIONS =
      Set.of(
          "AWSTemplateFormatVersion",
          "Description",
          "Metadata",
          "Parameters",
          "Rules",
          "Mappings",
          "Conditions",
          "Resources",
          "Outputs");
  private static final Set<String> EVALUATED =
      Set.of("Properties", "Metadata", "CreationPolicy", "UpdatePolicy");
  private static final Set<String> LITERAL =
      Set.of("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy");
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final JsonNode template;
  private final Map<String, JsonNode> values = new HashMap<>();
  private final Map<String, Boolean> conditions = new HashMap<>();

  /** The conditions that are being evaluated, in the order of their references. */
  private final Set<String> evaluating = new LinkedHashSet<>();

  /** The resources to which each resource refers. */
  private final Map<String, Set<String>> references = new TreeMap<>();

  private CloudFormation(JsonNode template, String stackName, Map<String, String> parameters) {
    this.template = template;
    values.put("AWS::AccountId", TextNode.valueOf("123456789012"));
    values.put("AWS::Region", TextNode.valueOf("us-east-1"));
    values.put("AWS::Partition", TextNode.valueOf("aws"));
    values.put("AWS::URLSuffix", TextNode.valueOf("amazonaws.com"));
    values.put("AWS::StackName", TextNode.valueOf(stackName));
    values.put(
        "AWS::StackId",
        TextNode.valueOf(
            "arn:aws:cloudformation:us-east-1:123456789012:stack/%s/7d1e5f2a"
                .formatted(stackName)));
    values.put("AWS::NoValue", IntrinsicFunctions.noValue());
    values.putAll(ParameterValues.values(template.path("Parameters"), parameters));
  }

  /**
   * Evaluates a template for account 123456789012 in region us-east-1.
   *
   * @throws IllegalArgumentException if CloudFormation would refuse the template or the values
   */
  static Stack evaluate(JsonNode template, String stackName, Map<String, String> parameters) {
    template
        .fieldNames()
        .forEachRemaining(
            name -> check(SECTIONS.contains(name), "The template has a section %s.", name));
    TemplateNames.checkReferences(template);
    CloudFormation stack = new CloudFormation(template, stackName, parameters);
    stack.checkRules();
    template.path("Conditions").fieldNames().forEachRemaining(stack::holds);
    return new Stack(stack.resources(), stack.outputs());
  }

  /**
   * Returns a copy in which numbers and booleans are texts, for which CloudFormation takes both.
   */
  static JsonNode withTexts(JsonNode node) {
    if (node.isArray()) {
      ArrayNode list = JSON.arrayNode();
      node.forEach(entry -> list.add(withTexts(entry)));
      return list;
    }
    if (node.isObject()) {
      ObjectNode object = JSON.objectNode();
      node.properties().forEach(entry -> object.set(entry.getKey(), withTexts(entry.getValue())));
      return object;
    }
    return TextNode.valueOf(node.asText());
  }

  private void checkRules() {
    for (JsonNode rule : template.path("Rules")) {
      check(!rule.path("Assertions").isEmpty(), "A rule has no assertions: %s", rule);
      if (!rule.has("RuleCondition") || ruleHolds(rule.path("RuleCondition"))) {
        for (JsonNode assertion : rule.path("Assertions")) {
          check(
              ruleHolds(assertion.path("Assert")),
              "%s",
              assertion.path("AssertDescription").asText("An assertion does not hold."));
        }
      }
    }
  }

  private boolean ruleHolds(JsonNode node) {
    return truth(node, "rule", this::ruleHolds, this::callsInRule);
  }

  private boolean callsInRule(String function, JsonNode argument) {
    return switch (function) {
      case "Fn::Equals" ->
          text(ruleValue(argument.path(0))).equals(text(ruleValue(argument.path(1))));
      case "Fn::Contains" ->
          list(function, argument.path(0)).contains(text(ruleValue(argument.path(1))));
      case "Fn::EachMemberIn" ->
          list(function, argument.path(1)).containsAll(list(function, argument.path(0)));
      case "Fn::EachMemberEquals" ->
          list(function, argument.path(0)).stream()
              .allMatch(text(ruleValue(argument.path(1)))::equals);
      default ->
          throw new IllegalArgumentException("A rule cannot have the function " + function + ".");
    };
  }

  private static String text(JsonNode value) {
    return IntrinsicFunctions.text("A comparison", value);
  }

  private Set<String> list(String function, JsonNode argument) {
    JsonNode list = ruleValue(argument);
    check(list.isArray(), "%s has no list: %s", function, argument);
    Set<String> texts = new HashSet<>();
    list.forEach(entry -> texts.add(text(ruleValue(entry))));
    return texts;
  }

  /** In rules, parameters are the only values that are not literal. */
  private JsonNode ruleValue(JsonNode node) {
    if (!node.isObject()) {
      return node;
    }
    JsonNode value = values.getOrDefault(node.path("Ref").asText(), node);
    check(node.size() == 1 && !value.isObject(), "A rule cannot have the value %s.", node);
    return value;
  }

  private interface Comparison {
    boolean holds(String function, JsonNode argument);
  }

  /** Evaluates what rules and conditions have in common. */
  private static boolean truth(
      JsonNode node, String where, Predicate<JsonNode> operand, Comparison comparison) {
    check(node.isObject() && node.size() == 1, "A %s is no function: %s", where, node);
    String function = node.fieldNames().next();
    JsonNode argument = node.path(function);
    int size = argument.size();
    boolean several = Set.of("Fn::And", "Fn::Or").contains(function);
    check(
        several ? size >= 2 && size <= 10 : size == (function.equals("Fn::Not") ? 1 : 2),
        "%s takes another number of arguments: %s",
        function,
        argument);
    // No operand is left out, so that a mistake shows with all values.
    List<Boolean> operands =
        several || function.equals("Fn::Not")
            ? argument.valueStream().map(operand::test).toList()
            : List.of();
    return switch (function) {
      case "Fn::And" -> !operands.contains(false);
      case "Fn::Or" -> operands.contains(true);
      case "Fn::Not" -> operands.contains(false);
      default -> comparison.holds(function, argument);
    };
  }

  private boolean holds(String condition) {
    Boolean known = conditions.get(condition);
    if (known != null) {
      return known;
    }
    JsonNode definition = template.path("Conditions").path(condition);
    check(!definition.isMissingNode(), "There is no condition %s.", condition);
    check(evaluating.add(condition), "Conditions refer to each other: %s", evaluating);
    boolean holds = conditionHolds(definition);
    evaluating.remove(condition);
    conditions.put(condition, holds);
    return holds;
  }

  private boolean conditionHolds(JsonNode node) {
    if (node.has("Condition") && node.size() == 1) {
      return holds(node.path("Condition").asText());
    }
    IntrinsicFunctions functions =
        new IntrinsicFunctions(
            values,
            template.path("Mappings"),
            name -> {
              throw new IllegalArgumentException("A condition cannot have Fn::If: " + name);
            },
            _ -> false);
    return truth(
        node,
        "condition",
        this::conditionHolds,
        (function, argument) -> {
          check(
              function.equals("Fn::Equals"), "A condition cannot have the function %s.", function);
          return text(functions.evaluate(argument.path(0)))
              .equals(text(functions.evaluate(argument.path(1))));
        });
  }

  private ObjectNode resources() {
    ObjectNode resources = JSON.objectNode();
    for (Map.Entry<String, JsonNode> resource : template.path("Resources").properties()) {
      if (isCreated(resource.getKey())) {
        resources.set(resource.getKey(), resource(resource.getKey(), resource.getValue()));
      }
    }
    references.keySet().forEach(name -> checkCycle(name, new LinkedHashSet<>(), new HashSet<>()));
    return resources;
  }

  private boolean isCreated(String resource) {
    JsonNode definition = template.path("Resources").path(resource);
    return definition.isObject()
        && (!definition.has("Condition") || holds(definition.path("Condition").asText()));
  }

  private JsonNode resource(String name, JsonNode definition) {
    Set<String> referred = references.computeIfAbsent(name, _ -> new TreeSet<>());
    IntrinsicFunctions functions = functions(referred);
    ObjectNode resource = JSON.objectNode();
    try {
      for (Map.Entry<String, JsonNode> attribute : definition.properties()) {
        String key = attribute.getKey();
        if (EVALUATED.contains(key)) {
          resource.set(key, functions.evaluate(attribute.getValue()));
        } else {
          check(LITERAL.contains(key), "It has an attribute %s.", key);
          resource.set(key, attribute.getValue());
        }
      }
      if (definition.has("DependsOn")) {
        resource.set("DependsOn", dependencies(definition.path("DependsOn"), referred));
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("The resource " + name + ": " + e.getMessage(), e);
    }
    return resource.without("Condition");
  }

  private IntrinsicFunctions functions(Set<String> referred) {
    return new IntrinsicFunctions(
        values,
        template.path("Mappings"),
        this::holds,
        name -> {
          referred.add(name);
          return isCreated(name);
        });
  }

  /**
   * Returns the names in order. CloudFormation's documentation states that a resource is not
   * created if it depends on one that is not, so such a dependency is a mistake.
   */
  private ArrayNode dependencies(JsonNode dependsOn, Set<String> referred) {
    Set<String> names = new TreeSet<>();
    for (JsonNode name : dependsOn.isArray() ? dependsOn : List.of(dependsOn)) {
      check(name.isTextual(), "DependsOn has an entry that is no text: %s", name);
      check(
          isCreated(name.asText()),
          "DependsOn names %s, which is no resource of this stack.",
          name.asText());
      names.add(name.asText());
    }
    referred.addAll(names);
    ArrayNode list = JSON.arrayNode();
    names.forEach(list::add);
    return list;
  }

  private void checkCycle(String name, Set<String> path, Set<String> seen) {
    check(path.add(name), "Resources depend on each other: %s", path);
    if (seen.add(name)) {
      references.getOrDefault(name, Set.of()).forEach(next -> checkCycle(next, path, seen));
    }
    path.remove(name);
  }

  private ObjectNode outputs() {
    ObjectNode outputs = JSON.objectNode();
    for (Map.Entry<String, JsonNode> output : template.path("Outputs").properties()) {
      JsonNode definition = output.getValue();
      if (!definition.has("Condition") || holds(definition.path("Condition").asText())) {
        try {
          JsonNode evaluated = functions(new HashSet<>()).evaluate(definition);
          JsonNode value = evaluated.path("Value");
          check(value.isValueNode() || value.isObject(), "Its value is no text: %s", evaluated);
          outputs.set(output.getKey(), ((ObjectNode) evaluated).without("Condition"));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(
              "The output " + output.getKey() + ": " + e.getMessage(), e);
        }
      }
    }
    return outputs;
  }
}
