package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import keyrotation.tokens.TokenHandler;
import keyrotation.tokens.TokenSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The function that makes tokens, and its role. */
class TokenFunctionTest {

  private static final String FUNCTION = "AWS::Lambda::Function";
  private static final String ALIAS = "AWS::Lambda::Alias";
  private static final String LOG_GROUP = "AWS::Logs::LogGroup";
  private static final String SECRET = "AWS::SecretsManager::Secret";

  @TempDir private Path directory;

  private final StackTemplate template = StackTemplate.withTokens();

  @Test
  void the_function_starts_from_a_snapshot_and_ends_before_api_gateway_stops_waiting() {
    JsonNode function = template.properties(FUNCTION, "Tokens");

    assertThat(function.path("Runtime").asText()).isEqualTo("java25");
    assertThat(function.path("Architectures")).isEqualTo(parse("['arm64']"));
    assertThat(function.path("MemorySize").asInt()).isEqualTo(1024);
    assertThat(function.path("Timeout").asInt()).isEqualTo(29);
    assertThat(function.path("SnapStart")).isEqualTo(parse("{'ApplyOn': 'PublishedVersions'}"));
    assertThat(function.properties())
        .extracting(Map.Entry::getKey)
        .doesNotContain(
            "FunctionName", "TracingConfig", "VpcConfig", "ReservedConcurrentExecutions");
    assertThat(template.properties(ALIAS, "Tokens"))
        .isEqualTo(
            parse(
                """
                {'Name': 'live', 'FunctionName': {'Ref': '%s'},
                 'FunctionVersion': {'Fn::GetAtt': ['%s', 'Version']}}\
                """
                    .formatted(
                        template.id(FUNCTION, "Tokens"),
                        template.id("AWS::Lambda::Version", "Tokens"))));
  }

  @Test
  void the_handler_names_a_class_and_a_method() {
    assertThat(template.properties(FUNCTION, "Tokens").path("Handler").asText())
        .isEqualTo(TokenHandler.class.getName() + "::handleRequest");
    assertThat(TokenHandler.class.getMethods())
        .anySatisfy(method -> assertThat(method.getName()).isEqualTo("handleRequest"));
  }

  @Test
  void the_function_accepts_its_environment_and_has_no_other_settings() {
    StackTemplate set =
        StackTemplate.withTokens(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a," + SECRET_ARN,
            "MOMENTO_ENDPOINT", "a.momentohq.com",
            "TOKENS_SECRET", "momento/other",
            "TOKENS_PER_SECOND", "4",
            "TOKENS_MAX_LIFETIME_IN_MINUTES", "90");

    assertThat(environment(template))
        .isEqualTo(
            Map.of("TOKENS_SECRET", "momento/authentication-token", "TOKENS_AUTHORIZER", "jwt"));
    assertThat(environment(set))
        .isEqualTo(
            Map.of(
                "TOKENS_SECRET", SECRET_ARN,
                "TOKENS_AUTHORIZER", "jwt",
                "MOMENTO_ENDPOINT", "a.momentohq.com",
                "TOKENS_PER_SECOND", "4",
                "TOKENS_MAX_LIFETIME_IN_MINUTES", "90"));
    assertThat(TokenSettings.from(environment(set)).maxLifetime()).hasMinutes(90);
    assertThat(
            TokenSettings.from(environment(StackTemplate.withTokens(TokenApiTest.IAM)))
                .authorizer())
        .hasToString("IAM");
  }

  @Test
  void another_policy_is_another_version_and_the_same_policy_is_not() throws IOException {
    String policy = Files.readString(Path.of("src/test/resources/policy.json"));
    Path same = Files.writeString(directory.resolve("same.json"), policy);
    Path other = Files.writeString(directory.resolve("other.json"), policy.replace("3600", "3599"));

    assertThat(version(StackTemplate.withTokens("TOKENS_POLICY", same.toString())))
        .isEqualTo(version(template));
    assertThat(version(StackTemplate.withTokens("TOKENS_POLICY", other.toString())))
        .doesNotContainAnyElementsOf(version(template));
  }

  /** Returns the key of the function's code, and the logical id of its version. */
  private static List<String> version(StackTemplate template) {
    return List.of(
        template.properties(FUNCTION, "Tokens").at("/Code/S3Key").asText(),
        template.id("AWS::Lambda::Version", "Tokens"));
  }

