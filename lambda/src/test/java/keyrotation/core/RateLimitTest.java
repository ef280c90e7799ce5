package keyrotation.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import keyrotation.VirtualTime;
import org.junit.jupiter.api.Test;

class RateLimitTest {

  private static final Duration LONG = Duration.ofMinutes(1);

  private final VirtualTime time = new VirtualTime();
  private final Instant start = time.instant();
  private final RateLimit fivePerSecond = new RateLimit(5, time);

  @Test
  void the_first_call_is_made_at_once_and_the_others_evenly_after_it() {
    for (int call = 0; call < 10; call++) {
      assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
      assertThat(waited()).isEqualTo(Duration.ofMillis(200L * call));
    }
  }

  @Test
  void a_permit_for_two_calls_takes_the_place_of_two() {
    assertThat(fivePerSecond.acquire(2, LONG)).isTrue();
    assertThat(waited()).isZero();
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(400));
  }

  @Test
  void time_that_passes_unused_is_not_saved_up() {
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    time.sleep(Duration.ofSeconds(10));

    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(10_200));
  }

  @Test
  void a_permit_that_would_come_too_late_is_neither_waited_for_nor_used_up() {
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();

    assertThat(fivePerSecond.acquire(1, Duration.ofMillis(199))).isFalse();
    assertThat(waited()).isZero();
    assertThat(fivePerSecond.acquire(1, Duration.ofMillis(200))).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(200));
  }

  @Test
  @SuppressWarnings("ThreadPriorityCheck") // A yield is what would let another thread in.
  void threads_that_come_together_each_wait_for_a_turn_of_their_own() {
    Queue<Duration> waits = new ConcurrentLinkedQueue<>();
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger atOnce = new AtomicInteger();
    RateLimit shared =
        new RateLimit(
            5,
            new Time() {
              @Override
              public Instant instant() {
                atOnce.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Thread.yield();
                inside.decrementAndGet();
                return start;
              }

              @Override
              public void sleep(Duration duration) {
                waits.add(duration);
              }
            });
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int call = 0; call <= 100; call++) {
        threads.execute(() -> shared.acquire(1, LONG));
      }
    }

    assertThat(atOnce).hasValue(1);
    assertThat(waits)
        .containsExactlyInAnyOrderElementsOf(
            IntStream.rangeClosed(1, 100).mapToObj(i -> Duration.ofMillis(200L * i)).toList());
  }

  private Duration waited() {
    return Duration.between(start, time.instant());
  }
}
