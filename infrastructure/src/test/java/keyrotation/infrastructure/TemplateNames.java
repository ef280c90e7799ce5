package keyrotation.infrastructure;

import static keyrotation.infrastructure.ParameterValues.check;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** The names in a template's sections, and where the template refers to them. */
final class TemplateNames {

  /** The sections with names of the template's own, and CloudFormation's quotas for their sizes. */
  private static final Map<String, Integer> QUOTAS =
      Map.of(
          "Parameters", 200,
          "Mappings", 200,
          "Resources", 500,
          "Outputs", 200);

  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([^!}.][^}.]*)[^}]*}");

  /** Parameters, pseudo parameters and resources share one space of names. */
  private final Set<String> referred = new TreeSet<>();

  private final Set<String> conditions = new TreeSet<>();
  private final Set<String> mappings = new TreeSet<>();

  private TemplateNames(JsonNode template) {
    collect(template.path("Rules"));
    collectConditions(template.path("Conditions"));
    collect(template.path("Conditions"));
    for (String section : List.of("Resources", "Outputs")) {
      for (JsonNode entry : template.path(section)) {
        if (entry.has("Condition")) {
          conditions.add(entry.path("Condition").asText());
        }
        JsonNode dependsOn = entry.path("DependsOn");
        (dependsOn.isTextual() ? List.of(dependsOn) : dependsOn)
            .forEach(name -> referred.add(name.asText()));
        collect(entry);
      }
    }
  }

  /**
   * Checks the names of sections' entries, and that each name to which the template refers exists,
   * in all its branches.
   *
   * @throws IllegalArgumentException if not
   */
  static void checkReferences(JsonNode template) {
    QUOTAS.forEach(
        (section, quota) -> {
          check(
              template.path(section).size() <= quota,
              "The section %s has more than %s entries.",
              section,
              quota);
          for (String name : names(template, section)) {
            check(name.matches("[A-Za-z0-9]+"), "%s has the name %s.", section, name);
          }
        });
    TemplateNames names = new TemplateNames(template);
    Set<String> known = names(template, "Parameters");
    for (String resource : names(template, "Resources")) {
      check(known.add(resource), "A parameter and a resource have the name %s.", resource);
    }
    names.referred.removeIf(name -> known.contains(name) || name.startsWith("AWS::"));
    check(names.referred.isEmpty(), "Neither parameters nor resources: %s", names.referred);
    names.conditions.removeAll(names(template, "Conditions"));
    check(names.conditions.isEmpty(), "There are no such conditions: %s", names.conditions);
    names.mappings.removeAll(names(template, "Mappings"));
    check(names.mappings.isEmpty(), "There are no such mappings: %s", names.mappings);
  }

  /**
   * Checks that each parameter, mapping and condition is used, and that the metadata for consoles
   * has each parameter in one group and gives it one label.
   *
   * @throws IllegalArgumentException if not
   */
  static void checkUses(JsonNode template) {
    TemplateNames names = new TemplateNames(template);
    checkUnused("parameters", template, "Parameters", names.referred);
    checkUnused("mappings", template, "Mappings", names.mappings);
    checkUnused("conditions", template, "Conditions", names.conditions);
    JsonNode shown = template.path("Metadata").path("AWS::CloudFormation::Interface");
    List<String> grouped = new ArrayList<>();
    for (JsonNode group : shown.path("ParameterGroups")) {
      check(!group.at("/Label/default").asText().isEmpty(), "A group has no label: %s", group);
      group.path("Parameters").forEach(name -> grouped.add(name.asText()));
    }
    List<String> parameters = sorted(names(template, "Parameters"));
    check(
        sorted(grouped).equals(parameters),
        "The groups have %s, but the parameters are %s.",
        sorted(grouped),
        parameters);
    JsonNode labels = shown.path("ParameterLabels");
    List<String> labelled =
        labels
            .propertyStream()
            .filter(label -> !label.getValue().path("default").asText().isEmpty())
            .map(label -> label.getKey())
            .sorted()
            .toList();
    check(
        labelled.equals(parameters) && labels.size() == parameters.size(),
        "The labels are for %s, but the parameters are %s.",
        labelled,
        parameters);
  }

  private static void checkUnused(
      String what, JsonNode template, String section, Set<String> used) {
    Set<String> unused = names(template, section);
    unused.removeAll(used);
    check(unused.isEmpty(), "Unused %s: %s", what, unused);
  }

  private static List<String> sorted(Iterable<String> names) {
    List<String> sorted = new ArrayList<>();
    names.forEach(sorted::add);
    sorted.sort(null);
    return sorted;
  }

  private static Set<String> names(JsonNode template, String section) {
    Set<String> names = new TreeSet<>();
    template.path(section).fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** In the section of conditions, but not in properties, the key is a reference. */
  private void collectConditions(JsonNode node) {
    if (node.path("Condition").isTextual()) {
      conditions.add(node.path("Condition").asText());
    }
    node.forEach(this::collectConditions);
  }

  private void collect(JsonNode node) {
    for (var entry : node.properties()) {
      JsonNode value = entry.getValue();
      switch (entry.getKey()) {
        case "Ref" -> referred.add(value.asText());
        case "Fn::GetAtt" ->
            referred.add(
                value.isArray() ? value.path(0).asText() : value.asText().split("\\.", 2)[0]);
        case "Fn::If" -> conditions.add(value.path(0).asText());
        case "Fn::FindInMap" -> {
          if (value.path(0).isTextual()) {
            mappings.add(value.path(0).asText());
          }
        }
        case "Fn::Sub" -> collectVariables(value);
        default -> {}
      }
    }
    node.forEach(this::collect);
  }

  private void collectVariables(JsonNode value) {
    Set<String> defined = new HashSet<>();
    value.path(1).fieldNames().forEachRemaining(defined::add);
    String text = value.isArray() ? value.path(0).asText() : value.asText();
    VARIABLE
        .matcher(text)
        .results()
        .map(variable -> variable.group(1))
        .filter(name -> !defined.contains(name))
        .forEach(referred::add);
  }
}