  @Test
  void the_role_allows_one_secret_to_be_read_and_the_log_to_be_written() {
    JsonNode role = template.properties("AWS::IAM::Role", "Tokens");

    assertThat(StackTemplate.statements(role))
        .containsExactly(
            readKey("{'Ref': '%s'}".formatted(template.id(SECRET))),
            parse(
                """
                {'Sid': 'WriteLog', 'Effect': 'Allow', 'Resource': {'Fn::GetAtt': ['%s', 'Arn']},
                 'Action': ['logs:CreateLogStream', 'logs:PutLogEvents']}\
                """
                    .formatted(template.id(LOG_GROUP, "TokensLog"))));
    assertThat(role.path("AssumeRolePolicyDocument").path("Statement"))
        .isEqualTo(
            parse(
                """
                [{'Action': 'sts:AssumeRole', 'Effect': 'Allow',
                  'Principal': {'Service': 'lambda.amazonaws.com'}}]\
                """));
    assertThat(template.properties(FUNCTION, "Tokens").path("Role").toString())
        .contains(template.id("AWS::IAM::Role", "Tokens"));
  }

  @Test
  void the_role_reads_one_secret_of_several_and_not_that_of_the_management_key() {
    String[] secrets = {
      "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a,momento/managing," + SECRET_ARN,
      "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento",
      "MOMENTO_MANAGEMENT_KEY_SECRET", "momento/managing"
    };
    StackTemplate created = withSecret("momento/a", secrets);

    assertThat(secretStatements(created))
        .containsExactly(readKey("{'Ref': '%s'}".formatted(created.id(SECRET, "Secretmomentoa"))));
    assertThat(secretStatements(withSecret("momento/other", secrets)))
        .containsExactly(readKey("'" + SECRET_ARN + "'"));
    assertThat(secretStatements(withSecret("momento/tagged", secrets)))
        .containsExactly(
            readKey(
                """
                {'Fn::Join': ['', ['arn:', {'Ref': 'AWS::Partition'}, ':secretsmanager:',
                  {'Ref': 'AWS::Region'}, ':', {'Ref': 'AWS::AccountId'},
                  ':secret:momento/tagged-??????']]}\
                """));
  }

  private static StackTemplate withSecret(String secret, String... settings) {
    return StackTemplate.withTokens(
        Stream.concat(Stream.of(settings), Stream.of("TOKENS_SECRET", secret))
            .toArray(String[]::new));
  }

  private static List<JsonNode> secretStatements(StackTemplate template) {
    return StackTemplate.statements(template.properties("AWS::IAM::Role", "Tokens")).stream()
        .filter(statement -> statement.path("Action").toString().contains("secretsmanager:"))
        .toList();
  }

  private static JsonNode readKey(String resource) {
    return parse(
        """
        {'Sid': 'ReadKey', 'Effect': 'Allow', 'Action': 'secretsmanager:GetSecretValue',
         'Resource': %s}\
        """
            .formatted(resource));
  }

  @Test
  void the_role_allows_the_kms_key_only_for_decryption_through_secrets_manager() {
    StackTemplate encrypted = StackTemplate.withTokens("KMS_KEY_ARN", KMS_KEY);

    assertThat(StackTemplate.statements(encrypted.properties("AWS::IAM::Role", "Tokens")))
        .hasSize(3)
        .contains(
            parse(
                """
                {'Sid': 'UseKey', 'Effect': 'Allow', 'Action': 'kms:Decrypt', 'Resource': '%s',
                 'Condition': {'StringEquals': {'kms:ViaService': {'Fn::Join': ['', [
                   'secretsmanager.', {'Ref': 'AWS::Region'}, '.', {'Ref': 'AWS::URLSuffix'}]]}}}}\
                """
                    .formatted(KMS_KEY)));
  }

  @Test
  void the_logs_are_kept_for_three_months() {
    assertThat(template.all(LOG_GROUP).values())
        .hasSize(3)
        .allSatisfy(
            group -> {
              assertThat(group.path("Properties")).isEqualTo(parse("{'RetentionInDays': 90}"));
              assertThat(group.path("DeletionPolicy").asText()).isEqualTo("Delete");
            });
    assertThat(template.properties(FUNCTION, "Tokens").path("LoggingConfig"))
        .isEqualTo(
            parse(
                """
                {'LogFormat': 'JSON', 'ApplicationLogLevel': 'INFO', 'SystemLogLevel': 'INFO',
                 'LogGroup': {'Ref': '%s'}}\
                """
                    .formatted(template.id(LOG_GROUP, "TokensLog"))));
  }

  private static Map<String, String> environment(StackTemplate template) {
    Map<String, String> environment = new HashMap<>();
    template
        .properties(FUNCTION, "Tokens")
        .at("/Environment/Variables")
        .properties()
        .forEach(variable -> environment.put(variable.getKey(), variable.getValue().asText()));
    return environment;
  }
}
