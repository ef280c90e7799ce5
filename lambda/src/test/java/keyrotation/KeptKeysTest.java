package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.ISSUER;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.CLOCK_SKEW;
import static keyrotation.core.FailureReason.CURRENT_KEY_REJECTED;
import static keyrotation.core.FailureReason.REPLICA_OUT_OF_SYNC;
import static keyrotation.core.FailureReason.SECRETS_MANAGER_UNAVAILABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static keyrotation.core.FailureReason.SECRET_PAUSED;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What keeps v2 keys from being revoked. */
class KeptKeysTest extends RevocationTestBase {

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
}
