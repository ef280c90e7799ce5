package keyrotation.infrastructure;

import static keyrotation.infrastructure.TemplateMerge.choice;
import static keyrotation.infrastructure.TemplateMerge.param;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Puts references to parameters in place of the examples that stand for them. */
final class ParameterReferences {

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** Those whose examples may be parts of a text. */
  private static final List<String> IN_TEXTS =
      List.of("SecretTagValue", "ManagementKeySecretName", "CheckAt", "CheckTimeZone");

  /** Those that stand for a list of the template. */
  private static final List<String> LISTS =
      List.of("SecretArns", "KmsKeyArns", "SubnetIds", "SecurityGroupIds");

  /** Those that stand for a number of the template. */
  private static final List<String> NUMBERS =
      List.of("LogRetentionInDays", "MemoryInMegabytes", "TimeoutInSeconds");

  /** Those that no text of the template equals. */
  private static final List<String> NO_TEXTS =
      List.of(
          "ArchiveBucketPerRegion",
          "RevokeOperatorKeys",
          "CheckIntervalInHours",
          "CheckDays",
          "RotationTrigger",
          "MetricsPerSecret",
          "ProxyPort");

  private final String secretIds;

  private ParameterReferences(String secretIds) {
    this.secretIds = secretIds;
  }

  /**
   * Returns a template with references in place of the examples.
   *
   * @param settings those that it was synthesized with
   */
  static ObjectNode in(ObjectNode template, Map<String, String> settings) {
    String secretIds = settings.getOrDefault(StackSettings.SECRET_NAME, "");
    return (ObjectNode) new ParameterReferences(secretIds).replace("", template);
  }

