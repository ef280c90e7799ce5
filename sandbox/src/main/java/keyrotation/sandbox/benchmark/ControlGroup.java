package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.sandbox.LambdaRuntime;
import keyrotation.sandbox.LambdaServer.Function;

/**
 * A Linux control group that limits the CPU time of its processes.
 *
 * @param directory empty if none could be created
 * @param isFirstVersion whether it is a group of cgroup v1
 */
record ControlGroup(Optional<Path> directory, boolean isFirstVersion) implements AutoCloseable {

  /** The memory for which Lambda gives one full processor; less memory gets a share of it. */
  static final int MEGABYTES_PER_PROCESSOR = 1769;

  private static final int PERIOD_MICROS = 20_000;

  /** Joins the group, and becomes the program whose command follows. */
  private static final List<String> JOIN =
      List.of("/bin/sh", "-c", "echo $$ >\"$0\" && exec \"$@\"");

  static ControlGroup create() {
    for (String parent : List.of("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")) {
      Path directory = Path.of(parent, "key-rotation-benchmark");
      try {
        // One that an interrupted benchmark has left will do.
        if (!Files.exists(directory)) {
          Files.createDirectory(directory);
        }
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

  /** Gives the group's processes the share of a processor that Lambda gives for this memory. */
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

  /** Returns the runtime whose processes are in this group from their start. */
  LambdaRuntime limiting(LambdaRuntime runtime) {
    if (directory.isEmpty()) {
      return runtime;
    }
    String processes = directory.get().resolve("cgroup.procs").toString();
    return new LambdaRuntime() {
      @Override
      public String id() {
        return runtime.id();
      }

      @Override
      public List<String> command(Function function, Path task, Path scratch) {
        return Stream.of(
                JOIN.stream(),
                Stream.of(processes),
                runtime.command(function, task, scratch).stream())
            .flatMap(part -> part)
            .toList();
      }
    };
  }

  @Override
  public void close() throws IOException {
    if (directory.isPresent()) {
      Files.delete(directory.get());
    }
  }
}
