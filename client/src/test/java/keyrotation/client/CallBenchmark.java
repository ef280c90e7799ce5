package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static keyrotation.client.ClientFixture.NEVER;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import javax.tools.ToolProvider;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.generators.BenchmarkProcessor;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Measures what a call through a {@link FollowingClient} costs, compared with the same call of the
 * bare client. The client makes futures and nothing else, as the time that a server needs would
 * hide the library's.
 */
public class CallBenchmark {

  private static final int RUNS = 5;

  private record Cost(double nanoseconds, double bytes) {}

  /** Makes all measurements. Runs with the bare client and through the library take turns. */
  public static void main(String[] args) throws RunnerException {
    generate();
    System.out.printf(
        """
        Medians of %d pairs of runs, each run in a new process; "more" is the library's part.

                                     nanoseconds a call                  bytes a call
        call             threads   bare  library  more (min to max)    bare  library  more
        """,
        RUNS);
    compare("answered at once", "atOnce", 1);
    compare("answered at once", "atOnce", 2);
    compare("answered later", "later", 1);
    compare("answered later", "later", 2);
  }

  /**
   * Generates and compiles the loops that make the calls, next to this class. The build does not:
   * it would apply Error Prone's rules to the generated sources.
   */
  private static void generate() {
    URL classes = CallBenchmark.class.getProtectionDomain().getCodeSource().getLocation();
    ByteArrayOutputStream messages = new ByteArrayOutputStream();
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                messages,
                "-processor",
                BenchmarkProcessor.class.getName(),
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                Path.of(URI.create(classes.toString())).toString(),
                CallBenchmark.class.getName());
    if (status != 0) {
      throw new IllegalStateException(messages.toString(UTF_8));
    }
  }

  private static void compare(String call, String method, int threads) throws RunnerException {
    Cost[] bare = new Cost[RUNS];
    Cost[] library = new Cost[RUNS];
    for (int run = 0; run < RUNS; run++) {
      bare[run] = measure(method + "Bare", threads);
      library[run] = measure(method + "ThroughLibrary", threads);
    }
    double[] more = sorted(run -> library[run].nanoseconds() - bare[run].nanoseconds());
    System.out.printf(
        "%-16s %7d %6.0f %8.0f  %-17s %7.0f %8.0f %5.0f%n",
        call,
        threads,
        median(sorted(run -> bare[run].nanoseconds())),
        median(sorted(run -> library[run].nanoseconds())),
        "%.0f (%.0f to %.0f)".formatted(median(more), more[0], more[RUNS - 1]),
        median(sorted(run -> bare[run].bytes())),
        median(sorted(run -> library[run].bytes())),
        median(sorted(run -> library[run].bytes() - bare[run].bytes())));
  }

  private static Cost measure(String method, int threads) throws RunnerException {
    RunResult result =
        new Runner(
                new OptionsBuilder()
                    .include(CallBenchmark.class.getName() + "." + method + "$")
                    .mode(Mode.AverageTime)
                    .timeUnit(TimeUnit.NANOSECONDS)
                    .threads(threads)
                    .forks(1)
                    // Not this process's own: the scripts' programs do without the best compiler.
                    .jvmArgs(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow")
                    .warmupIterations(4)
                    .warmupTime(TimeValue.milliseconds(500))
                    // Short ones: where other processes interrupt some, the median remains.
                    .measurementIterations(40)
                    .measurementTime(TimeValue.milliseconds(50))
                    .addProfiler(GCProfiler.class)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .runSingle();
    return new Cost(
        result.getPrimaryResult().getStatistics().getPercentile(50),
        requireNonNull(result.getSecondaryResults().get("gc.alloc.rate.norm")).getScore());
  }

  private static double[] sorted(IntToDoubleFunction value) {
    return IntStream.range(0, RUNS).mapToDouble(value).sorted().toArray();
  }

  private static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }

  @Benchmark
  public String atOnceBare(Clients clients, Caller caller) {
    return clients.bare.answer(caller).join();
  }

  @Benchmark
  public String atOnceThroughLibrary(Clients clients, Caller caller) {
    return clients.following.call(client -> client.answer(caller)).join();
  }

  @Benchmark
  public int laterBare(Clients clients, Caller caller) {
    CompletableFuture<Integer> length = clients.bare.start(caller).thenApply(String::length);
    caller.pending.complete(caller.value);
    return length.join();
  }

  @Benchmark
  public int laterThroughLibrary(Clients clients, Caller caller) {
    CompletableFuture<Integer> length =
        clients.following.call(client -> client.start(caller)).thenApply(String::length);
    caller.pending.complete(caller.value);
    return length.join();
  }

  /** A client whose calls end at once, or when the caller ends them. */
  private static final class Client implements AutoCloseable {

    CompletableFuture<String> answer(Caller caller) {
      return CompletableFuture.completedFuture(caller.value);
    }

    CompletableFuture<String> start(Caller caller) {
      caller.pending = new CompletableFuture<>();
      return caller.pending;
    }

    @Override
    public void close() {}
  }

  /** What each thread has of its own. */
  @State(Scope.Thread)
  public static class Caller {
    private final String value = "value";
    private CompletableFuture<String> pending = new CompletableFuture<>();
  }

  /** What the threads share. */
  @State(Scope.Benchmark)
  public static class Clients {
    private final ClientFixture fixture = new ClientFixture();
    private final CurrentKey key;
    private final FollowingClient<Client> following;
    private final Client bare = new Client();

    public Clients() {
      fixture.store(fixture.v2Key());
      key = fixture.key().timeToLive(NEVER).build();
      following = new FollowingClient<>(key, made -> new Client());
    }

    @TearDown
    public void close() {
      following.close();
      key.close();
      fixture.close();
    }
  }
}
