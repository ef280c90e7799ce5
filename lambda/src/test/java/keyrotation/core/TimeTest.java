package keyrotation.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import keyrotation.VirtualTime;
import org.junit.jupiter.api.Test;

class TimeTest {

  @Test
  void a_steady_clock_starts_with_the_machines_and_goes_on_while_it_is_waited_for() {
    Instant before = Instant.now();

    Time steady = Time.system().steady();
    Instant first = steady.instant();
    steady.sleep(Duration.ofMillis(2));

    assertThat(first).isBetween(before, before.plusSeconds(60));
    assertThat(steady.instant()).isAfterOrEqualTo(first.plusMillis(2));
  }

  @Test
  void a_wait_by_a_steady_clock_ends_with_an_interruption() {
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> Time.system().steady().sleep(Duration.ofDays(1)))
        .isInstanceOf(IllegalStateException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void a_clock_that_no_one_corrects_is_steady() {
    VirtualTime time = new VirtualTime();

    assertThat(time.steady()).isSameAs(time);
  }
}
