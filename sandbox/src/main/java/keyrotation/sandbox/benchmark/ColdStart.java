package keyrotation.sandbox.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.benchmark.Trial.Setup;

/** Takes the first rotation of the Java function's process apart: its phases and its classes. */
final class ColdStart {

  /** The phases. Steps that wait for other parties load the classes for the first such call. */
  enum Phase {
    START("start of the JVM until the handler is ready"),
    FIRST_CALL("first call to Secrets Manager"),
    READS("other reads of Secrets Manager"),
    LIST("list of Momento's keys, v2"),
    PROBE("probe"),
    RENEW("refresh, v1, or issue, v2"),
    STAGE("stage"),
    VERIFY("verify; for v2 also of the old key"),
    PROMOTE("promote, take the label off"),
    REST("rest"),
    TOTAL("in all");

    private final String text;

    Phase(String text) {
      this.text = text;
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private ColdStart() {}

  /** Measures this number of processes for each kind of key, and prints the phases. */
  static void printPhases(Program java, int runs) throws IOException {
    List<List<Map<Phase, Double>>> measured = new ArrayList<>();
    for (KeyKind kind : KeyKind.values()) {
      List<Map<Phase, Double>> ofKind = new ArrayList<>();
      for (int i = 1; i <= runs; i++) {
        Progress.show("phases of a cold start, %s, %d of %d".formatted(kind, i, runs));
        try (Trial trial = Trial.start(Setup.of(java, kind, 1))) {
          ofKind.add(phases(trial.rotate(0)));
        }
      }
      measured.add(ofKind);
    }
    System.out.printf(
        """

        The phases of such a process of the Java function, in ms.
        Median (quartiles) of %d processes, each by itself: medians do not add up.

        phase                                        v1                     v2
        """,
        runs);
    for (Phase phase : Phase.values()) {
      System.out.printf(
          "%-43s  %-21s  %s%n",
          phase.text,
          Spread.of(measured.getFirst(), of -> of.get(phase)).text(0),
          Spread.of(measured.getLast(), of -> of.get(phase)).text(0));
    }
  }

  /** Adds up the durations of the steps that the function has logged. */
  static Map<Phase, Double> phases(Invocation invocation) throws IOException {
    double start = Progress.millis(invocation.initDuration().orElseThrow());
    double duration = Progress.millis(invocation.duration());
    Map<Phase, Double> phases = new EnumMap<>(Phase.class);
    for (Phase phase : Phase.values()) {
      phases.put(phase, 0.0);
    }
    double logged = 0;
    for (String line : invocation.log()) {
      if (!line.startsWith("{")) {
        continue;
      }
      JsonNode entry = JSON.readTree(line);
      Phase phase = phase(entry.path("step").asText(), logged == 0);
      if (phase != Phase.REST) {
        double millis = entry.path("duration_ms").asDouble();
        phases.merge(phase, millis, Double::sum);
        logged += millis;
      }
    }
    phases.put(Phase.START, start);
    phases.put(Phase.REST, duration - logged);
    phases.put(Phase.TOTAL, start + duration);
    return phases;
  }

  private static Phase phase(String step, boolean isFirst) {
    return switch (step) {
      case "describe" -> isFirst ? Phase.FIRST_CALL : Phase.READS;
      case "read_current", "find_version", "read_successor" -> Phase.READS;
      case "list_keys" -> Phase.LIST;
      case "probe_write" -> Phase.PROBE;
      case "refresh", "issue" -> Phase.RENEW;
      case "stage" -> Phase.STAGE;
      case "verify" -> Phase.VERIFY;
      case "promote", "remove_label", "retire" -> Phase.PROMOTE;
      // A step that includes others, or that calls no server.
      default -> Phase.REST;
    };
  }

  /** Prints how many classes a process loads. */
  static void printClasses(Program java) throws IOException {
    List<LoadedClasses> loaded = new ArrayList<>();
    for (KeyKind kind : KeyKind.values()) {
      Progress.show("classes, %s".formatted(kind));
      Path log = Files.createTempFile("classes", ".log");
      Setup setup = Setup.of(java, kind, 1).with("-Xlog:class+load:file=" + log + ":none");
      try (Trial trial = Trial.start(setup)) {
        var _ = trial.rotate(0);
        loaded.add(LoadedClasses.read(log));
      } finally {
        Files.delete(log);
      }
    }
    System.out.printf(
        """

        Classes that such a process loads; "not shared": not from the JDK's CDS archive.

        group                     v1  not shared      v2  not shared
        """);
    for (String group : LoadedClasses.groups()) {
      System.out.printf("%-20s", group);
      for (LoadedClasses of : loaded) {
        System.out.printf("  %6d  %10d", of.count(group), of.countNotShared(group));
      }
      System.out.println();
    }
  }
}
