package keyrotation.sandbox;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
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
import software.amazon.awssdk.utilslite.SdkInternalThreadLocal;

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
   * @param archive a zip file with classes and a folder {@code lib} of jars
   * @param handler class and method: {@code package.Class::method}
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
  private final Path directory;
  private volatile @Nullable ExecutionEnvironment environment;

  private LambdaServer(Function function, Path directory) {
    this.function = function;
    this.directory = directory;
  }

  /** Unpacks the function; its process starts with the first event. */
  public static LambdaServer start(Function function) {
    try {
      Path directory = Files.createTempDirectory("lambda");
      unzip(function.archive, directory.resolve("task"));
      return new LambdaServer(function, directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
      ready = ExecutionEnvironment.start(function, directory, runtimeClassPath());
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
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the jars of the runtime interface client, which the managed runtime provides. */
  private static List<Path> runtimeClassPath() {
    return Stream.of(
            AWSLambda.class, Context.class, PojoSerializer.class, SdkInternalThreadLocal.class)
        .map(LambdaServer::jarOf)
        .toList();
  }

  private static Path jarOf(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
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
