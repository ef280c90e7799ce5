package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.parse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The template with parameters, of which one account can have several stacks. */
final class ReleaseFiles {

  private static final String PARAMETERS =
      """
      {
        'ArchiveBucket': {'Type': 'String', 'MinLength': 3},
        'ArchiveKey': {'Type': 'String', 'Default': 'function.zip'},
        'SecretNames': {'Type': 'CommaDelimitedList', 'Default': ''},
        'SecretTag': {'Type': 'String', 'Default': '', 'AllowedPattern': '|[^=]+=[^=]+'},
        'CheckInterval': {
          'Type': 'String', 'Default': 'daily', 'AllowedValues': ['daily', 'hourly']
        },
        'AlarmEmail': {'Type': 'String', 'Default': '', 'AllowedPattern': '|[^@]+@[^@]+'}
      }
      """;

  private static final String RULES =
      """
      {
        'WhichSecrets': {
          'RuleCondition': {'Fn::Equals': [{'Ref': 'SecretTag'}, '']},
          'Assertions': [{
            'Assert': {'Fn::Not': [{'Fn::EachMemberEquals': [{'Ref': 'SecretNames'}, '']}]},
            'AssertDescription': 'SecretNames or SecretTag must be set.'
          }]
        }
      }
      """;

  private static final String MAPPINGS =
      """
      {
        'Intervals': {
          'daily': {'hours': '24', 'rate': 'rate(1 day)'},
          'hourly': {'hours': '1', 'rate': 'rate(1 hour)'}
        }
      }
      """;

  private static final String CONDITIONS =
      """
      {
        'HasNames': {
          'Fn::Not': [{'Fn::Equals': [{'Fn::Join': ['', {'Ref': 'SecretNames'}]}, '']}]
        },
        'HasTag': {'Fn::Not': [{'Fn::Equals': [{'Ref': 'SecretTag'}, '']}]},
        'HasEmail': {'Fn::Not': [{'Fn::Equals': [{'Ref': 'AlarmEmail'}, '']}]}
      }
      """;

  private static final String VARIABLES =
      """
      {
        'CHECK_INTERVAL_IN_HOURS': {
          'Fn::FindInMap': ['Intervals', {'Ref': 'CheckInterval'}, 'hours']
        },
        'MOMENTO_AUTH_TOKEN_SECRET_NAME': {
          'Fn::If': [
            'HasNames', {'Fn::Join': [',', {'Ref': 'SecretNames'}]}, {'Ref': 'AWS::NoValue'}
          ]
        },
        'MOMENTO_AUTH_TOKEN_SECRET_TAG': {
          'Fn::If': ['HasTag', {'Ref': 'SecretTag'}, {'Ref': 'AWS::NoValue'}]
        }
      }
      """;

  private ReleaseFiles() {}

  /** Returns the template. */
  static JsonNode template() {
    StackTemplate concrete =
        StackTemplate.of("CREATE_SECRETS", "false", "ALARM_EMAIL", "a@example.com");
    ObjectNode template = (ObjectNode) withStackName(concrete.json());
    // moto cannot update a stack without it.
    template.put("AWSTemplateFormatVersion", "2010-09-09");
    template.set("Parameters", parse(PARAMETERS));
    template.set("Rules", parse(RULES));
    template.set("Mappings", parse(MAPPINGS));
    template.set("Conditions", parse(CONDITIONS));
    ObjectNode resources = (ObjectNode) template.path("Resources");
    String function = concrete.id("AWS::Lambda::Function");
    ObjectNode properties = (ObjectNode) resources.path(function).path("Properties");
    properties.remove("FunctionName");
    properties.set(
        "Code", parse("{'S3Bucket': {'Ref': 'ArchiveBucket'}, 'S3Key': {'Ref': 'ArchiveKey'}}"));
    ((ObjectNode) properties.path("Environment")).set("Variables", parse(VARIABLES));
    ((ObjectNode) resources.path(concrete.id("AWS::Scheduler::Schedule")).path("Properties"))
        .set(
            "ScheduleExpression",
            parse("{'Fn::FindInMap': ['Intervals', {'Ref': 'CheckInterval'}, 'rate']}"));
    ObjectNode subscription = (ObjectNode) resources.path(concrete.id("AWS::SNS::Subscription"));
    subscription.put("Condition", "HasEmail");
    ((ObjectNode) subscription.path("Properties")).set("Endpoint", parse("{'Ref': 'AlarmEmail'}"));
    ObjectNode outputs = (ObjectNode) template.path("Outputs");
    outputs.remove("RotateNowCommand");
    outputs.set(
        "SecretNames",
        parse("{'Condition': 'HasNames', 'Value': {'Fn::Join': [',', {'Ref': 'SecretNames'}]}}"));
    return template;
  }

  /** Returns a copy in which the stack's own name takes the place of the constant one. */
  private static JsonNode withStackName(JsonNode node) {
    if (node.isArray()) {
      ArrayNode list = ((ArrayNode) node).arrayNode();
      node.forEach(entry -> list.add(withStackName(entry)));
      return list;
    }
    if (node.isObject()) {
      ObjectNode object = ((ObjectNode) node).objectNode();
      node.properties()
          .forEach(entry -> object.set(entry.getKey(), withStackName(entry.getValue())));
      return object;
    }
    return node.asText().startsWith(KeyRotationStack.NAME)
        ? parse(
            "{'Fn::Sub': '%s'}"
                .formatted(node.asText().replace(KeyRotationStack.NAME, "${AWS::StackName}")))
        : node;
  }
}
