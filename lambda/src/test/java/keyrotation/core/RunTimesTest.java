package keyrotation.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import keyrotation.core.RunTimes.TimeOfDay;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RunTimesTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        // days, longest gap in hours, with UTC
        "MON-SUN; 24",
        "SUN-SAT; 24",
        "MON-FRI; 72",
        "FRI-TUE; 72",
        "MON,THU,SAT; 72",
        "MON, WED, FRI, SUN; 48",
        "TUE-THU,SAT,SUN; 48",
      })
  void the_longest_gap_follows_from_the_days(String days, int hours) {
    assertThat(at("04:30", days).longestGap()).isEqualTo(Duration.ofHours(hours));
  }

  @Test
  void a_day_has_25_hours_where_the_clocks_go_back() {
    assertThat(at("04:30 Europe/Berlin", "MON-SUN").longestGap()).isEqualTo(Duration.ofHours(25));
    assertThat(at("04:30 Asia/Tokyo", "MON-SUN").longestGap()).isEqualTo(Duration.ofHours(24));
    assertThat(at("04:30 Antarctica/Troll", "MON-SUN").longestGap())
        .isEqualTo(Duration.ofHours(26));
    assertThat(at("04:30 Africa/Casablanca", "MON-SUN").longestGap())
        .isEqualTo(Duration.ofHours(25));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "MON",
        "MON-WED",
        "MON,FRI",
        "MON-",
        "",
        "MON-TUE-WED",
        "FRI-MON",
        "mon",
        "FRI,,MON"
      })
  void days_that_leave_more_than_three_days_or_are_invalid_are_refused(String days) {
    assertThat(RunTimes.parseDays(days)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "02:00 Europe/Berlin",
        "02:59 Europe/Berlin",
        "02:30 America/New_York",
        "23:30 America/Nuuk"
      })
  void a_time_that_the_clocks_skip_is_refused(String time) {
    assertThat(TimeOfDay.parse(time)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "00:00, 00:00, UTC",
    "23:59 UTC, 23:59, UTC",
    "01:59 Europe/Berlin, 01:59, Europe/Berlin",
    "03:00 Europe/Berlin, 03:00, Europe/Berlin",
    "02:30 Asia/Tokyo, 02:30, Asia/Tokyo",
  })
  void other_times_are_taken(String text, LocalTime time, String zone) {
    assertThat(TimeOfDay.parse(text)).contains(new TimeOfDay(time, ZoneId.of(zone)));
  }

  private static RunTimes at(String time, String days) {
    return new RunTimes.At(
        TimeOfDay.parse(time).orElseThrow(), RunTimes.parseDays(days).orElseThrow());
  }
}
