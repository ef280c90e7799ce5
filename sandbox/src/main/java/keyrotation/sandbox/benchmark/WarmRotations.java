package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import keyrotation.sandbox.benchmark.Trial.Setup;

/** Measures rotations in a process that has made some before. */
final class WarmRotations {

  /** Such as {@code GC(3) Pause Young (Allocation Failure) 12M->5M(16M) 1.2ms}. */
  private static final Pattern COLLECTION = Pattern.compile("Pause.* (\\d+)M->(\\d+)M\\(");

  private static final List<Integer> WARM_UPS = List.of(10, 300);
  private static final int MEASURED = 50;

  private WarmRotations() {}

  static void measure(List<Program> programs) throws IOException {
    System.out.printf(
        """

        A rotation in a process that has made others: wall time is the median (quartiles) of %d,
        processor time and allocated memory are their mean. Each rotation is of another secret.

        program  key  others  wall time, ms          processor time, ms  allocated, MB
        """,
        MEASURED);
    for (KeyKind kind : KeyKind.values()) {
      for (int others : WARM_UPS) {
        for (Program program : programs) {
          measure(program, kind, others);
        }
      }
    }
  }

  private static void measure(Program program, KeyKind kind, int others) throws IOException {
    Progress.show("rotations of %s keys after %d others".formatted(kind, others));
    Path log = Files.createTempFile("collections", ".log");
    Setup setup = Setup.of(program, kind, others + MEASURED).with("-Xlog:gc:file=" + log);
    try (Trial trial = Trial.start(setup)) {
      for (int i = 0; i < others; i++) {
        var _ = trial.rotate(i);
      }
      int before = Files.readAllLines(log).size();
      Duration processorBefore = trial.processorTime();
      List<Double> walls = new ArrayList<>();
      for (int i = 0; i < MEASURED; i++) {
        walls.add(Progress.millis(trial.rotate(others + i).duration()));
      }
      System.out.printf(
          "%-7s  %-3s  %6d  %-21s  %18.1f  %13s%n",
          program.name(),
          kind,
          others,
          Spread.of(walls, wall -> wall).text(1),
          Progress.millis(trial.processorTime().minus(processorBefore)) / MEASURED,
          allocated(Files.readAllLines(log), before)
              .map(megabytes -> "%.1f".formatted(megabytes / MEASURED))
              .orElse("unknown"));
    } finally {
      Files.delete(log);
    }
  }

  /** Adds up what was allocated between collections, as the JVM's log of them tells it. */
  static Optional<Double> allocated(List<String> log, int from) {
    double megabytes = 0;
    Optional<Double> left = Optional.empty();
    for (int i = 0; i < log.size(); i++) {
      Matcher collection = COLLECTION.matcher(log.get(i));
      if (collection.find()) {
        if (i >= from && left.isPresent()) {
          megabytes += Double.parseDouble(collection.group(1)) - left.get();
        }
        left = Optional.of(Double.parseDouble(collection.group(2)));
      }
    }
    return left.isEmpty() ? Optional.empty() : Optional.of(megabytes);
  }
}
