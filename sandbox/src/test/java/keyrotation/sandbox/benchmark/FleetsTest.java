package keyrotation.sandbox.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FleetsTest {

  @Test
  void the_most_in_a_second_are_counted_wherever_the_second_begins() {
    assertThat(Fleets.mostInASecond(List.of())).isZero();
    assertThat(mostInASecond(0, 500, 900, 1_000, 1_400, 1_600)).isEqualTo(4);
    assertThat(mostInASecond(0, 1_000, 2_000)).isEqualTo(1);
  }

  private static int mostInASecond(Integer... millis) {
    return Fleets.mostInASecond(Stream.of(millis).map(ms -> ms * 1_000_000L).toList());
  }
}
