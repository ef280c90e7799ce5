package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares what CloudFormation makes of the release's template with the templates of stacks of this
 * app, and checks all of its branches.
 */
class ReleaseTemplateTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STACK = "orders-keys";

  /** So many random variants are compared; {@code -Drelease.variants} sets another number. */
  private static final int VARIANTS = Integer.getInteger("release.variants", 12);

  private static final String TEXT = StackTemplate.release();
  private static final JsonNode TEMPLATE = parse(TEXT);

  static Stream<ReleaseVariant> variants() {
    return Stream.concat(
        Stream.of(ReleaseVariant.least(), ReleaseVariant.most()),
        IntStream.range(0, VARIANTS).mapToObj(ReleaseVariant::random));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void makes_the_same_resources_as_the_app_with_the_same_settings(ReleaseVariant variant) {
    CloudFormation.Stack release = CloudFormation.evaluate(TEMPLATE, STACK, variant.parameters());
    ObjectNode ofApp = ReleaseTemplate.synthesize(variant.settings(), STACK, "7d1e5f2a");
    ofApp.remove(List.of("Parameters", "Rules"));
    CloudFormation.Stack app = CloudFormation.evaluate(ofApp, STACK, Map.of());

    Map<String, JsonNode> expected = comparable(app.resources());
    assertThat(comparable(release.resources())).containsOnlyKeys(expected.keySet());
    expected.forEach(
        (id, resource) ->
            assertThat(comparable(release.resources()).get(id)).as(id).isEqualTo(resource));
    assertThat(outputs(release)).isEqualTo(outputs(app));
  }

  @Test
  void every_reference_and_condition_of_every_variant_resolves() {
    TemplateNames.checkUses(TEMPLATE);
    for (int number = 0; number < 1000; number++) {
      ReleaseVariant variant = ReleaseVariant.random(number);
      assertThat(CloudFormation.evaluate(TEMPLATE, STACK, variant.parameters()).resources())
          .as(variant.toString())
          .isNotEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '"',
      textBlock =
          """
          CreatedSecretName=;                        Set CreatedSecretName, SecretNames, SecretArns or SecretTagValue
          ReplicaKmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/1; Set ReplicaRegion with ReplicaKmsKeyArn.
          FirstKeyRole=r-viewer;                     Set CreatedSecretName, FirstKeyEndpoint, AllowedRoles, ManagementKeySecretName with FirstKeyRole.
          SubnetIds=subnet-0123456789abcdef0;        Set SecurityGroupIds with SubnetIds.
          ProxyHost=proxy.example.com;               Set ProxyPort with ProxyHost.
          CheckAt=04:30 CheckIntervalInHours=12;     Leave CheckIntervalInHours at 24 with CheckAt.
          CreatedSecretName= SecretNames=a RotationTrigger=secrets-manager; Set CreatedSecretName with RotationTrigger=secrets-manager
          AlarmEmail=a@example.com AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:t; Leave AlarmEmail empty with AlarmTopicArn
          CreatedSecretName= SecretTagValue=yes KeyChangedEvents=topic; Name secrets with KeyChangedEvents
          MetricsPerSecret=true SecretTagValue=yes;  Leave SecretTagValue empty with MetricsPerSecret=true
          """)
  void refuses_parameters_that_do_not_fit_together(String values, String message) {
    Map<String, String> parameters = new HashMap<>(Map.of("ArchiveBucket", "my-bucket"));
    for (String value : values.split(" ", -1)) {
      parameters.put(value.split("=", 2)[0], value.split("=", 2)[1]);
    }

    assertThatThrownBy(() -> CloudFormation.evaluate(TEMPLATE, STACK, parameters))
        .hasMessageStartingWith(message);
  }

  @Test
  void takes_the_archive_from_a_bucket_of_each_region_on_request() {
    JsonNode resources =
        CloudFormation.evaluate(
                TEMPLATE,
                STACK,
                Map.of("ArchiveBucket", "my-releases", "ArchiveBucketPerRegion", "true"))
            .resources();

    assertThat(resources.findValuesAsText("S3Bucket")).containsExactly("my-releases-us-east-1");
  }

  /** A deployed stack of an older release is updated by a newer one's template. */
  @Test
  void keeps_the_ids_and_types_of_its_resources() throws IOException {
    String ids =
        TEMPLATE.path("Resources").properties().stream()
            .map(
                resource ->
                    resource.getKey() + " " + resource.getValue().path("Type").asText() + "\n")
            .sorted()
            .collect(joining());
    Path reviewed = Path.of("src/test/resources/templates/release-ids.txt");
    if ("replace".equals(System.getProperty("snapshots"))) {
      Files.writeString(reviewed, ids);
    }

    assertThat(reviewed).content().isEqualTo(ids);
  }

  @Test
  void sends_no_events_back_to_the_bus_that_they_come_from() {
    JsonNode resources =
        CloudFormation.evaluate(
                TEMPLATE,
                STACK,
                Map.of(
                    "ArchiveBucket",
                    "my-releases",
                    "KeyChangedEvents",
                    "arn:aws:events:us-east-1:123456789012:event-bus/default"))
            .resources();

    assertThat(resources.findValuesAsText("Type")).doesNotContain("AWS::Events::Rule");
  }

  @Tag("slow")
  @Test
  void is_written_the_same_each_time() {
    assertThat(ReleaseTemplate.text(StackTemplate.version())).isEqualTo(TEXT);
  }

  @Test
  void needs_no_bootstrap_and_no_transform() {
    assertThat(TEXT).doesNotContain("cdk", "Bootstrap", "example-stack", "123456789012");
    assertThat(TEMPLATE.has("Transform")).isFalse();
    assertThat(TEMPLATE.at("/Parameters/ArchiveKey/Default").asText())
        .isEqualTo(StackTemplate.version() + "/rotation-function.zip");
  }

  @Test
  void has_no_error_by_cfn_lint() throws IOException, InterruptedException {
    Path file = Files.writeString(Path.of("target", "release.template.json"), TEXT);

    // W3005: the CDK repeats the function's dependency on its role. W1033: the default of a list of
    // ids is empty, and then a condition leaves the list out.
    assertThat(findings(List.of(file))).isEmpty();
  }

  @Tag("slow")
  @Test
  void what_its_variants_become_has_no_error_by_cfn_lint()
      throws IOException, InterruptedException {
    Path folder = Files.createDirectories(Path.of("target", "variants"));
    List<Path> files = new ArrayList<>();
    for (ReleaseVariant variant : variants().toList()) {
      CloudFormation.Stack stack = CloudFormation.evaluate(TEMPLATE, STACK, variant.parameters());
      ObjectNode template = JSON.createObjectNode();
      template.set("Resources", stack.resources());
      template.set("Outputs", stack.outputs());
      Path file = folder.resolve(files.size() + ".json");
      files.add(Files.writeString(file, template.toString()));
    }

    assertThat(findings(files)).isEmpty();
  }

  /** Returns what cfn-lint finds in templates. */
  private static String findings(List<Path> files) throws IOException, InterruptedException {
    assumeTrue(Shell.isOnPath("cfn-lint"), "cfn-lint is not installed");
    Path output = Path.of("target", "cfn-lint-release.txt");
    List<String> command =
        new ArrayList<>(
            List.of(
                "cfn-lint", "--regions", "us-east-1", "--ignore-checks", "W3005", "W1033", "--"));
    files.forEach(file -> command.add(file.toString()));
    int status =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start()
            .waitFor();
    String findings = Files.readString(output);
    assertThat(status == 0).as(findings).isEqualTo(findings.isEmpty());
    return findings;
  }

  /** Returns resources with what the two ways of writing them differ in made equal. */
  private static Map<String, JsonNode> comparable(ObjectNode resources) {
    JsonNode named = withIdsByType(resources);
    Map<String, JsonNode> comparable = new TreeMap<>();
    named
        .properties()
        .forEach(
            resource -> {
              ObjectNode value = (ObjectNode) resource.getValue();
              value.remove("Metadata");
              if (value.path("Properties").isEmpty()) {
                value.remove("Properties");
              }
              comparable.put(
                  resource.getKey(), normalized(CloudFormation.withTexts(resource.getValue())));
            });
    return comparable;
  }

  /** The CDK puts the name of a secret, and an address, into logical ids. */
  private static JsonNode withIdsByType(ObjectNode resources) {
    String text = resources.toString();
    for (var resource : resources.properties()) {
      String type = resource.getValue().path("Type").asText();
      if (List.of(
              "AWS::SecretsManager::Secret",
              "AWS::SecretsManager::RotationSchedule",
              "AWS::Lambda::Permission",
              "AWS::SNS::Subscription")
          .contains(type)) {
        text = text.replace("\"" + resource.getKey() + "\"", "\"" + type + "\"");
      }
    }
    return parse(text);
  }

  /** Makes one of a list with one entry, and exact ARNs of those of secrets that have names. */
  private static JsonNode normalized(JsonNode node) {
    if (node.isArray()) {
      List<JsonNode> entries = new ArrayList<>();
      node.forEach(entry -> entries.add(normalized(entry)));
      return entries.size() == 1 ? entries.getFirst() : JSON.createArrayNode().addAll(entries);
    }
    if (node.isObject()) {
      ObjectNode object = JSON.createObjectNode();
      node.properties().forEach(entry -> object.set(entry.getKey(), normalized(entry.getValue())));
      if (object.path("Sid").asText().equals("RotateSecretsByName")) {
        JsonNode condition = object.remove("Condition");
        assertThat(condition == null || condition.equals(exactly())).isTrue();
        object.set(
            "Resource",
            parse(
                object
                    .path("Resource")
                    .toString()
                    .replace(
                        condition == null ? "none" : "arn:*:secretsmanager:*:*:",
                        "arn:aws:secretsmanager:us-east-1:123456789012:")));
      }
      return object;
    }
    // A parameter's time has two digits for the hour, and a setting's time has no leading zero.
    return node.asText().startsWith("cron(")
        ? JSON.getNodeFactory().textNode(node.asText().replace(" 04 ", " 4 "))
        : node;
  }

  private static JsonNode exactly() {
    return StackTemplate.parse(
        """
        {'StringEquals': {'aws:RequestedRegion': 'us-east-1',
                          'aws:ResourceAccount': '123456789012'}}\
        """);
  }

  /** Returns the outputs but for the command, in which the release has no name. */
  private static Map<String, String> outputs(CloudFormation.Stack stack) {
    Map<String, String> outputs = new TreeMap<>();
    stack
        .outputs()
        .properties()
        .forEach(output -> outputs.put(output.getKey(), output.getValue().toString()));
    assertThat(outputs.remove("RotateNowCommand")).contains("aws lambda invoke");
    return outputs;
  }

  private static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
