package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.FAILED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.SKIPPED;
import static keyrotation.RotationCall.VERIFY;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.core.FailureReason.SECRET_IS_REPLICA;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import keyrotation.core.TimeBudget;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;

/** A schedule's work on a list of secrets, and on those with a tag. */
class ManySecretsTest extends FunctionTestBase {

  private static final Duration GRACE = Duration.ofMillis(300);

  ManySecretsTest() {
    super(started(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a,b,c")));
  }

  @Test
  void each_is_rotated_and_reported_in_order() {
    List.of("c", "a", "b").forEach(this::storeKey);

    assertThatReport(run()).hasSecrets("a", "b", "c").hasResults(ROTATED, ROTATED, ROTATED);

    assertThat(function.refreshes()).isEqualTo(3);
  }

  @Test
  void one_that_fails_stops_no_other_and_fails_the_invocation() {
    storeKey("a");
    function.state().create("b", new Value.Text("{}"), UUID.randomUUID().toString(), null);
    storeKey("c");

    assertThatReport(this::run)
        .hasSecrets("a", "b", "c")
        .hasResults(ROTATED, FAILED, ROTATED)
        .ofSecret("b")
        .failedWith(SECRET_MALFORMED);
  }

  @Test
  void two_with_one_console_file_can_be_rotated_once() {
    restart(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a,b"));
    storeKey("a");
    Version a = function.state().describe("a").versions().getLast();
    function.state().create("b", a.value(), a.id(), null);

    ReportAssert report = assertThatReport(this::run);
    report.secretsWith(ROTATED).hasSize(1);
    report.ofOnlyFailure().failedWith(REFRESH_REJECTED).says("The current key still works");

    assertThat(List.of("a", "b"))
        .allSatisfy(
            name -> {
              Version current =
                  function.state().describe(name).labelled("AWSCURRENT").orElseThrow();
              String apiKey = RotationFixture.json(current).path("apiKey").asText();
              assertThat(function.momento().accepts(apiKey)).isTrue();
            });
  }

  @Test
  void lambdas_retry_does_the_rest_and_only_the_rest() {
    storeKey("a");
    storeKey("c");
    assertThatReport(this::run)
        .hasResults(ROTATED, FAILED, ROTATED)
        .ofSecret("b")
        .failedWith(SECRET_NOT_FOUND);
    storeKey("b");

    assertThatReport(run()).hasResults(ALREADY_ROTATED, ROTATED, ALREADY_ROTATED);
    assertThat(function.refreshes()).isEqualTo(3);
  }

  @Test
  void one_without_a_first_key_is_no_failure() {
    List.of("a", "c").forEach(this::storeKey);
    function.state().create("b", null, null, null);

    assertThatReport(run()).hasResults(ROTATED, ReportedResult.AWAITING_FIRST_KEY, ROTATED);
  }

  @Test
  void those_with_the_tag_come_after_those_with_a_name_and_none_comes_twice() {
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "c",
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"));
    for (String name : List.of("b", "a", "c", "other", "almost")) {
      storeKey(name);
    }
    for (String name : List.of("a", "b", "c")) {
      function.state().tag(name, Map.of("rotate", "momento"));
    }
    function.state().tag("almost", Map.of("rotate", "momento-not"));

    assertThatReport(run()).hasSecrets("c", "a", "b");
  }

  @Test
  void one_that_is_named_by_its_arn_does_not_come_again_for_its_tag() {
    storeKey("a");
    // It will be the same again, made at the same time by the sandbox's clock.
    String arn = function.state().describe("a").arn();
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            arn,
            "MOMENTO_AUTH_TOKEN_SECRET_TAG",
            "rotate=momento"));
    storeKey("a");
    function.state().tag("a", Map.of("rotate", "momento"));

    assertThat(function.state().describe("a").arn()).isEqualTo(arn);
    assertThatReport(run()).hasResults(ROTATED);
  }

  @Test
  void a_tag_that_cannot_be_looked_up_fails_the_invocation_and_stops_no_other() {
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "a",
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"));
    storeKey("a");
    function
        .awsCalls()
        .onEvery(
            "ListSecrets",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("ListSecrets", "*")));

    ReportAssert report = assertThatReport(this::run);
    report
        .ofSecret("secrets with the tag rotate=momento")
        .failedWith(ACCESS_DENIED)
        .says("secretsmanager:ListSecrets");
    report.ofSecret("a").is(ROTATED);
    assertThat(function.log())
        .contains("\"secret\":\"secrets with the tag rotate=momento\",\"step\":\"result\"");
  }

  @Test
  void a_tag_that_no_secret_has_fails_the_invocation_and_stops_no_other() {
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "a",
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"));
    storeKey("a");
    function.state().tag("a", Map.of("rotate", "Momento"));

    ReportAssert report = assertThatReport(this::run);
    report
        .ofSecret("secrets with the tag rotate=momento")
        .failedWith(SECRET_NOT_FOUND)
        .says("SECRET_NOT_FOUND: No secret");
    report.ofSecret("a").is(ROTATED);
  }

