package keyrotation;

import static keyrotation.ReportedResult.RESUMED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationCall.PROMOTE;
import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which stored key a rotation resumes with. */
class SuccessorTest extends FunctionTestBase {

  @Test
  void verifies_and_promotes_a_successor_instead_of_refreshing_the_key() {
    function.storeKey();
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());

    assertThatResult(function.rotate()).is(RESUMED);
    assertThat(function.refreshes()).isZero();
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.current().labels()).containsExactly(CURRENT);
  }

  @Test
  void resumes_a_rotation_that_ended_between_staging_and_promoting() {
    function.storeKey();
    deny(PROMOTE);
    assertThatResult(() -> function.rotate("same"))
        .failedWith(ACCESS_DENIED)
        .says("UpdateSecretVersionStage");

    assertThatResult(function.rotate("same")).is(RESUMED);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void replaces_a_malformed_current_version_by_its_successor() {
    function.store("{}");
    IssuedKey fresh = function.momento().issue(LIFETIME, Permissions.SUPER_USER);
    function.leaveSuccessor(fresh.consoleJson());

    assertThatResult(function.rotate()).is(RESUMED);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void gives_up_a_successor_that_momento_rejects_and_refreshes_again() {
    function.storeKey();
    Version dead = function.leaveSuccessor(strangersKey().consoleJson());
    function.clock.advance(Duration.ofMinutes(11));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.refreshes()).isEqualTo(1);
    assertThat(function.labels()).doesNotContainKey(dead.id());
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void does_not_resume_with_a_value_that_is_no_key() {
    function.storeKey();
    Version junk = function.leaveSuccessor("hello");

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.labels()).doesNotContainKey(junk.id());
  }

  @Test
  void passes_over_a_pending_label_without_a_value() {
    function.storeKey();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void resumes_with_no_version_that_an_operator_has_labelled_pending() {
    function.storeKey();
    String strangers = function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson();
    var _ = function.put(strangers, PENDING);

    assertThatResult(function.rotate()).is(ROTATED);
  }

  @Test
  void does_not_resume_with_a_key_that_expires_earlier_or_cannot_be_refreshed() {
    IssuedKey old = function.storeKey();
    Version same = function.leaveSuccessor(old.consoleJson());
    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.labels()).doesNotContainKey(same.id());

    IssuedKey shorter = function.momento().issue(Duration.ofHours(1), Permissions.SUPER_USER);
    Version shortLived = function.leaveSuccessor(shorter.consoleJson());
    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.labels()).doesNotContainKey(shortLived.id());

    IssuedKey fresh = function.momento().issue(LIFETIME.multipliedBy(2), Permissions.SUPER_USER);
    Version bare = function.leaveSuccessor("{\"apiKey\":\"" + fresh.apiKey() + "\"}");
    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.labels()).doesNotContainKey(bare.id());
  }

  @Test
  void does_not_resume_with_a_value_that_is_binary() {
    function.storeKey();
    function.clock.advance(Duration.ofSeconds(1));
    String id = UUID.randomUUID().toString();
    String label = StagingLabel.replaces(function.current().id());
    function.state().put(SECRET, id, new Value.Binary("AAEC"), Set.of(label));

    assertThatResult(function.rotate()).is(ROTATED);
    assertThat(function.labels()).doesNotContainKey(id);
  }

  @ParameterizedTest
  @EnumSource(names = {"MANUAL", "SCHEDULE", "SECRETS_MANAGER"})
  void a_version_from_which_a_test_of_rotation_took_awspending_is_resumed_with(Trigger trigger) {
    IssuedKey old = function.storeKey();
    function.enableRotation();
    IssuedKey fresh = function.momento().refresh(old);
    function.leavePending(fresh.consoleJson());
    function.enableRotation();
    assertThat(function.labelled(PENDING)).isEmpty();

    var _ = trigger.request(function, "1");

    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
    assertThat(function.refreshes()).isZero();
  }

  @Test
  void an_expired_key_is_reported_as_expired_though_its_successor_is_rejected() {
    function.storeKey();
    function.leaveSuccessor(strangersKey().consoleJson());
    function.pass(LIFETIME);

    assertThatResult(function::rotate).failedWith(KEY_EXPIRED);
  }

  @Test
  void another_source_is_left_in_place_and_counts_again_when_an_operator_goes_back_to_it() {
    IssuedKey old = function.storeKey();
    Version source = function.current();
    IssuedKey fresh = function.momento().refresh(old);
    Version successor = function.leaveSuccessor(fresh.consoleJson());
    function.storeKey();
    function.rotate();
    assertThat(function.labels()).containsKey(successor.id());

    function.state().moveLabel(SECRET, CURRENT, function.current().id(), source.id());

    assertThatResult(function.rotate()).is(RESUMED);
    assertThat(function.currentJson().path("apiKey").asText()).isEqualTo(fresh.apiKey());
  }

  @ParameterizedTest
  @ValueSource(strings = {"DescribeSecret", "GetSecretValue"})
  void a_version_that_was_current_is_not_taken_for_a_successor_by_a_read_that_lags(String action) {
    IssuedKey old = function.storeKey();
    String first = function.current().id();
    Version left = function.leaveSuccessor(function.momento().refresh(old).consoleJson());
    function.pass(Duration.ofSeconds(1));
    function.state().moveLabel(SECRET, CURRENT, first, left.id());
    function.state().moveLabel(SECRET, CURRENT, left.id(), first);
    function.awsCalls().onEvery(action, new Fault.Lag<>(LAG));

    assertThatResult(Trigger.DRY_RUN.request(function, "1")).wouldNotResume();
  }
}
