package keyrotation;

import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.Test;

/** When a replaced v2 key is revoked, and when it is current again instead. */
class RevocationTest extends RevocationTestBase {

  @Test
  void a_replaced_key_is_revoked_after_its_grace_period() {
    V2Key old = currentKey();

    assertThatResult(rotateLater()).is(ROTATED).says("The old key is revoked after");

    function.pass(GRACE.minusMinutes(1));
    assertThat(run()).isEmpty();
    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    function.pass(Duration.ofMinutes(2));
    assertRevoked(run());
    assertThat(function.v2Keys().accepts(old.token())).as("the old key works").isFalse();
    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    assertThat(run()).isEmpty();
    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    Leaks.assertNone(function);
  }

  @Test
  void a_replaced_key_that_could_not_be_given_its_time_gets_it_from_the_next_run() {
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            3,
            new Fault.Refuse<>(
                SecretsManagerException.accessDenied("UpdateSecretVersionStage", SECRET)));

    assertThatResult(rotateLater()).is(ROTATED).says("The old key goes on working");

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    run();
    assertThat(labels()).anyMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    assertRevoked(runAfter(AFTER_GRACE));
  }

  @Test
  void a_key_that_an_operator_had_issued_is_not_revoked() {
    V2Key operators = function.v2Keys().issued().get(1);
    assertThat(operators.description()).isEqualTo("console");

    runAfter(GRACE.multipliedBy(2));

    assertThat(function.v2Keys().accepts(operators.token()) || isExpired(operators)).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void a_key_that_an_operator_had_issued_gets_no_time() {
    run();
    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");
  }

  @Test
  void an_operators_key_loses_a_time_that_an_operator_gave_it() {
    V2Key operators = storeLongLivedKey();
    String version = function.current().id();
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());
    label(version, StagingLabel.revokeAfter(function.now().plus(Duration.ofHours(1))));

    assertThat(runAfter(Duration.ofHours(2))).isEmpty();

    assertThat(function.v2Keys().accepts(operators.token())).isTrue();
    assertThat(function.labels().get(version)).containsExactly(StagingLabel.PREVIOUS);
  }

  @Test
  void a_key_that_was_revoked_in_the_console_loses_its_time() {
    V2Key old = currentKey();
    rotateLater();
    assertThat(function.v2Keys().revoke(old.id())).isTrue();

    assertThat(runAfter(AFTER_GRACE)).isEmpty();

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void a_key_that_the_list_describes_in_an_unknown_form_keeps_its_time() {
    V2Key old = currentKey();
    rotateLater();
    function.sandbox.momentoApi().alterAnswers(body -> body.replace(old.id(), "a/b"));

    assertThat(runAfter(AFTER_GRACE)).isEmpty();

    function.sandbox.momentoApi().alterAnswers(body -> body);
    assertRevoked(run());
    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_key_whose_description_has_lost_the_secrets_name_is_revoked_after_its_grace_period() {
    V2Key old = currentKey();
    rotateLater();
    function.sandbox.momentoApi().alterAnswers(body -> body.replace(" " + SECRET, ""));

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_key_that_an_operator_had_issued_is_revoked_where_that_is_set() {
    restartWith(Map.of("REVOKE_OPERATOR_KEYS", "true"));
    V2Key operators = storeLongLivedKey();
    assertThatResult(function.rotate()).is(ROTATED).says("is revoked after");

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.v2Keys().accepts(operators.token())).isFalse();
  }

  @Test
  void a_value_that_only_names_an_operators_key_does_not_have_it_revoked() {
    restartWith(Map.of("REVOKE_OPERATOR_KEYS", "true"));
    V2Key owners = function.v2Keys().issue(V2Keys.OWNER, "console", Optional.empty());
    storeLongLivedKey();
    function.store(
        "{\"apiKey\":\"%s\",\"endpoint\":\"%s\"}"
            .formatted(
                Jwt.with("{\"t\":\"g\",\"jti\":\"" + owners.id() + "\"}"), MomentoServer.ENDPOINT));
    storeLongLivedKey();
    run();

    assertThat(runAfter(AFTER_GRACE)).isEmpty();

    assertThat(function.v2Keys().accepts(owners.token())).isTrue();
  }

  @Test
  void a_key_in_an_adopted_version_is_not_revoked_though_its_description_names_another_version() {
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("1");
    String issuedFor = function.successor().orElseThrow().id();
    assertThatResult(function.rotate("2")).is(ReportedResult.RESUMED);
    V2Key current = currentKey();
    assertThat(current.description()).contains(issuedFor);
    assertThat(function.current().id()).isNotEqualTo(issuedFor);

    for (int day = 0; day < 9; day++) {
      runAfter(Duration.ofDays(1));
    }

    assertThat(currentKey()).isEqualTo(current);
    assertThat(function.currentKeyWorks()).isTrue();
    assertThatResult(function.rotate()).is(ROTATED);
    runAfter(AFTER_GRACE);
    assertThat(function.v2Keys().accepts(current.token())).isFalse();
  }

  @Test
  void each_key_of_three_rotations_within_an_hour_has_its_own_time() {
    List<V2Key> replaced =
        IntStream.range(0, 3)
            .mapToObj(
                _ -> {
                  V2Key old = currentKey();
                  function.pass(Duration.ofSeconds(5));
                  assertThatResult(function.rotate()).is(ROTATED);
                  return old;
                })
            .toList();

    assertThat(labels().stream().filter(l -> l.startsWith(StagingLabel.REVOKE_AFTER))).hasSize(3);
    assertThat(run()).isEmpty();
    assertThat(replaced).allMatch(key -> function.v2Keys().accepts(key.token()));
    assertThat(runAfter(AFTER_GRACE).orElseThrow().path("revoked")).hasSize(3);
    assertThat(replaced).noneMatch(key -> function.v2Keys().accepts(key.token()));
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void at_most_twelve_versions_have_a_time_and_the_others_get_theirs_later() {
    for (int i = 0; i < 14; i++) {
      function.pass(Duration.ofSeconds(5));
      assertThatResult(function.rotate()).is(ROTATED);
    }

    run();

    assertThat(labels()).filteredOn(l -> l.startsWith(StagingLabel.REVOKE_AFTER)).hasSize(12);
    assertThat(ask("\"revoke_previous\":true").path("revoked")).hasSize(12);
    run();
    assertThat(runAfter(AFTER_GRACE).orElseThrow().path("revoked")).hasSize(2);
    assertThat(issuedByFunction())
        .filteredOn(key -> function.v2Keys().accepts(key.token()))
        .containsExactly(currentKey());
  }

  @Test
  void the_time_of_a_key_counts_from_the_promotion_and_not_from_the_staging() {
    V2Key old = currentKey();
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("monday");
    function.pass(Duration.ofDays(3));
    assertThatResult(function.rotate("thursday")).is(ReportedResult.RESUMED);

    runAfter(GRACE.minusHours(1));

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertRevoked(runAfter(Duration.ofHours(2)));
  }

  @Test
  void a_rollback_is_refused_from_an_hour_before_the_time() {
    rotateLater();
    function.pass(GRACE.minusMinutes(1));

    assertThatResult(() -> ask("\"rollback\":true")).failedWith(CANNOT_ROLL_BACK).says("revoked");

    assertThat(function.currentKeyWorks()).isTrue();
    assertRevoked(runAfter(Duration.ofMinutes(2)));
  }

  @Test
  void a_key_that_is_rolled_back_to_is_not_revoked() {
    V2Key old = currentKey();
    rotateLater();
    function.pass(GRACE.minusHours(2));

    assertThatResult(ask("\"rollback\":true")).is(ROLLED_BACK);

    runAfter(Duration.ofHours(3));
    runAfter(AFTER_GRACE);
    assertThat(currentKey()).isEqualTo(old);
    assertThat(function.v2Keys().accepts(old.token()) || isExpired(old)).isTrue();
  }

  @Test
  void a_rollback_to_a_key_that_is_revoked_meanwhile_undoes_itself() {
    V2Key old = currentKey();
    rotateLater();
    V2Key newer = currentKey();
    function
        .awsCalls()
        .onNth(
            "UpdateSecretVersionStage",
            2,
            new Fault.Before<>(() -> assertThat(function.v2Keys().revoke(old.id())).isTrue()));

    assertThatResult(() -> ask("\"rollback\":true")).failedWith(CANNOT_ROLL_BACK);

    assertThat(currentKey()).isEqualTo(newer);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_rollback_that_crashed_before_it_could_see_the_revocation_is_undone_when_it_is_repeated() {
    V2Key old = currentKey();
    rotateLater();
    V2Key newer = currentKey();
    function.clearFaults();
    function.awsCalls().onNth("DescribeSecret", 3, new Fault.Instead<>(function::crash));
    assertThat(function.deliver(event("\"rollback\":true"), "1"))
        .isInstanceOf(Outcome.Crashed.class);
    function.clearFaults();
    assertThat(currentKey()).isEqualTo(old);
    assertThat(function.v2Keys().revoke(old.id())).isTrue();

    assertThatResult(() -> ask("\"rollback\":true", "1", Duration.ofMinutes(1)))
        .failedWith(CANNOT_ROLL_BACK)
        .says("current again");

    assertThat(currentKey()).isEqualTo(newer);
  }

  @Test
  void a_key_that_an_operator_makes_current_again_by_hand_is_not_revoked() {
    V2Key old = currentKey();
    String oldVersion = function.current().id();
    rotateLater();
    function.pass(GRACE.minusHours(1));
    moveCurrentTo(oldVersion);

    runAfter(Duration.ofHours(2));

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.labels().get(oldVersion))
        .noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
  }

  @Test
  void a_key_that_becomes_current_in_the_midst_of_the_run_is_not_revoked() {
    V2Key old = currentKey();
    String oldVersion = function.current().id();
    rotateLater();
    function.pass(AFTER_GRACE);
    // For the rotation, for the look at what is held, and before the revocation.
    function
        .awsCalls()
        .onNth("DescribeSecret", 3, new Fault.Before<>(() -> moveCurrentTo(oldVersion)));

    assertThat(run()).isEmpty();

    assertThat(currentKey()).isEqualTo(old);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_key_that_is_stored_again_in_the_midst_of_the_run_is_not_revoked() {
    V2Key old = currentKey();
    rotateLater();
    function.pass(AFTER_GRACE);
    function
        .awsCalls()
        .onNth("DescribeSecret", 3, new Fault.Before<>(() -> function.store(old.consoleJson())));

    assertThat(run()).isEmpty();

    assertThat(currentKey()).isEqualTo(old);
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void a_key_that_gets_a_label_of_an_operators_in_the_midst_of_the_run_is_not_revoked() {
    V2Key old = currentKey();
    rotateLater();
    function.pass(AFTER_GRACE);
    beforeRevoking(() -> function.put(old.consoleJson(), "OPERATORS_LABEL"));

    assertThat(run()).isEmpty();

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_version_that_has_no_value_yet_keeps_no_key_from_being_revoked() {
    rotateLater();
    function.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
    assertRevoked(runAfter(AFTER_GRACE));

    rotateLater();
    function.pass(AFTER_GRACE);
    beforeRevoking(() -> function.state().addPendingVersion(SECRET, UUID.randomUUID().toString()));

    assertRevoked(run());
  }

  @Test
  void a_run_that_has_no_time_left_gives_no_version_a_time() {
    rotateLater();
    takeTimesOff();
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            2,
            new Fault.Before<>(() -> function.clock.advance(Duration.ofSeconds(55))));

    assertThat(run()).isEmpty();

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    run();
    assertThat(labels()).anyMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
  }

  @Test
  void a_run_that_runs_out_of_time_says_what_it_has_revoked() {
    rotateLater();
    rotateLater();
    function.pass(AFTER_GRACE);
    function
        .apiCalls()
        .onNth(REVOKE, 1, new Fault.After<>(() -> function.clock.advance(Duration.ofSeconds(55))));

    JsonNode entry = run().orElseThrow();

    assertThatResult(entry)
        .failedWith(OUT_OF_TIME, REVOKED)
        .says("Too little time was left to revoke keys.");
    assertThat(entry.path("revoked")).hasSize(1);
    assertRevoked(run());
  }

  @Test
  void an_outage_of_momento_takes_no_time_of_other_secrets() {
    rotateLater();
    function.pass(AFTER_GRACE);
    answerEvery(RotationCall.VERIFY, Status.UNAVAILABLE);
    Instant start = function.now();

    assertNotRevoked(run(), MOMENTO_UNAVAILABLE);

    assertThat(Duration.between(start, function.now())).isLessThan(Duration.ofSeconds(30));
  }

  @Test
  void a_paused_secrets_current_key_is_not_revoked_at_a_time_that_it_had_before() {
    V2Key old = currentKey();
    String oldVersion = function.current().id();
    rotateLater();
    String newVersion = function.current().id();
    moveCurrentTo(oldVersion);
    function.state().tag(SECRET, Map.of("momento:paused", "true"));
    runAfter(AFTER_GRACE);
    moveCurrentTo(newVersion);
    function.state().untag(SECRET, "momento:paused");

    run();

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertRevoked(runAfter(AFTER_GRACE));
  }

  @Test
  void a_secret_that_cannot_be_read_keeps_the_keys_of_others_from_being_revoked() {
    V2Key old = rotateKeyWithCopy();
    function.pass(AFTER_GRACE);
    // Each is read twice; then both are looked at.
    function
        .awsCalls()
        .fromNth(
            "DescribeSecret",
            3,
            new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", "copy")));

    assertNotRevoked(run(), ACCESS_DENIED);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_successor_of_a_version_that_is_gone_is_retired() {
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("1");
    V2Key successor = issuedByFunction().getLast();
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());

    assertThat(run()).as("a failure").isEmpty();

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REPLACES));
    assertRevoked(runAfter(AFTER_GRACE));
    assertThat(function.v2Keys().accepts(successor.token())).isFalse();
  }

  @Test
  void each_of_two_successors_of_versions_that_are_gone_has_its_own_time() {
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("1");
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());
    stageRenewalOfIssued("2");
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());

    assertThat(run()).as("a failure").isEmpty();

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REPLACES));
    assertThat(labels())
        .filteredOn(label -> label.startsWith(StagingLabel.REVOKE_AFTER))
        .hasSize(2);
  }

  @Test
  void a_key_that_was_current_again_by_hand_has_a_grace_period_of_its_own() {
    V2Key old = currentKey();
    String oldVersion = function.current().id();
    rotateLater();
    moveCurrentTo(oldVersion);
    function.pass(GRACE.plusDays(1));
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());

    assertThat(run()).isEmpty();
    assertThat(run()).isEmpty();

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertRevoked(runAfter(AFTER_GRACE));
  }
}
