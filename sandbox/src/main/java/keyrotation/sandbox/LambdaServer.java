package keyrotation.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A stand-in for Lambda. It runs a function's archive in a separate process under AWS's runtime
 * interface client, and sends it one event at a time.
 *
 * <p>{@code sandbox/README.md} describes what it models.
 */
public final class LambdaServer implements AutoCloseable {

  /**
   * The configuration of a function.
   *
   * @param archive a zip file, for Java with classes and a folder {@code lib} of jars, or a
   *     directory with the unpacked files
   * @param handler what handles an event; for Java class and method: {@code package.Class::method}
   * @param memoryMegabytes the memory limit
   * @param timeout the time limit of an invocation
   * @param snapStart whether to run the hooks of SnapStart before the first invocation
   * @param environment the function's own environment variables
   */
  public record Function(
      Path archive,
      String handler,
      int memoryMegabytes,
      Duration timeout,
      boolean snapStart,
      Map<String, String> environment) {
    /** Copies the environment. */
    public Function {
      environment = Map.copyOf(environment);
    }
  }

  /** The outcome of an invocation. */
  public sealed interface Outcome {
    /** The function returned this JSON. */
    record Response(String json) implements Outcome {}

    /** The function threw an exception, which Lambda counts as an error. */
    record Failure(String type, String message, String json) implements Outcome {}

    /** The time limit was exceeded, and the process was killed. */
    record TimedOut() implements Outcome {}

    /** The process exited or was killed. */
    record Exited(int status) implements Outcome {}
  }

  /**
   * The result of one event.
   *
   * @param log the lines that the function wrote to standard output and standard error
   * @param duration the time from the event's delivery to its outcome
   * @param initDuration the time to initialize the process, if one was started
   */
  public record Invocation(
      String requestId,
      Outcome outcome,
      List<String> log,
      Duration duration,
      Optional<Duration> initDuration) {
    /** Copies the log. */
    public Invocation {
      log = List.copyOf(log);
    }
  }

  private final Function function;
  private final LambdaRuntime runtime;
  private final Path task;
  private final Path scratch;
  private volatile @Nullable ExecutionEnvironment environment;

  private LambdaServer(Function function, LambdaRuntime runtime, Path scratch) throws IOException {
    this.function = function;
    this.runtime = runtime;
    this.scratch = scratch;
    if (Files.isDirectory(function.archive)) {
      this.task = function.archive.toAbsolutePath();
    } else {
      this.task = scratch.resolve("task");
      unzip(function.archive, task);
    }
  }

  /** Unpacks a function for Java; its process starts with the first event. */
  public static LambdaServer start(Function function) {
    return start(function, new JavaRuntime());
  }

  /** Unpacks a function for this runtime; its process starts with the first event. */
  public static LambdaServer start(Function function, LambdaRuntime runtime) {
    try {
      return new LambdaServer(function, runtime, Files.createTempDirectory("lambda"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the function's process, if one was started. */
  public Optional<ProcessHandle> process() {
    return Optional.ofNullable(environment).map(ExecutionEnvironment::process);
  }

  /** Sends the function an event with a new request id, and waits for the outcome. */
  public Invocation invoke(String event) {
    return invoke(event, UUID.randomUUID().toString());
  }

  /** The same with a given request id, as when Lambda retries an event. */
  public synchronized Invocation invoke(String event, String requestId) {
    Optional<Duration> init = Optional.empty();
    ExecutionEnvironment ready = environment;
    if (ready == null || !ready.isAlive()) {
      ready = ExecutionEnvironment.start(function, runtime, task, scratch);
      environment = ready;
      init = Optional.of(ready.initDuration());
    }
    Invocation invocation = ready.invoke(event, requestId, init);
    switch (invocation.outcome) {
      case Outcome.TimedOut _, Outcome.Exited _ -> ready.close();
      case Outcome.Response _, Outcome.Failure _ -> {}
    }
    return invocation;
  }

  /** Kills the function's process immediately; the next event starts another. */
  public void kill() {
    ExecutionEnvironment present = environment;
    if (present != null) {
      present.kill();
    }
  }

  @Override
  public void close() {
    ExecutionEnvironment present = environment;
    if (present != null) {
      present.close();
    }
    if (!Files.exists(scratch)) {
      return;
    }
    try (Stream<Path> files = Files.walk(scratch)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void unzip(Path archive, Path directory) throws IOException {
    try (InputStream file = Files.newInputStream(archive);
        ZipInputStream zip = new ZipInputStream(file)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Path target = directory.resolve(entry.getName()).normalize();
        if (!target.startsWith(directory)) {
          throw new IOException("The archive has an entry outside its root: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          Files.copy(zip, target);
        }
      }
    }
  }
}
