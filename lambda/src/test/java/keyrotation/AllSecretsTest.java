package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.AWAITING_FIRST_KEY;
import static keyrotation.ReportedResult.FAILED;
import static keyrotation.ReportedResult.KEY_IS_NEWER;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.PAUSED;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Test;

/** What an operator asks for all secrets at once, for example after a leak. */
class AllSecretsTest extends FunctionTestBase {

  AllSecretsTest() {
    super(started("a,b,c"));
  }

  @Test
  void all_are_rotated_though_they_are_not_due_and_a_repeated_delivery_rotates_none() {
    List.of("a", "b", "c").forEach(this::storeKey);

    assertThatReport(ask("", "1")).hasSecrets("a", "b", "c").hasResults(ROTATED, ROTATED, ROTATED);
    assertThatReport(ask("", "1")).hasResults(ALREADY_ROTATED, ALREADY_ROTATED, ALREADY_ROTATED);

    assertThat(function.refreshes()).isEqualTo(3);
  }

  @Test
  void one_that_fails_stops_no_other_and_fails_the_request() {
    storeKey("a");
    create("b", "{}");
    storeKey("c");

    assertThatReport(() -> ask("", "1"))
        .hasResults(ROTATED, FAILED, ROTATED)
        .ofSecret("b")
        .failedWith(SECRET_MALFORMED);
  }

  @Test
  void those_that_are_paused_or_empty_are_reported_and_are_no_failure() {
    storeKey("a");
    var _ = function.state().create("b", null, null, null);
    storeKey("c");
    function.state().tag("c", Map.of("momento:paused", "true"));

    assertThatReport(ask("", "1")).hasResults(ROTATED, AWAITING_FIRST_KEY, PAUSED);
  }

  @Test
  void those_with_the_tag_belong_to_all_and_the_management_key_is_rotated_last() {
    restart(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of(
                "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                MANAGEMENT_SECRET,
                "MOMENTO_AUTH_TOKEN_SECRET_TAG",
                "rotate=all")));
    function.storeManagementKey();
    create("tagged", function.issueOldV2Key(V2Keys.OPERATOR).consoleJson());
    function.state().tag("tagged", Map.of("rotate", "all"));
    function.clearFaults(); // There is ample time.

