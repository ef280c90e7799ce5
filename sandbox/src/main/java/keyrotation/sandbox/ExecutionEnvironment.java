package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeoutException;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;

/** A process of a function, and the runtime API that sends it events. */
final class ExecutionEnvironment implements AutoCloseable {

  private static final String API = "/2018-06-01/runtime/";
  private static final Duration INIT_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration SNAPSHOT_INIT_TIMEOUT = Duration.ofSeconds(130);

  private record Event(String json, String requestId, Instant deadline) {}

  private final Function function;
  private final HttpServer http;
  private final Process process;
  private final Path log;
  private final Duration initDuration;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final BlockingQueue<Event> events = new ArrayBlockingQueue<>(1);
  private final CompletableFuture<Outcome> ready = new CompletableFuture<>();
  private volatile CompletableFuture<Outcome> outcome = ready;
  private long logRead;

  private ExecutionEnvironment(Function function, LambdaRuntime runtime, Path task, Path scratch)
      throws IOException {
    this.function = function;
    this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.setExecutor(threads);
    http.createContext(API, this::handle);
    http.start();
    long start = System.nanoTime();
    this.log = Files.createTempFile(scratch, "function", ".log");
    this.process = startProcess(runtime, task, scratch);
    var _ =
        process
            .onExit()
            .thenAccept(ended -> outcome.complete(new Outcome.Exited(ended.exitValue())));
    try {
      Outcome init = await(ready, function.snapStart() ? SNAPSHOT_INIT_TIMEOUT : INIT_TIMEOUT);
      if (!(init instanceof Outcome.Response)) {
        throw new IllegalStateException(
            "The function did not start: " + init + "\n" + String.join("\n", newLogLines()));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    this.initDuration = Duration.ofNanos(System.nanoTime() - start);
  }

  /**
   * Starts a process of a function, and waits until it asks for its first event.
   *
   * @param task the directory with the function's files
   * @param scratch a directory for the log and files of the runtime
   */
  static ExecutionEnvironment start(
      Function function, LambdaRuntime runtime, Path task, Path scratch) {
    try {
      return new ExecutionEnvironment(function, runtime, task, scratch);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Duration initDuration() {
    return initDuration;
  }

  ProcessHandle process() {
    return process.toHandle();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  Invocation invoke(String event, String requestId, Optional<Duration> init) {
    CompletableFuture<Outcome> result = new CompletableFuture<>();
    outcome = result;
    if (!process.isAlive()) {
      result.complete(new Outcome.Exited(process.exitValue()));
    }
    long start = System.nanoTime();
    events.add(new Event(event, requestId, Instant.now().plus(function.timeout())));
    Outcome end = await(result, function.timeout());
    Duration duration = Duration.ofNanos(System.nanoTime() - start);
    if (end instanceof Outcome.TimedOut) {
      kill();
    }
    return new Invocation(requestId, end, newLogLines(), duration, init);
  }

  void kill() {
    process.destroyForcibly();
    process.onExit().join();
  }

  @Override
  public void close() {
    kill();
    http.stop(0);
    threads.shutdownNow();
  }

  private static Outcome await(CompletableFuture<Outcome> future, Duration limit) {
    try {
      return future.get(limit.toMillis(), MILLISECONDS);
    } catch (TimeoutException e) {
      return new Outcome.TimedOut();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a function ran.", e);
    }
  }

  private Process startProcess(LambdaRuntime runtime, Path task, Path scratch) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(runtime.command(function, task, scratch))
            .directory(task.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().clear();
    builder.environment().putAll(lambdaEnvironment(runtime, task));
    builder.environment().putAll(function.environment());
    return builder.start();
  }

  private Map<String, String> lambdaEnvironment(LambdaRuntime runtime, Path task) {
    return Map.ofEntries(
        Map.entry("AWS_LAMBDA_RUNTIME_API", "localhost:" + http.getAddress().getPort()),
        Map.entry("_HANDLER", function.handler()),
        Map.entry("AWS_EXECUTION_ENV", "AWS_Lambda_" + runtime.id()),
        Map.entry("AWS_LAMBDA_FUNCTION_NAME", "sandbox"),
        Map.entry("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        Map.entry("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "" + function.memoryMegabytes()),
        Map.entry(
            "AWS_LAMBDA_INITIALIZATION_TYPE", function.snapStart() ? "snap-start" : "on-demand"),
        Map.entry("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/sandbox"),
        Map.entry("AWS_LAMBDA_LOG_STREAM_NAME", "sandbox"),
        Map.entry("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        Map.entry("AWS_REGION", "us-east-1"),
        Map.entry("AWS_DEFAULT_REGION", "us-east-1"),
        Map.entry("AWS_ACCESS_KEY_ID", SecretsManagerServer.FUNCTION),
        Map.entry("AWS_SECRET_ACCESS_KEY", "sandbox"),
        Map.entry("AWS_SESSION_TOKEN", "sandbox"),
        Map.entry("LAMBDA_TASK_ROOT", task.toString()),
        Map.entry("LANG", "en_US.UTF-8"),
        Map.entry("TZ", ":UTC"));
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath().substring(API.length());
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      if (path.equals("invocation/next")) {
        ready.complete(new Outcome.Response(""));
        deliver(exchange, events.take());
      } else if (path.equals("restore/next")) {
        // Lambda takes the snapshot here, and responds in each process restored from it.
        exchange.sendResponseHeaders(200, -1);
      } else {
        exchange.sendResponseHeaders(202, -1);
        outcome.complete(path.endsWith("/response") ? new Outcome.Response(body) : failure(body));
      }
    } catch (InterruptedException e) {
      // The environment is being closed; its process has ended.
      Thread.currentThread().interrupt();
    }
  }

  private void deliver(HttpExchange exchange, Event event) throws IOException {
    var headers = exchange.getResponseHeaders();
    headers.set("Content-Type", "application/json");
    headers.set("Lambda-Runtime-Aws-Request-Id", event.requestId);
    headers.set("Lambda-Runtime-Deadline-Ms", "" + event.deadline.toEpochMilli());
    headers.set(
        "Lambda-Runtime-Invoked-Function-Arn",
        "arn:aws:lambda:us-east-1:123456789012:function:sandbox");
    headers.set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0");
    byte[] bytes = event.json.getBytes(UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static Outcome failure(String body) throws IOException {
    JsonNode error = new ObjectMapper().readTree(body);
    return new Outcome.Failure(
        error.path("errorType").asText(), error.path("errorMessage").asText(), body);
  }

  /** Returns the lines that the process has written since the last call. */
  private List<String> newLogLines() {
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      file.seek(logRead);
      byte[] bytes = new byte[(int) (file.length() - logRead)];
      file.readFully(bytes);
      logRead += bytes.length;
      return new String(bytes, UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
