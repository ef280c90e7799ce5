package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import keyrotation.infrastructure.SecretSource.ByArn;
import keyrotation.infrastructure.SecretSource.ByName;
import keyrotation.infrastructure.SecretSource.Created;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.TokenStackSettings.Callers;
import keyrotation.tokens.TokenSettings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenStackSettingsTest {

  private static final Environment TARGET =
      new Environment(Optional.of("123456789012"), Optional.of("us-east-1"));

  @SuppressWarnings("unused") // A test's parameters.
  private static final List<String> DETAILS = TokenStackSettings.DETAILS;

  @TempDir private Path directory;

  @Test
  void have_defaults() throws IOException {
    Map<String, String> environment =
        Map.of("TOKENS_SECRET", "momento/authentication-token", "TOKENS_AUTHORIZER", "jwt");

    assertThat(tokens())
        .isEqualTo(
            new TokenStackSettings(
                environment,
                TokenSettings.from(environment),
                new Created("momento/authentication-token"),
                Files.readString(Path.of("src/test/resources/policy.json")),
                new Callers.WithJwt("https://login.example.com", List.of("my-application")),
                List.of()));
    assertThat(tokens().function().tokensPerSecond()).isEqualTo(3);
    assertThat(tokens().function().maxLifetime()).hasMinutes(60);
  }

  @Test
  void hold_the_values_that_are_set() throws IOException {
    Path policy = policy("{\"rules\": []}");
    Map<String, String> environment =
        Map.of(
            "TOKENS_SECRET", "momento/another",
            "TOKENS_AUTHORIZER", "jwt",
            "TOKENS_PER_SECOND", "10000",
            "TOKENS_MAX_LIFETIME_IN_MINUTES", "1500",
            "MOMENTO_ENDPOINT", "a.momentohq.com");
    Map<String, String> values = new TreeMap<>();
    environment.forEach((name, value) -> values.put(name, " " + value + " "));
    values.put("TOKENS", " on ");
    values.put("TOKENS_POLICY", " " + policy + " ");
    values.put("TOKENS_JWT_ISSUER", "https://login.example.com:8443/us-east-1_Abc/");
    values.put("TOKENS_JWT_AUDIENCE", "a , https://api.example.com/");
    values.put(
        "TOKENS_ALLOWED_ORIGINS",
        "https://app.example.com, https://b:8443,http://localhost,http://localhost:3000");
    assertThat(values.keySet()).containsAll(TokenStackSettings.NAMES);

    assertThat(StackSettings.from(values, TARGET).tokens())
        .contains(
            new TokenStackSettings(
                environment,
                TokenSettings.from(environment),
                new ByName("momento/another"),
                "{\"rules\": []}",
                new Callers.WithJwt(
                    "https://login.example.com:8443/us-east-1_Abc/",
                    List.of("a", "https://api.example.com/")),
                List.of(
                    "https://app.example.com",
                    "https://b:8443",
                    "http://localhost",
                    "http://localhost:3000")));
  }

  @Test
  void let_callers_with_aws_credentials_in() {
    TokenStackSettings iam =
        tokens("TOKENS_AUTHORIZER", "iam", "TOKENS_JWT_ISSUER", "", "TOKENS_JWT_AUDIENCE", "");

    assertThat(iam.callers()).isEqualTo(new Callers.WithAwsCredentials());
    assertThat(iam.environment()).containsEntry("TOKENS_AUTHORIZER", "iam");
  }

  @Test
  void have_no_tokens_unless_they_are_switched_on() {
    assertThat(StackSettings.from(Map.of(), TARGET).tokens()).isEmpty();
    assertThat(StackSettings.from(Map.of("TOKENS", "off"), TARGET))
        .isEqualTo(StackSettings.from(Map.of(), TARGET));
  }

  @ParameterizedTest
  @FieldSource("DETAILS")
  void refuse_a_setting_that_has_no_effect_while_tokens_are_off(String name) {
    for (String off : List.of("", "off")) {
      assertThatThrownBy(() -> StackSettings.from(Map.of("TOKENS", off, name, "any value"), TARGET))
          .hasMessage(name + " is \"any value\", but must not be set, because TOKENS is off.");
    }
  }

  @Test
  void leave_two_of_momentos_five_calls_a_second_to_rotations() {
    assertThat(StackSettings.from(StackTemplate.TOKENS, TARGET).function().refreshesPerSecond())
        .isEqualTo(2);
    assertThat(
            StackSettings.from(StackTemplate.tokens("MOMENTO_REFRESHES_PER_SECOND", "100"), TARGET)
                .function()
                .refreshesPerSecond())
        .isEqualTo(100);
    assertThat(StackSettings.from(Map.of(), TARGET).function().refreshesPerSecond()).isEqualTo(5);
  }

  @Test
  void refuse_tokens_without_a_policy() {
    assertMistakes(
        "TOKENS_POLICY is not set, but must be the path of a policy file that can be read, because"
            + " TOKENS is \"on\", such as policy.json.",
        "TOKENS_POLICY",
        "");
  }

  @Test
  void refuse_a_policy_file_that_cannot_be_read() throws IOException {
    Path bytes = directory.resolve("bytes");
    Files.write(bytes, new byte[] {(byte) 0xff});

    for (String path : List.of("missing.json", directory.toString(), bytes.toString(), "a\0b")) {
      assertMistakes(
          "TOKENS_POLICY is \"%s\", but must be the path of a policy file that can be read, such as policy.json."
              .formatted(path),
          "TOKENS_POLICY",
          path);
    }
  }

  @Test
  void report_each_mistake_of_the_policy() throws IOException {
    Path policy =
        policy(
            """
            {"rules": [{"name": "a b", "claims": {}, "lifetimeSeconds": 61, "permissions": [
              {"access": "read-only", "cache": "{sub}", "keys": "all"}]}]}
            """);

    assertMistakes(
        """
        The file of TOKENS_POLICY, "%1$s": rules[0].name must be 1 to 64 characters of A-Z a-z 0-9 _ -.
        The file of TOKENS_POLICY, "%1$s": rules[0].lifetimeSeconds must be a whole number from 1 to 60.\
        """
            .formatted(policy),
        "TOKENS_POLICY",
        policy.toString(),
        "TOKENS_MAX_LIFETIME_IN_MINUTES",
        "1");
  }

  @Test
  void refuse_a_policy_that_needs_claims_which_the_callers_do_not_have() throws IOException {
    Path policy =
        policy(
            """
            {"rules": [{"name": "own", "claims": {}, "lifetimeSeconds": 60, "permissions": [
              {"access": "read-only", "cache": "{sub}", "keys": "all"}]}]}
            """);
    String[] jwt = {"TOKENS_POLICY", policy.toString()};
    String[] iam = {
      "TOKENS_POLICY", policy.toString(),
      "TOKENS_AUTHORIZER", "iam",
      "TOKENS_JWT_ISSUER", "",
      "TOKENS_JWT_AUDIENCE", ""
    };

    assertThat(tokens(jwt).policy()).contains("{sub}");
    assertThatThrownBy(() -> tokens(iam))
        .hasMessageContaining("rules[0].permissions[0].cache must name account, role or user");
  }

  @Test
  void use_the_one_named_secret_that_does_not_hold_the_management_key() {
    assertThat(
            tokens(
                    "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                    "momento/managing," + SECRET_ARN,
                    "MOMENTO_MANAGEMENT_KEY_SECRET",
                    "momento/managing")
                .secret())
        .isEqualTo(new ByArn(SECRET_ARN, "momento/other"));
  }

  @ParameterizedTest
  @CsvSource({
    "'a,b', '', '', 2",
    "'', rotate=momento, '', 0",
    "momento/managing, '', momento/managing, 0",
    "'momento/other,a,b', '', " + SECRET_ARN + ", 2",
  })
  void require_a_secret_if_there_is_not_exactly_one_that_it_could_be(
      String names, String tag, String managing, int candidates) {
    assertMistakes(
        "TOKENS_SECRET is not set, but must be the name or ARN of one secret, other than that of"
            + " MOMENTO_MANAGEMENT_KEY_SECRET, because TOKENS is \"on\", and"
            + " MOMENTO_AUTH_TOKEN_SECRET_NAME names %d secrets that it could be, such as"
                .formatted(candidates)
            + " momento/authentication-token.",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME",
        names,
        "MOMENTO_AUTH_TOKEN_SECRET_TAG",
        tag,
        "MOMENTO_MANAGEMENT_KEY_SECRET",
        managing);
  }

  @ParameterizedTest
  @CsvSource({
    "momento/managing, momento/managing",
    "momento/other, " + SECRET_ARN,
    SECRET_ARN + ", momento/other",
  })
  void refuse_the_secret_of_the_management_key_however_it_is_identified(
      String secret, String managing) {
    assertMistakes(
        "TOKENS_SECRET is \"%s\", but must be the name or ARN of one secret, other than that of"
                .formatted(secret)
            + " MOMENTO_MANAGEMENT_KEY_SECRET, such as momento/authentication-token.",
        "TOKENS_SECRET",
        secret,
        "MOMENTO_MANAGEMENT_KEY_SECRET",
        managing);
  }

  @Test
  void know_a_rotated_secret_however_it_is_identified() {
    assertThat(
            tokens(
                    "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                    "a," + SECRET_ARN,
                    "TOKENS_SECRET",
                    "momento/other")
                .secret())
        .isEqualTo(new ByArn(SECRET_ARN, "momento/other"));
    TokenStackSettings byArn =
        tokens("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a,momento/other", "TOKENS_SECRET", SECRET_ARN);
    assertThat(byArn.secret()).isEqualTo(new Created("momento/other"));
    assertThat(byArn.environment()).containsEntry("TOKENS_SECRET", "momento/other");
  }

  @Test
  void require_a_jwts_issuer_and_audience() {
    assertMistakes(
        "TOKENS_JWT_ISSUER is not set, but must be an https URL without a query, as the claim iss"
            + " of the JWTs has it, because TOKENS_AUTHORIZER is jwt, such as"
            + " https://login.example.com.\n"
            + "TOKENS_JWT_AUDIENCE is not set, but must be one or several audiences without spaces"
            + " and stars, separated by commas, because TOKENS_AUTHORIZER is jwt, such as"
            + " my-application.",
        "TOKENS_JWT_ISSUER",
        "",
        "TOKENS_JWT_AUDIENCE",
        "");
  }

  @Test
  void refuse_a_jwts_issuer_and_audience_beside_aws_credentials() {
    assertMistakes(
        "TOKENS_JWT_ISSUER is \"https://login.example.com\", but must not be set, because"
            + " TOKENS_AUTHORIZER is iam.\n"
            + "TOKENS_JWT_AUDIENCE is \"my-application\", but must not be set, because"
            + " TOKENS_AUTHORIZER is iam.",
        "TOKENS_AUTHORIZER",
        "iam");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      textBlock =
          """
          TOKENS;                         true
          TOKENS;                         ON
          TOKENS_SECRET;                  a,b
          TOKENS_SECRET;                  momento/*
          TOKENS_SECRET;                  arn:aws:ssm:us-east-1:123456789012:parameter/momento
          TOKENS_SECRET;                  arn:aws:secretsmanager:us-east-1:210987654321:secret:momento-a1B2c3
          TOKENS_SECRET;                  arn:aws:secretsmanager:eu-west-1:123456789012:secret:momento-a1B2c3
          TOKENS_AUTHORIZER;              none
          TOKENS_AUTHORIZER;              JWT
          TOKENS_JWT_ISSUER;              login.example.com
          TOKENS_JWT_ISSUER;              http://login.example.com
          TOKENS_JWT_ISSUER;              https://
          TOKENS_JWT_ISSUER;              https://login.example.com/?a=b
          TOKENS_JWT_ISSUER;              https://login.example.com/#a
          TOKENS_JWT_ISSUER;              https://me@login.example.com
          TOKENS_JWT_ISSUER;              https://login example.com
          TOKENS_JWT_AUDIENCE;            *
          TOKENS_JWT_AUDIENCE;            a,,b
          TOKENS_JWT_AUDIENCE;            a b
          TOKENS_ALLOWED_ORIGINS;         *
          TOKENS_ALLOWED_ORIGINS;         https://*.example.com
          TOKENS_ALLOWED_ORIGINS;         http://app.example.com
          TOKENS_ALLOWED_ORIGINS;         https://app.example.com/
          TOKENS_ALLOWED_ORIGINS;         https://App.example.com
          TOKENS_ALLOWED_ORIGINS;         https://app.example.com,
          TOKENS_ALLOWED_ORIGINS;         http://localhost.example.com
          TOKENS_ALLOWED_ORIGINS;         null
          TOKENS_PER_SECOND;              0
          TOKENS_PER_SECOND;              10001
          TOKENS_PER_SECOND;              1.5
          TOKENS_MAX_LIFETIME_IN_MINUTES; 0
          TOKENS_MAX_LIFETIME_IN_MINUTES; 1501
          MOMENTO_ENDPOINT;               https://a.momentohq.com
          MOMENTO_ENDPOINT;               a.example.com
          """)
  void report_an_invalid_value_with_the_rule_and_an_example(String name, String value) {
    assertThatThrownBy(() -> tokens(name, value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name + " is \"" + value + "\", but must be ")
        .message()
        .containsPattern(", such as \\S.*\\.$")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "TOKENS",
        "TOKENS_POLICY",
        "TOKENS_SECRET",
        "TOKENS_AUTHORIZER",
        "TOKENS_JWT_ISSUER",
        "TOKENS_ALLOWED_ORIGINS",
        "TOKENS_PER_SECOND",
        "TOKENS_MAX_LIFETIME_IN_MINUTES"
      })
  void show_no_key_that_was_set_by_mistake(String name) {
    assertThatThrownBy(() -> tokens(name, "eyJhbGciOiJI"))
        .hasMessageStartingWith(name + " is not shown, as it seems to hold a key, but must be ")
        .message()
        .doesNotContain("hbGci");
  }

  @Test
  void report_an_invalid_endpoint_once() {
    assertMistakes(
        "MOMENTO_ENDPOINT is \"a.example.com\", but must be a host name alone that ends in"
            + " .momentohq.com or in a suffix of MOMENTO_ENDPOINT_SUFFIXES, such as"
            + " cell-4-us-west-2-1.prod.a.momentohq.com.",
        "MOMENTO_ENDPOINT",
        "a.example.com",
        "MOMENTO_MANAGEMENT_KEY_SECRET",
        "momento/managing",
        "MOMENTO_ALLOWED_ROLES",
        "r-viewer",
        "MOMENTO_FIRST_KEY_ROLE",
        "r-viewer");
  }

  private Path policy(String json) throws IOException {
    return Files.writeString(directory.resolve("policy.json"), json);
  }

  private static TokenStackSettings tokens(String... settings) {
    return StackSettings.from(StackTemplate.tokens(settings), TARGET).tokens().orElseThrow();
  }

  private static void assertMistakes(String message, String... settings) {
    assertThatThrownBy(() -> tokens(settings)).hasMessage(message);
  }
}
