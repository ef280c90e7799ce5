package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import example.OrdersStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;
import software.amazon.awscdk.CfnParameter;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Annotations;
import software.amazon.awscdk.assertions.Match;
import software.amazon.awscdk.services.events.EventBus;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Code;
import software.constructs.Construct;

/** The construct, in apps of other people and several times in one account. */
class MomentoKeyRotationTest {

  private static final String FUNCTION = "AWS::Lambda::Function";

  /** The properties with names that must be unique in an account and region. */
  private static final List<String> NAMES =
      List.of(
          "AlarmName",
          "FunctionName",
          "DashboardName",
          "MetricNamespace",
          "QueueName",
          "TopicName",
          "RoleName",
          "LogGroupName");

  @TempDir private Path directory;

  @Test
  void the_example_of_the_page_is_the_one_that_compiles() throws IOException {
    String example = Files.readString(Path.of("src/test/java/example/OrdersStack.java"));

    assertThat(Files.readString(Path.of("../docs/construct.md")))
        .contains(
            "```java\n" + example.substring(example.indexOf("/** A stack that rotates")) + "```");
  }

  @Test
  void takes_resources_of_the_same_app() throws IOException {
    StackTemplate template = StackTemplate.of(new OrdersStack(app(), "Orders", archive()));

    JsonNode function = template.properties(FUNCTION, "MomentoKeysRotation");
    assertThat(function.at("/VpcConfig/SubnetIds")).hasSize(2);
    assertThat(function.at("/VpcConfig/SubnetIds/0/Ref").asText()).startsWith("VpcPrivateSubnet1");
    assertThat(function.at("/VpcConfig/SecurityGroupIds/0/Fn::GetAtt/0").asText())
        .startsWith("Group");
    assertThat(
            template
                .properties("AWS::SecretsManager::Secret")
                .at("/KmsKeyId/Fn::GetAtt/0")
                .asText())
        .startsWith("Key");
    assertThat(template.all("AWS::CloudWatch::Alarm").values())
        .filteredOn(alarm -> alarm.at("/Properties").has("AlarmActions"))
        .allMatch(
            alarm -> alarm.at("/Properties/AlarmActions/0/Ref").asText().startsWith("Alarms"));
    assertThat(template.all("AWS::SNS::Topic")).hasSize(1);
  }

  @Test
  void reports_the_mistakes_in_its_properties() throws IOException {
    Stack stack = new Stack(app(), "Orders");
    MomentoKeyRotationProps props = props().createSecrets("a b").memory(1).rolePath("platform");

    assertThatThrownBy(() -> new MomentoKeyRotation(stack, "Keys", props))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .hasLineCount(3)
        .contains("MOMENTO_AUTH_TOKEN_SECRET_NAME", "MEMORY_IN_MEGABYTES", "ROLE_PATH");
  }

  @Test
  void two_in_one_stack_have_no_name_in_common() throws IOException {
    Stack stack = new Stack(app(), "Orders");
    for (String place : List.of("First", "Second")) {
      Construct scope = new Construct(stack, place);
      var _ = new MomentoKeyRotation(scope, "Keys", props().createSecrets(place).keyChangedTopic());
    }

    JsonNode all = StackTemplate.of(stack).json();

    assertThat(names(all, "First")).isNotEmpty();
    assertThat(names(all, "Second"))
        .hasSameSizeAs(names(all, "First"))
        .doesNotContainAnyElementsOf(names(all, "First"));
  }

  @Test
  void stacks_side_by_side_have_no_name_in_common() {
    StackTemplate first = StackTemplate.withTokens("KEY_CHANGED_EVENTS", "topic");
    StackTemplate second =
        StackTemplate.withTokens(
            "KEY_CHANGED_EVENTS",
            "topic",
            "STACK_SUFFIX",
            "orders",
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            "momento/orders");
    StackTemplate third =
        StackTemplate.of(
            "STACK_SUFFIX", "tagged", "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento");

    Set<String> names = names(first.json(), "");
    assertThat(names)
        .contains(
            "momento-auth-token-refresh-lambda",
            "momento-auth-token-refresh-stack",
            "momento-auth-token-refresh-stack-key-overdue",
            "momento-auth-token-refresh-stack-key-changed-1",
            "momento-auth-token-refresh-stack-tokens",
            "MomentoKeyRotation");
    assertThat(names(second.json(), ""))
        .hasSameSizeAs(names)
        .doesNotContainAnyElementsOf(names)
        .doesNotContainAnyElementsOf(names(third.json(), ""));
    assertThat(names(third.json(), "")).doesNotContainAnyElementsOf(names);
  }

