package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import keyrotation.Settings;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The function accepts the environment of each template. */
class StackEnvironmentTest {

  private static final List<String> STACK_ONLY =
      List.of("CREATE_SECRETS", "ROTATION_TRIGGER", "KMS_KEY_ARN", "ALARM_EMAIL");

  /** Returns settings with each setting's minimum, its maximum, and other forms. */
  static Stream<Map<String, String>> accepted() {
    Map<String, String> least =
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "a",
            "AUTO_ROTATION_IN_DAYS", "1",
            "CHECK_INTERVAL_IN_HOURS", "1",
            "MOMENTO_REFRESHES_PER_SECOND", "1",
            "SECRETS_MANAGER_WRITES_PER_SECOND", "1",
            "MOMENTO_CONTROL_ENDPOINT", "h:1",
            "MOMENTO_MANAGEMENT_KEY_SECRET", "m",
            "CREATE_SECRETS", "true",
            "ALARM_EMAIL", "a@b.c");
    Map<String, String> greatest =
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", namesOfLength(3400),
            "AUTO_ROTATION_IN_DAYS", "1000",
            "CHECK_INTERVAL_IN_HOURS", "24",
            "MOMENTO_REFRESHES_PER_SECOND", "10000",
            "SECRETS_MANAGER_WRITES_PER_SECOND", "10000",
            "MOMENTO_CONTROL_ENDPOINT", "control." + "cell.".repeat(20) + "example.com:65535",
            "CREATE_SECRETS", "false",
            "KMS_KEY_ARN", KMS_KEY);
    return Stream.of(
        Map.of(),
        with(least, "ROTATION_TRIGGER", "eventbridge"),
        with(least, "ROTATION_TRIGGER", "secrets-manager"),
        with(greatest, "ROTATION_TRIGGER", "eventbridge"),
        with(greatest, "ROTATION_TRIGGER", "secrets-manager"),
        with(least, "MOMENTO_AUTH_TOKEN_SECRET_TAG", "k="),
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "k".repeat(128) + "=" + "v".repeat(256)),
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a, b/c_+=.@-," + SECRET_ARN));
  }

  @ParameterizedTest
  @MethodSource("accepted")
  void the_function_accepts_the_settings_that_the_stack_accepts(Map<String, String> settings) {
    Map<String, String> ofTheFunction = new TreeMap<>(settings);
    ofTheFunction.keySet().removeAll(STACK_ONLY);
    Map<String, String> environment = StackTemplate.of(settings).environment();

    assertThat(Settings.from(environment)).isEqualTo(Settings.from(ofTheFunction));
    assertThat(environment).containsAllEntriesOf(ofTheFunction);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      textBlock =
          """
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    momento/a b
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    momento/*
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    momento:a
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    a,,b
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    a,b,a
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    arn:aws:secretsmanager:us-east-1:123456789012:secret:momento
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    arn:aws:ssm:us-east-1:123456789012:parameter/momento
          MOMENTO_AUTH_TOKEN_SECRET_NAME;    momento/other,arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/other-a1B2c3
          MOMENTO_AUTH_TOKEN_SECRET_TAG;     rotate
          MOMENTO_AUTH_TOKEN_SECRET_TAG;     =momento
          MOMENTO_AUTH_TOKEN_SECRET_TAG;     rotate=momento=yes
          MOMENTO_AUTH_TOKEN_SECRET_TAG;     rotate=*
          MOMENTO_AUTH_TOKEN_SECRET_TAG;     rotate=${aws:username}
          AUTO_ROTATION_IN_DAYS;             0
          AUTO_ROTATION_IN_DAYS;             1001
          AUTO_ROTATION_IN_DAYS;             1.5
          CHECK_INTERVAL_IN_HOURS;           0
          CHECK_INTERVAL_IN_HOURS;           5
          CHECK_INTERVAL_IN_HOURS;           25
          MOMENTO_REFRESHES_PER_SECOND;      0
          MOMENTO_REFRESHES_PER_SECOND;      10001
          SECRETS_MANAGER_WRITES_PER_SECOND; 0
          SECRETS_MANAGER_WRITES_PER_SECOND; 10001
          MOMENTO_CONTROL_ENDPOINT;          control.example.com
          MOMENTO_CONTROL_ENDPOINT;          control.example.com:0
          MOMENTO_CONTROL_ENDPOINT;          control.example.com:65536
          MOMENTO_CONTROL_ENDPOINT;          10.0.0.1:443
          MOMENTO_MANAGEMENT_KEY_SECRET;     a,b
          MOMENTO_MANAGEMENT_KEY_SECRET;     momento/*
          MOMENTO_ALLOWED_ROLES;             r/viewer
          MOMENTO_ALLOWED_ROLES;             r-viewer,,r-operator
          MOMENTO_ENDPOINT_SUFFIXES;         momento.example.com
          MOMENTO_ENDPOINT_SUFFIXES;         .com
          MOMENTO_ENDPOINT_SUFFIXES;         .momento.example.com:443
          MOMENTO_API_ENDPOINT;              https://api.example.com
          """)
  void synthesis_rejects_what_the_function_rejects_with_the_same_message(
      String name, String value) {
    String refusal =
        catchThrowableOfType(
                IllegalArgumentException.class, () -> Settings.from(Map.of(name, value)))
            .getMessage();

    assertThat(refusal).startsWith(name + " is \"" + value + "\", but must be ");
    assertThatThrownBy(() -> StackTemplate.stack(name, value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(refusal);
  }

  private static Map<String, String> with(Map<String, String> settings, String name, String value) {
    Map<String, String> more = new TreeMap<>(settings);
    more.put(name, value);
    return more;
  }

  /** Returns names of secrets, separated by commas, with this total length. */
  private static String namesOfLength(int length) {
    String names =
        IntStream.range(0, 6)
            .mapToObj(number -> number + "n".repeat(511))
            .collect(Collectors.joining(","));
    return names + "," + "m".repeat(length - names.length() - 1);
  }
}
