package keyrotation;

import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.core.FailureReason.SECRET_PAUSED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;

/** What a dry run reports, and that it changes nothing. */
class DryRunTest extends FunctionTestBase {

  @Test
  void a_dry_run_says_what_would_be_done_and_changes_nothing() {
    function.storeKey();
    var before = function.state().describe(SECRET);

    assertThatResult(send("dry-run.json")).wouldNotResume().isDue();
    assertThat(function.awsCalls().seen()).contains("PutSecretValue");
    assertThat(function.momento().calls().seen()).containsExactly(MomentoServer.LIST_CACHES);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
  }

  @Test
  void a_dry_run_does_not_report_to_resume_with_a_version_that_a_rotation_would_drop() {
    function.storeKey();
    var _ =
        function.put(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson(), PENDING);
    assertThatResult(send("dry-run.json")).wouldNotResume();

    function.storeKey();
    function.leaveSuccessor("{}");
    assertThatResult(send("dry-run.json")).wouldNotResume();
  }

  @Test
  void a_dry_run_fails_where_a_rotation_would() {
    function.storeKey();
    denyEvery("PutSecretValue");
    assertThatResult(() -> send("dry-run.json")).failedWith(ACCESS_DENIED);
    function.awsCalls().clearFaults();

    function.clock.advance(Duration.ofDays(3));
    assertThatResult(() -> send("dry-run.json")).failedWith(KEY_EXPIRED);

    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      IssuedKey strangers = other.momento().issue(LIFETIME, Permissions.SUPER_USER);
      function.store(strangers.consoleJson());
    }
    assertThatResult(() -> send("dry-run.json")).failedWith(REFRESH_REJECTED);
  }

  @Test
  void a_dry_run_of_a_paused_secret_says_that_it_is_paused() {
    function.storeKey();
    function.state().tag(SECRET, Map.of("momento:paused", "true"));

    assertThatResult(() -> send("dry-run.json")).failedWith(SECRET_PAUSED);
  }

  @Test
  void a_dry_run_fails_for_a_key_that_works_and_cannot_be_refreshed() {
    function.store(function.momento().issueNonExpiring().consoleJson());

    assertThatResult(() -> send("dry-run.json")).failedWith(KEY_NOT_REFRESHABLE);
  }

  @Test
  void a_dry_run_reports_that_an_unfinished_rotation_would_replace_a_malformed_version() {
    function.store("{}");
    function.leaveSuccessor(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThatResult(send("dry-run.json")).wouldResume();
  }

  @Test
  void a_dry_run_does_not_report_to_resume_with_a_copy_or_a_key_that_would_be_given_up() {
    function.storeKey();
    Version first = function.current();
    function.storeKey();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.leaveSuccessor(RotationFixture.json(left).toString());
    assertThatResult(Trigger.DRY_RUN.request(function, "1")).wouldNotResume();

    function.storeKey();
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      function.leaveSuccessor(
          other.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    }
    function.pass(Duration.ofMinutes(11));
    assertThatResult(Trigger.DRY_RUN.request(function, "1")).wouldNotResume();
  }
}