  @Test
  void names_fit_into_the_limits_of_services_however_deep_the_place() throws IOException {
    Stack stack = new Stack(app(), "OrdersPlatformProductionEuWest1Application");
    Construct deep = new Construct(new Construct(stack, "Momento keys/of orders"), "x".repeat(80));
    var _ = new MomentoKeyRotation(deep, "Keys", props().createSecrets("a").keyChangedTopic());

    JsonNode rule = StackTemplate.of(stack).properties("AWS::Events::Rule");

    assertThat(rule.path("Name").asText()).hasSizeLessThanOrEqualTo(64).matches("[.A-Za-z0-9_-]+");
  }

  @Test
  void the_longest_suffix_leaves_room_for_the_number_of_a_rule() {
    StackTemplate template =
        StackTemplate.of(
            "STACK_SUFFIX",
            "x".repeat(16),
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            "momento/orders",
            "KEY_CHANGED_EVENTS",
            "topic");

    assertThat(template.properties("AWS::Events::Rule").path("Name").asText() + "0")
        .hasSizeLessThanOrEqualTo(64);
    assertThat(template.properties(FUNCTION).path("FunctionName").asText())
        .hasSizeLessThanOrEqualTo(64);
  }

  @Test
  void takes_tokens_for_each_arn_but_those_of_secrets() throws IOException {
    Stack stack = new Stack(app(), "Orders");
    EventBus bus = new EventBus(stack, "Bus");
    CfnParameter list =
        CfnParameter.Builder.create(stack, "Subnets").type("List<AWS::EC2::Subnet::Id>").build();
    CfnParameter arn = new CfnParameter(stack, "Arn");
    var _ =
        new MomentoKeyRotation(
            stack,
            "Keys",
            props()
                .createSecrets("a")
                .keyChangedBus(bus.getEventBusArn())
                .network(list.getValueAsList(), List.of(arn.getValueAsString()))
                .replicaRegions(Map.of("eu-west-1", arn.getValueAsString()))
                .kmsKeys(arn.getValueAsString())
                .encryption(arn.getValueAsString())
                .permissionsBoundary(arn.getValueAsString())
                .alarmTopic(arn.getValueAsString()));

    StackTemplate template = StackTemplate.of(stack);
    assertThat(template.properties(FUNCTION).at("/VpcConfig/SubnetIds/Ref").asText())
        .isEqualTo("Subnets");
    assertThat(template.properties("AWS::Events::Rule").at("/Targets/0/Arn/Fn::GetAtt/1").asText())
        .isEqualTo("Arn");
    assertThat(
            template
                .properties("AWS::SecretsManager::Secret")
                .at("/ReplicaRegions/0/KmsKeyId/Ref")
                .asText())
        .isEqualTo("Arn");
  }

  @Test
  void refuses_durations_that_are_no_whole_number_of_their_unit() throws IOException {
    MomentoKeyRotationProps props = props();

    assertThatThrownBy(() -> props.checkEvery(Duration.ofMinutes(90)))
        .hasMessage("PT1H30M is not a whole number of hours.");
    assertThatThrownBy(() -> props.rotateAfter(Duration.ofHours(47)))
        .hasMessage("PT47H is not a whole number of days.");
  }

  @Test
  void each_setting_of_a_deployment_is_a_property() {
    Set<String> settings = new HashSet<>(everything().values().keySet());
    settings.addAll(
        everything()
            .alarmTopic("arn")
            .tokensForJwts(directory, directory, "i", List.of())
            .values()
            .keySet());

    // The place in the app takes the place of a suffix.
    assertThat(settings)
        .containsExactlyInAnyOrderElementsOf(
            StackSettings.NAMES.stream().filter(name -> !name.equals("STACK_SUFFIX")).toList());
  }

  @Test
  void the_properties_mean_what_the_settings_mean() {
    Map<String, String> values = everything().values();

    assertThat(values)
        .containsEntry("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a,b," + SECRET_ARN)
        .containsEntry("CREATE_SECRETS", "a")
        .containsEntry("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento")
        .containsEntry("AUTO_ROTATION_IN_DAYS", "20")
        .containsEntry("CHECK_INTERVAL_IN_HOURS", "24")
        .containsEntry("CHECK_AT", "04:30 Europe/Berlin")
        .containsEntry("CHECK_DAYS", "MON,THU")
        .containsEntry("ROTATION_TRIGGER", "secrets-manager")
        .containsEntry("REPLICA_REGIONS", "eu-west-1=" + KMS_KEY)
        .containsEntry("REVOKE_AFTER_HOURS", "48")
        .containsEntry("MOMENTO_CONTROL_ENDPOINT", "control.example.com:443")
        .containsEntry("OUTBOUND_PROXY", "proxy.example.com:3128")
        .containsEntry("STACK_TAGS", "team=a,cost=b")
        .containsEntry("TIMEOUT_IN_SECONDS", "600")
        .containsEntry("ARCHITECTURE", "x86_64")
        .containsEntry("TOKENS_AUTHORIZER", "iam")
        .containsEntry("TOKENS_MAX_LIFETIME_IN_MINUTES", "30");
    assertThat(everything().doNotRevoke().values()).containsEntry("REVOKE_AFTER_HOURS", "off");
    assertThat(everything().replicaRegions("eu-west-1", "eu-west-2").values())
        .containsEntry("REPLICA_REGIONS", "eu-west-1,eu-west-2");
    assertThat(new MomentoKeyRotationProps(Code.fromInline("x")).createSecrets("a").values())
        .containsEntry("CREATE_SECRETS", "true");
    assertThat(new MomentoKeyRotationProps(Code.fromInline("x")).existingSecrets("a").values())
        .containsEntry("CREATE_SECRETS", "false");
  }

