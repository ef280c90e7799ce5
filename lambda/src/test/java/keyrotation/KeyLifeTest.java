package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.STEP_DONE;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.KEY_TOO_SHORT_LIVED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the function says of a key that expires before it can be rotated in time. */
class KeyLifeTest extends FunctionTestBase {

  private static final Duration HALF_A_DAY = Duration.ofHours(12);

  @ParameterizedTest
  @EnumSource(names = {"MANUAL", "IF_DUE", "SCHEDULE"})
  void a_key_of_half_a_day_is_rotated_and_fails_a_daily_run(Trigger trigger) {
    store(HALF_A_DAY);

    assertTooShort(trigger.request(function, "1"), ROTATED);

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"MANUAL", "IF_DUE", "SCHEDULE"})
  void the_failure_is_repeated_at_each_retry(Trigger trigger) {
    store(HALF_A_DAY);
    var _ = trigger.request(function, "1");

    for (int retry = 1; retry <= 2; retry++) {
      function.pass(Duration.ofMinutes(1));
      assertTooShort(trigger.request(function, "1"), ALREADY_ROTATED);
    }

    assertThat(function.refreshes()).isEqualTo(1);
  }

  @Test
  void with_an_interval_the_failure_names_a_shorter_one() {
    store(HALF_A_DAY);

    assertTooShort(Trigger.MANUAL.request(function, "1"), ROTATED)
        .says(
            " Scheduled runs are 24 hours apart, so it has to live for 50 hours."
                + " CHECK_INTERVAL_IN_HOURS=4 would do.");
  }

  @Test
  void with_a_time_of_day_the_longest_gap_counts() {
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE,
            Duration.ZERO,
            Map.of("CHECK_AT", "04:30", "CHECK_DAYS", "MON-FRI")));
    store(Duration.ofHours(145));
    assertThatResult(() -> function.rotate())
        .failedWith(KEY_TOO_SHORT_LIVED, ROTATED)
        .says(
            "Scheduled runs are up to 72 hours apart, so it has to live for 146 hours.",
            "Without CHECK_AT and CHECK_DAYS, CHECK_INTERVAL_IN_HOURS=24 would do.");

    store(Duration.ofHours(147));

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void a_tag_sets_the_age_at_which_a_key_is_due() {
    store(Duration.ofDays(90));
    function.state().tag(SECRET, Map.of("momento:rotate-after-days", "7"));
    function.pass(Duration.ofDays(6));
    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(NOT_DUE);

    function.pass(Duration.ofDays(1));

    assertThatResult(Trigger.SCHEDULE.request(function, "2")).is(ROTATED);
  }

  @Test
  void a_setting_sets_the_age_for_secrets_without_the_tag() {
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE, Duration.ZERO, Map.of("AUTO_ROTATION_IN_DAYS", "7")));
    store(Duration.ofDays(90));
    function.pass(Duration.ofDays(6));
    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(NOT_DUE);

    function.pass(Duration.ofDays(1));

    assertThatResult(Trigger.SCHEDULE.request(function, "2")).is(ROTATED);
  }

  @Test
  void a_key_is_overdue_by_the_age_in_the_tag() {
    store(Duration.ofDays(90));
    function.state().tag(SECRET, Map.of("momento:rotate-after-days", "7"));
    answerEvery(RotationCall.REFRESH, Status.UNAVAILABLE);
    function.pass(Duration.ofDays(9));

    var _ = Trigger.SCHEDULE.request(function, "1");

    assertThat(function.log()).contains("\"runs_overdue\":2.08,");
  }

  @Test
  void a_dry_run_on_a_key_of_half_a_day_fails() {
    store(HALF_A_DAY);

    assertTooShort(Trigger.DRY_RUN.request(function, "1"), WOULD_ROTATE);
  }

  @Test
  void a_rollback_is_not_judged_so_that_lambda_does_not_repeat_it() {
    store(HALF_A_DAY);
    function.store(
        function.momento().issue(RotationFixture.LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThatResult(Trigger.ROLLBACK.request(function, "1")).is(ROLLED_BACK);
  }

  @Test
  void the_largest_interval_that_would_do_is_named_and_does() {
    store(HALF_A_DAY);
    assertTooShort(Trigger.MANUAL.request(function, "1"), ROTATED)
        .says("CHECK_INTERVAL_IN_HOURS=4 would do.");
    restart(
        new SandboxedFunction(
            RefreshTokens.SINGLE_USE, Duration.ZERO, Map.of("CHECK_INTERVAL_IN_HOURS", "4")));
    store(HALF_A_DAY);
    assertThatResult(Trigger.MANUAL.request(function, "1")).is(ROTATED);
  }

  @Test
  void a_new_key_that_lives_long_enough_is_no_failure_though_the_old_one_was_too_short() {
    function.store(
        function
            .momento()
            .issueAged(RotationFixture.LIFETIME, Duration.ofDays(29), Permissions.SUPER_USER)
            .consoleJson());

    assertThatResult(Trigger.SCHEDULE.request(function, "1")).is(ROTATED);
  }

  @Test
  void a_step_of_secrets_managers_rotation_only_logs_it() {
    store(HALF_A_DAY);

    assertThatResult(function.rotateSecret()).is(STEP_DONE);

    assertThat(function.log())
        .contains("\"level\":\"WARN\"")
        .contains("\"outcome\":\"KEY_TOO_SHORT_LIVED\"");
  }

  @Test
  void the_test_of_a_rotation_that_is_switched_on_logs_it_too() {
    store(HALF_A_DAY);

    function.enableRotation();

    assertThat(function.log()).contains("\"outcome\":\"KEY_TOO_SHORT_LIVED\"");
  }

  @Test
  void a_key_of_thirty_days_outlives_a_rotation_by_secrets_manager_every_thirty_days() {
    function.store(
        function.momento().issue(RotationFixture.LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.enableRotation();

    for (int day = 1; day <= 60; day++) {
      function.pass(Duration.ofDays(1));
      String run = "run-" + day;
      assertThatReport(Trigger.SCHEDULE.request(function, run)).hasSecrets(RotationFixture.SECRET);
      assertThat(function.currentKeyWorks()).as("on day " + day).isTrue();
    }
    // The age of a day does not count, as Secrets Manager decides on the age.
    assertThat(function.refreshes()).isLessThan(5);
  }

  @Test
  void a_key_that_never_expires_is_not_judged() {
    function.store(function.momento().issueNonExpiring().consoleJson());

    assertThatResult(function::rotate).failedWith(KEY_NOT_REFRESHABLE);
    assertThatCode(() -> function.invoke(scheduled(), "1", Duration.ofMinutes(1)))
        .doesNotThrowAnyException();
  }

  private String scheduled() {
    return "{\"detail-type\":\"Scheduled Event\",\"resources\":[\"a\"],\"time\":\""
        + function.now()
        + "\"}";
  }

  private void store(Duration life) {
    function.store(function.momento().issue(life, Permissions.SUPER_USER).consoleJson());
    function.pass(Duration.ofMinutes(1));
  }

  private static ResultAssert assertTooShort(Outcome outcome, ReportedResult done) {
    return assertThatResult(outcome)
        .failedWith(KEY_TOO_SHORT_LIVED, done)
        .says(done == WOULD_ROTATE ? ", 11 h 59 min after" : ", 12 h 0 min after");
  }
}
