package keyrotation.infrastructure;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/**
 * A parameter of the release's template.
 *
 * @param group the heading under which CloudFormation's console shows it
 * @param label its name in the console
 * @param rule what values it accepts
 * @param fallback the default; if empty, it must be set
 * @param setting the setting that it stands for; empty if it is none by itself
 * @param example a valid value, which stands for the parameter's in synthesized templates, so that
 *     no other text there may equal it
 */
record TemplateParameter(
    String name,
    String group,
    String label,
    String description,
    Rule rule,
    Optional<String> fallback,
    Optional<String> setting,
    String example) {

  private static final int MAX_SECRETS_LENGTH = 1500;

  /** What values a parameter accepts. */
  sealed interface Rule {

    /** Texts of this form; the text says what they are. */
    record Text(String pattern, String rule) implements Rule {}

    /** One of these. */
    record OneOf(List<String> values) implements Rule {}

    /** A whole number. */
    record WholeNumber(int least, int most) implements Rule {}
  }

  /** Tells whether it may be left empty. */
  boolean isOptional() {
    return fallback.equals(Optional.of("")) || name.equals("CreatedSecretName");
  }

  /** A list of secrets is in the function's environment and in its role, whose sizes AWS limits. */
  private Optional<Integer> longest() {
    return Optional.of(name)
        .filter(List.of("SecretNames", "SecretArns")::contains)
        .map(_ -> MAX_SECRETS_LENGTH);
  }

  /** Returns the name of the condition that it has a value. */
  String condition() {
    return "Has" + name;
  }

  /** Returns its definition in the template of a release. */
  ObjectNode toJson(String version) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("Type", rule instanceof Rule.WholeNumber ? "Number" : "String");
    json.put("Description", description);
    fallback.ifPresent(value -> json.put("Default", value.replace("VERSION", version)));
    switch (rule) {
      case Rule.Text(String pattern, String text) -> {
        json.put("AllowedPattern", isOptional() ? "^$|" + pattern : pattern);
        longest().ifPresent(length -> json.put("MaxLength", length));
        json.put("ConstraintDescription", "Must be " + text + ".");
      }
      case Rule.OneOf(List<String> values) -> values.forEach(json.withArray("AllowedValues")::add);
      case Rule.WholeNumber(int least, int most) ->
          json.put("MinValue", least).put("MaxValue", most);
    }
    return json;
  }
}
