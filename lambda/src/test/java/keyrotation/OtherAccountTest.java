package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.NOT_DUE;
import static keyrotation.ReportedResult.REVOKED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ReportedResult.WOULD_ROTATE;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.ACCESS_DENIED;
import static keyrotation.core.FailureReason.SECRET_NOT_FOUND;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Secrets of another AWS account, which callers find by their ARN alone. */
class OtherAccountTest extends FunctionTestBase {

  private static final String ACCOUNT = "210987654321";
  private static final String ARN = arn(SECRET);
  private static final Duration DAY = Duration.ofDays(1);

  OtherAccountTest() {
    super(newFunction(ARN));
    function.storeManagementKey();
    function.clearFaults(); // There is ample time.
  }

  private static SandboxedFunction newFunction(String... secrets) {
    return new SandboxedFunction(
        KeyKind.V2,
        Duration.ZERO,
        Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", secrets)));
  }

  @Test
  void a_secret_is_rotated_by_its_arn_and_reported_under_it() {
    var _ = createThere(SECRET);

    // A name would mean another secret.
    assertThatReport(rotate(ARN)).ofOnlySecret(ARN).is(ROTATED).says(ARN + " has a new key.");

    V2Key issued = function.v2Keys().issued().getLast();
    assertThat(tokenIn(ARN)).isEqualTo(issued.token());
    assertThat(issued.description()).endsWith(" " + SECRET);
  }

  @Test
  void a_name_means_the_own_account() {
    V2Key key = createThere(SECRET);

    assertThatReport(() -> rotate(SECRET)).ofOnlySecret(SECRET).failedWith(SECRET_NOT_FOUND);

    assertThat(tokenIn(ARN)).isEqualTo(key.token());
  }

  @Test
  void secrets_with_the_same_name_are_rotated_and_their_keys_revoked_apart() {
    // The own one is found by its tag.
    restart(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of(
                "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                ARN,
                "MOMENTO_AUTH_TOKEN_SECRET_TAG",
                "rotate=momento")));
    function.clearFaults();
    function.storeManagementKey();
    var _ = createThere(SECRET);
    create(SECRET, issue().consoleJson());
    function.state().tag(SECRET, Map.of("rotate", "momento"));
    assertThatReport(run()).hasSecrets(ARN, SECRET).hasResults(NOT_DUE, NOT_DUE);
    for (int i = 0; i < 2; i++) { // Only keys that the function has had issued are revoked.
      function.pass(DAY.multipliedBy(31));
      assertThatReport(run()).hasSecrets(ARN, SECRET).hasResults(ROTATED, ROTATED);
    }
    String keyThere = tokenIn(ARN);
    String keyHere = tokenIn(SECRET);
    function.pass(DAY.multipliedBy(8));

    assertThatReport(run())
        .hasSecrets(ARN, SECRET, ARN, SECRET)
        .hasResults(NOT_DUE, NOT_DUE, REVOKED, REVOKED);

    assertThat(tokenIn(ARN)).isEqualTo(keyThere).isNotEqualTo(keyHere);
    assertThat(function.v2Keys().accepts(keyThere)).isTrue();
    assertThat(function.v2Keys().accepts(keyHere)).isTrue();
  }

  @Test
  void a_key_that_the_own_secret_of_the_same_name_holds_is_not_revoked() {
    restart(newFunction(SECRET));
    function.clearFaults();
    function.storeManagementKey();
    var _ = createThere(SECRET);
    assertThatReport(rotate(ARN)).ofOnlySecret(ARN).is(ROTATED);
    V2Key copied = function.v2Keys().issued().getLast();
    create(SECRET, copied.consoleJson());
    function.pass(DAY);
    assertThatReport(rotate(ARN)).ofOnlySecret(ARN).is(ROTATED);

    var _ = ask(ARN, ",\"revoke_previous\":true");

    assertThat(function.v2Keys().accepts(copied.token())).isTrue();
  }

  @Test
  void a_secret_with_the_name_of_the_management_keys_is_another_secret() {
    String there = arn(MANAGEMENT_SECRET);
    restart(newFunction(there));
    function.clearFaults();
    create(
        MANAGEMENT_SECRET,
        function
            .v2Keys()
            .issueAged(V2Keys.OWNER, "console", DAY, DAY.multipliedBy(300))
            .consoleJson());
    var _ = createThere(MANAGEMENT_SECRET);
    function.pass(DAY.multipliedBy(31));

    JsonNode report = run();

    // A management key must be able to manage keys; this one cannot.
    assertThatReport(report).hasSecrets(there).hasResults(ROTATED);
    assertThat(report.path("management_key_valid_until").asText())
        .isNotEqualTo(report.at("/secrets/0/valid_until").asText());
  }

  @Test
  void a_management_key_may_be_in_another_account() {
    String there = arn(MANAGEMENT_SECRET);
    restart(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of(
                "MOMENTO_AUTH_TOKEN_SECRET_NAME",
                SECRET + "," + there,
                "MOMENTO_MANAGEMENT_KEY_SECRET",
                there)));
    function.clearFaults();
    createThere(
        MANAGEMENT_SECRET,
        function
            .v2Keys()
            .issueAged(V2Keys.OWNER, "console", DAY.multipliedBy(60), DAY.multipliedBy(90)));
    create(SECRET, issue().consoleJson());
    function.pass(DAY.multipliedBy(31).minus(Duration.ofHours(30)));

