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
import keyrotation.infrastructure.Hosting.Logs;
import keyrotation.infrastructure.Hosting.Network;
import keyrotation.infrastructure.Hosting.Size;
import keyrotation.infrastructure.SecretSource.ByArn;
import keyrotation.infrastructure.SecretSource.ByName;
import keyrotation.infrastructure.SecretSource.Created;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.StackSettings.FirstKey;
import keyrotation.infrastructure.StackSettings.Monitoring;
import keyrotation.infrastructure.StackSettings.Replica;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awscdk.services.lambda.Architecture;

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
                Optional.empty(),
                List.of(new Created("momento/authentication-token")),
                environment,
                Settings.from(environment),
                List.of(),
                List.of(),
                RotationTrigger.EVENTBRIDGE,
                new Monitoring(Optional.empty(), Optional.empty(), false),
                Optional.empty(),
                new KeyChangedTarget.Nowhere(),
                Optional.empty(),
                new Hosting(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Map.of(),
                    Optional.empty(),
                    new Logs(90, false),
                    new Size(1024, 300),
                    Architecture.ARM_64,
                    true)));
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
    environment.put(
        "JAVA_TOOL_OPTIONS",
        "-XX:TieredStopAtLevel=1 -Dhttps.proxyHost=proxy.example.com -Dhttps.proxyPort=3128"
            + " -Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.amazonaws.com|momento.example.com");
    values.put(
        "KMS_KEY_ARN", KMS_KEY + " , " + KMS_KEY.replace(":123456789012:", ":210987654321:"));
    values.put("ROTATION_TRIGGER", "eventbridge");
    values.put("CREATE_SECRETS", "b/c_+=.@-");
    values.put("REPLICA_REGIONS", "eu-west-1 , us-west-2=" + KMS_KEY.replace("east-1", "west-2"));
    values.put("STACK_SUFFIX", "orders-2");
    values.put("SUBNET_IDS", "subnet-0123456789abcdef0, subnet-01234567");
    values.put("SECURITY_GROUP_IDS", "sg-0123456789abcdef0");
    values.put("OUTBOUND_PROXY", "proxy.example.com:3128");
    values.put("OUTBOUND_PROXY_EXCEPT", "*.amazonaws.com, momento.example.com");
    values.put("PERMISSIONS_BOUNDARY_ARN", "arn:aws:iam::123456789012:policy/boundary");
    values.put("ROLE_PATH", "/platform/keys/");
    values.put("STACK_TAGS", "team=platform, cost center=12:34");
    values.put("STACK_KMS_KEY_ARN", KMS_KEY);
    values.put("LOG_RETENTION_IN_DAYS", "3653");
    values.put("LOG_REMOVAL", "keep");
    values.put("MEMORY_IN_MEGABYTES", "10240");
    values.put("TIMEOUT_IN_SECONDS", "900");
    values.put("ARCHITECTURE", "x86_64");
    values.put("SNAP_START", "off");
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
                Optional.of("orders-2"),
                List.of(
                    new ByName("a"),
                    new Created("b/c_+=.@-"),
                    new ByArn(SECRET_ARN, "momento/other")),
                environment,
                Settings.from(environment),
                List.of(KMS_KEY, KMS_KEY.replace(":123456789012:", ":210987654321:")),
                List.of(
                    new Replica("eu-west-1", Optional.empty()),
                    new Replica("us-west-2", Optional.of(KMS_KEY.replace("east-1", "west-2")))),
                RotationTrigger.EVENTBRIDGE,
                new Monitoring(Optional.of("a.b+c@sub.example.com"), Optional.empty(), false),
                Optional.of(new FirstKey("r-viewer", "cell.momento.example.com")),
                new KeyChangedTarget.NewTopic(),
                Optional.empty(),
                new Hosting(
                    Optional.of(
                        new Network(
                            List.of("subnet-0123456789abcdef0", "subnet-01234567"),
                            List.of("sg-0123456789abcdef0"))),
                    Optional.of("arn:aws:iam::123456789012:policy/boundary"),
                    Optional.of("/platform/keys/"),
                    Map.of("team", "platform", "cost center", "12:34"),
                    Optional.of(KMS_KEY),
                    new Logs(3653, true),
                    new Size(10_240, 900),
                    Architecture.X86_64,
                    false)));
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
          MOMENTO_MANAGEMENT_KEY_SECRET,     arn:aws:secretsmanager:us-east-1:210987654321:secret:momento-a1B2c3
          MOMENTO_AUTH_TOKEN_SECRET_NAME,    arn:aws:secretsmanager:eu-west-1:123456789012:secret:momento-a1B2c3
          KMS_KEY_ARN,                       alias/momento
          KMS_KEY_ARN,                       arn:aws:kms:us-east-1:123456789012:alias/momento
          KMS_KEY_ARN,                       arn:aws:kms:us-east-1:123456789012:key/*
          STACK_KMS_KEY_ARN,                 arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
          REPLICA_REGIONS,                   us-east-1
          REPLICA_REGIONS,                   `eu-west-1,eu-west-1`
          REPLICA_REGIONS,                   Ireland
          REPLICA_REGIONS,                   eu-west-1=arn:aws:kms:eu-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
          OUTBOUND_PROXY,                    proxy.example.com
          OUTBOUND_PROXY,                    http://proxy.example.com:3128
          OUTBOUND_PROXY,                    proxy.example.com:65536
          PERMISSIONS_BOUNDARY_ARN,          boundary
          PERMISSIONS_BOUNDARY_ARN,          arn:aws:iam::123456789012:role/boundary
          ROLE_PATH,                         platform
          ROLE_PATH,                         /platform
          STACK_TAGS,                        team
          STACK_TAGS,                        `team=a,team=b`
          STACK_TAGS,                        aws:team=a
          LOG_RETENTION_IN_DAYS,             2
          LOG_RETENTION_IN_DAYS,             forever
          LOG_REMOVAL,                       retain
          MEMORY_IN_MEGABYTES,               255
          MEMORY_IN_MEGABYTES,               10241
          TIMEOUT_IN_SECONDS,                59
          TIMEOUT_IN_SECONDS,                901
          ARCHITECTURE,                      arm
          SNAP_START,                        true
          KMS_KEY_ARN,                       `arn:aws:kms:us-east-1:123456789012:alias/momento,`
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
  void accept_secrets_and_kms_keys_of_other_accounts_in_the_region() {
    String secret = SECRET_ARN.replace("123456789012", "210987654321");
    StackSettings settings =
        StackSettings.from(
            Map.of(
                "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                secret,
                "KMS_KEY_ARN",
                KMS_KEY.replace("123456789012", "210987654321")),
            TARGET);

    assertThat(settings.secrets()).containsExactly(new ByArn(secret, "momento/other"));
    assertMistakes(
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", secret),
        Map.of("KMS_KEY_ARN", KMS_KEY.replace("us-east-1", "eu-west-1")),
        "KMS_KEY_ARN is \"%s\", but must be ARNs of KMS keys (not of aliases) in the region"
                .formatted(KMS_KEY.replace("us-east-1", "eu-west-1"))
            + " us-east-1, separated by commas, such as"
            + " arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          SECURITY_GROUP_IDS;    sg-01234567; must not be set, because SUBNET_IDS is not set
          OUTBOUND_PROXY_EXCEPT; example.com; must not be set, because OUTBOUND_PROXY is not set
          """)
  void refuse_a_part_without_the_whole(String name, String value, String reason) {
    assertThatThrownBy(() -> read(name, value, TARGET))
        .hasMessage(name + " is \"" + value + "\", but " + reason + ".");
  }

  @Test
  void require_security_groups_with_subnets() {
    assertThatThrownBy(() -> read("SUBNET_IDS", "subnet-01234567", TARGET))
        .hasMessage(
            "SECURITY_GROUP_IDS is not set, but must be ids of security groups of the same VPC,"
                + " separated by commas, because SUBNET_IDS is set, such as sg-0123456789abcdef0.");
  }

  @Test
  void require_ids_of_subnets_and_security_groups() {
    assertMistakes(
        Map.of("SECURITY_GROUP_IDS", "default"),
        Map.of("SUBNET_IDS", "vpc-01234567"),
        "SUBNET_IDS is \"vpc-01234567\", but must be ids of subnets of one VPC, separated by"
            + " commas, such as subnet-0123456789abcdef0.\n"
            + "SECURITY_GROUP_IDS is \"default\", but must be ids of security groups of the same"
            + " VPC, separated by commas, such as sg-0123456789abcdef0.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Orders", "-orders", "orders-", "has-17-characters"})
  void refuse_a_suffix_that_is_no_end_of_a_name(String suffix) {
    assertMistakes(
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/orders"),
        Map.of("STACK_SUFFIX", suffix),
        "STACK_SUFFIX is \"%s\", but must be lower-case letters, digits and hyphens, 16 at most,"
                .formatted(suffix)
            + " with no hyphen at an end, such as orders.");
  }

  @Test
  void require_secrets_of_its_own_for_a_stack_with_a_suffix() {
    assertThatThrownBy(() -> read("STACK_SUFFIX", "orders", TARGET))
        .hasMessage(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME is not set, but must be names or ARNs of secrets that"
                + " no other stack rotates, because STACK_SUFFIX is set, such as momento/orders.");
  }

  @Test
  void refuse_replicas_if_the_stack_creates_no_secret() {
    assertMistakes(
        Map.of("CREATE_SECRETS", "false"),
        Map.of("REPLICA_REGIONS", "eu-west-1"),
        "REPLICA_REGIONS is \"eu-west-1\", but must not be set, because the stack creates no"
            + " secret.");
  }

  @ParameterizedTest
  @CsvSource({"ROTATION_TRIGGER, secrets-manager", "KEY_CHANGED_EVENTS, topic"})
  void reject_secrets_of_another_account_where_only_this_account_can_serve_them(
      String setting, String value) {
    String secret = SECRET_ARN.replace("123456789012", "210987654321");

    assertMistakes(
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", secret),
        Map.of(setting, value),
        "MOMENTO_AUTH_TOKEN_SECRET_NAME is \"%s\", but must be the ARN of a secret in the account"
                .formatted(secret)
            + " 123456789012 and the region us-east-1, such as"
            + " arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/authentication-token-a1B2c3.");
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
  void reject_more_names_than_the_functions_role_can_hold() {
    String names = IntStream.range(100, 220).mapToObj("s%d"::formatted).collect(joining(","));

    assertThatThrownBy(() -> read("MOMENTO_AUTH_TOKEN_SECRET_NAME", names, TARGET))
        .hasMessageStartingWith(
            "The ARNs of the secrets in MOMENTO_AUTH_TOKEN_SECRET_NAME are 8520 characters long in"
                + " the function's role, but must be at most 8200, because IAM")
        .hasMessageContaining("MOMENTO_AUTH_TOKEN_SECRET_TAG");
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.5:3128, 10.0.0.9",
    "proxy.example.com:3128, 10.*",
    "proxy:80, *.example.com",
  })
  void accept_a_proxy_and_its_exceptions_by_name_and_by_address(String proxy, String except) {
    StackSettings settings =
        StackSettings.from(
            Map.of("OUTBOUND_PROXY", proxy, "OUTBOUND_PROXY_EXCEPT", except), TARGET);

    assertThat(settings.environment().get("JAVA_TOOL_OPTIONS"))
        .endsWith(
            " -Dhttps.proxyHost=%s -Dhttps.proxyPort=%s -Dhttp.nonProxyHosts=localhost|127.*|[::1]|%s"
                .formatted(proxy.split(":", -1)[0], proxy.split(":", -1)[1], except));
  }

  /** The largest policy that the settings allow, with all other statements in it. */
  @Test
  void accept_no_more_names_than_iam_allows() {
    String names = IntStream.range(0, 115).mapToObj("s%03d"::formatted).collect(joining(","));
    Map<String, String> settings = new HashMap<>(StackTemplate.RULES);
    settings.put("MOMENTO_AUTH_TOKEN_SECRET_NAME", names);
    settings.put("CREATE_SECRETS", "false");
    settings.remove("REPLICA_REGIONS");
    settings.put("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key");

    StackTemplate template = StackTemplate.of(settings);
    String policy =
        CloudFormation.evaluate(template.withoutBootstrap(), "orders", Map.of())
            .resources()
            .path(template.id("AWS::IAM::Role", "Rotation"))
            .at("/Properties/Policies/0/PolicyDocument")
            .toString();

    assertThat(policy).hasSizeLessThanOrEqualTo(10_240);
  }

  @Test
  void reject_metrics_of_more_than_100_secrets_or_of_an_unknown_number() {
    Map<String, String> perSecret = Map.of("METRICS_PER_SECRET", "true");
    String names = IntStream.rangeClosed(1, 100).mapToObj(i -> "s" + i).collect(joining(","));
    assertThat(
            StackSettings.from(
                    Map.of("METRICS_PER_SECRET", "true", "MOMENTO_AUTH_TOKEN_SECRET_NAME", names),
                    TARGET)
                .monitoring()
                .perSecret())
        .isTrue();

    assertMistakes(
        perSecret,
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", names + ",s101"),
        "METRICS_PER_SECRET is \"true\", but must be false with more than 100 secrets; there are"
            + " 101.");
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
