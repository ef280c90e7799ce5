package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateNamesTest {

  /** Uses each parameter in one of the ways there are. */
  private static final String TEMPLATE =
      """
      {
        'Metadata': {
          'AWS::CloudFormation::Interface': {
            'ParameterGroups': [
              {'Label': {'default': 'One'}, 'Parameters': ['A', 'B']},
              {'Label': {'default': 'Two'}, 'Parameters': ['D', 'E']}
            ],
            'ParameterLabels': {
              'A': {'default': 'a'},
              'B': {'default': 'b'},
              'D': {'default': 'd'},
              'E': {'default': 'e'}
            }
          }
        },
        'Parameters': {
          'A': {'Type': 'String'},
          'B': {'Type': 'String'},
          'D': {'Type': 'String'},
          'E': {'Type': 'String'}
        },
        'Rules': {'R': {'Assertions': [{'Assert': {'Fn::Equals': [{'Ref': 'E'}, 'a']}}]}},
        'Mappings': {'M': {'a': {'k': 'v'}}},
        'Conditions': {
          'C1': {'Fn::Equals': [{'Ref': 'B'}, 'a']},
          'C2': {'Fn::Not': [{'Condition': 'C1'}]},
          'C3': {'Fn::Not': [{'Condition': 'C1'}]}
        },
        'Resources': {
          'R1': {
            'Type': 'T',
            'Condition': 'C2',
            'Properties': {'P': {'Fn::Sub': ['${A}${V}${!W}', {'V': {'Fn::FindInMap': ['M', 'a', 'k']}}]}}
          }
        },
        'Outputs': {'O': {'Value': {'Fn::If': ['C3', {'Ref': 'D'}, '']}}}
      }
      """;

  @Test
  void each_parameter_mapping_and_condition_is_used() {
    TemplateNames.checkReferences(parse(TEMPLATE));
    TemplateNames.checkUses(parse(TEMPLATE));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "${A} | x | Unused parameters: [A]",
        "{'Ref': 'B'} | 'b' | Unused parameters: [B]",
        "{'Ref': 'D'} | '' | Unused parameters: [D]",
        "{'Ref': 'E'} | '' | Unused parameters: [E]",
        "{'Fn::FindInMap': ['M', 'a', 'k']} | 'x' | Unused mappings: [M]",
        "'Condition': 'C2', | `` | Unused conditions: [C2]",
        "{'Fn::If': ['C3', {'Ref': 'D'}, '']} | {'Ref': 'D'} | Unused conditions: [C3]",
        "'C2': {'Fn::Not': [{'Condition': 'C1'}]},"
            + "'C3': {'Fn::Not': [{'Condition': 'C1'}]}"
            + "| 'C2': {'Fn::Equals': ['', '']}, 'C3': {'Fn::Equals': ['', '']}"
            + "| Unused conditions: [C1]",
        "'Parameters': ['A', 'B'] | 'Parameters': ['A'] | The groups have [A, D, E]",
        "'Parameters': ['A', 'B'] | 'Parameters': ['A', 'B', 'D']"
            + "| The groups have [A, B, D, D, E]",
        "{'default': 'Two'} | {} | A group has no label",
        "{'default': 'd'} | {'default': ''} | The labels are for [A, B, E]",
        "'A': {'default': 'a'} | 'F': {'default': 'a'} | The labels are for [B, D, E, F]",
        "'A': {'default': 'a'} | 'A': {'default': 'a'}, 'F': {} | The labels are for [A, B, D, E]",
      })
  void a_name_that_is_not_used_or_not_shown_is_a_mistake(
      String text, String replacement, String message) {
    String changed = TEMPLATE.replaceAll("\\s*\n\\s*", "").replace(text, replacement);

    assertThatThrownBy(() -> TemplateNames.checkUses(parse(changed)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
