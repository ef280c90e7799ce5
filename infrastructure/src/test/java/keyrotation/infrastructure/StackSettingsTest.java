package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import keyrotation.Settings;
import keyrotation.infrastructure.SecretSource.ByArn;
import keyrotation.infrastructure.SecretSource.ByName;
import keyrotation.infrastructure.SecretSource.Created;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.StackSettings.FirstKey;
import keyrotation.infrastructure.StackSettings.Monitoring;
import keyrotation.infrastructure.StackSettings.Trigger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StackSettingsTest {

  private static final Environment UNKNOWN_TARGET =
      new Environment(Optional.empty(), Optional.empty());
  private static final Environment TARGET =
      new Environment(Optional.of("123456789012"), Optional.of("us-east-1"));

  private static final Map<String, String> FIRST_KEY =
      Map.of(
          "MOMENTO_MANAGEMENT_KEY_SECRET",
          "momento/management-key",
          "MOMENTO_ALLOWED_ROLES",
          "r-viewer,r-operator",
          "MOMENTO_FIRST_KEY_ROLE",
          "r-operator",
          "MOMENTO_ENDPOINT",
          "a.momentohq.com");

  @Test
  void have_defaults() {
    Map<String, String> environment =
        Map.of(
            "JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1",
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/authentication-token");

    assertThat(StackSettings.from(Map.of(), UNKNOWN_TARGET))
        .isEqualTo(
            new StackSettings(
                List.of(new Created("momento/authentication-token")),
                environment,
                Settings.from(environment),
                Optional.empty(),
                Trigger.EVENTBRIDGE,
                new Monitoring(Optional.empty(), Optional.empty(), false),
                Optional.empty(),
                new KeyChangedTarget.Nowhere(),
                Optional.empty()));
  }

  @Test
  void hold_the_values_that_are_set() {
    Map<String, String> environment =
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "a ,b/c_+=.@-, " + SECRET_ARN,
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento",
            "AUTO_ROTATION_IN_DAYS", "1000",
            "CHECK_INTERVAL_IN_HOURS", "24",
            "CHECK_AT", "04:30 Europe/Berlin",
            "CHECK_DAYS", "MON-FRI",
            "MOMENTO_REFRESHES_PER_SECOND", "6",
            "SECRETS_MANAGER_WRITES_PER_SECOND", "51",
            "MOMENTO_CONTROL_ENDPOINT", "control.example.com:443");
    environment = new HashMap<>(environment);
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key");
    environment.put("MOMENTO_ALLOWED_ROLES", "r-viewer");
    environment.put("MOMENTO_ENDPOINT_SUFFIXES", ".momento.example.com");
    environment.put("MOMENTO_API_ENDPOINT", "api.example.com:443");
    environment.put("REVOKE_AFTER_HOURS", "off");
    environment.put("REVOKE_OPERATOR_KEYS", "true");
    Map<String, String> values = new HashMap<>();
    environment.forEach((name, value) -> values.put(name, " " + value + " "));
    environment.put("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1");
    values.put("KMS_KEY_ARN", KMS_KEY);
    values.put("ROTATION_TRIGGER", "eventbridge");
    values.put("CREATE_SECRETS", "false");
    values.put("ALARM_EMAIL", "a.b+c@sub.example.com");
    values.put("METRICS_PER_SECRET", "false");
    values.put("KEY_CHANGED_EVENTS", "topic");
    values.put("MOMENTO_FIRST_KEY_ROLE", "r-viewer");
    values.put("MOMENTO_ENDPOINT", "cell.momento.example.com");
    // A topic and an address exclude each other; another test has the settings of tokens.
    assertThat(values.keySet())
        .containsExactlyInAnyOrderElementsOf(
            StackSettings.NAMES.stream()
                .filter(name -> !name.equals("ALARM_TOPIC_ARN"))
                .filter(name -> !TokenStackSettings.NAMES.contains(name))
                .toList());

    assertThat(StackSettings.from(values, TARGET))
        .isEqualTo(
            new StackSettings(
                List.of(
                    new ByName("a"),
                    new ByName("b/c_+=.@-"),
                    new ByArn(SECRET_ARN, "momento/other")),
                environment,
                Settings.from(environment),
                Optional.of(KMS_KEY),
                Trigger.EVENTBRIDGE,
                new Monitoring(Optional.of("a.b+c@sub.example.com"), Optional.empty(), false),
                Optional.of(new FirstKey("r-viewer", "cell.momento.example.com")),
                new KeyChangedTarget.NewTopic(),
                Optional.empty()));
  }

  @Test
  void treat_blank_as_unset() {
    Map<String, String> blank = new HashMap<>();
    StackSettings.NAMES.forEach(name -> blank.put(name, " "));

    assertThat(StackSettings.from(blank, TARGET)).isEqualTo(StackSettings.from(Map.of(), TARGET));
  }

  @Test
  void create_no_secret_whose_arn_is_set() {
    assertThat(read("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a," + SECRET_ARN, TARGET).secrets())
        .containsExactly(new Created("a"), new ByArn(SECRET_ARN, "momento/other"));
  }

  @Test
  void are_refused_where_lambda_would_refuse_their_size() {
    Map<String, String> values = new HashMap<>();
    values.put(
        "MOMENTO_AUTH_TOKEN_SECRET_NAME",
        IntStream.range(0, 6).mapToObj(n -> n + "a".repeat(510)).collect(joining(",")));
    values.put("MOMENTO_MANAGEMENT_KEY_SECRET", "c".repeat(512));
    values.put("MOMENTO_ALLOWED_ROLES", "r-" + "d".repeat(60));
    values.put("MOMENTO_ENDPOINT_SUFFIXES", ".example" + ".momento".repeat(29));
    values.put("MOMENTO_CONTROL_ENDPOINT", "h" + ".momento".repeat(29) + ":443");

    assertThatThrownBy(() -> StackSettings.from(values, TARGET))
        .hasMessageContaining("but must be at most 4096");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      textBlock =
          """
          MOMENTO_AUTH_TOKEN_SECRET_NAME,    arn:aws:secretsmanager:us-east-1:210987654321:secret:momento-a1B2c3
          MOMENTO_MANAGEMENT_KEY_SECRET,     arn:aws:secretsmanager:us-east-1:210987654321:secret:momento-a1B2c3
          MOMENTO_AUTH_TOKEN_SECRET_NAME,    arn:aws:secretsmanager:eu-west-1:123456789012:secret:momento-a1B2c3
          KMS_KEY_ARN,                       alias/momento
          KMS_KEY_ARN,                       arn:aws:kms:us-east-1:123456789012:alias/momento
          KMS_KEY_ARN,                       arn:aws:kms:us-east-1:123456789012:key/*
          KMS_KEY_ARN,                       arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab
          KMS_KEY_ARN,                       arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
          KMS_KEY_ARN,                       arn:aws:s3:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
          ROTATION_TRIGGER,                  cron
          ROTATION_TRIGGER,                  EventBridge
          CREATE_SECRETS,                    both
          ALARM_EMAIL,                       platform
          ALARM_EMAIL,                       platform@example
          ALARM_EMAIL,                       a@example.com b@example.com
          ALARM_TOPIC_ARN,                   platform-alarms
          ALARM_TOPIC_ARN,                   arn:aws:sqs:us-east-1:123456789012:platform-alarms
          ALARM_TOPIC_ARN,                   arn:aws:sns:eu-west-1:123456789012:platform-alarms
          ALARM_TOPIC_ARN,                   arn:aws:sns:us-east-1:123456789012:platform:alarms
          METRICS_PER_SECRET,                yes
          KEY_CHANGED_EVENTS,                true
          KEY_CHANGED_EVENTS,                arn:aws:sns:us-east-1:123456789012:event-bus/consumers
          KEY_CHANGED_EVENTS,                arn:aws:events:us-east-1:123456789012:rule/consumers
          KEY_CHANGED_EVENTS,                arn:aws:events:us-east-1:123456789012:event-bus/
          KEY_CHANGED_EVENTS,                arn:aws:events:us-east-1:123456789012:event-bus/default
          """)
  void report_an_invalid_value_with_the_rule_and_an_example(String name, String value) {
    assertThatThrownBy(() -> read(name, value, TARGET))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name + " is \"" + value + "\", but must be ")
        .message()
        .containsPattern(", such as \\S.*\\.$")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eyJhbGciOiJI",
        "momento/eyJhbGciOiJI",
        "a,arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/eyJhbGciOiJI-a1B2c3"
      })
  void show_no_key_that_was_set_as_a_name(String names) {
    assertThatThrownBy(() -> read("MOMENTO_AUTH_TOKEN_SECRET_NAME", names, TARGET))
        .hasMessageStartingWith("MOMENTO_AUTH_TOKEN_SECRET_NAME is not shown")
        .message()
        .doesNotContain("hbGci");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "momento/keyJuggler",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/a-eyJ2c3"
      })
  void accept_a_name_that_contains_the_prefix_of_keys(String name) {
    assertThat(read("MOMENTO_AUTH_TOKEN_SECRET_NAME", name, TARGET).secrets()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "KMS_KEY_ARN",
        "ROTATION_TRIGGER",
        "CREATE_SECRETS",
        "ALARM_EMAIL",
        "MOMENTO_FIRST_KEY_ROLE"
      })
  void show_no_key_that_was_set_as_another_setting(String name) {
    assertThatThrownBy(() -> read(name, "eyJhbGciOiJI", TARGET))
        .hasMessageStartingWith(name + " is not shown, as it seems to hold a key, but must be ")
        .message()
        .doesNotContain("hbGci");
  }

  @Test
  void show_no_key_that_was_set_as_the_endpoint() {
    assertMistakes(
        FIRST_KEY,
        Map.of("MOMENTO_ENDPOINT", "eyJhbGciOiJI"),
        "MOMENTO_ENDPOINT is not shown, as it seems to hold a key, but must be a host name alone"
            + " that ends in .momentohq.com or in a suffix of MOMENTO_ENDPOINT_SUFFIXES, such as"
            + " cell-4-us-west-2-1.prod.a.momentohq.com.");
  }

  @Test
  void show_no_key_in_a_setting_that_conflicts_with_others() {
    assertThatThrownBy(
            () ->
                StackSettings.from(
                    Map.of(
                        "ROTATION_TRIGGER",
                        "secrets-manager",
                        "MOMENTO_AUTH_TOKEN_SECRET_TAG",
                        "eyJhbGciOiJI=momento",
                        "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:eyJhbGciOiJI-a1B2c3"),
                    TARGET))
        .hasMessageContaining("MOMENTO_AUTH_TOKEN_SECRET_TAG is not shown")
        .hasMessageContaining("MOMENTO_AUTH_TOKEN_SECRET_NAME is not shown")
        .message()
        .doesNotContain("hbGci");
  }

  @Test
  void reject_more_names_than_the_functions_environment_can_hold() {
    String names =
        IntStream.range(0, 200)
            .mapToObj("momento/number/%d"::formatted)
            .collect(Collectors.joining(","));

    assertThatThrownBy(() -> read("MOMENTO_AUTH_TOKEN_SECRET_NAME", names, TARGET))
        .hasMessageStartingWith(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME is 3689 characters long, but must be at most 3400,"
                + " because")
        .hasMessageContaining("MOMENTO_AUTH_TOKEN_SECRET_TAG");
  }

  @Test
  void name_no_secret_if_only_a_tag_is_set() {
    assertThat(read("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento", TARGET).secrets()).isEmpty();
  }

  @Test
  void report_all_mistakes_at_once() {
    Map<String, String> values = new HashMap<>();
    StackSettings.NAMES.forEach(name -> values.put(name, "*"));

    assertThatThrownBy(() -> StackSettings.from(values, TARGET))
        .message()
        .hasLineCount(StackSettings.NAMES.size())
        .contains(StackSettings.NAMES);
  }

  @Test
  void require_all_arns_in_one_account_if_the_target_is_unknown() {
    assertThat(read("KMS_KEY_ARN", KMS_KEY, UNKNOWN_TARGET).kmsKeyArn()).contains(KMS_KEY);
    assertThatThrownBy(
            () ->
                StackSettings.from(
                    Map.of(
                        "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                        SECRET_ARN.replace("123456789012", "210987654321"),
                        "KMS_KEY_ARN",
                        KMS_KEY),
                    UNKNOWN_TARGET))
        .hasMessageContaining(
            "KMS_KEY_ARN is \"%s\", but must be the ARN of a KMS key (not of an alias) in the"
                    .formatted(KMS_KEY)
                + " account 210987654321 and the region us-east-1, such as"
                + " arn:aws:kms:us-east-1:210987654321:key/");
  }

  @Test
  void reject_a_tag_if_secrets_manager_rotates() {
    assertThatThrownBy(
            () ->
                StackSettings.from(
                    Map.of(
                        "ROTATION_TRIGGER",
                        "secrets-manager",
                        "MOMENTO_AUTH_TOKEN_SECRET_TAG",
                        "rotate=momento"),
                    UNKNOWN_TARGET))
        .hasMessage(
            "MOMENTO_AUTH_TOKEN_SECRET_TAG is \"rotate=momento\", but must not be set, because"
                + " ROTATION_TRIGGER is secrets-manager, which rotates only secrets that are named."
                + " Name them in MOMENTO_AUTH_TOKEN_SECRET_NAME, such as"
                + " momento/authentication-token, or set ROTATION_TRIGGER=eventbridge.");
  }

  @Test
  void accept_a_topic_of_another_account_and_no_address_beside_it() {
    String topic = "arn:aws:sns:us-east-1:210987654321:platform-alarms";
    assertThat(read("ALARM_TOPIC_ARN", topic, TARGET).monitoring().topicArn()).contains(topic);

    assertMistakes(
        Map.of("ALARM_TOPIC_ARN", topic),
        Map.of("ALARM_EMAIL", "platform@example.com"),
        "ALARM_EMAIL is \"platform@example.com\", but must not be set, because ALARM_TOPIC_ARN is"
            + " set. Subscribe the address to that topic.");
  }

  @Test
  void reject_metrics_of_more_than_200_secrets_or_of_an_unknown_number() {
    Map<String, String> perSecret = Map.of("METRICS_PER_SECRET", "true");
    String names = IntStream.rangeClosed(1, 200).mapToObj(i -> "s" + i).collect(joining(","));
    assertThat(
            StackSettings.from(
                    Map.of("METRICS_PER_SECRET", "true", "MOMENTO_AUTH_TOKEN_SECRET_NAME", names),
                    TARGET)
                .monitoring()
                .perSecret())
        .isTrue();

    assertMistakes(
        perSecret,
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", names + ",s201"),
        "METRICS_PER_SECRET is \"true\", but must be false with more than 200 secrets; there are"
            + " 201.");
    assertMistakes(
        perSecret,
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"),
        "METRICS_PER_SECRET is \"true\", but must be false, because"
            + " MOMENTO_AUTH_TOKEN_SECRET_TAG may find any number of secrets.");
  }

  @Test
  void require_an_allowed_role_and_an_allowed_endpoint_for_first_keys() {
    assertMistakes(
        FIRST_KEY,
        Map.of("MOMENTO_FIRST_KEY_ROLE", "r-owner"),
        "MOMENTO_FIRST_KEY_ROLE is \"r-owner\", but must be a role that MOMENTO_ALLOWED_ROLES"
            + " lists, such as r-viewer.");
    for (String endpoint : List.of("cell.example.com", "https://a.momentohq.com", "10.0.0.1")) {
      assertMistakes(
          FIRST_KEY,
          Map.of("MOMENTO_ENDPOINT", endpoint),
          "MOMENTO_ENDPOINT is \"%s\", but must be a host name alone that ends in"
                  .formatted(endpoint)
              + " .momentohq.com or in a suffix of MOMENTO_ENDPOINT_SUFFIXES, such as"
              + " cell-4-us-west-2-1.prod.a.momentohq.com.");
    }
  }

  @Test
  void require_the_settings_of_first_keys_together() {
    assertMistakes(
        FIRST_KEY,
        Map.of("MOMENTO_ENDPOINT", "", "MOMENTO_MANAGEMENT_KEY_SECRET", ""),
        "MOMENTO_ENDPOINT is not set, but must be a host name alone that ends in .momentohq.com or"
            + " in a suffix of MOMENTO_ENDPOINT_SUFFIXES, because MOMENTO_FIRST_KEY_ROLE is set,"
            + " such as cell-4-us-west-2-1.prod.a.momentohq.com.\n"
            + "MOMENTO_MANAGEMENT_KEY_SECRET is not set, but must be the name or ARN of one secret,"
            + " because MOMENTO_FIRST_KEY_ROLE is set, such as momento/management-key.");
  }

  @Test
  void have_no_first_key_if_only_an_applications_endpoint_is_set() {
    assertThat(StackSettings.from(Map.of("MOMENTO_ENDPOINT", "not a host"), TARGET).firstKey())
        .isEmpty();
  }

  private static void assertMistakes(
      Map<String, String> valid, Map<String, String> changed, String message) {
    Map<String, String> values = new HashMap<>(valid);
    values.putAll(changed);
    assertThatThrownBy(() -> StackSettings.from(values, TARGET)).hasMessage(message);
  }

  private static StackSettings read(String name, String value, Environment target) {
    return StackSettings.from(Map.of(name, value), target);
  }
}
