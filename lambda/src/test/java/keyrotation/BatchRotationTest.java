package keyrotation;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * How many secrets a batch works on at once, and in which order; what becomes of them is in {@link
 * ManySecretsTest}.
 */
class BatchRotationTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration TIME_FOR_ONE = Duration.ofMinutes(1);
  private static final int MOST = 16;

  @Test
  void works_on_sixteen_at_a_time_until_all_are_done() {
    List<String> secrets = secrets(3 * MOST);
    AtomicInteger atOnce = new AtomicInteger();
    AtomicInteger mostAtOnce = new AtomicInteger();
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        batchAt(() -> NOW)
            .run(
                secrets,
                0,
                leaving(Duration.ofSeconds(5)),
                (secret, _) -> {
                  mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
                  meetAt(all);
                  atOnce.decrementAndGet();
                  return new RotationResult.AwaitingFirstKey(secret);
                });

    assertThat(results)
        .containsExactlyElementsOf(
            secrets.stream()
                .map(secret -> (RotationResult) new RotationResult.AwaitingFirstKey(secret))
                .toList());
    assertThat(mostAtOnce).hasValue(MOST);
  }

  @Test
  void does_not_begin_what_has_to_wait_too_long_for_its_place() {
    VirtualTime time = new VirtualTime();
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        new BatchRotation(time, TIME_FOR_ONE)
            .run(
                secrets(MOST + 2),
                0,
                time.instant().plus(TIME_FOR_ONE).plusMillis(50),
                (secret, _) -> {
                  meetAt(all);
                  time.sleep(Duration.ofMillis(50));
                  return new RotationResult.AwaitingFirstKey(secret);
                });

    assertThat(results.subList(0, MOST))
        .allMatch(result -> result instanceof RotationResult.AwaitingFirstKey);
    assertThat(results.subList(MOST, MOST + 2))
        .allSatisfy(
            result ->
                assertThat(result)
                    .isInstanceOfSatisfying(
                        RotationResult.Failed.class,
                        failed ->
                            assertThat(failed.failure().reason())
                                .isEqualTo(FailureReason.OUT_OF_TIME)));
  }

  @Test
  void begins_the_first_however_little_time_is_left() {
    assertThat(
            batchAt(() -> NOW)
                .run(
                    secrets(1),
                    0,
                    NOW.minus(Duration.ofHours(1)),
                    (secret, _) -> new RotationResult.AwaitingFirstKey(secret)))
        .containsExactly(new RotationResult.AwaitingFirstKey("1"));
  }

  @Test
  void starts_where_it_is_to_and_reports_in_the_order_of_the_list() {
    List<String> begun = new CopyOnWriteArrayList<>();
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        batchAt(() -> NOW)
            .run(
                secrets(MOST + 4),
                6,
                leaving(Duration.ofSeconds(5)),
                (secret, _) -> {
                  begun.add(secret);
                  if (begun.size() <= MOST) {
                    meetAt(all);
                  }
                  return new RotationResult.AwaitingFirstKey(secret);
                });

    assertThat(begun.subList(0, MOST))
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(6, 6 + MOST).mapToObj(i -> "" + (i % (MOST + 4) + 1)).toList());
    assertThat(results).extracting(RotationResult::secret).isEqualTo(secrets(MOST + 4));
  }

  @Test
  void says_whether_others_wait() {
    CyclicBarrier all = new CyclicBarrier(MOST);
    Map<String, Boolean> waits = new ConcurrentHashMap<>();

    var _ =
        batchAt(() -> NOW)
            .run(
                secrets(MOST + 1),
                0,
                leaving(Duration.ofSeconds(5)),
                (secret, othersWait) -> {
                  boolean isLast = secret.equals("" + (MOST + 1));
                  if (!isLast) {
                    meetAt(all);
                  }
                  waits.put(secret, othersWait.getAsBoolean());
                  if (!isLast) {
                    meetAt(all);
                  }
                  return new RotationResult.AwaitingFirstKey(secret);
                });

    assertThat(waits).hasSize(MOST + 1).containsEntry("1", true).containsEntry("16", true);
    assertThat(waits).containsEntry("17", false);
  }

  @Test
  void an_interruption_is_passed_on_to_the_work_and_stays_set() {
    CountDownLatch never = new CountDownLatch(1);
    Thread.currentThread().interrupt();

    List<RotationResult> results =
        batchAt(() -> NOW)
            .run(
                secrets(2),
                0,
                leaving(Duration.ofMinutes(1)),
                (secret, _) -> {
                  try {
                    never.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return new RotationResult.AwaitingFirstKey(secret);
                  }
                  throw new AssertionError();
                });

    assertThat(results).hasSize(2);
    assertThat(Thread.interrupted()).isTrue();
  }

  private static BatchRotation batchAt(InstantSource clock) {
    return new BatchRotation(clock, TIME_FOR_ONE);
  }

  private static Instant leaving(Duration spare) {
    return NOW.plus(TIME_FOR_ONE).plus(spare);
  }

  private static List<String> secrets(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(Integer::toString).toList();
  }

  private static void meetAt(CyclicBarrier barrier) {
    try {
      barrier.await(5, SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }
}
