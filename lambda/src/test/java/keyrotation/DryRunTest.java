package keyrotation;

import static keyrotation.SandboxedFunction.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.sandbox.SecretsManagerState.CURRENT;
import static keyrotation.sandbox.SecretsManagerState.PENDING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState.Version;
import org.junit.jupiter.api.Test;

/** What a dry run reports, and that it changes nothing. */
class DryRunTest extends FunctionTestBase {

  @Test
  void a_dry_run_says_what_would_be_done_and_changes_nothing() {
    function.storeKey();
    var before = function.state().describe(SECRET);

    JsonNode answer = secret(send("dry-run.json"));

    assertThat(answer.path("due").asBoolean()).isTrue();
    assertThat(answer.path("resume").asBoolean(true)).isFalse();
    assertThat(function.awsCalls().seen()).contains("PutSecretValue");
    assertThat(function.momento().calls().seen()).containsExactly(MomentoServer.LIST_CACHES);
    assertThat(function.state().describe(SECRET)).isEqualTo(before);
  }

  @Test
  void a_dry_run_does_not_promise_to_take_up_what_a_rotation_would_drop() {
    function.storeKey();
    var _ =
        function.put(
            function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson(), PENDING);
    assertThat(secret(send("dry-run.json")).path("resume").asBoolean(true)).isFalse();

    function.storeKey();
    function.leaveSuccessor("{}");
    assertThat(secret(send("dry-run.json")).path("resume").asBoolean(true)).isFalse();
  }

  @Test
  void a_dry_run_fails_where_a_rotation_would() {
    function.storeKey();
    function
        .awsCalls()
        .onEvery(
            "PutSecretValue",
            new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", SECRET)));
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("ACCESS_DENIED");
    function.awsCalls().clearFaults();

    function.clock.advance(Duration.ofDays(3));
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("KEY_EXPIRED");

    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      IssuedKey strangers = other.momento().issue(LIFETIME, Permissions.SUPER_USER);
      function.store(strangers.consoleJson());
    }
    assertThatThrownBy(() -> send("dry-run.json")).hasMessageContaining("REFRESH_REJECTED");
  }

  @Test
  void a_dry_run_knows_that_an_unfinished_rotation_would_heal_a_broken_secret() {
    function.store("{}");
    function.leaveSuccessor(
        function.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());

    assertThat(secret(send("dry-run.json")).path("resume").asBoolean()).isTrue();
  }

  @Test
  void a_dry_run_does_not_promise_to_resume_with_a_copy_or_a_key_that_would_be_given_up() {
    function.storeKey();
    Version first = function.current();
    function.storeKey();
    Version left = function.current();
    function.state().moveLabel(SECRET, CURRENT, left.id(), first.id());
    function.leaveSuccessor(RotationFixture.json(left).toString());
    assertThat(resumes()).isFalse();

    function.storeKey();
    try (SandboxedFunction other = new SandboxedFunction(RefreshTokens.REUSABLE)) {
      function.leaveSuccessor(
          other.momento().issue(LIFETIME, Permissions.SUPER_USER).consoleJson());
    }
    function.pass(Duration.ofMinutes(11));
    assertThat(resumes()).isFalse();
  }
}
