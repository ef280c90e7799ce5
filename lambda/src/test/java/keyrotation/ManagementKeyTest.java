package keyrotation;

import static keyrotation.RotationFixture.ISSUER;
import static keyrotation.RotationFixture.MANAGEMENT_SECRET;
import static keyrotation.SandboxedFunction.SECRET;
import static keyrotation.core.FailureReason.MANAGEMENT_KEY_REJECTED;
import static keyrotation.sandbox.MomentoApiServer.REVOKE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How the management key is rotated, and watched where it is not. */
class ManagementKeyTest extends FunctionTestBase {

  ManagementKeyTest() {
    super(
        new SandboxedFunction(
            KeyKind.V2,
            Duration.ZERO,
            Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", MANAGEMENT_SECRET + "," + SECRET)));
  }

  @BeforeEach
  void storeKeys() {
    V2Key managing =
        function
            .v2Keys()
            .issueAged(V2Keys.OWNER, "console", Duration.ofDays(28), RotationFixture.LIFETIME);
    create(MANAGEMENT_SECRET, managing.consoleJson());
    function.storeV2Key();
  }

  @Test
  void is_rotated_after_all_other_secrets() {
    JsonNode report = run();

    assertThat(results(report)).containsExactly("ROTATED", "ROTATED");
    assertThat(report.path("secrets").path(1).path("secret").asText()).isEqualTo(MANAGEMENT_SECRET);
    V2Key managing = keyIn(MANAGEMENT_SECRET);
    assertThat(managing.description()).startsWith(ISSUER);
    assertThat(managing.roleId()).isEqualTo(V2Keys.OWNER.id());
    function.pass(Duration.ofDays(25));
    assertThat(results(run())).contains("ROTATED");
  }

  @Test
  void a_new_key_that_may_not_revoke_keys_does_not_become_current() {
    V2Key old = keyIn(MANAGEMENT_SECRET);
    function.apiCalls().onEvery(REVOKE, new Fault.Refuse<>(MomentoApiException.forbidden()));

    JsonNode report = run();

    assertThat(report.path("secrets").path(1).path("reason").asText())
        .isEqualTo(MANAGEMENT_KEY_REJECTED.name());
    assertThat(keyIn(MANAGEMENT_SECRET)).isEqualTo(old);
    function.apiCalls().clearFaults();
    assertThat(results(run())).contains("RESUMED");
    assertThat(keyIn(MANAGEMENT_SECRET)).isNotEqualTo(old);
  }

  @Test
  void the_old_key_is_revoked_after_its_grace_period() {
    run();
    V2Key second = keyIn(MANAGEMENT_SECRET);
    function.pass(Duration.ofDays(21));
    run();
    V2Key third = keyIn(MANAGEMENT_SECRET);
    assertThat(third).isNotEqualTo(second);

    function.pass(Duration.ofDays(7).plusMinutes(1));
    run();

    assertThat(function.v2Keys().accepts(second.token())).isFalse();
    assertThat(function.v2Keys().accepts(third.token())).isTrue();
  }

  @Test
  void its_expiry_is_in_the_log_and_in_the_report() {
    String expiry = keyIn(MANAGEMENT_SECRET).expiry().orElseThrow().toString().substring(0, 19);

    JsonNode report = run();

    // In the report it is the new key's.
    String renewed = keyIn(MANAGEMENT_SECRET).expiry().orElseThrow().toString().substring(0, 19);
    assertThat(renewed).isGreaterThan(expiry);
    assertThat(report.path("management_key_valid_until").asText()).startsWith(renewed);
    assertThat(function.log().lines())
        .filteredOn(line -> line.contains("\"step\":\"check_management_key\""))
        .singleElement()
        .asString()
        .contains(expiry, MANAGEMENT_SECRET);
  }

  private JsonNode run() {
    String event =
        "{\"detail-type\":\"Scheduled Event\",\"resources\":[\"schedule/daily\"],\"time\":\"%s\"}"
            .formatted(function.now());
    try {
      return function.invoke(event, UUID.randomUUID().toString(), Duration.ofMinutes(1));
    } catch (InvocationFailedException e) {
      return RotationFixture.parse(String.valueOf(e.getMessage()).lines().toList().getLast());
    }
  }

  private static List<String> results(JsonNode report) {
    return report
        .path("secrets")
        .valueStream()
        .map(entry -> entry.path("result").asText())
        .toList();
  }
}
