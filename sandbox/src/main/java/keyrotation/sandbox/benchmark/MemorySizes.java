package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.benchmark.Trial.Setup;

/**
 * Measures the Java function's scheduled runs with the share of a processor that Lambda gives to a
 * memory size.
 */
final class MemorySizes {

  /** The memory that the stack gives the function. */
  static final int DEPLOYED = 1024;

  /** The JVM's options that the stack sets. */
  static final String DEPLOYED_OPTIONS = "-XX:TieredStopAtLevel=1";

  static final List<Integer> SIZES =
      List.of(384, 512, DEPLOYED, ControlGroup.MEGABYTES_PER_PROCESSOR);
  private static final List<Integer> SECRETS = List.of(1, 100);
  private static final int MANY = 1000;

  private record Run(double initMillis, double runMillis, double peakMegabytes) {}

  private final Program java;
  private final Path event;
  private final ControlGroup group;

  /**
   * Prepares for measurements.
   *
   * @param event a file with a scheduled event
   */
  MemorySizes(Program java, Path event, ControlGroup group) {
    this.java = java;
    this.event = event;
    this.group = group;
  }

  /** Measures the first runs of processes at these memory sizes; all keys are due. */
  void measureFirstRuns(List<Integer> sizes, int runs) throws IOException {
    System.out.printf(
        """

        The first scheduled run of a process; each secret has a v1 key that is due.
        %s
        With SnapStart, init is over before the snapshot, which primes the first run.
        Median (quartiles); peak memory is the largest. Processes for each line: %d.

        memory   secrets  SnapStart  init, ms               first run, ms          peak, MB
        """,
        group.directory().isPresent()
            ? "CPU time is limited to the share that Lambda gives to each memory size."
            : "No control group could be created, so CPU time is not limited.",
        runs);
    for (int secrets : SECRETS) {
      for (int megabytes : sizes) {
        for (boolean snapStart : List.of(false, true)) {
          group.limitTo(megabytes);
          print(
              megabytes,
              secrets,
              snapStart,
              runs(setup(KeyKind.V1, megabytes, secrets, snapStart, Trial.DUE), runs));
        }
      }
    }
  }

  /** Measures the first rotation of a process that was primed as before a snapshot. */
  void measureAfterSnapshot(int runs) throws IOException {
    System.out.printf(
        """

        The rotation of one key in the first invocation after the priming, with %d MB.
        Median (quartiles); processes for each line: %d.

        key  priming and init, ms   first rotation, ms     peak, MB
        """,
        DEPLOYED, runs);
    group.limitTo(DEPLOYED);
    for (KeyKind kind : KeyKind.values()) {
      List<Run> measured = new ArrayList<>();
      for (int i = 1; i <= runs; i++) {
        Progress.show("after a snapshot, %s, %d of %d".formatted(kind, i, runs));
        try (Trial trial = Trial.start(setup(kind, DEPLOYED, 1, true, Trial.DUE))) {
          measured.add(run(trial, trial.rotate(0)));
        }
      }
      System.out.printf(
          "%-3s  %-21s  %-21s  %8.0f%n",
          kind,
          Spread.of(measured, Run::initMillis).text(0),
          Spread.of(measured, Run::runMillis).text(0),
          peak(measured));
    }
  }

  /** Measures a run over many secrets whose keys are not due. */
  void measureManySecrets(int runs) throws IOException {
    Progress.show("scheduled run, %d secrets".formatted(MANY));
    group.limitTo(DEPLOYED);
    List<Run> measured = runs(setup(KeyKind.V1, DEPLOYED, MANY, false, Duration.ZERO), runs);
    System.out.printf(
        """

        A scheduled run over %d secrets whose v1 keys are not due, with %d MB, in a new process:
        %s s, median (quartiles), and %.0f MB at the peak. Processes: %d.
        """,
        MANY,
        DEPLOYED,
        Spread.of(measured, run -> run.runMillis / 1000).text(1),
        peak(measured),
        runs);
  }

  private Setup setup(KeyKind kind, int megabytes, int secrets, boolean snapStart, Duration age) {
    return new Setup(
        java, kind, secrets, _ -> age, megabytes, snapStart, false, Optional.of(group), "");
  }

  private List<Run> runs(Setup setup, int runs) throws IOException {
    List<Run> measured = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      try (Trial trial = Trial.start(setup)) {
        measured.add(run(trial, trial.runSchedule(event)));
      }
    }
    return measured;
  }

  private static Run run(Trial trial, Invocation first) throws IOException {
    return new Run(
        Progress.millis(first.initDuration().orElseThrow()),
        Progress.millis(first.duration()),
        trial.peakMegabytes());
  }

  private static void print(int megabytes, int secrets, boolean snapStart, List<Run> runs) {
    System.out.printf(
        "%4d MB  %7d  %-9s  %-21s  %-21s  %8.0f%n",
        megabytes,
        secrets,
        snapStart ? "yes" : "no",
        Spread.of(runs, Run::initMillis).text(0),
        Spread.of(runs, Run::runMillis).text(0),
        peak(runs));
  }

  private static double peak(List<Run> runs) {
    return runs.stream().mapToDouble(Run::peakMegabytes).max().orElseThrow();
  }
}
