package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.PROMOTE;
import static keyrotation.RotationCall.REMOVE_LABEL;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;

/** What a rollback does, and which rollbacks there are not. */
class RollbackTest extends FunctionTestBase {

  @Test
  void a_rollback_makes_the_previous_key_current_and_leaves_nothing_pending() {
    IssuedKey old = function.storeKey();
    send("manual.json");
    Version left = function.current();

    assertThatResult(send("rollback.json")).is(ROLLED_BACK).hasPreviousVersion(left.id());
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(old.apiKey());
    assertThat(function.labels())
        .containsOnly(
            Map.entry(function.current().id(), Set.of(CURRENT)),
            Map.entry(left.id(), Set.of(PREVIOUS)));
  }

  @Test
  void a_rollback_delivered_twice_goes_back_once() {
    function.storeKey();
    send("manual.json");
    send("rollback.json");
    Map<String, Set<String>> labels = function.labels();

    assertThatResult(send("rollback.json")).is(ROLLED_BACK);
    assertThat(function.labels()).isEqualTo(labels);
  }

  @Test
  void a_rollback_leaves_no_unfinished_rotation_to_resume() {
    function.storeKey();
    send("manual.json");
    function.leavePending(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());

    send("rollback.json");

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_rollback_leaves_the_successor_of_the_key_that_it_leads_back_to() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    function.clock.advance(Duration.ofHours(1));
    assertThatResult(send("rollback.json")).is(ROLLED_BACK);

    assertThatResult(send("manual.json")).is(RESUMED);
  }

  @Test
  void a_rollback_drops_nothing_before_it_has_gone_back() {
    function.storeKey();
    Version old = function.current();
    send("manual.json");
    function.leavePending(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());
    denyFrom(REMOVE_LABEL);

    assertThatResult(() -> send("rollback.json")).failedWith(ACCESS_DENIED);
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void a_rollback_that_fails_leaves_an_unfinished_rotation_to_resume() {
    function.storeKey();
    send("manual.json");
    function.leaveSuccessor(
        function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER).consoleJson());
    deny(PROMOTE);
    assertThatResult(() -> send("rollback.json")).failedWith(ACCESS_DENIED);

    assertThatResult(send("manual.json")).is(RESUMED);
  }

  @Test
  void a_rollback_that_died_half_way_is_done_by_the_next() {
    function.storeKey();
    Version old = function.current();
    send("manual.json");
    moveCurrentTo(old.id());

    assertThatResult(send("rollback.json")).is(ROLLED_BACK);
    assertThat(function.current().id()).isEqualTo(old.id());
  }

  @Test
  void there_is_no_rollback_without_a_previous_key_or_to_a_dead_one() {
    function.storeKey();
    assertThatResult(() -> send("rollback.json")).failedWith(CANNOT_ROLL_BACK);

    send("manual.json");
    Version current = function.current();
    function.clock.advance(Duration.ofDays(3));
    assertThatResult(() -> send("rollback.json")).failedWith(CANNOT_ROLL_BACK);
    assertThat(function.current()).isEqualTo(current);
  }

  @Test
  void there_is_no_rollback_to_a_key_that_cannot_be_verified() {
    for (String value : List.of("{}", "{\"apiKey\":\"" + Jwt.with("{\"t\":\"g\"}") + "\"}")) {
      function.store(value);
      function.storeKey();

      assertThatResult(() -> send("rollback.json")).failedWith(CANNOT_ROLL_BACK);
    }
  }

  @Test
  void a_rotation_after_a_rollback_refreshes_the_key() {
    restart(new SandboxedFunction(RefreshTokens.REUSABLE));
    function.storeKey();
    send("manual.json");
    Version left = function.current();
    send("rollback.json");

    assertThatResult(send("manual.json")).is(ROTATED);
    assertThat(function.current().id()).isNotEqualTo(left.id());
  }

  @Test
  void a_rollback_takes_awspending_off_a_version_beside_the_successor() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.storeKey();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThatResult(Trigger.ROLLBACK.request(function, "1")).is(ROLLED_BACK);

    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void a_rollback_leaves_awspending_on_the_successor_of_the_key_that_it_leads_back_to() {
    IssuedKey old = function.storeKey();
    Version pending = function.leavePending(function.momento().refresh(old).consoleJson());
    function.storeKey();

    assertThatResult(Trigger.ROLLBACK.request(function, "1")).is(ROLLED_BACK);

    assertThat(function.labelled(PENDING).map(Version::id)).contains(pending.id());
  }
}
