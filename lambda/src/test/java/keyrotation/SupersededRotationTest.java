package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.DESCRIBE_AGAIN;
import static keyrotation.RotationCall.PROMOTE;
import static keyrotation.RotationCall.REFRESH;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.SandboxedFunction.json;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static keyrotation.core.FailureReason.SUPERSEDED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;

import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;

/** What an operator or another rotation does meanwhile is not undone. */
class SupersededRotationTest extends FunctionTestBase {

  @Test
  void does_not_put_an_older_pending_key_over_what_an_operator_has_stored() {
    function.storeKey();
    IssuedKey stale = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    Version pending = function.leaveSuccessor(stale.consoleJson());
    IssuedKey operators = function.storeKey();

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.labels()).containsKey(pending.id());

    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentJson().path("apiKey").asText())
        .isNotIn(stale.apiKey(), operators.apiKey());
    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void what_an_operator_stores_during_the_refresh_stays() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    before(REFRESH, () -> storeAtOnce(operators));

    assertThatResult(() -> function.rotate("same")).failedWith(SUPERSEDED).says("left in place");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
    assertThat(function.successor()).isEmpty();
    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void what_an_operator_stores_during_the_refresh_stays_though_the_rotation_ends_after_staging() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    before(REFRESH, () -> storeAtOnce(operators));
    stageOnly("same");

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(json(function.labelled(PREVIOUS).orElseThrow()).path("apiKey").asText())
        .isEqualTo(operators.apiKey());
  }

  @Test
  void what_an_operator_stores_just_before_the_promotion_stays() {
    function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    before(PROMOTE, () -> storeAtOnce(operators));

    assertThatResult(function::rotate).failedWith(SUPERSEDED).says("AWSCURRENT");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(operators.apiKey());
  }

  @Test
  void does_not_undo_that_an_operator_went_back_to_the_previous_key() {
    function.storeKey();
    Version old = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), old.id());

    assertThatResult(function::rotate).failedWith(REFRESH_REJECTED).says("still works");
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void a_refused_refresh_is_no_cause_for_alarm_where_an_operator_has_stored_another_key() {
    IssuedKey old = function.storeKey();
    IssuedKey operators = function.issueOldKey(Permissions.SUPER_USER);
    before(
        REFRESH,
        () -> {
          var _ = function.momento().refresh(old);
          storeAtOnce(operators);
        });

    assertThatResult(function::rotate)
        .failedWith(SUPERSEDED)
        .says("another version became AWSCURRENT");
    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(2);
  }

  @Test
  void a_refused_refresh_is_no_cause_for_alarm_where_another_rotation_stores_its_key_just_then() {
    IssuedKey fresh = function.momento().refresh(function.storeKey());
    // The refresh is rejected after DESCRIBE; then DESCRIBE_AGAIN and this look for the reason.
    int secondLook = DESCRIBE_AGAIN.nth() + 1;
    function
        .awsCalls()
        .onNth(
            DESCRIBE_AGAIN.action(),
            secondLook,
            new Fault.Before<>(
                () -> {
                  var _ = function.leaveSuccessor(fresh.consoleJson());
                }));

    assertThatResult(function::rotate)
        .failedWith(SUPERSEDED)
        .says("Another rotation used the refresh token");
    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(3);
  }

  @Test
  void a_refresh_token_that_another_rotation_has_spent_is_no_cause_for_alarm() {
    function.storeKey();
    before(REFRESH, () -> function.rotate("other"));

    assertThatResult(() -> function.rotate("one")).failedWith(SUPERSEDED).says("Another rotation");

    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_version_that_was_current_is_not_resumed_with_after_two_rollbacks() {
    function.storeKey();
    Version first = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.storeKey();
    function.state().moveLabel(SECRET, CURRENT, function.current().id(), first.id());

    assertThatResult(function::rotate).failedWith(REFRESH_REJECTED);

    assertThat(function.current().id()).isEqualTo(first.id());
  }

  @Test
  void a_copy_of_a_key_that_an_operator_went_back_from_is_not_resumed_with() {
    function.storeKey();
    Version first = function.current();
    function.rotate();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.leaveSuccessor(RotationFixture.json(left).toString());

    assertThatResult(function::rotate).failedWith(REFRESH_REJECTED);

    assertThat(function.successor()).isEmpty();
  }

  @Test
  void a_run_that_has_looked_before_an_operator_went_back_does_not_undo_that() {
    function.storeKey();
    Version first = function.current();
    before(
        DESCRIBE_AGAIN,
        () -> {
          assertThatResult(function.rotate("other")).is(RESUMED);
          function.state().moveLabel(SECRET, CURRENT, function.current().id(), first.id());
        });

    assertThatResult(() -> function.rotate("one")).failedWith(SUPERSEDED);

    assertThat(function.current().id()).isEqualTo(first.id());
  }
}
