package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Measures the function as it is deployed, and compares it with a plain function for Node.
 *
 * <p>Limiting the CPU time requires the right to create a Linux control group.
 */
public final class Benchmark {

  private static final int RUNS = 10;
  private static final int QUICK_RUNS = 2;
  private static final int FLEET_RUNS = 3;

  private Benchmark() {}

  /**
   * Runs the benchmark in the project's directory.
   *
   * @param args the path of the function's archive, and optionally {@code --quick} or {@code
   *     --fleets}
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    boolean quick = List.of(args).contains("--quick");
    Path root = Path.of("");
    try {
      if (List.of(args).contains("--fleets")) {
        runFleets(root, Path.of(args[0]), Fleets.SIZES, quick ? 1 : FLEET_RUNS);
      } else {
        run(root, Path.of(args[0]), quick ? QUICK_RUNS : RUNS, quick);
      }
    } catch (IllegalStateException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  /**
   * Measures runs over many secrets.
   *
   * @param root the project's directory
   * @param archive the function's archive
   * @param sizes how many secrets there are
   */
  public static void runFleets(Path root, Path archive, List<Integer> sizes, int runs)
      throws IOException {
    Fleets.measure(Program.java(archive), root.resolve("events/scheduler.json"), sizes, runs);
  }

  /**
   * Makes all measurements but those of fleets.
   *
   * @param root the project's directory
   * @param archive the function's archive
   * @param runs how many pairs of processes are compared; runs that take long are fewer
   * @param oneSize whether to leave out all memory sizes but the deployed one
   */
  public static void run(Path root, Path archive, int runs, boolean oneSize)
      throws IOException, InterruptedException {
    Program java = Program.java(archive);
    Program node =
        NodePeer.install(
            root.resolve("sandbox/src/main/node-peer"), root.resolve("sandbox/target/node-peer"));
    WholeProcess.compare(java, node, runs);
    ColdStart.printPhases(java, runs);
    ColdStart.printClasses(java);
    WarmRotations.measure(List.of(java, node));
    try (ControlGroup group = ControlGroup.create()) {
      MemorySizes sizes = new MemorySizes(java, root.resolve("events/scheduler.json"), group);
      sizes.measureAfterSnapshot(runs);
      sizes.measureManySecrets(Math.ceilDiv(runs, 4));
      sizes.measureFirstRuns(
          oneSize ? List.of(MemorySizes.DEPLOYED) : MemorySizes.SIZES, Math.ceilDiv(runs, 4));
    }
  }
}
