package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static keyrotation.infrastructure.StackTemplate.parse;
import static keyrotation.infrastructure.StackTemplate.statements;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import keyrotation.infrastructure.StackSettings.Environment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awscdk.assertions.Annotations;
import software.amazon.awscdk.assertions.Match;
import software.amazon.event.ruler.Ruler;

/** Has AWS's evaluator of event patterns judge the example event of the documentation. */
class KeyChangedRulesTest {

  private static final String RULE = "AWS::Events::Rule";
  private static final String TOPIC = "AWS::SNS::Topic";
  private static final String NAME = "momento/authentication-token";
  private static final String ARN_PREFIX = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
  private static final String BUS = "arn:aws:events:eu-west-1:210987654321:event-bus/keys";
  private static final Pattern JSON_BLOCK = Pattern.compile("(?s)```json\\n(.*?)```");

  private final StackTemplate named = StackTemplate.of("KEY_CHANGED_EVENTS", "topic");
  private final StackTemplate existing =
      StackTemplate.of("KEY_CHANGED_EVENTS", "topic", "CREATE_SECRETS", "false");
  private final StackTemplate byArn =
      StackTemplate.of(
          "KEY_CHANGED_EVENTS",
          "topic",
          "MOMENTO_AUTH_TOKEN_SECRET_NAME",
          ARN_PREFIX + NAME + "-a1B2c3");
  private final StackTemplate sentToBus = StackTemplate.of("KEY_CHANGED_EVENTS", BUS);

