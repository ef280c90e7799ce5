package keyrotation.rotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
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
import keyrotation.VirtualTime;
import keyrotation.core.FailureReason;
import keyrotation.core.TimeBudget;
import org.junit.jupiter.api.Test;

/**
 * How many secrets a batch works on at once, and in which order; what becomes of them is in {@link
 * ManySecretsTest}.
 */
class BatchRotationTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration GRACE = TimeBudget.PROPAGATION_GRACE;
  private static final int MOST = 16;

  private final ByteArrayOutputStream lines = new ByteArrayOutputStream();
  private final RotationLog log =
      new RotationLog(new PrintStream(lines, true, UTF_8), () -> NOW, "request");

  @Test
  void works_on_sixteen_at_a_time_until_all_are_done() {
    List<String> secrets = secrets(3 * MOST);
    AtomicInteger atOnce = new AtomicInteger();
    AtomicInteger mostAtOnce = new AtomicInteger();
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        batchLeaving(Duration.ofSeconds(5))
            .run(
                secrets,
                0,
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
    Instant deadline = time.instant().plus(TimeBudget.rotationTime(GRACE)).plusMillis(50);
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        new BatchRotation(new TimeBudget(time, deadline, GRACE), log)
            .run(
                secrets(MOST + 2),
                0,
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
    assertThat(lines.toString(UTF_8).lines())
        .hasSize(2)
        .allMatch(line -> line.contains("\"result\":\"FAILED\",\"reason\":\"OUT_OF_TIME\""))
        .anyMatch(line -> line.contains("\"secret\":\"" + (MOST + 2) + "\""));
  }

  @Test
  void begins_the_first_however_little_time_is_left() {
    assertThat(
            batchLeaving(Duration.ofHours(-1))
                .run(secrets(1), 0, (secret, _) -> new RotationResult.AwaitingFirstKey(secret)))
        .containsExactly(new RotationResult.AwaitingFirstKey("1"));
  }

  @Test
  void starts_where_it_is_to_and_reports_in_the_order_of_the_list() {
    List<String> begun = new CopyOnWriteArrayList<>();
    CyclicBarrier all = new CyclicBarrier(MOST);

    List<RotationResult> results =
        batchLeaving(Duration.ofSeconds(5))
            .run(
                secrets(MOST + 4),
                6,
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
        batchLeaving(Duration.ofSeconds(5))
            .run(
                secrets(MOST + 1),
                0,
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
        batchLeaving(Duration.ofMinutes(1))
            .run(
                secrets(2),
                0,
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

  /** Makes a batch with that much more time than a rotation takes. */
  private BatchRotation batchLeaving(Duration spare) {
    Instant deadline = NOW.plus(TimeBudget.rotationTime(GRACE)).plus(spare);
    return new BatchRotation(new TimeBudget(() -> NOW, deadline, GRACE), log);
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
