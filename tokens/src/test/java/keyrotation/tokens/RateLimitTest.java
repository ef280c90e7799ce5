package keyrotation.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import keyrotation.sandbox.ManualClock;
import org.junit.jupiter.api.Test;

class RateLimitTest {

  private final ManualClock clock = new ManualClock();
  private final RateLimit limit = new RateLimit(3, clock);

  @Test
  void no_second_has_more_calls_than_the_limit() {
    assertThat(limit.acquire()).isEmpty();
    clock.advance(Duration.ofMillis(400));
    assertThat(limit.acquire()).isEmpty();
    assertThat(limit.acquire()).isEmpty();
    assertThat(limit.acquire()).contains(Duration.ofMillis(600));

    clock.advance(Duration.ofMillis(599));
    assertThat(limit.acquire()).contains(Duration.ofMillis(1));

    clock.advance(Duration.ofMillis(1));
    assertThat(limit.acquire()).isEmpty();
    assertThat(limit.acquire()).contains(Duration.ofMillis(400));
  }

  @Test
  void a_refused_call_takes_no_permit() {
    for (int i = 0; i < 3; i++) {
      assertThat(limit.acquire()).isEmpty();
    }
    for (int i = 0; i < 100; i++) {
      assertThat(limit.acquire()).contains(Duration.ofSeconds(1));
    }
    clock.advance(Duration.ofSeconds(1));
    assertThat(limit.acquire()).isEmpty();
  }
}