  @Test
  void refreshes_keep_to_the_pace_that_momento_allows() {
    List<String> names = List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j");
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            String.join(",", names),
            "MOMENTO_REFRESHES_PER_SECOND",
            "5"));
    names.forEach(this::storeKey);
    Instant start = function.now();

    assertThatReport(run()).secretsWith(ROTATED).hasSize(names.size());

    assertThat(Duration.between(start, function.now()))
        .isGreaterThanOrEqualTo(Duration.ofSeconds(1).dividedBy(5).multipliedBy(names.size() - 1));
  }

  @Test
  void none_but_the_first_is_begun_that_could_not_be_finished() {
    List.of("a", "b", "c").forEach(this::storeKey);

    ReportAssert report =
        assertThatReport(
            () ->
                function.invoke(
                    SampleEvents.read("scheduler.json", function.now()),
                    "1",
                    TimeBudget.rotationTime(GRACE)));
    report.secretsWith(ROTATED).hasSize(1);
    report.secretsFailedWith(OUT_OF_TIME).hasSize(2);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void each_run_begins_with_another_secret_and_a_retry_with_the_same() {
    List.of("a", "b", "c").forEach(this::storeKey);
    Set<String> first = new HashSet<>();
    for (int minute = 0; minute < 10; minute++) {
      String event =
          SampleEvents.read("scheduler.json", function.now())
              .replace("T00:00:00Z", "T00:%02d:00Z".formatted(minute));
      String begun = begunFirst(event);
      assertThat(begunFirst(event)).isEqualTo(begun);
      first.add(begun);
    }

    assertThat(first).containsExactlyInAnyOrder("a", "b", "c");
  }

  /** Returns the only secret that a run without time begins with. */
  private String begunFirst(String event) {
    int before = function.log().length();
    assertThatThrownBy(() -> function.invoke(event, "1", Duration.ofSeconds(1)))
        .isInstanceOf(InvocationFailedException.class);
    return function
        .log()
        .substring(before)
        .lines()
        .filter(line -> line.contains("\"step\":\"describe\""))
        .map(line -> line.replaceAll(".*\"secret\":\"(.)\".*", "$1"))
        .reduce((one, other) -> one + other)
        .orElseThrow();
  }

  @Test
  void a_replica_with_the_tag_is_skipped_and_reported_as_skipped() {
    restart(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME", "a",
            "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento"));
    List.of("a", "b").forEach(this::storeKey);
    function.state().tag("b", Map.of("rotate", "momento"));
    function.state().replicate("b", "eu-west-1");

    ReportAssert report = assertThatReport(run());
    report.hasSecrets("a", "b").hasResults(ROTATED, SKIPPED);
    report.ofSecret("b").wasSkippedFor(SECRET_IS_REPLICA).says("eu-west-1");
    assertThat(function.log()).contains("\"outcome\":\"SKIPPED\"");
  }

  @Test
  void a_replica_that_is_named_is_a_failure() {
    restart(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "a"));
    storeKey("a");
    function.state().replicate("a", "eu-west-1");

    assertThatReport(this::run).ofOnlySecret("a").failedWith(SECRET_IS_REPLICA);
  }

  @Test
  void secrets_of_which_momento_says_nothing_leave_their_places_to_others() {
    List<String> names = IntStream.rangeClosed(1, 18).mapToObj(i -> "s%02d".formatted(i)).toList();
    restart(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", names)));
    names.forEach(this::storeKey);
    function.waitForReal();
    var calls = function.momento().calls();
    answerEvery(VERIFY, Status.UNAVAILABLE);
    calls.onNth(MomentoServer.REFRESH, names.size(), new Fault.After<>(calls::clearFaults));

    // Two have given up their places, so that the last two were rotated.
    assertThatReport(this::run)
        .secretsFailedWith(MOMENTO_UNAVAILABLE)
        .hasSizeGreaterThanOrEqualTo(2);
    assertThat(function.refreshes()).isEqualTo(names.size());
  }

  private JsonNode run() {
    return function.invoke(
        SampleEvents.read("scheduler.json", function.now()), "same", Duration.ofMinutes(1));
  }

  private void storeKey(String name) {
    // With less left than two daily runs and two hours it is due at once.
    String value =
        function
            .momento()
            .issueAged(RotationFixture.LIFETIME, Duration.ofDays(28), Permissions.SUPER_USER)
            .consoleJson();
    function.state().create(name, new Value.Text(value), UUID.randomUUID().toString(), null);
    function.clock.advance(Duration.ofSeconds(1));
  }

  private void restart(Map<String, String> settings) {
    restart(started(settings));
  }

  private static SandboxedFunction started(Map<String, String> settings) {
    return new SandboxedFunction(RefreshTokens.SINGLE_USE, GRACE, settings);
  }
}
