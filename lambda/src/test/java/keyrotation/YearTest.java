package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import keyrotation.Year.Incident;
import keyrotation.sandbox.cloudwatch.AlarmState;
import org.junit.jupiter.api.Test;

/**
 * Which alarms follow which incident, by the filters and alarms of the reviewed template. Every
 * build plays the first weeks, {@code -Pexhaustive} the whole year.
 */
class YearTest {

  private static final File TEMPLATE =
      new File("../infrastructure/src/test/resources/templates/eventbridge-create-v2.json");
  private static final int FIRST_WEEKS = 40;

  @Test
  void exactly_the_expected_alarms_go_off_and_each_returns_to_ok() throws IOException {
    int days = Scenarios.IS_LONG ? Year.DAYS : FIRST_WEEKS;
    try (Year year = new Year(new ObjectMapper().readTree(TEMPLATE))) {
      year.play(days, _ -> {});

      List<Incident> played =
          Arrays.stream(Incident.values()).filter(incident -> incident.last() + 1 < days).toList();
      assertThat(played)
          .hasSize(Scenarios.IS_LONG ? Incident.values().length : 2)
          .allSatisfy(
              incident -> {
                assertThat(year.alarmsOf(incident).keySet())
                    .as("alarms of " + incident)
                    .containsExactlyInAnyOrderElementsOf(incident.alarms());
                assertThat(year.stuckAfter(incident)).as("alarms after " + incident).isEmpty();
              });
      if (Scenarios.IS_LONG) {
        assertThat(year.alarmsOn(Incident.TWO_SECRETS_FAIL.last()))
            .as("alarms after one of two secrets was mended")
            .contains("key-overdue");
      }
      assertThat(year.falseAlarms()).as("alarms without an incident").isEmpty();
      assertThat(year.deadKeys()).as("current keys that did not work").isEmpty();
      assertThat(year.cloudWatch().states().values()).containsOnly(AlarmState.OK);
    }
  }
}
