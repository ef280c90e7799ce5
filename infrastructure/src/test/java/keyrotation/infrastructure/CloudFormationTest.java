package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloudFormationTest {

  private static final String RULES =
      """
      {
        'Parameters': {
          'P': {'Type': 'String', 'Default': 'a'},
          'L': {'Type': 'CommaDelimitedList', 'Default': 'a,b'}
        },
        'Rules': {
          'R': {
            'RuleCondition': {'Fn::Equals': [{'Ref': 'P'}, 'a']},
            'Assertions': [
              {'Assert': %s, 'AssertDescription': 'Explained: 100%%.'}
            ]
          }
        },
        'Resources': {}
      }
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'Fn::Equals': [{'Ref': 'P'}, 'a']} | true",
        "{'Fn::Not': [{'Fn::Equals': [{'Ref': 'P'}, 'a']}]} | false",
        "{'Fn::Contains': [['a', 'b'], {'Ref': 'P'}]} | true",
        "{'Fn::Contains': [['b', 'c'], {'Ref': 'P'}]} | false",
        "{'Fn::Contains': [{'Ref': 'L'}, {'Ref': 'P'}]} | true",
        "{'Fn::EachMemberIn': [{'Ref': 'L'}, ['a', 'b', 'c']]} | true",
        "{'Fn::EachMemberIn': [{'Ref': 'L'}, ['a', 'c']]} | false",
        "{'Fn::EachMemberEquals': [{'Ref': 'L'}, 'a']} | false",
        "{'Fn::EachMemberEquals': [['a', 'a'], {'Ref': 'P'}]} | true",
        "{'Fn::Or': [{'Fn::Equals': ['1', '2']}, {'Fn::Equals': [1, '1']}]} | true",
        "{'Fn::Or': [{'Fn::Equals': ['1', '2']}, {'Fn::Equals': [1, '3']}]} | false",
        "{'Fn::And': [{'Fn::Equals': ['1', '2']}, {'Fn::Equals': [1, '1']}]} | false",
        "{'Fn::And': [{'Fn::Equals': ['1', '1']}, {'Fn::Equals': [1, '1']}]} | true",
      })
  void the_assertions_of_a_rule_hold_if_its_condition_does(String assertion, boolean holds) {
    String template = RULES.formatted(assertion);

    IllegalArgumentException mistake =
        catchThrowableOfType(IllegalArgumentException.class, () -> evaluate(template));

    if (holds) {
      assertThat(mistake).isNull();
    } else {
      assertThat(mistake).hasMessage("Explained: 100%.");
      evaluate(template, "P", "b");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'Condition': 'C'} | takes another number of arguments",
        "{'Fn::ValueOf': ['P', 'x']} | A rule cannot have the function Fn::ValueOf.",
        "{'Fn::Equals': [{'Fn::Join': ['', ['a']]}, 'a']} | A rule cannot have the value",
        "{'Fn::Equals': [{'Ref': 'L'}, 'a']} | text or not known",
        "{'Fn::Contains': [{'Ref': 'P'}, 'a']} | Fn::Contains has no list",
        "{'Fn::And': [{'Fn::Equals': ['1', '1']}]} | Fn::And takes another number of arguments",
        "true | A rule is no function: true",
      })
  void a_rule_has_parameters_and_functions_of_rules_alone(String assertion, String message) {
    assertRefused(RULES.formatted(assertion), message);
  }

  @Test
  void a_rule_needs_assertions() {
    assertThatThrownBy(() -> evaluate("{'Rules': {'R': {}}, 'Resources': {}}"))
        .hasMessageStartingWith("A rule has no assertions");
  }

  private static final String CONDITIONS =
      """
      {
        'Parameters': {
          'P': {'Type': 'String', 'Default': 'a'},
          'L': {'Type': 'CommaDelimitedList', 'Default': ''}
        },
        'Mappings': {'M': {'a': {'k': 'v'}}},
        'Conditions': {
          'C': %s,
          'Other': {'Fn::Equals': ['', {'Fn::Join': ['', {'Ref': 'L'}]}]}
        },
        'Resources': {
          'R': {'Type': 'T', 'Condition': 'C'}
        },
        'Outputs': {
          'O': {'Condition': 'C', 'Value': {'Ref': 'R'}}
        }
      }
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'Fn::Equals': [{'Ref': 'P'}, 'a']} | true",
        "{'Fn::Equals': [{'Ref': 'P'}, 'A']} | false",
        "{'Fn::Equals': [{'Fn::Select': [0, {'Fn::Split': [':', {'Ref': 'P'}]}]}, 'a']} | true",
        "{'Fn::Equals': [{'Fn::Sub': '${P}-${AWS::StackName}'}, 'a-my-stack']} | true",
        "{'Fn::Equals': [{'Fn::FindInMap': ['M', {'Ref': 'P'}, 'k']}, 'v']} | true",
        "{'Condition': 'Other'} | true",
        "{'Fn::Not': [{'Condition': 'Other'}]} | false",
        "{'Fn::And': [{'Condition': 'Other'}, {'Fn::Equals': ['1', 1]}]} | true",
        "{'Fn::Or': [{'Fn::Not': [{'Condition': 'Other'}]}, {'Fn::Equals': ['1', 2]}]} | false",
      })
  void a_resource_and_an_output_exist_if_their_condition_holds(String condition, boolean holds) {
    CloudFormation.Stack stack = evaluate(CONDITIONS.formatted(condition));

    assertThat(stack.resources()).isEqualTo(parse(holds ? "{'R': {'Type': 'T'}}" : "{}"));
    assertThat(stack.outputs()).isEqualTo(parse(holds ? "{'O': {'Value': {'Ref': 'R'}}}" : "{}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'Fn::Not': [{'Condition': 'C'}]} | Conditions refer to each other: [C]",
        "{'Fn::And': [{'Condition': 'Other'}, {'Condition': 'C'}]} | to each other: [C]",
        "{'Condition': 'Unknown'} | There are no such conditions: [Unknown]",
        "{'Fn::Equals': [{'Ref': 'R'}, 'a']} | Ref names R",
        "{'Fn::Equals': [{'Ref': 'L'}, '']} | text or not known",
        "{'Fn::Equals': [{'Fn::If': ['Other', 'a', 'b']}, 'a']} | A condition cannot have Fn::If",
        "{'Fn::Contains': [['a'], 'a']} | A condition cannot have the function Fn::Contains.",
        "{'Fn::Equals': ['a']} | Fn::Equals takes another number of arguments",
        "{'Fn::Or': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]} | Fn::Or takes another number",
        "true | A condition is no function: true",
      })
  void a_condition_that_cannot_be_evaluated_is_a_mistake(String condition, String message) {
    assertRefused(CONDITIONS.formatted(condition), message);
  }

  @Test
  void a_condition_is_evaluated_even_if_nothing_uses_it() {
    assertThatThrownBy(() -> evaluate("{'Conditions': {'C': 'text'}, 'Resources': {}}"))
        .hasMessage("A condition is no function: \"text\"");
  }

  @Test
  void a_dependency_is_a_list_in_order_and_exists() {
    String template =
        """
        {
          'Parameters': {'P': {'Type': 'String', 'Default': 'a'}},
          'Conditions': {'C': {'Fn::Equals': [{'Ref': 'P'}, 'a']}},
          'Resources': {
            'A': {'Type': 'T', 'Condition': 'C'},
            'B': {'Type': 'T', 'DependsOn': 'A'},
            'D': {'Type': 'T', 'DependsOn': ['B', 'A'], 'DeletionPolicy': 'Retain'}
          }
        }
        """;

    assertThat(evaluate(template).resources())
        .isEqualTo(
            parse(
                """
                {
                  'A': {'Type': 'T'},
                  'B': {'Type': 'T', 'DependsOn': ['A']},
                  'D': {'Type': 'T', 'DependsOn': ['A', 'B'], 'DeletionPolicy': 'Retain'}
                }
                """));
    assertThatThrownBy(() -> evaluate(template, "P", "b"))
        .hasMessage("The resource B: DependsOn names A, which is no resource of this stack.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'A': {'Type': 'T', 'Properties': {'P': {'Ref': 'A'}}}",
        "'A': {'Type': 'T', 'DependsOn': 'B'},"
            + "'B': {'Type': 'T', 'Properties': {'P': {'Fn::Sub': '${C.Arn}'}}},"
            + "'C': {'Type': 'T', 'Properties': {'P': {'Fn::GetAtt': 'A.Arn'}}}",
      })
  void resources_cannot_depend_on_each_other(String resources) {
    assertThatThrownBy(() -> evaluate("{'Resources': {" + resources + "}}"))
        .hasMessageStartingWith("Resources depend on each other: [A");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'Transform': 'AWS::Include', 'Resources': {} | The template has a section Transform.",
        "'Resources': {'A': {'Type': 'T', 'Policy': 1}}"
            + "| The resource A: It has an attribute Policy.",
        "'Resources': {'A-1': {'Type': 'T'}} | Resources has the name A-1.",
        "'Resources': {'A': {'Type': 'T', 'DependsOn': {'Ref': 'A'}}} | an entry that is no text",
        "'Resources': {'A': {'Type': 'T', 'DependsOn': 'B'}} | Neither parameters nor resources:"
            + " [B]",
        "'Parameters': {'A': {'Type': 'String'}}, 'Resources': {'A': {'Type': 'T'}}"
            + "| A parameter and a resource have the name A.",
        "'Resources': {}, 'Outputs': {'O': {'Value': ['a']}} | The output O: Its value is no text",
        "'Resources': {}, 'Outputs': {'O': {'Value': {'Ref': 'AWS::NoValue'}}}"
            + "| The output O: Its value is no text",
        "'Resources': {'A': {'Type': 'T', 'Condition': 'C'}} | no such conditions: [C]",
        "'Resources': {}, 'Outputs': {'O': {'Value': '', 'Condition': 'C'}}"
            + "| no such conditions: [C]",
      })
  void a_template_of_another_form_is_a_mistake(String template, String message) {
    assertRefused("{" + template + "}", message);
  }

  @Test
  void an_output_of_a_resource_that_is_not_created_is_a_mistake() {
    String template =
        CONDITIONS
            .formatted("{'Fn::Equals': ['a', 'b']}")
            .replace("{'Condition': 'C', 'Value'", "{'Value'");

    assertThatThrownBy(() -> evaluate(template))
        .hasMessageStartingWith("The output O: Ref names R");
  }

  @Test
  void a_section_has_no_more_entries_than_the_quota() {
    StringBuilder resources = new StringBuilder("'R': {'Type': 'T'}");
    for (int i = 1; i <= 500; i++) {
      resources.append(", 'R%d': {'Type': 'T'}".formatted(i));
    }

    assertThatThrownBy(() -> evaluate("{'Resources': {" + resources + "}}"))
        .hasMessage("The section Resources has more than 500 entries.");
  }

  @Test
  void numbers_and_booleans_can_be_compared_as_texts() {
    assertThat(CloudFormation.withTexts(parse("{'a': [1, true, 'x', {}]}")))
        .isEqualTo(parse("{'a': ['1', 'true', 'x', {}]}"));
  }

  @Test
  void the_template_of_the_stack_can_be_evaluated() {
    ObjectNode template =
        StackTemplate.withTokens("CREATE_SECRETS", "false").json().<ObjectNode>deepCopy();
    // They are of the CDK's own deployments.
    template.remove(List.of("Parameters", "Rules"));

    String evaluated = CloudFormation.evaluate(template, "s", Map.of()).resources().toString();

    assertThat(evaluated)
        .contains("arn:aws:secretsmanager:us-east-1:123456789012:")
        .doesNotContain("AWS::Partition", "Fn::Sub", "NoValue");
  }

  static CloudFormation.Stack evaluate(String template, String... parameters) {
    Map<String, String> values = new HashMap<>();
    for (int i = 0; i < parameters.length; i += 2) {
      values.put(parameters[i], parameters[i + 1]);
    }
    return CloudFormation.evaluate(parse(template), "my-stack", values);
  }

  private static void assertRefused(String template, String message) {
    assertThatThrownBy(() -> evaluate(template))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
