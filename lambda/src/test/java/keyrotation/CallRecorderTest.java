package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class CallRecorderTest {

  private static final List<String> ACTIONS = List.of("DescribeSecret", "GetSecretValue");

  private final Properties properties = new Properties();

  @Test
  void a_run_of_all_tests_records_the_actions_alone() {
    properties.setProperty("exhaustive", "true");

    assertThat(CallRecorder.record(properties, ACTIONS)).isEqualTo(ACTIONS);
  }

  @Test
  void a_run_of_selected_tests_records_first_how_they_were_selected() {
    properties.setProperty("test", "ExpiryTest");
    properties.setProperty("scenario", "MANUAL FRESH");

    assertThat(CallRecorder.record(properties, ACTIONS))
        .containsExactly(
            "partial: -Dtest=ExpiryTest -Dscenario=MANUAL FRESH",
            "DescribeSecret",
            "GetSecretValue");
  }
}
