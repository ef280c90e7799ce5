package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.benchmark.Trial.Setup;

/**
 * Compares the Java function with the one for Node: a whole process, from its start to the response
 * of its first rotation.
 */
final class WholeProcess {

  private record Run(double wallMillis, double processorMillis, double peakMegabytes) {}

  private record Pair(Run java, Run node) {}

  private record Figure(String name, ToDoubleFunction<Run> of) {}

  private static final List<Figure> FIGURES =
      List.of(
          new Figure("wall time, ms", Run::wallMillis),
          new Figure("processor time, ms", Run::processorMillis),
          new Figure("peak memory, MB", Run::peakMegabytes));

  private WholeProcess() {}

  /** Measures this number of pairs for each kind of key, and prints the table. */
  static void compare(Program java, Program node, int pairs) throws IOException {
    Map<KeyKind, List<Pair>> measured = new EnumMap<>(KeyKind.class);
    for (KeyKind kind : KeyKind.values()) {
      // The first processes find the sandbox's own code cold.
      var _ = run(java, kind);
      var _ = run(node, kind);
      List<Pair> ofKind = new ArrayList<>();
      for (int i = 1; i <= pairs; i++) {
        Pair pair = new Pair(run(java, kind), run(node, kind));
        Progress.show(
            "whole process, %s, pair %d of %d: Java %.0f ms, Node %.0f ms"
                .formatted(kind, i, pairs, pair.java.wallMillis, pair.node.wallMillis));
        ofKind.add(pair);
      }
      measured.put(kind, ofKind);
    }
    System.out.printf(
        """

        A whole process, from its start to the response of its first rotation.
        Median (quartiles) of %d pairs; the processes of a pair follow each other.

        figure              key  Java                   Node                   Java / Node
        """,
        pairs);
    for (Figure figure : FIGURES) {
      measured.forEach((kind, ofKind) -> print(figure, kind, ofKind));
    }
  }

  private static void print(Figure figure, KeyKind kind, List<Pair> pairs) {
    ToDoubleFunction<Pair> java = pair -> figure.of.applyAsDouble(pair.java);
    ToDoubleFunction<Pair> node = pair -> figure.of.applyAsDouble(pair.node);
    System.out.printf(
        "%-18s  %-3s  %-21s  %-21s  %s%n",
        figure.name,
        kind,
        Spread.of(pairs, java).text(0),
        Spread.of(pairs, node).text(0),
        Spread.of(pairs, pair -> java.applyAsDouble(pair) / node.applyAsDouble(pair)).text(2));
  }

  private static Run run(Program program, KeyKind kind) throws IOException {
    try (Trial trial = Trial.start(Setup.of(program, kind, 1))) {
      Invocation invocation = trial.rotate(0);
      return new Run(
          Progress.millis(invocation.initDuration().orElseThrow().plus(invocation.duration())),
          Progress.millis(trial.processorTime()),
          trial.peakMegabytes());
    }
  }
}
