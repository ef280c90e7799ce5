package keyrotation.infrastructure;

import static keyrotation.infrastructure.CloudFormationTest.evaluate;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateParametersTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'Type': 'String', 'AllowedPattern': 'a+' | aa | ",
        "'Type': 'String', 'AllowedPattern': 'a+' | aab | P is \"aab\", but must satisfy"
            + " AllowedPattern: Explained.",
        "'Type': 'CommaDelimitedList', 'AllowedPattern': 'a+' | a, aa |",
        "'Type': 'CommaDelimitedList', 'AllowedPattern': 'a+' | a,b | P is \"b\"",
        "'Type': 'CommaDelimitedList', 'AllowedPattern': 'a+' | `` | P is \"\"",
        "'Type': 'CommaDelimitedList', 'AllowedPattern': 'a+' | `a,` | P is \"\"",
        "'Type': 'String', 'AllowedPattern': 'a+', 'Default': '' | a | P is \"\"",
        "'Type': 'String', 'AllowedValues': ['a', 'b'] | b | ",
        "'Type': 'String', 'AllowedValues': ['a', 'b'] | c | AllowedValues",
        "'Type': 'Number', 'AllowedValues': [1, 7] | 7 | ",
        "'Type': 'CommaDelimitedList', 'AllowedValues': ['a', 'b'] | b,a | ",
        "'Type': 'CommaDelimitedList', 'AllowedValues': ['a', 'b'] | b,c | AllowedValues",
        "'Type': 'String', 'MinLength': 2, 'MaxLength': 3 | ab | ",
        "'Type': 'String', 'MinLength': 2, 'MaxLength': 3 | abc | ",
        "'Type': 'String', 'MinLength': 2, 'MaxLength': 3 | a | MinLength",
        "'Type': 'String', 'MinLength': 2, 'MaxLength': 3 | abcd | MaxLength",
        "'Type': 'Number', 'MinValue': 1, 'MaxValue': 10 | 9.5 | ",
        "'Type': 'Number', 'MinValue': 1, 'MaxValue': 10 | 0 | MinValue",
        "'Type': 'Number', 'MinValue': 1, 'MaxValue': 10 | 11 | MaxValue",
        "'Type': 'Number' | 1m | P is \"1m\", but must be a number.",
        "'Type': 'List<Number>', 'MaxValue': 10 | 1, 10 | ",
        "'Type': 'List<Number>', 'MaxValue': 10 | 1, 11 | MaxValue",
        "'Type': 'AWS::EC2::VPC::Id' | vpc-1 | ",
        "'Type': 'List<AWS::EC2::Subnet::Id>' | subnet-1,subnet-2 | ",
        "'Type': 'List<String>' | a | P is of the unknown type List<String>.",
        "'Type': 'AWS::SSM::Parameter::Value<String>' | a | unknown type",
        "'Type': 'Number', 'AllowedPattern': '1' | 1 | type Number cannot have AllowedPattern.",
        "'Type': 'CommaDelimitedList', 'MinLength': 1 | a | cannot have MinLength.",
        "'Type': 'String', 'MinValue': 1 | a | cannot have MinValue.",
        "'Type': 'String', 'Pattern': 'a' | a | cannot have Pattern.",
      })
  void a_parameter_is_checked_by_its_type_and_its_constraints(
      String definition, String value, String message) {
    String template =
        """
        {'Parameters': {'P': {%s, 'ConstraintDescription': 'Explained.'}}, 'Resources': {}}
        """
            .formatted(definition);

    IllegalArgumentException mistake =
        catchThrowableOfType(IllegalArgumentException.class, () -> evaluate(template, "P", value));

    if (message == null) {
      assertThat(mistake).isNull();
    } else {
      assertThat(mistake).hasMessageStartingWith("The parameter P ").hasMessageContaining(message);
    }
  }

  @Test
  void a_parameter_needs_a_value_and_a_value_needs_a_parameter() {
    String template = "{'Parameters': {'P': {'Type': 'String'}}, 'Resources': {}}";

    assertThatThrownBy(() -> evaluate(template))
        .hasMessage("The parameter P has no value and no default.");
    assertThatThrownBy(() -> evaluate(template, "P", "", "Q", ""))
        .hasMessage("The template has no parameter Q.");
    assertThatThrownBy(() -> evaluate(template, "P", "ü".repeat(2049)))
        .hasMessage("The value of the parameter P has more than 4096 bytes.");
  }
}
