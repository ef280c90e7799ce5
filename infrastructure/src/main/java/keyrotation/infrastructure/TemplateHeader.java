package keyrotation.infrastructure;

import static keyrotation.infrastructure.TemplateMerge.param;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Stream;

/** What the release's template begins with: parameters, rules across them, and conditions. */
final class TemplateHeader {

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private TemplateHeader() {}

  /** Completes a merged template. */
  static ObjectNode complete(String version, TemplateMerge merge) {
    defineConditions(merge);
    ObjectNode template = JSON.objectNode();
    template.put("AWSTemplateFormatVersion", "2010-09-09");
    template.put(
        "Description", "Keeps Momento API keys in Secrets Manager fresh. Release " + version + ".");
    template.set("Metadata", metadata());
    ObjectNode parameters = template.putObject("Parameters");
    TemplateParameters.ALL.forEach(
        parameter -> parameters.set(parameter.name(), parameter.toJson(version)));
    template.set("Rules", rules());
    template.setAll(merge.result());
    return template;
  }

  private static ObjectNode metadata() {
    ObjectNode metadata = JSON.objectNode();
    ObjectNode shown = metadata.putObject("AWS::CloudFormation::Interface");
    ArrayNode groups = shown.putArray("ParameterGroups");
    ObjectNode labels = shown.putObject("ParameterLabels");
    for (String name : TemplateParameters.groups()) {
      ObjectNode group = groups.addObject();
      group.putObject("Label").put("default", name);
      ArrayNode parameters = group.putArray("Parameters");
      TemplateParameters.of(name)
          .forEach(
              parameter -> {
                parameters.add(parameter.name());
                labels.putObject(parameter.name()).put("default", parameter.label());
              });
    }
    return metadata;
  }

  private static void defineConditions(TemplateMerge merge) {
    TemplateParameters.ALL.stream()
        .filter(TemplateParameter::isOptional)
        .forEach(parameter -> merge.define(parameter.condition(), isSet(parameter.name())));
    merge.define("HasReplicaRegion", and(isSet("ReplicaRegion"), isSet("CreatedSecretName")));
    merge.define(
        "HasCreatedAndNamedSecrets", and(isSet("CreatedSecretName"), isSet("SecretNames")));
    merge.define("HasSecretNamesHere", or(isSet("CreatedSecretName"), isSet("SecretNames")));
    merge.define("HasNamesAndArns", and(ref("HasSecretNamesHere"), isSet("SecretArns")));
    merge.define("HasSecrets", or(ref("HasSecretNamesHere"), isSet("SecretArns")));
    merge.define("HasFirstKeyRole", and(isSet("FirstKeyRole"), isSet("CreatedSecretName")));
    merge.define("HasArchiveBucketPerRegion", equal("ArchiveBucketPerRegion", "true"));
    merge.define("RevokesOperatorKeys", equal("RevokeOperatorKeys", "true"));
    merge.define("HasMetricsPerSecret", equal("MetricsPerSecret", "true"));
    merge.define(
        "RotatedBySecretsManager",
        and(equal("RotationTrigger", "secrets-manager"), isSet("CreatedSecretName")));
    merge.define("HasAlarmEmail", and(isSet("AlarmEmail"), equal("AlarmTopicArn", "")));
    // A rule of the default bus that sends its events there again would match them again.
    ObjectNode defaultBus = JSON.objectNode();
    defaultBus.put(
        "Fn::Sub",
        "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default");
    merge.define(
        "HasKeyChangedEvents",
        and(
            not(equal("KeyChangedEvents", "none")),
            not(function("Fn::Equals", param("KeyChangedEvents"), defaultBus)),
            ref("HasSecrets")));
    merge.define(
        "HasKeyChangedBus",
        and(ref("HasKeyChangedEvents"), not(equal("KeyChangedEvents", "topic"))));
    merge.define("HasKeyChangedNames", and(ref("HasKeyChangedEvents"), ref("HasSecretNamesHere")));
  }

