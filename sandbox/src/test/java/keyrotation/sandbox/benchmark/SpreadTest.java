package keyrotation.sandbox.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {

  @Test
  void an_odd_number_of_runs_has_its_quartiles_among_them() {
    assertThat(Spread.of(List.of(5.0, 1.0, 4.0, 2.0, 3.0), run -> run))
        .isEqualTo(new Spread(2, 3, 4));
  }

  @Test
  void quartiles_between_two_runs_are_interpolated() {
    assertThat(Spread.of(List.of(10.0, 20.0), run -> run)).isEqualTo(new Spread(12.5, 15, 17.5));
  }

  @Test
  void one_run_is_its_own_median() {
    assertThat(Spread.of(List.of(7.0), run -> run)).isEqualTo(new Spread(7, 7, 7));
  }

  @Test
  void the_text_has_the_median_first() {
    assertThat(new Spread(1.25, 2, 3.75).text(2)).isEqualTo("2.00 (1.25 to 3.75)");
  }
}
