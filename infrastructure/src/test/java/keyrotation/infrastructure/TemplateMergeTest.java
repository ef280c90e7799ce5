package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TemplateMergeTest {

  private final TemplateMerge merge = new TemplateMerge();

  @Test
  void a_resource_that_one_template_has_gets_a_condition() {
    merge.begin(template("'Topic': {'Type': 'T'}"));
    merge.merge("HasQueue", template(""), template("'Queue': {'Type': 'Q'}"));
    merge.merge("HasOwnTopic", template("'Topic': {'Type': 'T'}"), template(""));

    assertThat(merge.result().path("Resources"))
        .isEqualTo(
            StackTemplate.parse(
                """
                {'Topic': {'Condition': 'NotHasOwnTopic', 'Type': 'T'},
                 'Queue': {'Condition': 'HasQueue', 'Type': 'Q'}}\
                """));
    assertThat(merge.result().at("/Conditions/NotHasOwnTopic"))
        .isEqualTo(StackTemplate.parse("{'Fn::Not': [{'Condition': 'HasOwnTopic'}]}"));
  }

  @Test
  void a_resource_that_needs_two_conditions_gets_both() {
    merge.begin(template(""));
    merge.merge("IsA", template(""), template("'Queue': {'Type': 'Q'}"));
    merge.merge("IsB", template(""), template("'Queue': {'Type': 'Q'}"));

    assertThat(merge.result().at("/Resources/Queue/Condition").asText()).isEqualTo("IsAAndIsB");
    assertThat(merge.result().at("/Conditions/IsAAndIsB"))
        .isEqualTo(
            StackTemplate.parse("{'Fn::And': [{'Condition': 'IsA'}, {'Condition': 'IsB'}]}"));
  }

  @Test
  void a_value_that_two_conditions_change_keeps_the_choice_of_the_first() {
    merge.begin(resource("'P': 'plain'"));
    merge.merge("IsA", resource("'P': 'plain'"), resource("'P': 'a'"));
    merge.merge("IsB", resource("'P': 'plain'"), resource("'P': 'b'"));

    assertThat(property())
        .isEqualTo(
            StackTemplate.parse("{'Fn::If': ['IsB', 'b', {'Fn::If': ['IsA', 'a', 'plain']}]}"));
  }

  @Test
  void a_property_that_one_template_has_is_left_out_in_the_other_case() {
    merge.begin(resource("'P': 'there'"));
    merge.merge("HasP", template("'R': {'Type': 'T'}"), resource("'P': 'there'"));

    assertThat(property())
        .isEqualTo(StackTemplate.parse("{'Fn::If': ['HasP', 'there', {'Ref': 'AWS::NoValue'}]}"));
  }

  @Test
  void an_element_of_a_list_is_put_before_the_one_that_follows_it() {
    merge.begin(resource("'P': ['first', 'last']"));
    merge.merge(
        "HasNext", resource("'P': ['first', 'last']"), resource("'P': ['first', 'next', 'last']"));
    merge.merge("HasFirst", resource("'P': ['last']"), resource("'P': ['first', 'last']"));

    assertThat(property())
        .isEqualTo(
            StackTemplate.parse(
                """
                [{'Fn::If': ['HasFirst', 'first', {'Ref': 'AWS::NoValue'}]},
                 {'Fn::If': ['HasNext', 'next', {'Ref': 'AWS::NoValue'}]}, 'last']\
                """));
  }

  @Test
  void values_of_many_templates_come_from_a_mapping() {
    JsonNode common =
        merge.mapped(
            "Intervals",
            "Hours",
            new TreeMap<>(
                Map.of(
                    "1", resource("'Periods': 4, 'P': 'same'"),
                    "24", resource("'Periods': 50, 'P': 'same'"))));

    assertThat(common.at("/Resources/R/Properties"))
        .isEqualTo(
            StackTemplate.parse(
                """
                {'Periods': {'Fn::FindInMap': ['Intervals', {'Ref': 'Hours'}, 'RPeriods']},
                 'P': 'same'}\
                """));
    assertThat(merge.result().path("Mappings"))
        .isEqualTo(
            StackTemplate.parse("{'Intervals': {'1': {'RPeriods': 4}, '24': {'RPeriods': 50}}}"));
  }

  private JsonNode property() {
    return merge.result().at("/Resources/R/Properties/P");
  }

  private static ObjectNode resource(String properties) {
    return template("'R': {'Type': 'T', 'Properties': {" + properties + "}}");
  }

  private static ObjectNode template(String resources) {
    return (ObjectNode) StackTemplate.parse("{'Resources': {" + resources + "}, 'Outputs': {}}");
  }
}
