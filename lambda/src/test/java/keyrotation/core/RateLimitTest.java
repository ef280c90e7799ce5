package keyrotation.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import keyrotation.VirtualTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimitTest {

  private static final Duration LONG = Duration.ofMinutes(1);

  private final VirtualTime time = new VirtualTime();
  private final Instant start = time.instant();
  private final RateLimit fivePerSecond = new RateLimit(5, time);

  @Test
  void the_first_call_is_made_at_once_and_the_others_evenly_after_it() {
    for (int call = 0; call < 10; call++) {
      assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
      assertThat(waited()).isEqualTo(Duration.ofMillis(204L * call));
    }
  }

  @Test
  void a_turn_for_two_calls_takes_the_place_of_two() {
    assertThat(fivePerSecond.acquire(2, LONG)).isTrue();
    assertThat(waited()).isZero();
    fivePerSecond.begin();
    assertThat(waited()).isZero();
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(408));
  }

  @Test
  void calls_whose_turn_came_long_ago_do_not_begin_together() {
    for (int i = 0; i < 5; i++) {
      assertThat(fivePerSecond.acquire(2, LONG)).isTrue();
    }
    time.sleep(Duration.ofSeconds(10));
    Instant later = time.instant();

    for (int i = 0; i < 5; i++) {
      fivePerSecond.begin();
    }
    assertThat(time.instant()).isEqualTo(later);
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(time.instant()).isEqualTo(later.plusSeconds(1));
  }

  /** A processor that is shared wakes threads late, and some later than others. */
  @ParameterizedTest
  @ValueSource(ints = {0, 5, 200, 1500})
  void no_second_has_more_calls_however_late_threads_wake_up(int latestMillis) {
    Random random = new Random(latestMillis);
    Time late =
        new Time() {
          @Override
          public Instant instant() {
            return time.instant();
          }

          @Override
          public void sleep(Duration duration) {
            time.sleep(duration.plusMillis(random.nextInt(latestMillis + 1)));
          }
        };
    RateLimit limit = new RateLimit(5, late);
    List<Instant> begun = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      assertThat(limit.acquire(1, LONG)).isTrue();
      begun.add(time.instant());
    }

    for (int i = 5; i < begun.size(); i++) {
      assertThat(Duration.between(begun.get(i - 5), begun.get(i)))
          .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }
    if (latestMillis <= 5) {
      double perSecond = 1e3 * begun.size() / waited().toMillis();
      assertThat(perSecond).as("within 5 %% of the bound").isBetween(4.75, 5.0);
    }
  }

  @Test
  void time_that_passes_unused_is_not_saved_up() {
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    time.sleep(Duration.ofSeconds(10));

    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(10_204));
  }

  @Test
  void a_turn_that_would_come_too_late_is_neither_waited_for_nor_used_up() {
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();

    assertThat(fivePerSecond.acquire(1, Duration.ofMillis(203))).isFalse();
    assertThat(waited()).isZero();
    assertThat(fivePerSecond.acquire(1, Duration.ofMillis(204))).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(204));
  }

  @Test
  @SuppressWarnings("ThreadPriorityCheck") // A yield is what would let another thread in.
  void threads_that_come_together_each_wait_for_a_turn_of_their_own() {
    Queue<Duration> waits = new ConcurrentLinkedQueue<>();
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger atOnce = new AtomicInteger();
    // For each thread the time goes on by what it has waited.
    ThreadLocal<Duration> waited = ThreadLocal.withInitial(() -> Duration.ZERO);
    RateLimit shared =
        new RateLimit(
            5,
            new Time() {
              @Override
              public Instant instant() {
                atOnce.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Thread.yield();
                inside.decrementAndGet();
                return start.plus(waited.get());
              }

              @Override
              public void sleep(Duration duration) {
                if (waited.get().isZero()) {
                  waits.add(duration);
                }
                waited.set(waited.get().plus(duration));
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
            IntStream.rangeClosed(1, 100).mapToObj(i -> Duration.ofMillis(204L * i)).toList());
  }

  private Duration waited() {
    return Duration.between(start, time.instant());
  }
}