    JsonNode report = run();

    assertThatReport(report).hasSecrets(SECRET, there).hasResults(NOT_DUE, ROTATED);
    assertThat(report.path("management_key_valid_until").asText())
        .isEqualTo(report.at("/secrets/1/valid_until").asText());
  }

  @ParameterizedTest
  @ValueSource(strings = {"DescribeSecret", "GetSecretValue", "PutSecretValue"})
  void a_refusal_names_the_secret_and_the_policies_to_check(String action) {
    var _ = createThere(SECRET);
    refuse(action, SecretsManagerException.deniedByResourcePolicy(action, ARN));

    assertThatReport(() -> ask(ARN, ",\"dry_run\":true"))
        .ofOnlySecret(ARN)
        .failedWith(ACCESS_DENIED)
        .says("secretsmanager:" + action + " on " + ARN)
        .says(" was refused: no resource-based policy allows it (AccessDeniedException")
        .says("The secret is of the account " + ACCOUNT)
        .says("the resource policy of the secret")
        .says("the policy of the secret's KMS key");
  }

  @Test
  void a_refusal_by_kms_says_so() {
    var _ = createThere(SECRET);
    refuse("GetSecretValue", SecretsManagerException.kmsDenied());

    assertThatReport(() -> ask(ARN, ",\"dry_run\":true"))
        .ofOnlySecret(ARN)
        .failedWith(ACCESS_DENIED)
        .says("on " + ARN + " was refused: KMS does not allow the use of the secret's KMS key")
        .says("The secret is of the account " + ACCOUNT);
  }

  @Test
  void a_secret_that_is_encrypted_with_awss_own_key_is_a_refusal() {
    var _ = createThere(SECRET);
    refuse("GetSecretValue", SecretsManagerException.keyOfOtherAccount());

    assertThatReport(() -> ask(ARN, ",\"dry_run\":true"))
        .ofOnlySecret(ARN)
        .failedWith(ACCESS_DENIED)
        .says("the secret is encrypted with AWS's own key (InvalidRequestException");
  }

  @Test
  void a_refusal_in_the_own_account_says_which_policy_it_was_and_nothing_of_accounts() {
    create(SECRET, issue().consoleJson());
    refuse("GetSecretValue", SecretsManagerException.accessDenied("GetSecretValue", SECRET));

    assertThatReport(() -> ask(SECRET, ",\"dry_run\":true"))
        .ofOnlySecret(SECRET)
        .failedWith(ACCESS_DENIED)
        .says("on " + SECRET + " was refused: no identity-based policy allows it (");
    assertThat(function.log()).doesNotContain("is of the account");
  }

  @Test
  void all_calls_use_the_arn() {
    var _ = createThere(SECRET);

    assertThatReport(ask(ARN, ",\"dry_run\":true")).ofOnlySecret(ARN).is(WOULD_ROTATE);
    assertThatReport(rotate(ARN)).ofOnlySecret(ARN).is(ROTATED);
    assertThatReport(ask(ARN, ",\"rollback\":true"))
        .ofOnlySecret(ARN)
        .is(ReportedResult.ROLLED_BACK);
    assertThatReport(ask(ARN, ",\"status\":true")).ofOnlySecret(ARN).is(ReportedResult.STATUS);
  }

  private void refuse(String action, SecretsManagerException refusal) {
    function.awsCalls().onEvery(action, new Fault.Refuse<>(refusal));
  }

  private static String arn(String name) {
    return "arn:aws:secretsmanager:us-east-1:" + ACCOUNT + ":secret:" + name + "-Ab1Cd2";
  }

  private V2Key createThere(String name) {
    V2Key key = issue();
    createThere(name, key);
    return key;
  }

  private void createThere(String name, V2Key key) {
    var _ =
        function
            .state()
            .createInOtherAccount(
                arn(name),
                new Value.Text(key.consoleJson()),
                UUID.randomUUID().toString(),
                "arn:aws:kms:us-east-1:" + ACCOUNT + ":key/1");
  }

  private V2Key issue() {
    return function.v2Keys().issue(V2Keys.OPERATOR, "console", Optional.empty());
  }

  private JsonNode rotate(String secretId) {
    return ask(secretId, "");
  }

  private JsonNode ask(String secretId, String fields) {
    return function.invoke(
        "{\"momento_auth_token_secret_name\":\"%s\"%s}".formatted(secretId, fields),
        UUID.randomUUID().toString(),
        Duration.ofMinutes(1));
  }

  private JsonNode run() {
    return function.invoke(
        SampleEvents.read("scheduler.json", function.now()),
        UUID.randomUUID().toString(),
        Duration.ofMinutes(1));
  }

  private String tokenIn(String secretId) {
    return Invariants.apiKey(
        function.state().describe(secretId).labelled("AWSCURRENT").orElseThrow());
  }
}
