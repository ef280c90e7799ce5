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
    assertThat(limit.acquire()).isTrue();
    clock.advance(Duration.ofMillis(400));
    assertThat(limit.acquire()).isTrue();
    assertThat(limit.acquire()).isTrue();
    assertThat(limit.acquire()).isFalse();

    clock.advance(Duration.ofMillis(599));
    assertThat(limit.acquire()).isFalse();

    clock.advance(Duration.ofMillis(1));
    assertThat(limit.acquire()).isTrue();
    assertThat(limit.acquire()).isFalse();
  }

  @Test
  void a_refused_call_takes_no_permit() {
    for (int i = 0; i < 3; i++) {
      assertThat(limit.acquire()).isTrue();
    }
    for (int i = 0; i < 100; i++) {
      assertThat(limit.acquire()).isFalse();
    }
    clock.advance(Duration.ofSeconds(1));
    assertThat(limit.acquire()).isTrue();
  }
}
