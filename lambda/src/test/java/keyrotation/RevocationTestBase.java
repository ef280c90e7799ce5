package keyrotation;

import static java.util.stream.Collectors.toSet;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.LIFETIME;
import static keyrotation.SandboxedFunction.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.StreamSupport;
import keyrotation.core.FailureReason;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;
import org.junit.jupiter.api.BeforeEach;

/**
 * A secret with a v2 key that the function has had issued, and scheduled runs that may revoke it.
 */
abstract class RevocationTestBase extends FunctionTestBase {

  static final Duration GRACE = Duration.ofDays(7);

  /** A label says whole minutes. */
  static final Duration AFTER_GRACE = GRACE.plusMinutes(5);

  RevocationTestBase() {
    super(new SandboxedFunction(KeyKind.V2));
  }

  /** Has the first key issued by the function take the place of an operator's. */
  @BeforeEach
  final void storeKey() {
    function.storeV2Key();
    assertThatResult(function.rotate()).is(ROTATED);
  }

  /** Has something happen when the secret is described right before a revocation. */
  final void beforeRevoking(Runnable event) {
    // It is described for the rotation, and for the look at what is held.
    function.awsCalls().onNth("DescribeSecret", 3, new Fault.Before<>(event));
  }

  /** Has a key issued for the secret that no version holds, as a crash leaves it. */
  final V2Key issueUnstored() {
    return function
        .v2Keys()
        .issueAged(V2Keys.OPERATOR, descriptionOfUnstored(), Duration.ofDays(2), LIFETIME);
  }

  final String descriptionOfUnstored() {
    return currentKey()
        .description()
        .replace(function.current().id(), UUID.randomUUID().toString());
  }

  /** Labels a version as an operator does. */
  final void label(String versionId, String label) {
    var _ = function.state().moveLabel(SECRET, label, null, versionId);
  }

  /** Stores a key that an operator had issued, and that outlives its grace period. */
  final V2Key storeLongLivedKey() {
    function.storeManagementKey();
    V2Key key =
        function
            .v2Keys()
            .issueAged(V2Keys.OPERATOR, "console", Duration.ofDays(1), LIFETIME.multipliedBy(3));
    function.store(key.consoleJson());
    return key;
  }

  /** Carries a request up to the point where its key is stored; the current key is not verified. */
  final void stageRenewalOfIssued(String requestId) {
    stageV2Only(requestId, 1);
  }

  /** Takes the only time off, as an operator does; returns the version that had it. */
  final Version takeTimesOff() {
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
  final void takeTimesOff(String versionId) {
    for (String label : function.labels().getOrDefault(versionId, Set.of())) {
      if (label.startsWith(StagingLabel.REVOKE_AFTER)) {
        var _ = function.state().moveLabel(SECRET, label, versionId, null);
      }
    }
  }

  /** Goes on with another sandbox, in which these settings differ from the defaults. */
  final void restartWith(Map<String, String> settings) {
    restart(new SandboxedFunction(KeyKind.V2, Duration.ZERO, settings));
  }

  /** Rotates a key that an operator has copied into a second secret; returns that key. */
  final V2Key rotateKeyWithCopy() {
    restartWith(Map.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET + ",copy"));
    storeKey();
    V2Key old = currentKey();
    create("copy", old.consoleJson());
    rotateLater();
    return old;
  }

  /** Rotates twice, after which the version of the first key has no label; returns the version. */
  final Version rotateUntilLabelsAreLost() {
    rotateLater();
    Version version = takeTimesOff();
    rotateLater();
    return version;
  }

  final JsonNode rotateLater() {
    function.pass(Duration.ofDays(1));
    return function.rotate();
  }

  final Optional<JsonNode> runAfter(Duration time) {
    function.pass(time);
    return run();
  }

  /** Has a scheduled run look for keys; returns what it reports of revocations. */
  final Optional<JsonNode> run() {
    return StreamSupport.stream(scheduledRun().spliterator(), false)
        .filter(entry -> entry.path("secret").asText().equals(SECRET))
        .skip(1)
        .findFirst();
  }

  final JsonNode scheduledRun() {
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

  static void assertRevoked(Optional<JsonNode> entry) {
    assertThat(entry.orElseThrow().path("result").asText()).isEqualTo("REVOKED");
  }

  static void assertNotRevoked(Optional<JsonNode> entry, FailureReason reason) {
    JsonNode failure = entry.orElseThrow();
    assertThat(failure.path("reason").asText()).isEqualTo(reason.name());
    assertThat(failure.path("message").asText())
        .contains("no key was revoked. " + reason + ": ", reason.nextStep());
  }

  final Set<String> labels() {
    return function.labels().values().stream().flatMap(Set::stream).collect(toSet());
  }

  final boolean isExpired(V2Key key) {
    return key.expiry().filter(end -> !end.isAfter(function.now())).isPresent();
  }
}
