package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import keyrotation.infrastructure.StackSettings.Environment;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.assertions.Template;
import software.amazon.awscdk.services.lambda.Code;

/** The template for some settings. Each is synthesized once, because that takes a second. */
final class StackTemplate {

  static final String KMS_KEY =
      "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
  static final String SECRET_ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/other-a1B2c3";

  /** The least settings with which the stack has the function that makes tokens. */
  static final Map<String, String> TOKENS =
      Map.of(
          "TOKENS", "on",
          "TOKENS_POLICY", "src/test/resources/policy.json",
          "TOKENS_JWT_ISSUER", "https://login.example.com",
          "TOKENS_JWT_AUDIENCE", "my-application");

  /** Settings for everything that the rules of a company may ask for. */
  static final Map<String, String> RULES =
      Map.ofEntries(
          Map.entry("STACK_SUFFIX", "orders"),
          Map.entry("MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/orders," + SECRET_ARN),
          Map.entry("KMS_KEY_ARN", KMS_KEY + "," + KMS_KEY.replace("1234abcd", "5678abcd")),
          Map.entry("REPLICA_REGIONS", "eu-west-1=" + KMS_KEY.replace("us-east", "eu-west")),
          Map.entry("KEY_CHANGED_EVENTS", "topic"),
          Map.entry("SUBNET_IDS", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
          Map.entry("SECURITY_GROUP_IDS", "sg-0123456789abcdef0"),
          Map.entry("OUTBOUND_PROXY", "proxy.example.com:3128"),
          Map.entry("OUTBOUND_PROXY_EXCEPT", "secretsmanager.us-east-1.amazonaws.com"),
          Map.entry("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/boundary"),
          Map.entry("ROLE_PATH", "/platform/"),
          Map.entry("STACK_TAGS", "team=platform,cost-center=1234"),
          Map.entry("STACK_KMS_KEY_ARN", KMS_KEY),
          Map.entry("LOG_RETENTION_IN_DAYS", "365"),
          Map.entry("LOG_REMOVAL", "keep"),
          Map.entry("MEMORY_IN_MEGABYTES", "2048"),
          Map.entry("TIMEOUT_IN_SECONDS", "900"),
          Map.entry("ARCHITECTURE", "x86_64"),
          Map.entry("SNAP_START", "off"));

  private static final Map<Map<String, String>, StackTemplate> ALL = new ConcurrentHashMap<>();
  private static final ObjectMapper JSON = new ObjectMapper();

  private static String release = "";

  private final JsonNode json;

  private StackTemplate(JsonNode json) {
    this.json = json;
  }

  /** Takes alternating names and values of settings. */
  static StackTemplate of(String... settings) {
    return of(map(settings));
  }

  /** Returns the template with tokens; takes further settings, or others in place of the least. */
  static StackTemplate withTokens(String... settings) {
    return of(tokens(settings));
  }

  /** Returns the settings for tokens with further ones, or others in place of the least. */
  static Map<String, String> tokens(String... settings) {
    Map<String, String> all = new TreeMap<>(TOKENS);
    all.putAll(map(settings));
    return all;
  }

  static StackTemplate of(Map<String, String> settings) {
    return ALL.computeIfAbsent(settings, StackTemplate::synthesize);
  }

  /** Returns the project's version. */
  static String version() {
    try {
      Matcher version =
          Pattern.compile("(?m)^  <version>(.*)</version>$")
              .matcher(Files.readString(Path.of("../pom.xml")));
      assertThat(version.find()).isTrue();
      return version.group(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the release's template, made once. */
  static synchronized String release() {
    if (release.isEmpty()) {
      release = ReleaseTemplate.text(version());
    }
    return release;
  }

  static StackTemplate of(Stack stack) {
    return new StackTemplate(JSON.valueToTree(Template.fromStack(stack).toJSON()));
  }

  static KeyRotationStack stack(String... settings) {
    return stack(map(settings));
  }

  private static Map<String, String> map(String... settings) {
    Map<String, String> map = new TreeMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      map.put(settings[i], settings[i + 1]);
    }
    return map;
  }

  private static synchronized StackTemplate synthesize(Map<String, String> settings) {
    return of(stack(settings));
  }

  /** Uses constant archives, so that the template does not change with the functions' code. */
  static KeyRotationStack stack(Map<String, String> settings) {
    try {
      Path archive = Path.of("target", "code.zip");
      Files.writeString(archive, "This stands for the function's code.");
      Path tokens = Path.of("target", "tokens-code.zip");
      try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(tokens))) {
        zip.putNextEntry(new ZipEntry("code"));
        zip.write("This stands for the function's code.".getBytes(UTF_8));
        zip.putNextEntry(new ZipEntry("policy.json"));
        zip.write("{\"rules\":[]}".getBytes(UTF_8));
      }
      Path output = Files.createTempDirectory(Path.of("target"), "cdk.out");
      return KeyRotationApp.addStack(
          new App(AppProps.builder().outdir(output.toString()).build()),
          StackSettings.from(settings, new Environment(Optional.empty(), Optional.empty())),
          new Archives(Code.fromAsset(archive.toString()), Optional.of(tokens)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  JsonNode json() {
    return json;
  }

  /** Returns the template without the CDK's check of its bootstrap stack. */
  JsonNode withoutBootstrap() {
    return json.<ObjectNode>deepCopy().remove(List.of("Parameters", "Rules"));
  }

  /** Returns the function's environment variables. */
  Map<String, String> environment() {
    Map<String, String> environment = new TreeMap<>();
    properties("AWS::Lambda::Function")
        .at("/Environment/Variables")
        .properties()
        .forEach(variable -> environment.put(variable.getKey(), variable.getValue().asText()));
    return environment;
  }

  /** Returns the type of each resource. */
  List<String> types() {
    return json.path("Resources")
        .valueStream()
        .map(resource -> resource.path("Type").asText())
        .toList();
  }

  /** Checks that the roles have inline policies alone, and that none of these has a star. */
  void assertThatNoRoleHasAWidePolicy() {
    for (JsonNode role : all("AWS::IAM::Role").values()) {
      assertThat(role.path("Properties").has("ManagedPolicyArns")).isFalse();
      assertThat(role.at("/Properties/Policies").toString()).doesNotContain("*");
    }
    assertThat(types()).doesNotContain("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy");
  }

  /** Returns the resources of a type, by logical id. */
  Map<String, JsonNode> all(String type) {
    Map<String, JsonNode> found = new HashMap<>();
    json.path("Resources")
        .properties()
        .forEach(
            resource -> {
              if (resource.getValue().path("Type").asText().equals(type)) {
                found.put(resource.getKey(), resource.getValue());
              }
            });
    return found;
  }

  /** Returns the properties of the only resource of a type whose logical id begins like this. */
  JsonNode properties(String type, String prefix) {
    return json.path("Resources").path(id(type, prefix)).path("Properties");
  }

  /** Returns the logical id of the only resource of a type that begins like this. */
  String id(String type, String prefix) {
    List<String> ids = all(type).keySet().stream().filter(id -> id.startsWith(prefix)).toList();
    assertThat(ids).as(type + " " + prefix).hasSize(1);
    return ids.getFirst();
  }

  /** Returns the only resource of a type. */
  JsonNode only(String type) {
    assertThat(all(type)).as(type).hasSize(1);
    return all(type).values().iterator().next();
  }

  JsonNode properties(String type) {
    return only(type).path("Properties");
  }

  /** Returns the logical id of the only resource of a type. */
  String id(String type) {
    assertThat(all(type)).as(type).hasSize(1);
    return all(type).keySet().iterator().next();
  }

  /** Returns the role that a service assumes. */
  JsonNode role(String service) {
    List<JsonNode> roles =
        all("AWS::IAM::Role").values().stream()
            .map(role -> role.path("Properties"))
            .filter(
                role ->
                    role.at("/AssumeRolePolicyDocument/Statement/0/Principal/Service")
                        .asText()
                        .equals(service))
            .toList();
    assertThat(roles).as("Roles of " + service).hasSize(1);
    return roles.getFirst();
  }

  /** Returns the statements of a role's only policy. */
  static List<JsonNode> statements(JsonNode role) {
    assertThat(role.path("Policies")).hasSize(1);
    return role.at("/Policies/0/PolicyDocument/Statement").valueStream().toList();
  }

  /** Parses JSON with single quotes instead of double quotes. */
  static JsonNode parse(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
