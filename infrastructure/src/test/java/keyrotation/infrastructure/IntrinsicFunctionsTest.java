package keyrotation.infrastructure;

import static keyrotation.infrastructure.CloudFormationTest.evaluate;
import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IntrinsicFunctionsTest {

  /** Has a resource A that is created, a resource B that is not, and parameters of two types. */
  private static final String TEMPLATE =
      """
      {
        'Parameters': {
          'Text': {'Type': 'String', 'Default': 'one'},
          'List': {'Type': 'CommaDelimitedList', 'Default': 'a, b ,c'},
          'Empty': {'Type': 'CommaDelimitedList', 'Default': ''}
        },
        'Mappings': {'Map': {'one': {'list': ['x', 'y'], 'text': 'z'}, 'two': {'text': 't'}}},
        'Conditions': {
          'Yes': {'Fn::Equals': [{'Ref': 'Text'}, 'one']},
          'No': {'Fn::Not': [{'Condition': 'Yes'}]}
        },
        'Resources': {
          'A': {'Type': 'T'},
          'B': {'Type': 'T', 'Condition': 'No'},
          'Subject': {'Type': 'T', 'Properties': {'Value': VALUE}}
        }
      }
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // Values without functions.
        "{'Condition': {'Bool': {'aws:SecureTransport': false}}, 'List': [1, 'x', []]}"
            + "| {'Condition': {'Bool': {'aws:SecureTransport': false}}, 'List': [1, 'x', []]}",
        // Ref and Fn::GetAtt.
        "{'Ref': 'Text'} | 'one'",
        "{'Ref': 'List'} | ['a', 'b', 'c']",
        "{'Ref': 'Empty'} | ['']",
        "{'Ref': 'A'} | {'Ref': 'A'}",
        "{'Fn::GetAtt': ['A', 'B.C']} | {'Fn::GetAtt': ['A', 'B.C']}",
        "{'Fn::GetAtt': 'A.B.C'} | {'Fn::GetAtt': ['A', 'B.C']}",
        "{'Fn::Sub': '${AWS::AccountId} ${AWS::Region} ${AWS::Partition} ${AWS::URLSuffix}'}"
            + "| '123456789012 us-east-1 aws amazonaws.com'",
        "{'Fn::Sub': '${AWS::StackName} ${AWS::StackId}'}"
            + "| 'my-stack arn:aws:cloudformation:us-east-1:123456789012:stack/my-stack/7d1e5f2a'",
        // Fn::If, and what has no value.
        "{'Fn::If': ['Yes', {'Ref': 'A'}, {'Ref': 'B'}]} | {'Ref': 'A'}",
        "{'Fn::If': ['No', {'Ref': 'B'}, 'else']} | 'else'",
        "{'K': {'Fn::If': ['No', 'x', {'Ref': 'AWS::NoValue'}]}, 'L': []} | {'L': []}",
        "[{'Fn::If': ['No', 'x', {'Ref': 'AWS::NoValue'}]}, '', {}] | ['', {}]",
        "{'Fn::Join': ['-', ['a', {'Ref': 'AWS::NoValue'}, 'b']]} | 'a-b'",
        // Fn::FindInMap.
        "{'Fn::FindInMap': ['Map', {'Ref': 'Text'}, 'list']} | ['x', 'y']",
        "{'Fn::FindInMap': ['Map', 'two', 'text']} | 't'",
        // Fn::Join.
        "{'Fn::Join': ['', ['arn:', {'Ref': 'AWS::Partition'}, ':x']]} | 'arn:aws:x'",
        "{'Fn::Join': [',', {'Ref': 'List'}]} | 'a,b,c'",
        "{'Fn::Join': ['', {'Ref': 'Empty'}]} | ''",
        "{'Fn::Join': ['-', []]} | ''",
        "{'Fn::Join': ['', ['', {'Ref': 'A'}, '']]} | {'Ref': 'A'}",
        "{'Fn::Join': ['-', ['a', 1, {'Ref': 'A'}, {'Ref': 'A'}, true]]}"
            + "| {'Fn::Join': ['', ['a-1-', {'Ref': 'A'}, '-', {'Ref': 'A'}, '-true']]}",
        "{'Fn::Join': ['', ['a', {'Fn::Join': ['/', ['b', {'Ref': 'A'}, 'c']]}, 'd']]}"
            + "| {'Fn::Join': ['', ['ab/', {'Ref': 'A'}, '/cd']]}",
        // Fn::Sub.
        "{'Fn::Sub': 'x'} | 'x'",
        "{'Fn::Sub': '${Text}-${A}-${A.B.C}-${!Text}'}"
            + "| {'Fn::Join': ['', ['one-', {'Ref': 'A'}, '-', {'Fn::GetAtt': ['A', 'B.C']},"
            + " '-${Text}']]}",
        "{'Fn::Sub': ['${Text} ${V}', {'V': {'Fn::Select': [1, {'Ref': 'List'}]}}]} | 'one b'",
        "{'Fn::Sub': ['${Text}', {'Text': {'Ref': 'A'}}]} | {'Ref': 'A'}",
        // Fn::Split and Fn::Select.
        "{'Fn::Split': ['.', 'a.b..']} | ['a', 'b', '', '']",
        "{'Fn::Select': ['1', {'Fn::Split': ['n', {'Ref': 'Text'}]}]} | 'e'",
        "{'Fn::Select': [0, [{'Ref': 'A'}, 'x']]} | {'Ref': 'A'}",
        "{'Fn::Select': [7, {'Fn::Split': [':', {'Ref': 'A'}]}]}"
            + "| {'Fn::Select': ['7', {'Fn::Split': [':', {'Ref': 'A'}]}]}",
        "{'Fn::Select': [{'Fn::If': ['Yes', 0, 1]}, ['a', 'b']]} | 'a'",
      })
  void a_value_becomes_what_is_known_before_resources_are_created(String value, String expected) {
    assertThat(value(value)).isEqualTo(parse(expected));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'Ref': 'B'} | Ref names B, which is neither a parameter nor a resource of this stack.",
        "{'Fn::GetAtt': 'B.Arn'} | Fn::GetAtt names B",
        "{'Fn::Sub': '${B}'} | Ref names B",
        "{'Fn::Sub': '${B.Arn}'} | Fn::GetAtt names B",
        "{'Fn::If': ['No', '', {'Ref': 'B'}]} | Ref names B",
        "{'Ref': 'Unknown'} | Neither parameters nor resources: [Unknown]",
        "{'Fn::GetAtt': 'Unknown.Arn'} | Neither parameters nor resources: [Unknown]",
        "{'Fn::Sub': '${Unknown.Arn}'} | Neither parameters nor resources: [Unknown]",
        "{'Fn::If': ['No', {'Ref': 'Unknown'}, '']} | Neither parameters nor resources: [Unknown]",
        "{'Ref': 'AWS::NotificationARNs'} | Ref names AWS::NotificationARNs",
        "{'Fn::If': ['Unknown', 1, 2]} | There are no such conditions: [Unknown]",
        "{'Fn::If': ['Yes', 1]} | Fn::If takes 3 arguments",
        "{'Fn::GetAtt': 'A'} | Fn::GetAtt has no attribute",
        "{'Fn::FindInMap': ['Unknown', 'one', 'text']} | There are no such mappings: [Unknown]",
        "{'Fn::FindInMap': ['Map', 'three', 'text']} | Fn::FindInMap has no three",
        "{'Fn::FindInMap': ['Map', 'two', 'list']} | Fn::FindInMap has no list",
        "{'Fn::FindInMap': ['Map', {'Fn::If': ['Yes', 'one', 'two']}, 'text']}"
            + "| a key that is neither text nor a Ref",
        "{'Fn::FindInMap': ['Map', {'Ref': 'A'}, 'text']} | text or not known",
        "{'Fn::Join': ['', 'text']} | Fn::Join has no list",
        "{'Fn::Join': ['', {'Ref': 'Text'}]} | Fn::Join has no list",
        "{'Fn::Join': [{'Ref': 'Text'}, []]} | a delimiter that is no text",
        "{'Fn::Join': ['', [{'Ref': 'List'}]]} | a part that is no text",
        "{'Fn::Sub': '${List}'} | a part that is no text",
        "{'Fn::Sub': '${AWS::NoValue}'} | Fn::Sub has no value for AWS::NoValue",
        "{'Fn::Sub': ['${V}', {'V': {'Ref': 'AWS::NoValue'}}]} | Fn::Sub has no value for V",
        "{'Fn::Sub': {'Ref': 'Text'}} | a template that is no text",
        "{'Fn::Sub': ['x']} | Fn::Sub takes 2 arguments",
        "{'Fn::Split': [',', {'Ref': 'List'}]} | text or not known",
        "{'Fn::Select': [3, {'Ref': 'List'}]} | Fn::Select has no entry 3",
        "{'Fn::Select': [-1, {'Ref': 'List'}]} | Fn::Select has the index -1.",
        "{'Fn::Select': [0, {'Ref': 'Text'}]} | Fn::Select has no list",
        "{'Fn::Base64': 'x'} | The function Fn::Base64 is not supported.",
        "{'Fn::Equals': ['x', 'x']} | The function Fn::Equals is not supported.",
        "{'Ref': 'Text', 'Other': 'x'} | Ref has other keys beside it",
        "[null] | CloudFormation allows no null.",
      })
  void a_value_that_cannot_be_evaluated_is_a_mistake(String value, String message) {
    assertThatThrownBy(() -> value(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void the_message_names_the_resource() {
    assertThatThrownBy(() -> value("{'Ref': 'B'}"))
        .hasMessageStartingWith("The resource Subject: ");
  }

  private static JsonNode value(String json) {
    return evaluate(TEMPLATE.replace("VALUE", json)).resources().at("/Subject/Properties/Value");
  }
}
