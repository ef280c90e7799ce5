package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import keyrotation.Settings.HostAndPort;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {

  private static final String VARIABLE = "MOMENTO_CONTROL_ENDPOINT";

  @Test
  void the_control_endpoint_comes_from_the_key_unless_it_is_set() {
    assertThat(Settings.from(Map.of()).controlEndpoint()).isEmpty();
    assertThat(Settings.from(Map.of(VARIABLE, " ")).controlEndpoint()).isEmpty();
    assertThat(Settings.from(Map.of(VARIABLE, "control.example.com:443")).controlEndpoint())
        .contains(new HostAndPort("control.example.com", 443));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host",
        "host:",
        ":443",
        "host:x",
        "host:0",
        "host:65536",
        "https://host:443",
        "a b:1"
      })
  void a_mistake_is_told_with_the_rule_and_an_example(String text) {
    assertThatThrownBy(() -> Settings.from(Map.of(VARIABLE, text)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            VARIABLE
                + " is \""
                + text
                + "\", but must be a host name and a port, such as control.example.com:443.");
  }
}
