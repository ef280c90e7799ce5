package keyrotation;

import static java.util.stream.Collectors.toSet;
import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ReportedResult.ROLLED_BACK;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.ISSUER;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;
import static keyrotation.core.FailureReason.CANNOT_ROLL_BACK;
import static keyrotation.core.FailureReason.CLOCK_SKEW;
import static keyrotation.core.FailureReason.CURRENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static keyrotation.core.FailureReason.OUT_OF_TIME;
import static keyrotation.core.FailureReason.REPLICA_OUT_OF_SYNC;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.core.FailureReason.SECRET_PAUSED;
import static keyrotation.core.FailureReason.TAG_INVALID;
import static keyrotation.sandbox.MomentoApiServer.ISSUE;
import static keyrotation.sandbox.MomentoApiServer.LIST;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import keyrotation.RotationFixture.Outcome;
import keyrotation.core.FailureReason;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which replaced v2 keys are revoked, and when; above all, which are not. */
class RevocationTest extends FunctionTestBase {

  private static final Duration GRACE = Duration.ofDays(7);

  /** A label says whole minutes. */
  private static final Duration AFTER_GRACE = GRACE.plusMinutes(5);

  RevocationTest() {
    super(new SandboxedFunction(KeyKind.V2));
  }

  /** Has the first key issued by the function take the place of an operator's. */
  @BeforeEach
  void storeKey() {
    function.storeV2Key();
    assertThatResult(function.rotate()).is(ROTATED);
  }

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

