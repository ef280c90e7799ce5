package keyrotation;

import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.rotation.LogField;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.V2Keys;
import keyrotation.sandbox.cloudwatch.FilterPattern;
import org.junit.jupiter.api.Test;

/**
 * Lines of the log of each kind, which the live check has CloudWatch apply the stack's filters to.
 * {@code -Dlog=record} records them anew.
 */
class RecordedLogTest extends FunctionTestBase {

  private static final Path LOG = Path.of("src/test/resources/log.jsonl");
  private static final Path TEMPLATE =
      Path.of("../infrastructure/src/test/resources/templates/eventbridge-create-v2.json");

  /** As many as CloudWatch tests at once. */
  private static final int MAX_LINES = 50;

  private static final Duration DAY = Duration.ofDays(1);

  /** Lines that are equal in these fields, and in what other fields they have, are of one kind. */
  private static final List<LogField> KIND =
      List.of(
          LogField.STEP,
          LogField.TRIGGER,
          LogField.SECRET,
          LogField.RESULT,
          LogField.REASON,
          LogField.NEEDS,
          LogField.ROTATION_STEP);

  RecordedLogTest() {
    super(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",billing,shipping,missing")));
  }

  @Test
  void the_recorded_lines_are_those_that_the_function_writes() throws IOException {
    List<String> actual = play();
    if ("record".equals(System.getProperty("log"))) {
      Files.write(LOG, actual);
    }

    assertThat(actual).hasSizeLessThanOrEqualTo(MAX_LINES);
    assertThat(LOG).content().isEqualTo(String.join("\n", actual) + "\n");
  }

  @Test
  void each_filter_of_the_stack_selects_some_of_the_recorded_lines_and_not_all()
      throws IOException {
    List<JsonNode> lines = Files.readAllLines(LOG).stream().map(RotationFixture::parse).toList();
    List<String> patterns =
        RotationFixture.parse(Files.readString(TEMPLATE))
            .path("Resources")
            .valueStream()
            .map(resource -> resource.at("/Properties/FilterPattern").asText())
            .filter(pattern -> !pattern.isEmpty())
            .toList();

    assertThat(patterns)
        .hasSizeGreaterThan(10)
        .allSatisfy(
            pattern ->
                assertThat(lines.stream().filter(FilterPattern.parse(pattern)::matches).count())
                    .as(pattern)
                    .isBetween(1L, lines.size() - 1L));
  }

  /** Plays some days; returns one line of each kind, without what varies between two plays. */
  private List<String> play() {
    create(
        MANAGEMENT_SECRET,
        function
            .v2Keys()
            .issueAged(V2Keys.OWNER, "console", DAY, DAY.multipliedBy(90))
            .consoleJson());
    var _ = function.storeV2Key();
    function.state().addReplicas(SECRET, List.of("eu-west-1"));
    create(
        "billing",
        function.momento().issue(DAY.multipliedBy(30), Permissions.SUPER_USER).consoleJson());
    var _ = function.state().create("shipping", null, null, null);
    function.clearFaults(); // There is ample time.
    schedule("1");
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);
    function.pass(DAY);
    schedule("2");
    function.clearFaults();
    // The issued key is lost with its answer, and another one is issued.
    function.apiCalls().onNext(MomentoApiServer.ISSUE, new Fault.DropResponse<>());
    var _ = Trigger.MANUAL.request(function, "3");
    var _ = function.deliver(RotationFixture.manualEvent("missing"), "4");
    var _ = function.rotateSecret();
    function.pass(DAY.multipliedBy(8));
    schedule("5");
    Map<String, String> lines = new TreeMap<>();
    function
        .log()
        .lines()
        .filter(line -> line.matches(".*\"step\":\"(result|run)\".*"))
        .map(RecordedLogTest::withoutWhatVaries)
        .forEach(line -> lines.putIfAbsent(kind(RotationFixture.parse(line)), line));
    return List.copyOf(lines.values());
  }

  private static String withoutWhatVaries(String line) {
    return line.replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", new UUID(0, 0).toString())
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z", Instant.EPOCH.toString())
        .replaceAll("(\"duration_ms\":)\\d+", "$10");
  }

  private void schedule(String id) {
    var _ = Trigger.SCHEDULE.request(function, id);
  }

  private static String kind(JsonNode line) {
    return KIND.stream().map(field -> line.path("" + field).asText()).toList()
        + line.propertyStream().map(Map.Entry::getKey).toList().toString();
  }
}