  private static ObjectNode rules() {
    ObjectNode rules = JSON.objectNode();
    assertThat(
        rules,
        "SomeSecret",
        or(
            Stream.of("CreatedSecretName", "SecretNames", "SecretArns", "SecretTagValue")
                .map(TemplateHeader::isSet)
                .toArray(JsonNode[]::new)),
        "Set CreatedSecretName, SecretNames, SecretArns or SecretTagValue: there is no secret to"
            + " rotate.");
    needs(rules, "ReplicaRegion", "CreatedSecretName");
    needs(rules, "ReplicaKmsKeyArn", "ReplicaRegion");
    needs(rules, "SecondReplicaRegion", "ReplicaRegion");
    needs(rules, "SecondReplicaKmsKeyArn", "SecondReplicaRegion");
    needs(
        rules,
        "FirstKeyRole",
        "CreatedSecretName",
        "FirstKeyEndpoint",
        "AllowedRoles",
        "ManagementKeySecretName");
    needs(rules, "FirstKeyEndpoint", "FirstKeyRole");
    needs(rules, "SubnetIds", "SecurityGroupIds");
    needs(rules, "SecurityGroupIds", "SubnetIds");
    needs(rules, "ProxyHost", "ProxyPort");
    needs(rules, "ProxyPort", "ProxyHost");
    needs(rules, "ProxyExceptions", "ProxyHost");
    assertThat(
        rules,
        "OneAlarmTarget",
        or(not(isSet("AlarmEmail")), not(isSet("AlarmTopicArn"))),
        "Leave AlarmEmail empty with AlarmTopicArn, and subscribe the address to that topic.");
    assertThat(
        rules,
        "OneTime",
        or(not(isSet("CheckAt")), equal("CheckIntervalInHours", "24")),
        "Leave CheckIntervalInHours at 24 with CheckAt.");
    assertThat(
        rules,
        "TriggerNeedsCreatedSecret",
        or(equal("RotationTrigger", "eventbridge"), isSet("CreatedSecretName")),
        "Set CreatedSecretName with RotationTrigger=secrets-manager: the template schedules Secrets"
            + " Manager's own rotation for the secret that it creates alone.");
    assertThat(
        rules,
        "EventsNeedNames",
        or(
            equal("KeyChangedEvents", "none"),
            isSet("CreatedSecretName"),
            isSet("SecretNames"),
            isSet("SecretArns")),
        "Name secrets with KeyChangedEvents: an event does not have the tags of its secret.");
    assertThat(
        rules,
        "MetricsNeedNames",
        or(equal("MetricsPerSecret", "false"), not(isSet("SecretTagValue"))),
        "Leave SecretTagValue empty with MetricsPerSecret=true: a tag may find any number of"
            + " secrets.");
    return rules;
  }

  /** Adds a rule that a parameter needs others. */
  private static void needs(ObjectNode rules, String parameter, String... others) {
    assertThat(
        rules,
        parameter + "NeedsOthers",
        or(
            not(isSet(parameter)),
            others.length == 1
                ? isSet(others[0])
                : and(Stream.of(others).map(TemplateHeader::isSet).toArray(JsonNode[]::new))),
        "Set %s with %s.".formatted(String.join(", ", others), parameter));
  }

  private static void assertThat(
      ObjectNode rules, String name, JsonNode assertion, String description) {
    ObjectNode first = rules.putObject(name).putArray("Assertions").addObject();
    first.set("Assert", assertion);
    first.put("AssertDescription", description);
  }

  private static ObjectNode isSet(String parameter) {
    return not(equal(parameter, ""));
  }

  private static ObjectNode equal(String parameter, String value) {
    return function("Fn::Equals", param(parameter), JSON.textNode(value));
  }

  private static ObjectNode and(JsonNode... conditions) {
    return function("Fn::And", conditions);
  }

  private static ObjectNode or(JsonNode... conditions) {
    return function("Fn::Or", conditions);
  }

  private static ObjectNode not(JsonNode condition) {
    return function("Fn::Not", condition);
  }

  private static ObjectNode ref(String condition) {
    return JSON.objectNode().put("Condition", condition);
  }

  private static ObjectNode function(String name, JsonNode... arguments) {
    ObjectNode function = JSON.objectNode();
    function.putArray(name).addAll(List.of(arguments));
    return function;
  }
}
