package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import keyrotation.core.GracePeriod;
import keyrotation.core.HostAndPort;
import keyrotation.core.RunTimes;
import keyrotation.core.SecretTag;
import keyrotation.momento.EndpointPolicy;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.rotation.RevocationPolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {

  private static final String ARN_OF_C =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:c-Ab1Cd2";

  @Test
  void everything_has_a_default() {
    assertThat(Settings.from(Map.of()))
        .isEqualTo(
            new Settings(
                List.of("momento/authentication-token"),
                Optional.empty(),
                new RunTimes.Every(Duration.ofHours(24)),
                new RenewalPolicy(Optional.empty(), Duration.ofHours(24)),
                5,
                50,
                Optional.empty(),
                new Settings.V2(
                    Optional.empty(),
                    Set.of(),
                    new EndpointPolicy(List.of()),
                    new HostAndPort("mga.registry.prod.a.momentohq.com", 443),
                    new RevocationPolicy(GracePeriod.DEFAULT, false))));
  }

  @Test
  void no_secret_is_named_where_a_tag_alone_tells_which_they_are() {
    assertThat(Settings.from(Map.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento")).secretIds())
        .isEmpty();
  }

  @Test
  void everything_can_be_set() {
    assertThat(
            Settings.from(
                Map.ofEntries(
                    Map.entry("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a/b, " + ARN_OF_C),
                    Map.entry("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"),
                    Map.entry("AUTO_ROTATION_IN_DAYS", " 30 "),
                    Map.entry("CHECK_INTERVAL_IN_HOURS", "6"),
                    Map.entry("MOMENTO_REFRESHES_PER_SECOND", "2"),
                    Map.entry("SECRETS_MANAGER_WRITES_PER_SECOND", "20"),
                    Map.entry("MOMENTO_CONTROL_ENDPOINT", "control.example.com:443"),
                    Map.entry("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key"),
                    Map.entry("MOMENTO_ALLOWED_ROLES", "r-viewer, r-operator"),
                    Map.entry("MOMENTO_ENDPOINT_SUFFIXES", ".momento.example.com"),
                    Map.entry("MOMENTO_API_ENDPOINT", "api.example.com:8443"),
                    Map.entry("REVOKE_AFTER_HOURS", "48"),
                    Map.entry("REVOKE_OPERATOR_KEYS", "true"))))
        .isEqualTo(
            new Settings(
                List.of("a/b", ARN_OF_C),
                Optional.of(new SecretTag("rotate", "momento")),
                new RunTimes.Every(Duration.ofHours(6)),
                new RenewalPolicy(Optional.of(Duration.ofDays(30)), Duration.ofHours(6)),
                2,
                20,
                Optional.of(new HostAndPort("control.example.com", 443)),
                new Settings.V2(
                    Optional.of("momento/management-key"),
                    Set.of("r-viewer", "r-operator"),
                    new EndpointPolicy(List.of(".momento.example.com")),
                    new HostAndPort("api.example.com", 8443),
                    new RevocationPolicy(new GracePeriod.Lasting(Duration.ofHours(48)), true))));
  }

  @Test
  void a_time_of_day_and_days_of_the_week_make_the_longest_gap_the_interval() {
    Settings settings =
        Settings.from(Map.of("CHECK_AT", "04:30 Europe/Berlin", "CHECK_DAYS", "MON-FRI"));

    assertThat(settings.runTimes())
        .isEqualTo(
            new RunTimes.At(
                new RunTimes.TimeOfDay(LocalTime.of(4, 30), ZoneId.of("Europe/Berlin")),
                new TreeSet<>(EnumSet.range(DayOfWeek.MONDAY, DayOfWeek.FRIDAY))));
    assertThat(settings.policy().interval()).isEqualTo(Duration.ofHours(73));
    assertThatThrownBy(
            () -> Settings.from(Map.of("CHECK_AT", "04:30", "CHECK_INTERVAL_IN_HOURS", "12")))
        .hasMessage("CHECK_INTERVAL_IN_HOURS is \"12\", but must be 24 with CHECK_AT.");
    assertThatThrownBy(() -> Settings.from(Map.of("CHECK_DAYS", "MON-FRI")))
        .hasMessage(
            "CHECK_DAYS is set, but must not be without CHECK_AT, such as 04:30 Europe/Berlin.");
  }

  @ParameterizedTest
  @CsvSource({
    "AUTO_ROTATION_IN_DAYS, 1",
    "AUTO_ROTATION_IN_DAYS, 1000",
    "CHECK_INTERVAL_IN_HOURS, 1",
    "CHECK_INTERVAL_IN_HOURS, 24",
    "MOMENTO_REFRESHES_PER_SECOND, 10000",
    "MOMENTO_AUTH_TOKEN_SECRET_TAG, Team:a/b=momento keys",
    "MOMENTO_CONTROL_ENDPOINT, h:1",
    "MOMENTO_CONTROL_ENDPOINT, h:65535",
    "MOMENTO_ENDPOINT_SUFFIXES, .a.b",
    "REVOKE_AFTER_HOURS, 2",
    "REVOKE_AFTER_HOURS, 8760",
    "REVOKE_AFTER_HOURS, off",
  })
  void the_least_and_the_most_are_taken(String variable, String text) {
    assertThatCode(() -> Settings.from(Map.of(variable, text))).doesNotThrowAnyException();
  }

  @Test
  void secrets_of_two_accounts_may_have_the_same_name() {
    String arns =
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:c-Ab1Cd2,"
            + "arn:aws:secretsmanager:us-east-1:210987654321:secret:c-Ab1Cd2";

    assertThat(Settings.from(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", arns)).secretIds())
        .hasSize(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "MOMENTO_AUTH_TOKEN_SECRET_NAME; a b; momento/authentication-token",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME; a,,b; momento/authentication-token",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME; a,a; momento/authentication-token",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME;"
            + " c,arn:aws:secretsmanager:us-east-1:123456789012:secret:c-Ab1Cd2; each once",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME;"
            + " arn:aws:secretsmanager:us-east-1:123456789012:secret:c-Ab1Cd2,"
            + "arn:aws:secretsmanager:us-east-1:123456789012:secret:c-Ef3Gh4; each once",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME;"
            + " c,arn:aws:secretsmanager:us-east-1:210987654321:secret:c-Ab1Cd2; ARNs for secrets",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME; arn:aws:secretsmanager:us-east-1:123456789012:secret:c;"
            + " such as",
        "MOMENTO_AUTH_TOKEN_SECRET_NAME; arn:aws:kms:us-east-1:123456789012:key/c-Ab1Cd2; such as",
        "MOMENTO_AUTH_TOKEN_SECRET_TAG; rotate; rotate=momento",
        "MOMENTO_AUTH_TOKEN_SECRET_TAG; rotate=momento=yes; rotate=momento",
        "MOMENTO_AUTH_TOKEN_SECRET_TAG; rotate=*; rotate=momento",
        "CHECK_INTERVAL_IN_HOURS; 5; one of 1, 2, 3, 4, 6, 8, 12 and 24",
        "CHECK_INTERVAL_IN_HOURS; 0; such as 24",
        "CHECK_INTERVAL_IN_HOURS; 48; such as 24",
        "CHECK_AT; 24:00; such as 04:30 Europe/Berlin",
        "CHECK_AT; 4:30; such as 04:30 Europe/Berlin",
        "CHECK_AT; 04:30 Berlin; such as 04:30 Europe/Berlin",
        "CHECK_AT; 04:30 +02:00; such as 04:30 Europe/Berlin",
        "CHECK_AT; 02:30 Europe/Berlin; a time that the clocks skip in spring has no run",
        "CHECK_DAYS; MON-WED; at most three days from one to the next, such as MON-FRI",
        "CHECK_DAYS; Monday; such as MON-FRI",
        "AUTO_ROTATION_IN_DAYS; 0; from 1 to 1000",
        "AUTO_ROTATION_IN_DAYS; 1001; from 1 to 1000",
        "AUTO_ROTATION_IN_DAYS; daily; from 1 to 1000",
        "MOMENTO_REFRESHES_PER_SECOND; 0; such as 5",
        "SECRETS_MANAGER_WRITES_PER_SECOND; x; such as 50",
        "MOMENTO_CONTROL_ENDPOINT; host; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; host:; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; :443; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; host:0; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; host:65536; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; https://host:443; control.example.com:443",
        "MOMENTO_CONTROL_ENDPOINT; 10.0.0.1:443; control.example.com:443",
        "MOMENTO_MANAGEMENT_KEY_SECRET; a,b; momento/management-key",
        "MOMENTO_ENDPOINT_SUFFIXES; momento.example.com; .momento.example.com",
        "MOMENTO_ENDPOINT_SUFFIXES; .com; of two labels at least",
        "MOMENTO_ENDPOINT_SUFFIXES; .a..b; .momento.example.com",
        "REVOKE_AFTER_HOURS; 1; such as 168",
        "REVOKE_AFTER_HOURS; 8761; such as 168",
        "REVOKE_AFTER_HOURS; 168h; such as 168",
      })
  void an_invalid_setting_is_reported_with_its_value_the_rule_and_an_example(
      String variable, String text, String example) {
    assertThatThrownBy(() -> Settings.from(Map.of(variable, text)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(variable + " is \"" + text + "\", but must be ")
        .hasMessageContaining(example);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eyJhbGciOiJI",
        "a/eyJhbGciOiJI",
        "a/b,eyJhbGciOiJI",
        "{\"apiKey\":\"eyJhbGciOiJI\"}"
      })
  void a_key_in_place_of_a_name_is_refused_and_not_shown(String text) {
    assertThatThrownBy(() -> Settings.from(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", text)))
        .hasMessageStartingWith("MOMENTO_AUTH_TOKEN_SECRET_NAME is not shown")
        .message()
        .doesNotContain("hbGci");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keyJuggler",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:momento/a-eyJ2c3"
      })
  void the_letters_that_a_key_begins_with_may_stand_in_a_name(String name) {
    assertThat(Settings.from(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", name)).secretIds())
        .containsExactly(name);
  }

  @Test
  void all_invalid_settings_are_reported_at_once() {
    assertThatThrownBy(
            () ->
                Settings.from(
                    Map.of("AUTO_ROTATION_IN_DAYS", "x", "MOMENTO_CONTROL_ENDPOINT", "y")))
        .hasMessageContaining("AUTO_ROTATION_IN_DAYS")
        .hasMessageContaining("MOMENTO_CONTROL_ENDPOINT");
  }
}
