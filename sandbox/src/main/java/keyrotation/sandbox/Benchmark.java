package keyrotation.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Value;

/**
 * Measures the function's initialization, first scheduled rotation and peak memory at several
 * memory sizes, with the share of a processor that Lambda gives to each.
 *
 * <p>Limiting the CPU time requires the right to create a Linux control group.
 */
public final class Benchmark {

  /** The memory for which Lambda gives one full processor; less memory gets a share of it. */
  private static final int MEGABYTES_PER_PROCESSOR = 1769;

  private static final List<Integer> SIZES = List.of(384, 512, 1024, MEGABYTES_PER_PROCESSOR);
  private static final List<Integer> SECRETS = List.of(1, 100);
  private static final int RUNS = 5;

  private record Run(Duration init, Duration rotation, int peakMegabytes) {}

  private Benchmark() {}

  /** Runs the benchmark; the argument is the path of the function's archive. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Path archive = Path.of(args[0]);
    try (ControlGroup group = ControlGroup.create()) {
      System.out.println(
          group.directory.isPresent()
              ? "CPU time is limited to the share that Lambda gives to each memory size."
              : "No control group could be created, so CPU time is not limited.");
      System.out.printf("Median (minimum to maximum) of %d runs, each in a new process.%n%n", RUNS);
      System.out.println(
          "memory   secrets  SnapStart  init, ms             first rotation, ms   peak, MB");
      for (int secrets : SECRETS) {
        for (int megabytes : SIZES) {
          for (boolean snapStart : List.of(false, true)) {
            measure(archive, megabytes, secrets, snapStart, group);
          }
        }
      }
    }
  }

  private static void measure(
      Path archive, int megabytes, int secrets, boolean snapStart, ControlGroup group)
      throws IOException, InterruptedException {
    group.limitTo(megabytes);
    List<Run> runs = new ArrayList<>();
    for (int i = 0; i < RUNS; i++) {
      runs.add(run(archive, megabytes, secrets, snapStart, group));
    }
    System.out.printf(
        "%4d MB  %7d  %-9s  %-19s  %-19s  %8d%n",
        megabytes,
        secrets,
        snapStart ? "yes" : "no",
        spread(runs, run -> run.init.toMillis()),
        spread(runs, run -> run.rotation.toMillis()),
        runs.stream().mapToInt(Run::peakMegabytes).max().orElseThrow());
  }

  private static String spread(List<Run> runs, Function<Run, Long> figure) {
    List<Long> sorted = runs.stream().map(figure).sorted().toList();
    return "%d (%d to %d)"
        .formatted(sorted.get(sorted.size() / 2), sorted.getFirst(), sorted.getLast());
  }

  private static Run run(
      Path archive, int megabytes, int secrets, boolean snapStart, ControlGroup group)
      throws IOException, InterruptedException {
    try (Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE)) {
      List<String> names = IntStream.range(0, secrets).mapToObj(i -> "momento/key-" + i).toList();
      names.forEach(name -> storeKey(sandbox, name));
      Map<String, String> environment = new HashMap<>(sandbox.environment());
      environment.put("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", names));
      // High rates, so that the rate limits do not dominate the result.
      environment.put("MOMENTO_REFRESHES_PER_SECOND", "10000");
      environment.put("SECRETS_MANAGER_WRITES_PER_SECOND", "10000");
      try (LambdaServer lambda =
          LambdaServer.start(
              new LambdaServer.Function(
                  archive,
                  "keyrotation.RotationHandler::handleRequest",
                  megabytes,
                  Duration.ofMinutes(5),
                  snapStart,
                  environment))) {
        Thread watch = Thread.startVirtualThread(group::addFunctionProcess);
        Invocation invocation = lambda.invoke(scheduledEvent());
        watch.join();
        if (!(invocation.outcome() instanceof Outcome.Response)) {
          throw new IllegalStateException("The rotation failed: " + invocation);
        }
        return new Run(
            invocation.initDuration().orElseThrow(), invocation.duration(), peakMegabytes());
      }
    }
  }

  private static void storeKey(Sandbox sandbox, String name) {
    IssuedKey key =
        sandbox
            .momento()
            .issueAged(Duration.ofDays(30), Duration.ofDays(28), Permissions.SUPER_USER);
    sandbox
        .secretsManager()
        .state()
        .create(name, new Value.Text(key.consoleJson()), UUID.randomUUID().toString(), null);
  }

  private static String scheduledEvent() throws IOException {
    return Files.readString(Path.of("events/scheduler.json"))
        .replaceAll("\"time\": \"[^\"]*\"", "\"time\": \"" + Instant.now() + "\"");
  }

  private static ProcessHandle awaitFunctionProcess() {
    while (true) {
      Optional<ProcessHandle> child = ProcessHandle.current().children().findFirst();
      if (child.isPresent()) {
        return child.get();
      }
      Thread.onSpinWait();
    }
  }

  private static int peakMegabytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + awaitFunctionProcess().pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .map(line -> line.replaceAll("\\D", ""))
        .mapToInt(kilobytes -> Integer.parseInt(kilobytes) / 1024)
        .findFirst()
        .orElseThrow();
  }

  /**
   * A Linux control group that limits the CPU time of its processes.
   *
   * @param directory empty if none could be created
   * @param isFirstVersion whether it is a group of cgroup v1
   */
  private record ControlGroup(Optional<Path> directory, boolean isFirstVersion)
      implements AutoCloseable {

    private static final int PERIOD_MICROS = 20_000;

    static ControlGroup create() {
      for (String parent : List.of("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")) {
        Path directory = Path.of(parent, "key-rotation-benchmark");
        try {
          Files.createDirectory(directory);
          if (Files.exists(directory.resolve("cpu.cfs_quota_us"))) {
            return new ControlGroup(Optional.of(directory), true);
          }
          if (Files.exists(directory.resolve("cpu.max"))) {
            return new ControlGroup(Optional.of(directory), false);
          }
          Files.delete(directory);
        } catch (IOException e) {
          // It does not exist or is not writable; try the next one.
        }
      }
      return new ControlGroup(Optional.empty(), false);
    }

    void limitTo(int megabytes) throws IOException {
      if (directory.isEmpty()) {
        return;
      }
      int quota = PERIOD_MICROS * megabytes / MEGABYTES_PER_PROCESSOR;
      if (isFirstVersion) {
        Files.writeString(directory.get().resolve("cpu.cfs_period_us"), "" + PERIOD_MICROS);
        Files.writeString(directory.get().resolve("cpu.cfs_quota_us"), "" + quota);
      } else {
        Files.writeString(directory.get().resolve("cpu.max"), quota + " " + PERIOD_MICROS);
      }
    }

    void addFunctionProcess() {
      directory.ifPresent(
          group -> {
            try {
              Files.writeString(group.resolve("cgroup.procs"), "" + awaitFunctionProcess().pid());
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          });
    }

    @Override
    public void close() throws IOException {
      if (directory.isPresent()) {
        Files.delete(directory.get());
      }
    }
  }
}
