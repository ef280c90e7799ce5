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
import org.junit.jupiter.params.provider.CsvSource;

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
    assertThat(fivePerSecond.acquire(1, LONG)).isTrue();
    assertThat(waited()).isEqualTo(Duration.ofMillis(408));
  }

  @Test
  void calls_whose_turn_came_long_ago_are_not_made_together() {
    time.sleep(Duration.ofSeconds(10));
    Instant later = time.instant();

    for (int i = 0; i < 5; i++) {
      fivePerSecond.call(() -> "");
    }
    assertThat(time.instant()).isEqualTo(later);
    fivePerSecond.call(() -> "");
    assertThat(time.instant()).isEqualTo(later.plusSeconds(1));
  }

  /** A processor that is shared wakes threads late, and calls take unequally long. */
  @ParameterizedTest
  @CsvSource({"0, 0", "5, 15", "200, 50", "1500, 3000"})
  void no_second_has_more_calls_wherever_they_are_delayed(int wakesLate, int takes) {
    Random random = new Random(wakesLate);
    Time late =
        new Time() {
          @Override
          public Instant instant() {
            return time.instant();
          }

          @Override
          public void sleep(Duration duration) {
            time.sleep(duration.plusMillis(random.nextInt(wakesLate + 1)));
          }
        };
    RateLimit limit = new RateLimit(5, late);
    List<Instant> arrived = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      assertThat(limit.acquire(1, LONG)).isTrue();
      limit.call(
          () -> {
            time.sleep(Duration.ofMillis(random.nextInt(takes + 1)));
            arrived.add(time.instant());
            return "";
          });
    }

    for (int i = 5; i < arrived.size(); i++) {
      assertThat(Duration.between(arrived.get(i - 5), arrived.get(i)))
          .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }
    if (takes <= 15) {
      double perSecond = 1e3 * arrived.size() / waited().toMillis();
      assertThat(perSecond).as("within 5 %% of the bound").isBetween(4.75, 5.0);
    }
  }

  @Test
  void a_call_without_a_response_counts_as_arrived_after_two_seconds() {
    RateLimit one = new RateLimit(1, time);
    List<Duration> begun = new ArrayList<>();

    one.call(
        () -> {
          // Another thread would do this while the call hangs.
          one.call(() -> begun.add(waited()));
          return "";
        });

    assertThat(begun).containsExactly(Duration.ofSeconds(3));
  }

  @Test
  void a_call_that_cannot_wait_is_made_at_once_and_holds_up_others() {
    RateLimit one = new RateLimit(1, time);
    one.call(() -> "");
    List<Duration> begun = new ArrayList<>();

    one.callAtOnce(() -> begun.add(waited()));
    one.call(() -> begun.add(waited()));

    assertThat(begun).containsExactly(Duration.ZERO, Duration.ofSeconds(1));
  }

  @Test
  void many_threads_keep_to_the_limit_together() {
    RateLimit shared = new RateLimit(5, Time.system().steady());
    Queue<Long> arrived = new ConcurrentLinkedQueue<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int thread = 0; thread < 16; thread++) {
        threads.execute(() -> shared.call(() -> arrived.add(System.nanoTime())));
      }
    }

    List<Long> inOrder = arrived.stream().sorted().toList();
    assertThat(inOrder).hasSize(16);
    for (int i = 5; i < inOrder.size(); i++) {
      assertThat(inOrder.get(i) - inOrder.get(i - 5)).isGreaterThanOrEqualTo(1_000_000_000L);
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
            IntStream.rangeClosed(1, 100).mapToObj(i -> Duration.ofMillis(204L * i)).toList());
  }

  private Duration waited() {
    return Duration.between(start, time.instant());
  }
}