  @Test
  void the_event_of_a_named_secret_with_a_new_current_version_is_sent() throws Exception {
    for (StackTemplate template : List.of(named, existing, byArn, sentToBus)) {
      assertThat(matches(template, example())).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/source,              aws.ssm",
    "/detail-type,         AWS API Call via CloudTrail",
    "/account,             210987654321",
    "/region,              eu-west-1",
    "/detail/labelUpdated, AWSPENDING",
    "/detail/labelUpdated, AWSPREVIOUS",
    "/detail/labelUpdated, AWSCURRENT2",
    "/detail/labelUpdated, MOMENTO_REVOKE_AFTER_202601311200",
    "/detail/labelUpdated, MOMENTO_REPLACES_fe0b6ed4-3c5f-4b0e-9d4e-2f1a4c1f3b6a",
  })
  void an_event_that_differs_in_a_field_is_not_sent(String field, String value) throws Exception {
    ObjectNode event = example();
    int end = field.lastIndexOf('/');
    ((ObjectNode) event.at(field.substring(0, end))).put(field.substring(end + 1), value);

    for (StackTemplate template : List.of(named, existing, byArn, sentToBus)) {
      assertThat(matches(template, event)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "momento/other",
        "momento/management-key",
        "momento/authentication-token-2",
        "momento/authentication-token-a1B2c3",
        "momento/authentication-toke",
        "authentication-token",
        "Momento/authentication-token",
        "other/momento/authentication-token"
      })
  void the_event_of_another_secret_is_not_sent(String other) throws Exception {
    ObjectNode event = example(other, "a1B2c3");

    for (StackTemplate template : List.of(named, existing, byArn, sentToBus)) {
      assertThat(matches(template, event)).isZero();
    }
  }

  @Test
  void a_new_secret_of_the_same_name_is_another_one_only_if_the_arn_was_set() throws Exception {
    ObjectNode event = example(NAME, "x9Y8z7");

    assertThat(matches(named, event)).isEqualTo(1);
    assertThat(matches(existing, event)).isEqualTo(1);
    assertThat(matches(byArn, event)).isZero();
  }

  @Test
  void the_event_of_the_management_keys_secret_is_sent_only_if_it_is_rotated() throws Exception {
    String manager = "momento/management-key";
    ObjectNode event = example(manager, "a1B2c3");
    StackTemplate read =
        StackTemplate.of("KEY_CHANGED_EVENTS", "topic", "MOMENTO_MANAGEMENT_KEY_SECRET", manager);
    StackTemplate rotated =
        StackTemplate.of(
            "KEY_CHANGED_EVENTS",
            "topic",
            "MOMENTO_MANAGEMENT_KEY_SECRET",
            manager,
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            NAME + "," + manager);

    assertThat(matches(read, event)).isZero();
    assertThat(matches(rotated, event)).isEqualTo(1);
  }

  @Test
  void the_events_of_named_secrets_are_sent_beside_a_tag() throws Exception {
    StackTemplate both =
        StackTemplate.of(
            "KEY_CHANGED_EVENTS", "topic",
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento",
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", NAME);

    assertThat(matches(both, example())).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"80, 33, 2", "6, 512, 2", "1, 512, 1"})
  void each_of_many_secrets_matches_one_pattern_within_the_limit(int count, int length, int rules)
      throws Exception {
    List<String> names = names(count, length);
    StackTemplate many =
        StackTemplate.of(
            "KEY_CHANGED_EVENTS",
            "topic",
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            String.join(",", names));

    assertThat(patterns(many)).hasSize(rules).allMatch(KeyChangedRulesTest::isWithinLimit);
    for (String name : names) {
      assertThat(matches(many, example(name, "a1B2c3"))).isEqualTo(1);
    }
  }

  @Test
  void each_of_many_arns_matches_one_pattern_within_the_limit() throws Exception {
    List<String> names = names(45, 14);
    StackTemplate many =
        StackTemplate.of(
            "KEY_CHANGED_EVENTS",
            "topic",
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            names.stream().map(name -> ARN_PREFIX + name + "-a1B2c3").collect(joining(",")));

    assertThat(patterns(many)).hasSize(2).allMatch(KeyChangedRulesTest::isWithinLimit);
    for (String name : names) {
      assertThat(matches(many, example(name, "a1B2c3"))).isEqualTo(1);
    }
  }

  @Test
  void no_event_is_sent_by_default() {
    for (StackTemplate template :
        List.of(StackTemplate.of(), StackTemplate.of("KEY_CHANGED_EVENTS", "none"))) {
      assertThat(template.all(RULE)).isEmpty();
      assertThat(template.all(TOPIC)).hasSize(1);
      assertThat(template.json().path("Outputs").has("KeyChangedTopicArn")).isFalse();
    }
  }

  @Test
  void the_whole_event_is_sent_to_a_topic_that_an_output_names() {
    String topic = keyChanged(named, TOPIC);

    assertThat(named.json().at("/Outputs/KeyChangedTopicArn/Value"))
        .isEqualTo(parse("{'Ref': '%s'}".formatted(topic)));
    assertTarget(named, parse("{'Ref': '%s'}".formatted(topic)), "sns:Publish");
  }

  @Test
  void the_whole_event_is_sent_to_a_bus_of_another_account_and_region() {
    assertThat(sentToBus.all(TOPIC)).hasSize(1);
    assertThat(sentToBus.json().path("Outputs").has("KeyChangedTopicArn")).isFalse();
    assertTarget(sentToBus, parse("'%s'".formatted(BUS)), "events:PutEvents");
  }

  /** Asserts that the rule sends to the target alone, with a role that may do nothing else. */
  private static void assertTarget(StackTemplate template, JsonNode arn, String action) {
    JsonNode rule = template.properties(RULE);

    assertThat(rule.path("State").asText()).isEqualTo("ENABLED");
    assertThat(rule.has("EventBusName")).isFalse();
    assertThat(rule.path("Targets"))
        .isEqualTo(
            parse(
                "[{'Id': 'consumers', 'Arn': %s, 'RoleArn': {'Fn::GetAtt': ['%s', 'Arn']}}]"
                    .formatted(arn, keyChanged(template, "AWS::IAM::Role"))));
    assertThat(statements(template.role("events.amazonaws.com")))
        .containsExactly(
            parse("{'Effect': 'Allow', 'Action': '%s', 'Resource': %s}".formatted(action, arn)));
  }

  @Test
  void the_role_is_assumed_only_for_the_rules() {
    StackTemplate two =
        StackTemplate.of(
            "KEY_CHANGED_EVENTS",
            BUS,
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            String.join(",", names(80, 33)));
    JsonNode role = two.role("events.amazonaws.com");

    assertThat(two.all(RULE).values())
        .extracting(rule -> rule.at("/Properties/Name").asText())
        .containsExactlyInAnyOrder(
            "momento-auth-token-refresh-stack-key-changed-1",
            "momento-auth-token-refresh-stack-key-changed-2");
    assertThat(role.at("/AssumeRolePolicyDocument/Statement"))
        .isEqualTo(
            parse(
                """
                [{'Action': 'sts:AssumeRole', 'Effect': 'Allow',
                  'Principal': {'Service': 'events.amazonaws.com'},
                  'Condition': {'StringEquals': {'aws:SourceAccount': {'Ref': 'AWS::AccountId'},
                    'aws:SourceArn': [%s, %s]}}}]\
                """
                    .formatted(ruleArn(1), ruleArn(2))));
    assertThat(role.has("ManagedPolicyArns")).isFalse();
  }

  private static String ruleArn(int number) {
    return """
    {'Fn::Join': ['', ['arn:', {'Ref': 'AWS::Partition'}, ':events:', {'Ref': 'AWS::Region'}, ':',
      {'Ref': 'AWS::AccountId'}, ':rule/momento-auth-token-refresh-stack-key-changed-%d']]}\
    """
        .formatted(number);
  }

  @Test
  void the_topics_policy_allows_nothing_and_requires_tls() {
    JsonNode policy =
        named.json().path("Resources").path(keyChanged(named, "AWS::SNS::TopicPolicy"));

    assertThat(policy.at("/Properties/Topics"))
        .isEqualTo(parse("[{'Ref': '%s'}]".formatted(keyChanged(named, TOPIC))));
    assertThat(policy.at("/Properties/PolicyDocument/Statement"))
        .hasSize(1)
        .allSatisfy(
            statement -> {
              assertThat(statement.path("Effect").asText()).isEqualTo("Deny");
              assertThat(statement.path("Condition"))
                  .isEqualTo(parse("{'Bool': {'aws:SecureTransport': 'false'}}"));
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"topic", BUS})
  void cdk_nag_finds_nothing(String target) {
    Annotations findings = Annotations.fromStack(StackTemplate.stack("KEY_CHANGED_EVENTS", target));

    findings.hasNoError("*", Match.anyValue());
    findings.hasNoWarning("*", Match.anyValue());
  }

  @Test
  void a_tag_alone_is_refused() {
    Map<String, String> tagged = Map.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento");

    assertThat(settings(tagged, "none").keyChanged()).isEqualTo(new KeyChangedTarget.Nowhere());
    assertThatThrownBy(() -> settings(tagged, "topic"))
        .hasMessage(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME is not set, but must be names or ARNs of secrets (an"
                + " event does not have the tags of its secret), because KEY_CHANGED_EVENTS is"
                + " set, such as momento/authentication-token.");
  }

  @Test
  void the_default_bus_of_another_account_or_region_is_a_target_and_the_own_one_is_not() {
    for (String bus : List.of("eu-west-1:123456789012", "us-east-1:210987654321")) {
      String arn = "arn:aws:events:" + bus + ":event-bus/default";
      assertThat(settings(Map.of(), arn).keyChanged()).isEqualTo(new KeyChangedTarget.Bus(arn));
    }
    assertThatThrownBy(
            () -> settings(Map.of(), "arn:aws:events:us-east-1:123456789012:event-bus/default"))
        .hasMessage(
            "KEY_CHANGED_EVENTS is \"arn:aws:events:us-east-1:123456789012:event-bus/default\", but"
                + " must be none, topic, or the ARN of an event bus other than the default bus of"
                + " the deployment's account and region, such as topic.");
  }

  private static StackSettings settings(Map<String, String> others, String target) {
    Map<String, String> values = new HashMap<>(others);
    values.put("KEY_CHANGED_EVENTS", target);
    return StackSettings.from(
        values, new Environment(Optional.of("123456789012"), Optional.of("us-east-1")));
  }

  /** Returns the logical id of the rules' only resource of a type. */
  private static String keyChanged(StackTemplate template, String type) {
    List<String> ids =
        template.all(type).keySet().stream().filter(id -> id.startsWith("KeyChanged")).toList();
    assertThat(ids).hasSize(1);
    return ids.getFirst();
  }

  /** Returns how many of the template's rules match the event. */
  private static int matches(StackTemplate template, JsonNode event) throws Exception {
    int matches = 0;
    for (String pattern : patterns(template)) {
      if (Ruler.matchesRule(event.toString(), deployed(pattern, "us-east-1"))) {
        matches++;
      }
    }
    return matches;
  }

  private static List<String> patterns(StackTemplate template) {
    return template.all(RULE).values().stream()
        .map(rule -> rule.at("/Properties/EventPattern").toString())
        .toList();
  }

  private static boolean isWithinLimit(String pattern) {
    return deployed(pattern, "ap-southeast-99").length() <= 2048;
  }

  /** Returns the pattern as CloudFormation would give it to EventBridge. */
  private static String deployed(String pattern, String region) {
    return pattern
        .replace("{\"Ref\":\"AWS::AccountId\"}", "\"123456789012\"")
        .replace("{\"Ref\":\"AWS::Region\"}", "\"" + region + "\"");
  }

  /** Returns the documentation's event, of a secret of the stack's default name. */
  private static ObjectNode example() throws Exception {
    String page = Files.readString(Path.of("../docs/consumers.md"));
    List<JsonNode> events =
        JSON_BLOCK.matcher(page).results().map(KeyChangedRulesTest::json).toList();
    assertThat(events).hasSize(1);
    return (ObjectNode) events.getFirst();
  }

  private static JsonNode json(MatchResult block) {
    return parse(block.group(1));
  }

  private static ObjectNode example(String name, String endOfArn) throws Exception {
    ObjectNode event = example();
    ((ObjectNode) event.path("detail")).put("name", name);
    event.putArray("resources").add(ARN_PREFIX + name + "-" + endOfArn);
    return event;
  }

  private static List<String> names(int count, int length) {
    return IntStream.range(0, count)
        .mapToObj(number -> "momento/%03d".formatted(number))
        .map(name -> name + "n".repeat(length - name.length()))
        .toList();
  }
}
