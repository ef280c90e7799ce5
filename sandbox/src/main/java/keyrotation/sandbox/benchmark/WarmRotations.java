package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import keyrotation.sandbox.benchmark.Trial.Setup;

/** Measures rotations in a process that has made some before. */
final class WarmRotations {

  private static final int WARM_UP = 10;
  private static final int MEASURED = 50;

  private WarmRotations() {}

  static void measure(List<Program> programs) throws IOException {
    System.out.printf(
        """

        A rotation in a process that has made %d: wall time is the median (quartiles) of %d,
        processor time their mean. Each rotation is of another secret.

        program  key  wall time, ms          processor time, ms
        """,
        WARM_UP, MEASURED);
    for (KeyKind kind : KeyKind.values()) {
      for (Program program : programs) {
        measure(program, kind);
      }
    }
  }

  private static void measure(Program program, KeyKind kind) throws IOException {
    try (Trial trial = Trial.start(Setup.of(program, kind, WARM_UP + MEASURED))) {
      for (int i = 0; i < WARM_UP; i++) {
        var _ = trial.rotate(i);
      }
      Duration before = trial.processorTime();
      List<Double> walls = new ArrayList<>();
      for (int i = 0; i < MEASURED; i++) {
        walls.add(Progress.millis(trial.rotate(WARM_UP + i).duration()));
      }
      double processor = Progress.millis(trial.processorTime().minus(before)) / MEASURED;
      System.out.printf(
          "%-7s  %-3s  %-21s  %.1f%n",
          program.name(), kind, Spread.of(walls, wall -> wall).text(1), processor);
    }
  }
}
