package keyrotation;

import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.REMOVE_LABEL;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.QUOTA_EXCEEDED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static keyrotation.sandbox.SecretsManagerState.PREVIOUS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;

/** Which staging labels a rotation puts on, leaves and takes off. */
class StagingLabelsTest extends FunctionTestBase {

  @Test
  void awspending_comes_off_a_previous_version_and_a_copy_of_the_current_one() {
    function.storeKey();
    function.rotate();
    String previous = function.labelled(PREVIOUS).orElseThrow().id();
    function.state().moveLabel(SECRET, PENDING, null, previous);
    assertThatResult(Trigger.IF_DUE.request(function, "1")).is(NOT_DUE);
    assertThat(function.labelled(PENDING)).isEmpty();

    var _ = function.put(function.currentJson().toString(), PENDING);
    assertThatResult(Trigger.IF_DUE.request(function, "2")).is(NOT_DUE);
    assertThat(function.labelled(PENDING)).isEmpty();
  }

  @Test
  void refreshes_no_key_for_which_there_is_no_label_left() {
    function.storeKey();
    for (int i = 2; i <= 20; i++) {
      function.state().moveLabel(SECRET, "OPERATORS_" + i, null, function.current().id());
    }

    assertThatResult(function::rotate)
        .failedWith(QUOTA_EXCEEDED)
        .says("The secret has 20 staging labels");
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void gives_up_labels_of_sources_that_are_gone_where_it_needs_one() {
    function.storeKey();
    for (int i = 2; i <= 16; i++) {
      function.state().moveLabel(SECRET, "OPERATORS_" + i, null, function.current().id());
    }
    for (int i = 17; i <= 20; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void the_label_comes_off_the_version_of_a_run_that_died_when_it_had_promoted_it() {
    function.storeKey();
    Version old = function.current();
    Version fresh =
        function.leaveSuccessor(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, CURRENT, old.id(), fresh.id());

    assertThatResult(Trigger.IF_DUE.request(function, "1")).is(NOT_DUE);

    assertThat(function.labels())
        .containsOnly(
            Map.entry(old.id(), Set.of(PREVIOUS)), Map.entry(fresh.id(), Set.of(CURRENT)));
  }

  @Test
  void a_label_that_cannot_be_taken_off_fails_no_rotation_and_comes_off_later() {
    function.storeKey();
    deny(REMOVE_LABEL);

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.current().labels()).hasSize(2);
    assertThatResult(Trigger.IF_DUE.request(function, "1")).is(NOT_DUE);
    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void labels_of_sources_that_are_gone_stay_up_to_five() {
    function.storeKey();
    for (int i = 0; i < 7; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(
            function.labels().values().stream()
                .flatMap(Set::stream)
                .filter(label -> label.startsWith(StagingLabel.REPLACES)))
        .hasSize(5);
  }

  @Test
  void awspending_stays_on_the_version_of_a_rotation_by_secrets_manager_that_has_just_begun() {
    function.storeKey();
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThatResult(function.rotate()).is(ROTATED);

    assertThat(function.labelled(PENDING).map(Version::id)).contains(begun);
  }

  @Test
  void awspending_stays_on_the_version_that_has_just_begun_though_another_is_resumed_with() {
    IssuedKey old = function.storeKey();
    function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    String begun = UUID.randomUUID().toString();
    function.state().addPendingVersion(SECRET, begun);

    assertThatResult(function.rotate()).is(RESUMED);

    assertThat(function.labelled(PENDING).map(Version::id)).contains(begun);
  }

  @Test
  void awspending_stays_on_the_current_version() {
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    function.state().moveLabel(SECRET, PENDING, null, function.current().id());

    assertThatResult(Trigger.IF_DUE.request(function, "1")).is(NOT_DUE);

    assertThat(function.current().labels()).containsExactly(CURRENT, PENDING);
  }

  @Test
  void a_label_of_a_source_that_is_there_is_no_stray_one() {
    String last = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    function.storeKey();
    function
        .state()
        .put(
            SECRET,
            last,
            new Value.Text(function.issueOldKey(Permissions.SUPER_USER).consoleJson()),
            Set.of());
    Version successor = function.leaveSuccessor("{}");
    function.store(function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    for (int i = 0; i < 5; i++) {
      var _ = function.put("{}", StagingLabel.replaces(UUID.randomUUID().toString()));
    }

    assertThatResult(Trigger.IF_DUE.request(function, "1")).is(NOT_DUE);

    assertThat(function.labels()).containsKey(successor.id());
  }
}
