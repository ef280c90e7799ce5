package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.benchmark.Trial.Setup;

/**
 * Measures daily runs over fleets of secrets with v1 keys, as they are after weeks: the ages of the
 * keys are spread evenly, so that each day the same share of them is due.
 */
final class Fleets {

  static final List<Integer> SIZES = List.of(1, 10, 100, 1_000, 10_000);

  /**
   * How old a key becomes: it is due two hours before that many days, and the next run rotates it.
   */
  private static final Duration OLDEST =
      Duration.ofDays(Trial.ROTATION_DAYS + 1).minus(Duration.ofHours(2));

  private Fleets() {}

  /**
   * Measures a run for each size.
   *
   * @param event a file with a scheduled event
   * @param runs how many runs are measured, for each size
   */
  static void measure(Program java, Path event, List<Integer> sizes, int runs) throws IOException {
    System.out.printf(
        """

        A daily run over a fleet, with %d MB, Lambda's share of a processor and the default quotas.
        "Most": the most refreshes that reached Momento in any second; the quota is 5.

        secrets  found by tag, read and rotated, s  rotated  refreshes/s  most  peak, MB
        """,
        MemorySizes.DEPLOYED);
    try (ControlGroup group = ControlGroup.create()) {
      group.limitTo(MemorySizes.DEPLOYED);
      for (int secrets : sizes) {
        for (int run = 1; run <= runs; run++) {
          Progress.show("fleet of %d secrets, run %d of %d".formatted(secrets, run, runs));
          measure(setup(java, secrets, group), event);
        }
      }
    }
  }

  private static Setup setup(Program java, int secrets, ControlGroup group) {
    return new Setup(
        java,
        KeyKind.V1,
        secrets,
        i -> OLDEST.multipliedBy(2 * (secrets - i) - 1).dividedBy(2L * secrets),
        MemorySizes.DEPLOYED,
        true,
        true,
        Optional.of(group),
        "");
  }

  private static void measure(Setup setup, Path event) throws IOException {
    try (Trial trial = Trial.start(setup)) {
      Invocation run = trial.runSchedule(event);
      List<Long> refreshes = trial.refreshes();
      System.out.printf(
          "%7d  %32.1f  %7d  %11s  %4d  %8.0f%n",
          setup.secrets(),
          Progress.millis(run.duration()) / 1000,
          refreshes.size(),
          perSecond(refreshes),
          mostInASecond(refreshes),
          trial.peakMegabytes());
    }
  }

  private static String perSecond(List<Long> times) {
    return times.size() < 10
        ? "few"
        : "%.2f".formatted((times.size() - 1) / ((times.getLast() - times.getFirst()) / 1e9));
  }

  /** Returns how many there are at most in any second. */
  static int mostInASecond(List<Long> times) {
    int most = 0;
    int first = 0;
    for (int last = 0; last < times.size(); last++) {
      while (times.get(last) - times.get(first) >= 1_000_000_000L) {
        first++;
      }
      most = Math.max(most, last - first + 1);
    }
    return most;
  }
}
