package keyrotation;

import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.STEP_DONE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import keyrotation.rotation.BatchRotation;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive as it is deployed, in a process of its own, under AWS's runtime interface client. */
class PackedFunctionIT {

  private static final long LARGEST_ARCHIVE = 14_000_000;

  private PackedFunction function = new PackedFunction(RefreshTokens.SINGLE_USE);

  @AfterEach
  void stop() {
    function.close();
  }

  @Test
  void rotates_a_key_once_for_the_sample_event_delivered_twice() throws IOException {
    function.storeKey();
    String event = Files.readString(Path.of("../events/manual.json"));

    Invocation first = function.lambda.invoke(event, "same");
    Invocation second = function.lambda.invoke(event, "same");

    assertThatResult(response(first)).is(ROTATED);
    assertThatResult(response(second)).is(ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(first.log()).anyMatch(line -> line.contains("\"step\":\"promote\""));
  }

  @Test
  void writes_nothing_but_its_own_log() {
    function.storeKey();

    Invocation invocation = rotate("1");

    assertThat(invocation.log())
        .filteredOn(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS"))
        .isNotEmpty()
        .allMatch(line -> line.startsWith("{\"timestamp\":\"") && line.endsWith("}"));
  }

  @Test
  void an_invocation_that_could_not_do_its_work_is_an_error_to_lambda() {
    assertThat(rotate("1").outcome())
        .asInstanceOf(type(LambdaServer.Outcome.Failure.class))
        .satisfies(
            failure -> {
              assertThat(failure.type()).isEqualTo("keyrotation.InvocationFailedException");
              assertThat(failure.message())
                  .startsWith(SECRET + " was not rotated. SECRET_NOT_FOUND: ");
            });
  }

  @Test
  void rotates_a_key_when_secrets_manager_asks_step_by_step() {
    function.storeKey();
    String before = function.current().id();

    assertThatResult(function.rotateSecret()).is(STEP_DONE);

    assertThat(function.current().id()).isNotEqualTo(before);
    assertThat(function.current().labels()).containsExactly(SecretsManagerState.CURRENT);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  /** Otherwise most calls of a large run would begin with a TLS handshake. */
  @Test
  void a_run_makes_no_more_connections_than_it_works_on_secrets_at_a_time() {
    List<String> names = IntStream.range(0, 80).mapToObj(i -> "momento/key-" + i).toList();
    function.close();
    function =
        new PackedFunction(
            RefreshTokens.SINGLE_USE,
            false,
            environment -> {
              environment.put("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", names));
              return environment;
            });
    String key = function.issueFreshKey(Duration.ofHours(1)).consoleJson();
    for (String name : names) {
      function.state().create(name, new Value.Text(key), UUID.randomUUID().toString(), null);
    }

    Invocation run =
        function.lambda.invoke(SampleEvents.read("scheduler.json", function.now()), "1");

    assertThat(run.outcome()).isInstanceOf(LambdaServer.Outcome.Response.class);
    assertThat(function.awsCalls().seen()).hasSizeGreaterThan(2 * names.size());
    // Those of the management key's reads, and one that another thread has just taken.
    assertThat(function.sandbox.secretsManager().connections())
        .isLessThan(2 * BatchRotation.MAX_CONCURRENT);
  }

  @Test
  void a_snapshot_holds_no_key() {
    startFromSnapshot();

    Invocation first = function.lambda.invoke("{}");

    assertThat(first.outcome()).isInstanceOf(LambdaServer.Outcome.Failure.class);
    assertThat(function.awsCalls().seen()).containsExactly("DescribeSecret");
    assertThat(function.momento().calls().seen()).isEmpty();
  }

  @Test
  void a_snapshot_is_taken_even_if_nothing_answers_yet() {
    startFromSnapshot();
    function
        .awsCalls()
        .onNext(
            "DescribeSecret",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", SECRET)));

    Invocation first = rotate("1");

    assertThatResult(response(first)).is(ROTATED);
    assertThat(first.log()).noneMatch(line -> line.contains("priming"));
  }

  @Test
  void a_snapshot_keeps_no_address(@TempDir Path directory) throws IOException {
    Path hosts = directory.resolve("hosts");
    String reachable = "127.0.0.1 localhost\n127.0.0.1 secretsmanager.sandbox\n";
    // Nothing listens there.
    String unreachable = "127.0.0.1 localhost\n127.0.0.9 secretsmanager.sandbox\n";
    Files.writeString(hosts, reachable);
    function.close();
    function =
        new PackedFunction(
            RefreshTokens.SINGLE_USE,
            true,
            environment -> {
              environment.computeIfPresent(
                  "AWS_ENDPOINT_URL",
                  (_, url) -> url.replace("localhost", "secretsmanager.sandbox"));
              // A connection that is kept would be used whatever the address is.
              environment.computeIfPresent(
                  "JAVA_TOOL_OPTIONS",
                  (_, options) ->
                      options + " -Djdk.net.hosts.file=" + hosts + " -Dhttp.keepAlive=false");
              return environment;
            });
    function.storeKey();
    // It starts, takes the snapshot, and calls nothing but for that.
    var _ = function.lambda.invoke("{}");
    assertThat(function.awsCalls().seen()).containsExactly("DescribeSecret");

    Files.writeString(hosts, unreachable);
    assertThat(rotate("1").outcome()).isInstanceOf(LambdaServer.Outcome.Failure.class);
    assertThat(function.awsCalls().seen()).hasSize(1);
    Files.writeString(hosts, reachable);
    assertThatResult(response(rotate("2"))).is(ROTATED);
  }

  @Tag("slow")
  @Test
  void an_answer_over_tls_that_stops_half_way_is_asked_for_again_in_time() {
    function.storeKey();
    // The first call of a process loads classes and may use up the time of its attempts.
    assertThatResult(response(rotate("1"))).is(ROTATED);
    int before = function.awsCalls().count("DescribeSecret");
    function.awsCalls().onEvery("DescribeSecret", new Fault.StopHalfway<>());

    assertThat(rotate("2").outcome())
        .asInstanceOf(type(LambdaServer.Outcome.Failure.class))
        .satisfies(
            failure -> assertThat(failure.message()).contains("SECRETS_MANAGER_UNAVAILABLE: "));
    // If one attempt could not be ended, there would be no time for others.
    assertThat(function.awsCalls().count("DescribeSecret") - before).isGreaterThan(1);
  }

  @Test
  void the_archive_holds_what_the_function_needs_and_nothing_else() throws IOException {
    assertThat(Files.size(PackedFunction.ARCHIVE)).isLessThan(LARGEST_ARCHIVE);
    try (ZipFile zip = new ZipFile(PackedFunction.ARCHIVE.toFile())) {
      List<String> names = zip.stream().map(ZipEntry::getName).toList();

      assertThat(names).contains("keyrotation/RotationHandler.class", "LICENSE", "NOTICE");
      assertThat(names)
          .filteredOn(name -> !name.matches("(keyrotation|licenses|META-INF)/.*"))
          .containsExactlyInAnyOrder("lib/", "lib/libraries.jar", "LICENSE", "NOTICE");
      assertThat(names).noneMatch(name -> name.contains("sandbox") || name.contains("Test"));
      assertThat(libraries(zip))
          .contains("software/amazon/awssdk/services/secretsmanager/SecretsManagerClient.class")
          .noneMatch(
              name -> name.matches("keyrotation/.*|com/amazonaws/.*|org/(junit|assertj|apache)/.*"))
          .noneMatch(name -> name.matches("io/(netty|grpc/netty)/.*|momento/sdk/.*"));
    }
  }

  private static List<String> libraries(ZipFile zip) throws IOException {
    List<String> names = new ArrayList<>();
    try (ZipInputStream jar =
        new ZipInputStream(zip.getInputStream(zip.getEntry("lib/libraries.jar")))) {
      for (ZipEntry entry; (entry = jar.getNextEntry()) != null; ) {
        names.add(entry.getName());
      }
    }
    return names;
  }

  private void startFromSnapshot() {
    function.close();
    function = new PackedFunction(RefreshTokens.SINGLE_USE, true);
    function.storeKey();
  }

  private Invocation rotate(String requestId) {
    return function.lambda.invoke(RotationFixture.manualEvent(SECRET), requestId);
  }

  private static JsonNode response(Invocation invocation) {
    assertThat(invocation.outcome()).isInstanceOf(LambdaServer.Outcome.Response.class);
    return RotationFixture.parse(((LambdaServer.Outcome.Response) invocation.outcome()).json());
  }
}
