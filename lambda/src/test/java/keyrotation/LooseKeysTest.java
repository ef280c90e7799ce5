package keyrotation;

import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.ISSUER;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.TAG_INVALID;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which v2 keys are revoked that were never stored, or whose versions have lost their labels. */
class LooseKeysTest extends RevocationTestBase {

  @Test
  void a_key_whose_answer_was_lost_is_revoked_within_two_scheduled_runs() {
    function.pass(Duration.ofDays(1));
    function.apiCalls().onNth(ISSUE, 1, new Fault.DropResponse<>());
    assertThatResult(function.rotate()).is(ROTATED);
    V2Key lost = issuedByFunction().get(1);
    assertThat(issuedByFunction()).hasSize(3);

    assertThat(run()).as("the key may still be on its way").isEmpty();
    JsonNode entry = runAfter(Duration.ofHours(2)).orElseThrow();

    assertThatResult(entry)
        .is(REVOKED)
        .says(SECRET + ": revoked keys that were issued and never stored: 1.");
    assertThat(entry.path("keys_revoked").asInt()).isOne();
    assertThat(function.v2Keys().accepts(lost.token())).isFalse();
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_key_that_no_version_was_stored_for_is_revoked() {
    function.pass(Duration.ofDays(1));
    function.awsCalls().onNth("PutSecretValue", 2, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(RotationFixture.manualEvent(SECRET), "1"))
        .isInstanceOf(Outcome.Crashed.class);
    function.clearFaults();
    V2Key lost = issuedByFunction().getLast();

    assertRevoked(runAfter(Duration.ofHours(2)));

    assertThat(function.v2Keys().accepts(lost.token())).isFalse();
  }

  @Test
  void a_key_that_was_never_stored_is_not_revoked_once_the_secret_is_paused() {
    V2Key unstored = issueUnstored();
    beforeRevoking(() -> function.state().tag(SECRET, Map.of("momento:paused", "true")));

    assertThat(run()).isEmpty();

    assertThat(function.v2Keys().accepts(unstored.token())).isTrue();
  }

  @Test
  void a_run_revokes_at_most_twenty_keys_of_a_secret() {
    List<V2Key> unstored = IntStream.range(0, 18).mapToObj(_ -> issueUnstored()).toList();
    for (int i = 0; i < 3; i++) {
      function.pass(Duration.ofMinutes(1));
      assertThatResult(function.rotate()).is(ROTATED);
    }

    JsonNode entry = runAfter(AFTER_GRACE).orElseThrow();

    assertThatResult(entry)
        .is(REVOKED)
        .says("; revoked keys that were issued and never stored: 18.");
    assertThat(entry.path("revoked")).hasSize(2);
    assertThat(entry.path("keys_revoked").asInt()).isEqualTo(20);
    assertThat(unstored).noneMatch(key -> function.v2Keys().accepts(key.token()));
    assertThatResult(run().orElseThrow())
        .is(REVOKED)
        .says(SECRET + ": revoked the keys of the versions ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"short", "0123456789abcdef0123456789abcdef01", "no-version-id name"})
  void a_key_whose_description_names_no_whole_version_id_is_not_taken_for_one_never_stored(
      String end) {
    V2Key key =
        function
            .v2Keys()
            .issueAged(
                V2Keys.OPERATOR,
                ISSUER + " " + currentKey().description().split(" ", -1)[1] + " " + end,
                Duration.ofDays(2),
                LIFETIME);

    assertThat(run()).isEmpty();

    assertThat(function.v2Keys().accepts(key.token())).isTrue();
  }

  @Test
  void an_old_key_that_no_version_holds_any_more_is_not_taken_for_one_that_was_never_stored() {
    V2Key purged =
        function
            .v2Keys()
            .issueAged(
                V2Keys.OPERATOR,
                currentKey()
                    .description()
                    .replace(function.current().id(), UUID.randomUUID().toString()),
                Duration.ofDays(31),
                LIFETIME.multipliedBy(3));

    run();

    assertThat(function.v2Keys().accepts(purged.token())).isTrue();
  }

  @Test
  void a_version_that_has_lost_its_labels_is_retired_by_the_next_scheduled_run() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "24"));
    storeKey();
    V2Key old = currentKey();
    Version version = rotateUntilLabelsAreLost();
    assertThat(function.labels()).doesNotContainKey(version.id());

    run();

    assertThat(function.labels()).containsKey(version.id());
    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertRevoked(runAfter(Duration.ofHours(25)));
    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_run_that_retires_a_version_revokes_what_is_due_all_the_same() {
    V2Key old = currentKey();
    rotateLater();
    String lost = function.current().id();
    rotateLater();
    takeTimesOff(lost);
    rotateLater();
    assertThat(function.labels()).doesNotContainKey(lost);

    assertRevoked(runAfter(GRACE.minusDays(1)));

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
    assertThat(function.labels()).containsKey(lost);
  }

  @Test
  void a_rejected_successor_is_retired_once_its_source_is_revoked() {
    String source = function.current().id();
    function.pass(Duration.ofDays(1));
    V2Key operators = (V2Key) function.issueFreshKey(Duration.ZERO);
    stageRenewalOfIssued("1");
    V2Key successor = issuedByFunction().getLast();
    function.store(operators.consoleJson());
    run();
    assertThat(function.labelled(StagingLabel.replaces(source))).isPresent();

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.labelled(StagingLabel.replaces(source))).isEmpty();
    assertThat(function.v2Keys().accepts(successor.token())).isTrue();
    assertRevoked(runAfter(AFTER_GRACE));
    assertThat(function.v2Keys().accepts(successor.token())).isFalse();
  }