  /**
   * Returns a value with references.
   *
   * @param name the name of the property that has the value
   */
  private JsonNode replace(String name, JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> object((ObjectNode) value);
      case ARRAY -> list(name, (ArrayNode) value);
      case STRING -> text(name, value);
      case NUMBER -> number(name, value);
      default -> value;
    };
  }

  private JsonNode object(ObjectNode value) {
    if (value.path("Sid").asText().equals("RotateSecretsByName")) {
      return byName(value);
    }
    ObjectNode replaced = JSON.objectNode();
    value
        .properties()
        .forEach(field -> replaced.set(field.getKey(), replace(field.getKey(), field.getValue())));
    // It has what cdk-nag is to accept.
    replaced.remove("Metadata");
    return replaced;
  }

  private JsonNode list(String name, ArrayNode value) {
    if (name.equals("ReplicaRegions")) {
      return replicas();
    }
    if (name.equals("name")) {
      return split(secretNames());
    }
    Optional<String> list =
        LISTS.stream().filter(parameter -> isListOf(example(parameter), value)).findFirst();
    if (list.isPresent()) {
      return split(param(list.get()));
    }
    ArrayNode replaced = JSON.arrayNode();
    value.forEach(element -> replaced.add(replace("", element)));
    return replaced;
  }

  private static boolean isListOf(String example, ArrayNode value) {
    return value.valueStream().map(JsonNode::asText).toList().equals(List.of(example.split(",")));
  }

  private JsonNode text(String name, JsonNode value) {
    String text = value.asText();
    if (text.equals(secretIds) && !name.equals("Name") && !name.equals("Resource")) {
      return name.equals("Value")
          ? allSecrets()
          : choice("HasSecrets", allSecrets(), TemplateMerge.noValue());
    }
    if (text.contains("-Dhttps.proxyHost")) {
      return javaOptions(text.substring(0, text.indexOf(" -Dhttps.proxyHost")));
    }
    if (text.startsWith("cron(")) {
      return cron(text);
    }
    if (name.equals("KmsKeyId") && example("KmsKeyArns").startsWith(text)) {
      return select(0, split(param("KmsKeyArns")));
    }
    if (name.equals("Resource") && text.equals(example("SecretArns"))) {
      return split(param("SecretArns"));
    }
    if (name.equals("S3Bucket")) {
      return choice(
          "HasArchiveBucketPerRegion",
          JSON.objectNode().put("Fn::Sub", "${ArchiveBucket}-${AWS::Region}"),
          param("ArchiveBucket"));
    }
    if (name.equals("CHECK_INTERVAL_IN_HOURS")) {
      return param("CheckIntervalInHours");
    }
    if (name.equals("CHECK_DAYS")) {
      return param("CheckDays");
    }
    return TemplateParameters.ALL.stream()
        .filter(parameter -> parameter.example().equals(text))
        .map(TemplateParameter::name)
        .filter(parameter -> !NO_TEXTS.contains(parameter))
        .findFirst()
        .<JsonNode>map(TemplateMerge::param)
        .orElseGet(() -> partly(text));
  }

  /** Returns a text in which examples are parts. */
  private static JsonNode partly(String text) {
    String replaced = text.replace(ReleaseTemplate.STACK_NAME, "${AWS::StackName}");
    for (String parameter : IN_TEXTS) {
      replaced = replaced.replace(example(parameter), "${" + parameter + "}");
    }
    // A person puts in the name.
    replaced = replaced.replaceFirst("(\"momento_auth_token_secret_name\":\")[^\"]*\"", "$1NAME\"");
    if (replaced.contains(ReleaseTemplate.STACK_ID)) {
      ObjectNode parts = JSON.objectNode();
      parts.putArray("Fn::Split").add("/").add(param("AWS::StackId"));
      ObjectNode sub = JSON.objectNode();
      sub.putArray("Fn::Sub")
          .add(replaced.replace(ReleaseTemplate.STACK_ID, "${Id}"))
          .addObject()
          .set("Id", select(2, parts));
      return sub;
    }
    return replaced.contains("${")
        ? JSON.objectNode().put("Fn::Sub", replaced)
        : JSON.textNode(replaced);
  }

  private static JsonNode number(String name, JsonNode value) {
    if (name.equals("AutomaticallyAfterDays")) {
      return choice(
          "HasRotateAfterDays",
          param("RotateAfterDays"),
          choice("HasManagementKeySecretName", JSON.numberNode(30), JSON.numberNode(1)));
    }
    return NUMBERS.stream()
        .filter(parameter -> example(parameter).equals(value.asText()))
        .findFirst()
        .<JsonNode>map(TemplateMerge::param)
        .orElse(value);
  }

  /** Returns the names of the secrets in this account, separated by commas. */
  private static JsonNode secretNames() {
    return join(
        "",
        choice("HasCreatedSecretName", param("CreatedSecretName"), JSON.textNode("")),
        choice("HasCreatedAndNamedSecrets", JSON.textNode(","), JSON.textNode("")),
        choice("HasSecretNames", param("SecretNames"), JSON.textNode("")));
  }

  /** Returns the names and ARNs of all secrets, separated by commas. */
  private static JsonNode allSecrets() {
    return join(
        "",
        secretNames(),
        choice("HasNamesAndArns", JSON.textNode(","), JSON.textNode("")),
        choice("HasSecretArns", param("SecretArns"), JSON.textNode("")));
  }

  /**
   * Returns the statement for the secrets that are given by name. CloudFormation has no loops, and
   * no function may be in a delimiter. So the ARNs name no partition, region and account; the
   * condition does.
   */
  private static ObjectNode byName(ObjectNode statement) {
    ObjectNode arns = JSON.objectNode();
    String start = "arn:*:secretsmanager:*:*:secret:";
    String end = "-??????";
    arns.putArray("Fn::Split")
        .add("|")
        .add(
            join(
                "",
                JSON.textNode(start),
                joined(end + "|" + start, split(param("SecretNames"))),
                JSON.textNode(end)));
    ObjectNode replaced = statement.deepCopy();
    replaced.set("Resource", arns);
    ObjectNode condition = replaced.putObject("Condition").putObject("StringEquals");
    condition.set("aws:RequestedRegion", param("AWS::Region"));
    condition.set("aws:ResourceAccount", param("AWS::AccountId"));
    return replaced;
  }

  private static JsonNode replicas() {
    ArrayNode replicas = JSON.arrayNode();
    replicas.add(replica("ReplicaRegion", "ReplicaKmsKeyArn"));
    replicas.add(
        choice(
            "HasSecondReplicaRegion",
            replica("SecondReplicaRegion", "SecondReplicaKmsKeyArn"),
            TemplateMerge.noValue()));
    return replicas;
  }

  private static ObjectNode replica(String region, String key) {
    ObjectNode replica = JSON.objectNode();
    replica.set("Region", param(region));
    replica.set("KmsKeyId", choice("Has" + key, param(key), TemplateMerge.noValue()));
    return replica;
  }

  private static JsonNode javaOptions(String others) {
    return join(
        "",
        JSON.textNode(others + " -Dhttps.proxyHost="),
        param("ProxyHost"),
        JSON.textNode(" -Dhttps.proxyPort="),
        param("ProxyPort"),
        JSON.textNode(" -Dhttp.nonProxyHosts=localhost|127.*|[::1]"),
        choice(
            "HasProxyExceptions",
            join("", JSON.textNode("|"), joined("|", split(param("ProxyExceptions")))),
            JSON.textNode("")));
  }

  /** Returns the schedule at a time of day, on the same days. */
  private static JsonNode cron(String text) {
    String days = text.substring(text.indexOf("* ") + 2, text.lastIndexOf(" *"));
    ObjectNode time = JSON.objectNode();
    time.putArray("Fn::Split").add(":").add(param("CheckAt"));
    return join(
        "",
        JSON.textNode("cron("),
        select(1, time),
        JSON.textNode(" "),
        select(0, time),
        JSON.textNode(" ? * "),
        JSON.textNode(days),
        JSON.textNode(" *)"));
  }

  private static ObjectNode split(JsonNode text) {
    ObjectNode split = JSON.objectNode();
    split.putArray("Fn::Split").add(",").add(text);
    return split;
  }

  private static ObjectNode select(int index, JsonNode list) {
    ObjectNode select = JSON.objectNode();
    select.putArray("Fn::Select").add(index).add(list);
    return select;
  }

  private static ObjectNode join(String delimiter, JsonNode... parts) {
    return joined(delimiter, JSON.arrayNode().addAll(List.of(parts)));
  }

  private static ObjectNode joined(String delimiter, JsonNode list) {
    ObjectNode join = JSON.objectNode();
    join.putArray("Fn::Join").add(delimiter).add(list);
    return join;
  }

  private static String example(String parameter) {
    return ReleaseTemplate.example(parameter);
  }
}