    assertThatReport(ask("", "1"))
        .hasSecrets("tagged", MANAGEMENT_SECRET)
        .hasResults(ROTATED, ROTATED);
    assertThat(
            function
                .log()
                .lines()
                .filter(line -> line.matches(".*\"step\":\"(describe|result)\".*"))
                .map(
                    line ->
                        line.replaceAll(".*\"secret\":\"([^\"]*)\",\"step\":\"(\\w+).*", "$1 $2"))
                .distinct())
        .containsExactly(
            "tagged describe",
            "tagged result",
            MANAGEMENT_SECRET + " describe",
            MANAGEMENT_SECRET + " result");
  }

  @Test
  void only_those_that_are_due_are_rotated_on_request() {
    storeKey("a");
    storeOldKey("b");
    storeKey("c");

    assertThatReport(ask(",\"if_due\":true", "1")).hasResults(NOT_DUE, ROTATED, NOT_DUE);
  }

  @Test
  void a_dry_run_makes_no_key() {
    List.of("a", "b", "c").forEach(this::storeKey);

    assertThatReport(ask(",\"dry_run\":true", "1"))
        .hasResults(WOULD_ROTATE, WOULD_ROTATE, WOULD_ROTATE);

    assertThat(function.refreshes()).isZero();
  }

  @Test
  void a_repetition_with_the_same_time_rotates_the_rest() {
    List.of("a", "b", "c").forEach(this::storeKey);
    Instant leak = function.now();
    function.pass(Duration.ofMinutes(1));
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);
    assertThatReport(() -> askBefore(leak)).hasResults(FAILED, FAILED, FAILED);
    function.momento().calls().clearFaults();
    assertThatReport(ask(",\"if_due\":true", "2")).hasResults(NOT_DUE, NOT_DUE, NOT_DUE);
    var _ = function.invoke(RotationFixture.manualEvent("b"), "3", Duration.ofMinutes(1));

    assertThatReport(askBefore(leak)).hasResults(ROTATED, KEY_IS_NEWER, ROTATED);
    assertThatReport(askBefore(leak)).hasResults(KEY_IS_NEWER, KEY_IS_NEWER, KEY_IS_NEWER);
  }

  @Test
  void a_key_that_was_stored_at_that_very_time_is_left_alone() {
    storeKey("a");
    Instant stored = current("a").created();

    assertThatReport(askOne("a", stored)).hasResults(KEY_IS_NEWER);
    assertThatReport(askOne("a", stored.plusNanos(1))).hasResults(ROTATED);
  }

  @Test
  void an_unfinished_rotation_is_resumed_and_its_key_which_is_as_old_is_replaced() {
    storeKey("a");
    var staged = stageOnly();
    function.pass(Duration.ofMinutes(1));

    assertThatReport(askOne("a", function.now())).hasResults(ROTATED);

    assertThat(current("a").id()).isNotEqualTo(staged);
    assertThat(function.refreshes()).isEqualTo(2);
    assertThat(function.momento().accepts(Invariants.apiKey(current("a")))).isTrue();
  }

  @Test
  void a_crash_between_the_two_leaves_the_rest_to_the_repetition() {
    storeKey("a");
    var staged = stageOnly();
    function.pass(Duration.ofMinutes(1));
    Instant leak = function.now();
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);
    assertThatReport(() -> askOne("a", leak)).hasResults(FAILED);
    assertThat(current("a").id()).as("not copied, it keeps its time").isEqualTo(staged);
    function.momento().calls().clearFaults();

    assertThatReport(askOne("a", leak)).hasResults(ROTATED);
    assertThatReport(askOne("a", leak)).hasResults(KEY_IS_NEWER);
  }

  @Test
  void a_key_of_an_unfinished_rotation_that_is_newer_is_resumed_only() {
    storeKey("a");
    Instant leak = function.now();
    function.pass(Duration.ofMinutes(1));
    var staged = stageOnly();

    assertThatReport(askOne("a", leak)).hasResults(RESUMED);

    assertThat(current("a").id()).isEqualTo(staged);
    assertThat(function.refreshes()).isEqualTo(1);
  }

  /** Has a rotation of the secret a end after its key is stored; returns the key's version. */
  private String stageOnly() {
    answerEvery(RotationCall.VERIFY, Status.UNAVAILABLE);
    assertThatReport(
            () ->
                function.invoke(RotationFixture.manualEvent("a"), "first", Duration.ofSeconds(14)))
        .ofOnlyFailure()
        .failedWith(MOMENTO_UNAVAILABLE);
    function.momento().calls().clearFaults();
    return function.state().describe("a").versions().getLast().id();
  }

  private JsonNode ask(String fields, String requestId) {
    return function.invoke("{\"all\":true%s}".formatted(fields), requestId, Duration.ofMinutes(5));
  }

  private JsonNode askBefore(Instant time) {
    return ask(",\"issued_before\":\"%s\"".formatted(time), UUID.randomUUID().toString());
  }

  private JsonNode askOne(String secret, Instant time) {
    return function.invoke(
        "{\"SecretId\":\"%s\",\"issued_before\":\"%s\"}".formatted(secret, time),
        UUID.randomUUID().toString(),
        Duration.ofMinutes(1));
  }

  private SecretsManagerState.Version current(String secret) {
    return function.state().describe(secret).labelled(SecretsManagerState.CURRENT).orElseThrow();
  }

  private void storeKey(String name) {
    create(name, function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.pass(Duration.ofSeconds(2));
  }

  private void storeOldKey(String name) {
    create(
        name,
        function
            .momento()
            .issueAged(LIFETIME, Duration.ofDays(28), Permissions.SUPER_USER)
            .consoleJson());
  }

  private static SandboxedFunction started(String secrets) {
    return new SandboxedFunction(
        KeyKind.V1_WITH_SINGLE_USE_TOKEN,
        Duration.ZERO,
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", secrets));
  }
}