  @Test
  void a_rejected_successor_is_retired_once_its_source_was_revoked_in_the_console() {
    V2Key old = currentKey();
    function.pass(Duration.ofDays(1));
    V2Key operators = (V2Key) function.issueFreshKey(Duration.ZERO);
    stageRenewalOfIssued("1");
    V2Key successor = issuedByFunction().getLast();
    function.store(operators.consoleJson());
    run();
    assertThat(function.v2Keys().revoke(old.id())).isTrue();

    assertThat(runAfter(AFTER_GRACE)).isEmpty();

    assertThat(function.v2Keys().accepts(successor.token())).isTrue();
    assertRevoked(runAfter(AFTER_GRACE));
    assertThat(function.v2Keys().accepts(successor.token())).isFalse();
  }

  @Test
  void nothing_is_retired_where_replaced_keys_are_not_to_be_revoked() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "off"));
    storeKey();
    V2Key old = currentKey();

    assertThatResult(rotateLater()).is(ROTATED).says("The old key goes on working.");
    runAfter(AFTER_GRACE);
    runAfter(AFTER_GRACE);

    assertThat(function.apiCalls().count(REVOKE)).isZero();
    assertThat(function.v2Keys().list()).contains(old);
  }

  @Test
  void a_tag_changes_the_grace_period() {
    function.state().tag(SECRET, Map.of("momento:revoke-after-hours", "2"));
    rotateLater();

    assertThat(runAfter(Duration.ofMinutes(119))).isEmpty();
    assertRevoked(runAfter(Duration.ofMinutes(2)));
  }

  @Test
  void a_tag_for_the_grace_period_that_cannot_be_read_is_named_and_nothing_is_revoked() {
    V2Key old = currentKey();
    rotateLater();
    function.state().tag(SECRET, Map.of("momento:revoke-after-hours", "1"));

    Optional<JsonNode> entry = runAfter(AFTER_GRACE);

    assertNotRevoked(entry, TAG_INVALID);
    assertThat(entry.orElseThrow().path("message").asText()).contains("momento:revoke-after-hours");
    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }
}
