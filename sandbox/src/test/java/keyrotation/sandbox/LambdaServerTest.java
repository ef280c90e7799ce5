package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import com.amazonaws.services.lambda.runtime.Context;
import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LambdaServerTest {

  @TempDir Path directory;
  private LambdaServer lambda;

  @BeforeEach
  void start() throws IOException {
    lambda = start(Duration.ofSeconds(30));
  }

  @AfterEach
  void stop() {
    lambda.close();
  }

  @Test
  void an_event_goes_in_and_a_response_comes_out() {
    Invocation invocation = lambda.invoke("\"echo\"");

    assertThat(invocation.outcome()).isEqualTo(new Outcome.Response("\"echo\""));
    assertThat(invocation.log()).contains("got echo");
    assertThat(invocation.initDuration()).isPresent();
    assertThat(invocation.duration()).isPositive();
  }

  @Test
  void a_process_serves_many_events_and_each_has_its_own_log() {
    lambda.invoke("\"first\"");
    Invocation second = lambda.invoke("\"second\"");

    assertThat(second.initDuration()).isEmpty();
    assertThat(second.log()).containsExactly("got second");
  }

  @Test
  void the_function_sees_the_request_id_that_it_is_given() {
    assertThat(lambda.invoke("\"request-id\"", "my-id").outcome())
        .isEqualTo(new Outcome.Response("\"my-id\""));
  }

  @Test
  void an_exception_is_a_failure() {
    assertThat(lambda.invoke("\"throw\"").outcome())
        .asInstanceOf(type(Outcome.Failure.class))
        .satisfies(
            failure -> {
              assertThat(failure.type()).isEqualTo("java.lang.IllegalStateException");
              assertThat(failure.message()).isEqualTo("as asked");
            });
  }

  @Test
  void an_event_that_exceeds_the_timeout_is_ended_and_the_next_starts_a_new_process()
      throws IOException {
    stop();
    lambda = start(Duration.ofMillis(300));

    assertThat(lambda.invoke("\"hang\"").outcome()).isEqualTo(new Outcome.TimedOut());
    assertThat(lambda.invoke("\"hang\"").initDuration()).isPresent();
  }

  @Test
  void an_exit_of_the_process_is_reported_with_its_status() {
    assertThat(lambda.invoke("\"exit\"").outcome()).isEqualTo(new Outcome.Exited(3));
    assertThat(lambda.invoke("\"echo\"").outcome()).isInstanceOf(Outcome.Response.class);
  }

  @Test
  void a_process_can_be_killed_during_an_event() throws Exception {
    try (ServerSocket door = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CompletableFuture<Invocation> hanging =
          CompletableFuture.supplyAsync(
              () -> lambda.invoke("\"knock and hang " + door.getLocalPort() + "\""));
      door.accept().close();

      lambda.kill();

      assertThat(hanging.get().outcome()).isInstanceOf(Outcome.Exited.class);
    }
    assertThat(lambda.invoke("\"echo\"").outcome()).isInstanceOf(Outcome.Response.class);
  }

  @Test
  void the_function_gets_only_lambdas_and_its_own_environment_variables() {
    assertThat(lambda.invoke("\"environment\"").outcome())
        .asInstanceOf(type(Outcome.Response.class))
        .extracting(Outcome.Response::json)
        .asString()
        .contains("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "MINE")
        .doesNotContain("HOME");
  }

  @Test
  void the_heap_is_a_part_of_the_memory() {
    assertThat(lambda.invoke("\"memory\"").outcome())
        .asInstanceOf(type(Outcome.Response.class))
        .extracting(response -> Long.parseLong(response.json()))
        .satisfies(megabytes -> assertThat(megabytes).isBetween(90L, 128L));
  }

  @Test
  void a_snapshot_is_taken_after_the_functions_own_hook_and_before_the_first_event()
      throws IOException {
    stop();
    lambda = start(Duration.ofSeconds(30), true);

    assertThat(lambda.invoke("\"echo\"").log())
        .containsExactly("before the snapshot", "after the restore", "got echo");
  }

  @Test
  void the_quick_compiler_alone_is_used() {
    assertThat(lambda.invoke("\"compilers\"").outcome())
        .isEqualTo(new Outcome.Response("\"level 1\""));
  }

  @Test
  void both_compilers_are_used_with_snap_start() throws IOException {
    stop();
    lambda = start(Duration.ofSeconds(30), true);

    assertThat(lambda.invoke("\"compilers\"").outcome())
        .isEqualTo(new Outcome.Response("\"level 4\""));
  }

  @Test
  void the_functions_options_replace_those_of_the_runtime() throws IOException {
    stop();
    String options = "-XX:TieredStopAtLevel=3 -XX:+UseParallelGC";
    lambda = start(Duration.ofSeconds(30), false, Map.of("JAVA_TOOL_OPTIONS", options));

    assertThat(lambda.invoke("\"compilers\"").outcome())
        .isEqualTo(new Outcome.Response("\"level 3\""));
  }

  @Test
  void a_program_in_a_directory_runs_under_another_runtime() throws IOException {
    Path program = Files.createDirectory(directory.resolve("program"));
    Files.writeString(program.resolve("main.sh"), "exit 7");
    LambdaRuntime shell =
        new LambdaRuntime() {
          @Override
          public String id() {
            return "shell";
          }

          @Override
          public List<String> command(Function function, Path task, Path scratch) {
            return List.of("/bin/sh", function.handler());
          }
        };
    Function function =
        new Function(program, "main.sh", 128, Duration.ofSeconds(1), false, Map.of());

    try (LambdaServer server = LambdaServer.start(function, shell)) {
      assertThatThrownBy(() -> server.invoke("{}")).hasMessageContaining("Exited[status=7]");
    }
    assertThat(program).exists();
  }

  @Test
  void no_process_is_left_after_close() {
    lambda.invoke("\"echo\"");
    // Other tests, which run at the same time, start other programs.
    List<ProcessHandle> processes =
        ProcessHandle.current()
            .descendants()
            .filter(each -> each.info().commandLine().orElse("").contains(Sample.class.getName()))
            .toList();
    assertThat(processes).isNotEmpty();

    stop();

    assertThat(processes).noneMatch(ProcessHandle::isAlive);
  }

  private LambdaServer start(Duration timeout) throws IOException {
    return start(timeout, false);
  }

  private LambdaServer start(Duration timeout, boolean snapStart) throws IOException {
    return start(timeout, snapStart, Map.of("MINE", "1"));
  }

  private LambdaServer start(Duration timeout, boolean snapStart, Map<String, String> environment)
      throws IOException {
    Path archive = SampleArchive.of(Sample.class, directory);
    return LambdaServer.start(
        new Function(
            archive, Sample.class.getName() + "::handle", 128, timeout, snapStart, environment));
  }

  /** A function that executes the command in its event. */
  public static final class Sample implements Resource {

    /** Called by the runtime interface client, which keeps it. */
    public Sample() {
      Core.getGlobalContext().register(this);
    }

    @Override
    public void beforeCheckpoint(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {
      System.out.println("before the snapshot");
    }

    @Override
    public void afterRestore(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {
      System.out.println("after the restore");
    }

    /** Called by the runtime interface client. */
    public Object handle(String request, Context context) throws Exception {
      System.out.println("got " + request);
      if (request.startsWith("knock")) {
        int port = Integer.parseInt(request.substring(request.lastIndexOf(' ') + 1));
        new Socket(InetAddress.getLoopbackAddress(), port).close();
      }
      return switch (request.replaceFirst(" [0-9]+$", "")) {
        case "request-id" -> context.getAwsRequestId();
        case "throw" -> throw new IllegalStateException("as asked");
        case "hang", "knock and hang" -> {
          Thread.sleep(Duration.ofMinutes(10));
          yield "";
        }
        case "exit" -> {
          System.exit(3);
          yield "";
        }
        case "environment" -> System.getenv().keySet().toString();
        case "compilers" ->
            "level "
                + ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .getVMOption("TieredStopAtLevel")
                    .getValue();
        case "memory" -> Runtime.getRuntime().maxMemory() >> 20;
        default -> request;
      };
    }
  }
}