    run();

    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REPLACES));
    assertRevoked(runAfter(AFTER_GRACE));
    assertThat(function.v2Keys().accepts(successor.token())).isFalse();
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

  @Test
  void nothing_is_revoked_by_a_clock_that_is_a_month_ahead() {
    V2Key old = currentKey();
    rotateLater();
    function.handlersClock = () -> function.clock.instant().plus(Duration.ofDays(20));

    assertNotRevoked(run(), CLOCK_SKEW);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void a_key_that_was_never_stored_is_not_revoked_by_a_clock_that_is_ahead() {
    V2Key unstored = issueUnstored();
    function.handlersClock = () -> function.clock.instant().plus(Duration.ofDays(2));

    Optional<JsonNode> entry = run();

    assertNotRevoked(entry, CLOCK_SKEW);
    assertThat(entry.orElseThrow().path("message").asText()).contains("differ by 172800 s");
    assertThat(function.v2Keys().accepts(unstored.token())).isTrue();
  }

  @Test
  void clocks_may_be_five_minutes_apart() {
    rotateLater();
    function.handlersClock = () -> function.clock.instant().truncatedTo(ChronoUnit.SECONDS);
    function.sandbox.momentoApi().dateIsOffBy(Duration.ofMinutes(5));

    assertRevoked(runAfter(AFTER_GRACE));
  }

  @Test
  void nothing_is_revoked_if_momento_does_not_tell_its_time() {
    rotateLater();
    function.sandbox.momentoApi().leaveOutDate();

    assertNotRevoked(runAfter(AFTER_GRACE), CLOCK_SKEW);

    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void nothing_is_revoked_while_a_replica_lags() {
    V2Key old = currentKey();
    rotateLater();
    function.state().addReplicas(SECRET, List.of("eu-west-1"));
    function.state().replicaLags(SECRET, "eu-west-1", true);

    assertNotRevoked(runAfter(AFTER_GRACE), REPLICA_OUT_OF_SYNC);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    function.state().replicaLags(SECRET, "eu-west-1", false);
    assertRevoked(run());
  }

  @Test
  void nothing_is_revoked_if_a_page_of_the_list_is_missing() {
    V2Key old = currentKey();
    for (int i = 0; i < 100; i++) {
      var _ = function.v2Keys().issue(V2Keys.VIEWER, "another", Optional.empty());
    }
    rotateLater();
    function.pass(AFTER_GRACE);
    function.apiCalls().fromNth(LIST, 2, new Fault.Refuse<>(MomentoApiException.internal()));

    assertThat(run().orElseThrow().path("reason").asText()).isEqualTo("MOMENTO_UNAVAILABLE");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void nothing_of_a_secret_is_revoked_if_one_of_its_values_is_not_understood() {
    V2Key old = currentKey();
    rotateLater();
    var _ = function.put("a key of a kind that is not known yet", "OPERATORS_LABEL");

    runAfter(AFTER_GRACE);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void a_value_that_is_not_understood_is_reported_once_keys_are_due_to_be_revoked() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "24"));
    storeKey();
    V2Key old = currentKey();
    Version version = rotateUntilLabelsAreLost();
    var _ = function.put("a key of a kind that is not known yet", "OPERATORS_LABEL");
    run();
    assertThat(function.labels()).as("retired all the same").containsKey(version.id());

    assertNotRevoked(runAfter(Duration.ofHours(25)), SECRET_MALFORMED);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void a_value_that_is_not_understood_is_reported_if_a_key_was_never_stored() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "off"));
    storeKey();
    function.pass(Duration.ofDays(1));
    function.apiCalls().onNth(ISSUE, 1, new Fault.DropResponse<>());
    assertThatResult(function.rotate()).is(ROTATED);
    var _ = function.put("a key of a kind that is not known yet", "OPERATORS_LABEL");

    assertNotRevoked(runAfter(Duration.ofHours(2)), SECRET_MALFORMED);

    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @Test
  void nothing_is_revoked_while_momento_rejects_the_current_key() {
    V2Key old = currentKey();
    rotateLater();
    function.pass(AFTER_GRACE);
    function
        .momento()
        .calls()
        .onEvery(
            MomentoServer.LIST_CACHES,
            new Fault.Refuse<>(Status.UNAUTHENTICATED.asRuntimeException()));

    assertNotRevoked(run(), CURRENT_KEY_REJECTED);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_key_of_a_secret_of_the_same_name_in_another_account_is_not_revoked() {
    V2Key others =
        function
            .v2Keys()
            .issueAged(
                V2Keys.OPERATOR,
                ISSUER + " 0123456789abcdef0123 " + UUID.randomUUID() + " " + SECRET,
                Duration.ofDays(2),
                LIFETIME.multipliedBy(3));

    runAfter(AFTER_GRACE);
    runAfter(AFTER_GRACE);

    assertThat(function.v2Keys().accepts(others.token())).isTrue();
  }

  @Test
  void a_key_of_a_secret_that_was_deleted_and_made_again_is_not_revoked() {
    V2Key old = currentKey();
    function.state().delete(SECRET, true);
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());

    runAfter(AFTER_GRACE);
    runAfter(AFTER_GRACE);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_key_that_was_copied_into_a_second_secret_is_not_revoked() {
    V2Key old = rotateKeyWithCopy();

    runAfter(AFTER_GRACE);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    assertThat(function.apiCalls().count(REVOKE)).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "perhaps"})
  void a_key_that_a_paused_secret_holds_is_not_revoked_though_its_time_is_over_there(String tag) {
    V2Key old = rotateKeyWithCopy();
    String copy =
        function.state().describe("copy").labelled(SecretsManagerState.CURRENT).orElseThrow().id();
    var _ =
        function
            .state()
            .put(
                "copy",
                UUID.randomUUID().toString(),
                new Value.Text(function.issueFreshKey(Duration.ZERO).consoleJson()),
                Set.of());
    Instant end = function.now().plus(GRACE);
    var _ = function.state().moveLabel("copy", StagingLabel.revokeAfter(end), null, copy);
    function.state().tag("copy", Map.of("momento:paused", tag));

    assertThat(runAfter(AFTER_GRACE)).isEmpty();

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_key_that_was_issued_for_one_secret_and_is_in_another_alone_is_not_revoked() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",other"));
    storeKey();
    String version = function.current().id();
    V2Key moved =
        function
            .v2Keys()
            .issueAged(
                V2Keys.OPERATOR,
                currentKey().description().replace(version, UUID.randomUUID().toString()),
                Duration.ofDays(2),
                LIFETIME);
    create("other", moved.consoleJson());

    runAfter(Duration.ofHours(2));

    assertThat(function.v2Keys().accepts(moved.token())).isTrue();
  }

  @Test
  void one_bad_secret_does_not_keep_the_keys_of_another_from_being_revoked() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",missing"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_tag_that_no_secret_has_keeps_no_key_from_being_revoked() {
    restartWith(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            SECRET,
            "MOMENTO_AUTH_TOKEN_SECRET_TAG",
            "rotate=momento"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void nothing_is_revoked_in_a_run_that_could_not_look_at_every_secret() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",other"));
    storeKey();
    V2Key old = currentKey();
    create("other", function.issueFreshKey(Duration.ZERO).consoleJson());
    rotateLater();
    function.pass(AFTER_GRACE);
    // Both are described for their rotations, then both for the revocations.
    function
        .awsCalls()
        .fromNth("DescribeSecret", 3, new Fault.Refuse<>(SecretsManagerException.unavailable()));

    assertNotRevoked(run(), SECRETS_MANAGER_UNAVAILABLE);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
    function.awsCalls().clearFaults();
    assertRevoked(run());
  }

  @Test
  void one_tag_that_is_not_understood_does_not_end_the_run() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",other"));
    storeKey();
    V2Key old = currentKey();
    create("other", function.issueFreshKey(Duration.ZERO).consoleJson());
    function.state().tag("other", Map.of("momento:paused", "yes"));
    var _ =
        function
            .state()
            .moveLabel(
                "other",
                StagingLabel.revokeAfter(function.now()),
                null,
                function
                    .state()
                    .describe("other")
                    .labelled(SecretsManagerState.CURRENT)
                    .orElseThrow()
                    .id());
    rotateLater();

    assertRevoked(runAfter(AFTER_GRACE));

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void nothing_is_revoked_if_the_secrets_with_the_tag_cannot_be_listed() {
    restartWith(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            SECRET,
            "MOMENTO_AUTH_TOKEN_SECRET_TAG",
            "rotate=momento"));
    storeKey();
    V2Key old = currentKey();
    create("copy", old.consoleJson());
    function.state().tag("copy", Map.of("rotate", "momento"));
    rotateLater();
    function.pass(AFTER_GRACE);
    denyEvery("ListSecrets");

    assertThat(run()).isEmpty();
    assertThatThrownBy(() -> ask("\"revoke_previous\":true")).hasMessageContaining("ACCESS_DENIED");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_management_key_that_was_taken_out_of_the_list_is_not_revoked() {
    restartWith(
        Map.of(
            "MOMENTO_AUTH_TOKEN_SECRET_NAME",
            SECRET,
            "MOMENTO_AUTH_TOKEN_SECRET_TAG",
            "rotate=momento"));
    storeKey();
    function.state().tag(MANAGEMENT_SECRET, Map.of("rotate", "momento"));
    function.pass(Duration.ofDays(31));
    scheduledRun();
    V2Key managing = keyIn(MANAGEMENT_SECRET);
    assertThat(managing.description()).startsWith(ISSUER);

    function.state().untag(MANAGEMENT_SECRET, "rotate");
    runAfter(AFTER_GRACE);
    runAfter(AFTER_GRACE);

    assertThat(function.v2Keys().accepts(managing.token())).isTrue();
  }

  @Test
  void a_management_key_whose_description_names_another_secret_is_not_revoked() {
    V2Key managing =
        function
            .v2Keys()
            .issueAged(
                V2Keys.OWNER,
                descriptionOfUnstored(),
                Duration.ofDays(2),
                LIFETIME.multipliedBy(3));
    var _ =
        function
            .state()
            .put(
                MANAGEMENT_SECRET,
                UUID.randomUUID().toString(),
                new Value.Text(managing.consoleJson()),
                Set.of());

    assertThat(run()).isEmpty();

    assertThat(function.v2Keys().accepts(managing.token())).isTrue();
  }

  @Test
  void no_secret_is_looked_at_for_revocations_without_a_management_key() {
    restart(
        new SandboxedFunction(
            KeyKind.V1_WITH_REUSABLE_TOKEN,
            Duration.ZERO,
            Map.of("MOMENTO_MANAGEMENT_KEY_SECRET", "")));
    function.store(function.issueFreshKey(Duration.ZERO).consoleJson());

    assertThat(scheduledRun()).hasSize(1);

    assertThat(function.awsCalls().count("DescribeSecret")).isEqualTo(1);
  }

  @Test
  void a_paused_secret_is_neither_rotated_nor_revoked() {
    V2Key old = currentKey();
    rotateLater();
    V2Key current = currentKey();
    takeTimesOff();
    function.state().tag(SECRET, Map.of("momento:paused", "true"));
    function.pass(LIFETIME.minusDays(2));

    JsonNode secrets = scheduledRun();

    assertThat(secrets).hasSize(1);
    assertThat(secrets.path(0).path("result").asText()).isEqualTo("PAUSED");
    assertThat(currentKey()).isEqualTo(current);
    assertThat(function.apiCalls().count(REVOKE)).isZero();
    assertThat(labels()).noneMatch(label -> label.startsWith(StagingLabel.REVOKE_AFTER));
    assertThat(function.v2Keys().list()).contains(old);
    assertThatResult(function::rotate).failedWith(SECRET_PAUSED).says("momento:paused");
    assertThatResult(() -> ask("\"revoke_previous\":true")).failedWith(SECRET_PAUSED);
  }

  @Test
  void a_dry_run_tells_what_is_revoked_and_when() {
    String oldVersion = function.current().id();
    Instant replaced = function.now();
    rotateLater();

    JsonNode entry = ask("\"dry_run\":true");

    assertThatResult(entry).is(WOULD_ROTATE).says(oldVersion + " is revoked after ");
    assertThat(Instant.parse(entry.path("revoked_after").path(oldVersion).asText()))
        .isAfterOrEqualTo(replaced.plus(GRACE));
  }

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

  @Test
  void previous_keys_are_revoked_at_once_when_asked() {
    V2Key oldest = currentKey();
    rotateLater();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(List.of(oldest, old)).noneMatch(key -> function.v2Keys().accepts(key.token()));
    assertThat(function.currentKeyWorks()).isTrue();
    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");
  }

  @Test
  void a_previous_key_is_revoked_when_asked_though_no_run_would_revoke_it() {
    restartWith(Map.of("REVOKE_AFTER_HOURS", "off"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void a_key_under_an_operators_label_alone_is_not_revoked_when_asked() {
    V2Key kept = currentKey();
    label(function.current().id(), "OPERATORS_LABEL");
    var _ = rotateUntilLabelsAreLost();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(kept.token())).isTrue();
  }

  @Test
  void nothing_is_revoked_when_asked_if_a_value_is_not_understood() {
    V2Key old = currentKey();
    rotateLater();
    var _ = function.put("a key of a kind that is not known yet", "OPERATORS_LABEL");

    assertThatResult(() -> ask("\"revoke_previous\":true")).failedWith(SECRET_MALFORMED, REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void an_empty_secret_has_no_keys_to_be_revoked_when_asked() {
    restartWith(Map.of());
    var _ = function.state().create(SECRET, null, null, null);

    assertThatResult(() -> ask("\"revoke_previous\":true")).failedWith(AWAITING_FIRST_KEY);
  }

  @Test
  void v1_keys_are_not_revoked_when_asked_and_need_no_management_key() {
    restart(new SandboxedFunction(KeyKind.V1_WITH_REUSABLE_TOKEN));
    function.storeKey();
    assertThatResult(function.rotate()).is(ROTATED);

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");
  }

  @Test
  void nothing_is_revoked_when_asked_if_another_secret_cannot_be_read() {
    V2Key old = rotateKeyWithCopy();
    // After it, the others are looked at, which it is one of.
    for (int call : List.of(2, 3)) {
      function
          .awsCalls()
          .onNth(
              "DescribeSecret",
              call,
              new Fault.Refuse<>(SecretsManagerException.accessDenied("DescribeSecret", "copy")));
    }

    assertThatResult(() -> ask("\"revoke_previous\":true"))
        .failedWith(ACCESS_DENIED, REVOKED)
        .says("no key was revoked");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_secret_that_does_not_exist_keeps_no_key_from_being_revoked_when_asked() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",missing"));
    storeKey();
    V2Key old = currentKey();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  @Test
  void no_further_secret_is_read_when_asked_once_there_is_no_time_to_revoke() {
    V2Key old = rotateKeyWithCopy();
    function
        .awsCalls()
        .onNth(
            "DescribeSecret",
            1,
            new Fault.Before<>(() -> function.clock.advance(Duration.ofSeconds(55))));

    assertThatResult(() -> ask("\"revoke_previous\":true"))
        .failedWith(OUT_OF_TIME, REVOKED)
        .says("Too little time was left to revoke keys.");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void keys_in_versions_without_a_label_are_revoked_at_once_when_asked() {
    V2Key oldest = currentKey();
    rotateLater();
    var _ = takeTimesOff();
    rotateLater();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.v2Keys().accepts(oldest.token())).isFalse();
    assertThat(function.currentKeyWorks()).isTrue();
  }

  @Test
  void neither_the_current_key_nor_a_successor_is_revoked_when_asked() {
    rotateLater();
    function.pass(Duration.ofDays(1));
    stageRenewalOfIssued("1");
    V2Key successor = issuedByFunction().getLast();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED);

    assertThat(function.currentKeyWorks()).isTrue();
    assertThat(function.v2Keys().accepts(successor.token())).isTrue();
  }

  @Test
  void a_key_that_another_secret_holds_is_not_revoked_when_asked() {
    V2Key old = rotateKeyWithCopy();

    assertThatResult(ask("\"revoke_previous\":true")).is(REVOKED).says("no key was revoked");

    assertThat(function.v2Keys().accepts(old.token())).isTrue();
  }

  @Test
  void a_revocation_that_failed_is_repeated_by_the_next_run() {
    V2Key old = currentKey();
    rotateLater();
    function.apiCalls().onEvery(REVOKE, new Fault.Refuse<>(MomentoApiException.internal()));
    assertNotRevoked(runAfter(AFTER_GRACE), MOMENTO_UNAVAILABLE);
    function.apiCalls().clearFaults();

    assertRevoked(run());

    assertThat(function.v2Keys().accepts(old.token())).isFalse();
  }

  /** Has something happen when the secret is described right before a revocation. */
  private void beforeRevoking(Runnable event) {
    // It is described for the rotation, and for the look at what is held.
    function.awsCalls().onNth("DescribeSecret", 3, new Fault.Before<>(event));
  }

  /** Has a key issued for the secret that no version holds, as a crash leaves it. */
  private V2Key issueUnstored() {
    return function
        .v2Keys()
        .issueAged(V2Keys.OPERATOR, descriptionOfUnstored(), Duration.ofDays(2), LIFETIME);
  }

  private String descriptionOfUnstored() {
    return currentKey()
        .description()
        .replace(function.current().id(), UUID.randomUUID().toString());
  }

  /** Labels a version as an operator does. */
  private void label(String versionId, String label) {
    var _ = function.state().moveLabel(SECRET, label, null, versionId);
  }

  /** Stores a key that an operator had issued, and that outlives its grace period. */
  private V2Key storeLongLivedKey() {
    function.storeManagementKey();
    V2Key key =
        function
            .v2Keys()
            .issueAged(V2Keys.OPERATOR, "console", Duration.ofDays(1), LIFETIME.multipliedBy(3));
    function.store(key.consoleJson());
    return key;
  }

  /** Carries a request up to the point where its key is stored; the current key is not verified. */
  private void stageRenewalOfIssued(String requestId) {
    stageV2Only(requestId, 1);
  }

  /** Takes the only time off, as an operator does; returns the version that had it. */
  private Version takeTimesOff() {
    String label =
        labels().stream()
            .filter(l -> l.startsWith(StagingLabel.REVOKE_AFTER))
            .findFirst()
            .orElseThrow();
    Version version = function.labelled(label).orElseThrow();
    var _ = function.state().moveLabel(SECRET, label, version.id(), null);
    return version;
  }

  /** Takes the time off a version, as an operator does. */
  private void takeTimesOff(String versionId) {
    for (String label : function.labels().getOrDefault(versionId, Set.of())) {
      if (label.startsWith(StagingLabel.REVOKE_AFTER)) {
        var _ = function.state().moveLabel(SECRET, label, versionId, null);
      }
    }
  }

  /** Goes on with another sandbox, in which these settings differ from the defaults. */
  private void restartWith(Map<String, String> settings) {
    restart(new SandboxedFunction(KeyKind.V2, Duration.ZERO, settings));
  }

  /** Rotates a key that an operator has copied into a second secret; returns that key. */
  private V2Key rotateKeyWithCopy() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",copy"));
    storeKey();
    V2Key old = currentKey();
    create("copy", old.consoleJson());
    rotateLater();
    return old;
  }

  /** Rotates twice, after which the version of the first key has no label; returns the version. */
  private Version rotateUntilLabelsAreLost() {
    rotateLater();
    Version version = takeTimesOff();
    rotateLater();
    return version;
  }

  private JsonNode rotateLater() {
    function.pass(Duration.ofDays(1));
    return function.rotate();
  }

  private Optional<JsonNode> runAfter(Duration time) {
    function.pass(time);
    return run();
  }

  /** Has a scheduled run look for keys; returns what it reports of revocations. */
  private Optional<JsonNode> run() {
    return StreamSupport.stream(scheduledRun().spliterator(), false)
        .filter(entry -> entry.path("secret").asText().equals(SECRET))
        .skip(1)
        .findFirst();
  }

  private JsonNode scheduledRun() {
    String event =
        "{\"detail-type\":\"Scheduled Event\",\"resources\":[\"schedule/daily\"],\"time\":\"%s\"}"
            .formatted(function.handlersClock.instant());
    try {
      return function
          .invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1))
          .path("secrets");
    } catch (InvocationFailedException e) {
      return RotationFixture.parse(String.valueOf(e.getMessage()).lines().toList().getLast())
          .path("secrets");
    }
  }

  private static void assertRevoked(Optional<JsonNode> entry) {
    assertThat(entry.orElseThrow().path("result").asText()).isEqualTo("REVOKED");
  }

  private static void assertNotRevoked(Optional<JsonNode> entry, FailureReason reason) {
    JsonNode failure = entry.orElseThrow();
    assertThat(failure.path("reason").asText()).isEqualTo(reason.name());
    assertThat(failure.path("message").asText())
        .contains("no key was revoked. " + reason + ": ", reason.nextStep());
  }

  private Set<String> labels() {
    return function.labels().values().stream().flatMap(Set::stream).collect(toSet());
  }

  private boolean isExpired(V2Key key) {
    return key.expiry().filter(end -> !end.isAfter(function.now())).isPresent();
  }
}
