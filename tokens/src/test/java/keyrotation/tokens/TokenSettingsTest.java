package keyrotation.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenSettingsTest {

  @Test
  void the_secret_alone_has_no_default() {
    assertThat(TokenSettings.from(Map.of("TOKENS_SECRET", "momento/api-key")))
        .isEqualTo(
            new TokenSettings(
                "momento/api-key", Optional.empty(), Authorizer.JWT, 3, Duration.ofHours(1)));
    assertThatThrownBy(() -> TokenSettings.from(Map.of()))
        .hasMessage("TOKENS_SECRET is not set, but must be the name or ARN of a secret.");
  }

  @Test
  void each_setting_is_read() {
    assertThat(
            TokenSettings.from(
                Map.of(
                    "TOKENS_SECRET", "s",
                    "MOMENTO_ENDPOINT", "cell.example.com",
                    "TOKENS_AUTHORIZER", "iam",
                    "TOKENS_PER_SECOND", "10000",
                    "TOKENS_MAX_LIFETIME_IN_MINUTES", "1500")))
        .isEqualTo(
            new TokenSettings(
                "s",
                Optional.of("cell.example.com"),
                Authorizer.IAM,
                10_000,
                Duration.ofHours(25)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          TOKENS_AUTHORIZER              | none  | jwt or iam.
          TOKENS_PER_SECOND              | 0     | a number from 1 to 10000.
          TOKENS_PER_SECOND              | 10001 | a number from 1 to 10000.
          TOKENS_PER_SECOND              | 1.5   | a number from 1 to 10000.
          TOKENS_MAX_LIFETIME_IN_MINUTES | 0     | a number of minutes from 1 to 1500.
          TOKENS_MAX_LIFETIME_IN_MINUTES | 1501  | a number of minutes from 1 to 1500.
          """)
  void an_invalid_setting_is_named_with_its_value_and_rule(
      String variable, String value, String rule) {
    Map<String, String> environment = new HashMap<>(Map.of("TOKENS_SECRET", "s"));
    environment.put(variable, value);

    assertThatThrownBy(() -> TokenSettings.from(environment))
        .hasMessage(variable + " is \"" + value + "\", but must be " + rule);
  }

  @Test
  void all_mistakes_are_named_at_once() {
    assertThatThrownBy(
            () -> TokenSettings.from(Map.of("TOKENS_AUTHORIZER", "none", "TOKENS_PER_SECOND", "0")))
        .message()
        .hasLineCount(3);
  }
}