  @Test
  void cdk_nag_finds_nothing_under_the_rules_of_a_company() {
    Map<String, String> withTokens = StackTemplate.tokens("TOKENS_SECRET", "momento/orders");
    withTokens.putAll(StackTemplate.RULES);
    for (Map<String, String> settings : List.of(StackTemplate.RULES, withTokens)) {
      Annotations findings = Annotations.fromStack(StackTemplate.stack(settings));

      findings.hasNoError("*", Match.anyValue());
      findings.hasNoWarning("*", Match.anyValue());
    }
  }

  private MomentoKeyRotationProps everything() {
    return new MomentoKeyRotationProps(Code.fromInline("x"))
        .createSecrets("a")
        .existingSecrets("b", SECRET_ARN)
        .secretTag("rotate", "momento")
        .managementKeySecret("m")
        .rotateAfter(Duration.ofDays(20))
        .checkEvery(Duration.ofDays(1))
        .checkAt(
            LocalTime.of(4, 30), ZoneId.of("Europe/Berlin"), DayOfWeek.MONDAY, DayOfWeek.THURSDAY)
        .trigger(RotationTrigger.SECRETS_MANAGER)
        .kmsKeys(KMS_KEY)
        .replicaRegions(Map.of("eu-west-1", KMS_KEY))
        .allowedRoles("r")
        .firstKeys("r", "a.momentohq.com")
        .endpointSuffixes(".momento.example.com")
        .revokeAfter(Duration.ofDays(2))
        .revokeOperatorKeys()
        .refreshesPerSecond(1)
        .writesPerSecond(1)
        .controlEndpoint("control.example.com", 443)
        .apiEndpoint("api.example.com", 443)
        .alarmEmail("a@example.com")
        .metricsPerSecret()
        .keyChangedTopic()
        .keyChangedBus("arn")
        .network(List.of("subnet-1"), List.of("sg-1"))
        .proxy("proxy.example.com", 3128, "direct.example.com")
        .permissionsBoundary("arn")
        .rolePath("/a/")
        .tag("team", "a")
        .tag("cost", "b")
        .encryption(KMS_KEY)
        .logRetention(7)
        .keepLogs()
        .memory(512)
        .timeout(Duration.ofMinutes(10))
        .architecture(Architecture.X86_64)
        .withoutSnapStart()
        .tokensForAwsCredentials(directory, directory)
        .tokenSecret("a")
        .tokenOrigins("https://a.example")
        .tokensPerSecond(1)
        .maxTokenLifetime(Duration.ofMinutes(30));
  }

  /** Returns the physical names of resources whose logical ids begin like this. */
  private static Set<String> names(JsonNode template, String prefix) {
    Set<String> names = new TreeSet<>();
    template
        .path("Resources")
        .properties()
        .forEach(
            resource -> {
              if (resource.getKey().startsWith(prefix)) {
                addNames(resource.getValue().path("Properties"), names);
                if (Stream.of("Events::Rule", "ApiGatewayV2::Api")
                    .anyMatch(resource.getValue().path("Type").asText()::endsWith)) {
                  names.add(resource.getValue().at("/Properties/Name").asText());
                }
              }
            });
    return names;
  }

  private static void addNames(JsonNode node, Set<String> names) {
    NAMES.forEach(
        name -> {
          if (node.path(name).isTextual()) {
            names.add(node.path(name).asText());
          }
        });
    node.forEach(child -> addNames(child, names));
  }

  private MomentoKeyRotationProps props() throws IOException {
    return new MomentoKeyRotationProps(Code.fromAsset(archive()));
  }

  private String archive() throws IOException {
    return Files.writeString(directory.resolve("code.zip"), "This stands for the code.").toString();
  }

  private App app() {
    return new App(AppProps.builder().outdir(directory.resolve("cdk.out").toString()).build());
  }
}
