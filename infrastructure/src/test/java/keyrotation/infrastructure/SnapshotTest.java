package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compares the templates with reviewed ones. {@code -Dsnapshots=replace} rewrites these. */
class SnapshotTest {

  private static final Path TEMPLATES = Path.of("src/test/resources/templates");

  @ParameterizedTest
  @CsvSource({
    "eventbridge, create, '', none",
    "eventbridge, create, '', topic",
    "eventbridge, create, momento/management-key, none",
    "eventbridge, existing, '', none",
    "secrets-manager, create, '', none",
    "secrets-manager, existing, '', none",
  })
  void the_template_equals_the_reviewed_one(
      String trigger, String secrets, String managementKey, String keyChanged) throws IOException {
    String actual =
        pretty(
            StackTemplate.of(
                "ROTATION_TRIGGER",
                trigger,
                "CREATE_SECRETS",
                secrets.equals("create") ? "true" : "false",
                "KMS_KEY_ARN",
                KMS_KEY,
                "ALARM_EMAIL",
                "platform@example.com",
                "MOMENTO_MANAGEMENT_KEY_SECRET",
                managementKey,
                "KEY_CHANGED_EVENTS",
                keyChanged));
    String v2 = managementKey.isEmpty() ? "" : "-v2";
    String events = keyChanged.equals("none") ? "" : "-events";
    assertReviewed(trigger + "-" + secrets + v2 + events, actual);
  }

  @Test
  void the_template_with_tokens_for_jwts_equals_the_reviewed_one() throws IOException {
    assertReviewed(
        "tokens-jwt",
        pretty(
            StackTemplate.withTokens(
                "KMS_KEY_ARN",
                KMS_KEY,
                "MOMENTO_ENDPOINT",
                "cell-4-us-west-2-1.prod.a.momentohq.com",
                "TOKENS_ALLOWED_ORIGINS",
                "https://app.example.com,http://localhost:3000",
                "TOKENS_MAX_LIFETIME_IN_MINUTES",
                "90")));
  }

  @Test
  void the_template_with_tokens_for_aws_credentials_equals_the_reviewed_one() throws IOException {
    assertReviewed(
        "tokens-iam",
        pretty(
            StackTemplate.withTokens(
                "CREATE_SECRETS",
                "false",
                "TOKENS_AUTHORIZER",
                "iam",
                "TOKENS_JWT_ISSUER",
                "",
                "TOKENS_JWT_AUDIENCE",
                "",
                "TOKENS_PER_SECOND",
                "4")));
  }

  @Test
  void the_template_under_the_rules_of_a_company_equals_the_reviewed_one() throws IOException {
    assertReviewed("rules", pretty(StackTemplate.of(StackTemplate.RULES)));
  }

  @Test
  void the_template_with_tokens_under_the_rules_of_a_company_equals_the_reviewed_one()
      throws IOException {
    Map<String, String> settings = StackTemplate.tokens("TOKENS_SECRET", "momento/orders");
    settings.putAll(StackTemplate.RULES);
    assertReviewed("rules-tokens", pretty(StackTemplate.of(settings)));
  }

  private static void assertReviewed(String name, String actual) throws IOException {
    Path reviewed = TEMPLATES.resolve(name + ".json");
    if ("replace".equals(System.getProperty("snapshots"))) {
      Files.createDirectories(TEMPLATES);
      Files.writeString(reviewed, actual);
    }

    assertThat(reviewed).content().isEqualTo(actual);
  }

  @Test
  void cfn_lint_finds_no_error_in_the_templates() throws IOException, InterruptedException {
    // W3005: the CDK repeats the function's dependency on its role.
    List<String> command =
        new ArrayList<>(
            List.of("cfn-lint", "--regions", "us-east-1", "--ignore-checks", "W3005", "--"));
    int options = command.size();
    try (var files = Files.list(TEMPLATES)) {
      files
          .map(Path::toString)
          .filter(file -> file.endsWith(".json"))
          .sorted()
          .forEach(command::add);
    }
    assertThat(command).hasSize(options + 10);
    Path output = Path.of("target", "cfn-lint.txt");
    int status = -1;
    try {
      status =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start()
              .waitFor();
    } catch (IOException e) {
      assumeTrue(false, "cfn-lint is not installed");
    }

    assertThat(Files.readString(output)).isEmpty();
    assertThat(status).isZero();
  }

  private static String pretty(StackTemplate template) throws IOException {
    ObjectMapper json = new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    return json.writer(printer).writeValueAsString(json.treeToValue(template.json(), Object.class))
        + "\n";
  }
}
