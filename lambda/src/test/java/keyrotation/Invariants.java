package keyrotation;

import static keyrotation.Guarantee.CURRENT_KEY_WORKS;
import static keyrotation.Guarantee.FAILURE_IS_A_FAILURE;
import static keyrotation.Guarantee.NEVER_TOO_LATE;
import static keyrotation.Guarantee.NOTHING_IN_USE_IS_REVOKED;
import static keyrotation.Guarantee.NOTHING_IS_LEFT_BEHIND;
import static keyrotation.Guarantee.NOTHING_SECRET_IS_SHOWN;
import static keyrotation.Guarantee.NO_MORE_THAN_REQUESTED;
import static keyrotation.Guarantee.NO_RIGHTS_BY_THE_BACK_DOOR;
import static keyrotation.Guarantee.OPERATOR_WINS;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.core.FailureReason;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.secretsmanager.StagingLabel;

/** What holds after every single invocation, guarantee by guarantee. */
final class Invariants {

  private static final Pattern FAILURE =
      Pattern.compile(
          "\\S*"
              + Pattern.quote(SECRET)
              + "\\S*( was not rotated|: no key was revoked|: revoked [^.]*)\\. ([A-Z_]+): \\S.*");

  /** The results with which the life of a key is judged. */
  private static final Set<String> JUDGED =
      Set.of(
          "ROTATED",
          "RESUMED",
          "NOT_DUE",
          "ALREADY_ROTATED",
          "ROTATION_IN_PROGRESS",
          "WOULD_ROTATE");

  /**
   * A key may become loose, its version be retired, and so may be the one that was to follow it.
   */
  private static final List<Duration> UNTIL_ALL_IS_REVOKED =
      List.of(Duration.ofHours(2), Duration.ofDays(8), Duration.ofDays(8));

  private final RotationFixture fixture;
  private final Secret before;
  private final Optional<Version> was;
  private final Optional<Version> is;

  private Invariants(RotationFixture fixture, Secret before) {
    this.fixture = fixture;
    this.before = before;
    this.was = before.labelled(SecretsManagerState.CURRENT);
    this.is = fixture.labelled(SecretsManagerState.CURRENT);
  }

  /**
   * Checks what has to hold after every invocation, however it ended.
   *
   * @param before the secret as the invocation found it
   */
  static void hold(RotationFixture fixture, Secret before, Outcome outcome, Trigger trigger) {
    Invariants invariants = new Invariants(fixture, before);
    CURRENT_KEY_WORKS.check(invariants::currentKeyWorks);
    OPERATOR_WINS.check(() -> invariants.currentKeyDescends(trigger == Trigger.ROLLBACK));
    FAILURE_IS_A_FAILURE.check(() -> invariants.outcomeIsTrue(outcome));
    if (trigger == Trigger.DRY_RUN) {
      NO_MORE_THAN_REQUESTED.check(invariants::nothingChanged);
    }
    List<String> revoked = fixture.newlyRevoked();
    NOTHING_IN_USE_IS_REVOKED.check(
        () -> invariants.nothingInUseIsRevoked(revoked, trigger == Trigger.REVOKE_PREVIOUS));
    NO_RIGHTS_BY_THE_BACK_DOOR.check(invariants::noRoleIsStronger);
  }

  private void currentKeyWorks() {
    assertThat(is.isPresent()).as("there is a current version").isEqualTo(was.isPresent());
    if (is.isEmpty()) {
      return;
    }
    // What an operator has stored may be no key, or one that has expired: that is theirs to mend.
    if (isMoved() || works(was.orElseThrow())) {
      assertThat(works(is.get())).as("the current key works").isTrue();
    }
    if (isMoved()) {
      assertThat(fixture.momento().hasConfirmed(apiKey(is.get())))
          .as("Momento has accepted the key before it became current")
          .isTrue();
    }
  }

  private void currentKeyDescends(boolean mayRollBack) {
    boolean isRolledBack =
        mayRollBack
            && before
                .labelled(SecretsManagerState.PREVIOUS)
                .map(Version::value)
                .equals(is.map(Version::value));
    if (is.isEmpty() || isRolledBack) {
      return;
    }
    assertThat(descends(fixture, apiKey(is.get()), apiKey(was.orElseThrow())))
        .as("the current key is the one that was found, or was refreshed from it")
        .isTrue();
    assertThat(is.get().created())
        .as("when the current version was created")
        .isAfterOrEqualTo(was.get().created());
  }

  private void outcomeIsTrue(Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered(JsonNode report) -> reportIsTrue(report);
      case Outcome.Failed(String message) ->
          assertThat(reason(message)).isNotEqualTo("INTERNAL_ERROR");
      case Outcome.Crashed _ -> {}
    }
  }

  private void reportIsTrue(JsonNode report) {
    assertThat(report.path("failed").asBoolean(true)).isFalse();
    JsonNode entry = report.path("secrets").path(0);
    String reported = entry.path("version_id").asText();
    String current = is.map(Version::id).orElse("");
    switch (entry.path("result").asText()) {
      case "ROTATED", "RESUMED" -> {
        assertThat(reported).as("the reported version").isEqualTo(current);
        assertThat(isMoved()).as("the reported version is new").isTrue();
      }
      case "ROLLED_BACK" -> assertThat(reported).as("the reported version").isEqualTo(current);
      case "NOT_DUE", "WOULD_ROTATE", "ALREADY_ROTATED", "ROTATION_IN_PROGRESS" ->
          assertThat(isMoved()).as("another version is current").isFalse();
      case "REVOKED" -> assertThat(isMoved()).as("another version is current").isFalse();
      case "AWAITING_FIRST_KEY" -> assertThat(was).isEmpty();
      case "STEP_DONE" -> {
        if (entry.path("rotation_step").asText().equals("finishSecret")) {
          assertThat(reported).as("the reported version").isEqualTo(current);
        }
      }
      default -> throw new AssertionError("an unknown result: " + entry);
    }
  }

  private void nothingChanged() {
    assertThat(fixture.state().describe(SECRET).versions())
        .as("the versions after a dry run")
        .isEqualTo(before.versions());
  }

  /**
   * Checks that a version that held a revoked key was labelled, and its time over, and that no
   * other version held the key.
   */
  private void nothingInUseIsRevoked(List<String> revoked, boolean atOnce) {
    Secret now = fixture.state().describe(SECRET);
    for (Secret secret : List.of(before, now)) {
      assertThat(secret.versions())
          .filteredOn(version -> !version.labels().isEmpty())
          .filteredOn(
              version ->
                  fixture
                      .issued(version)
                      .filter(key -> key instanceof V2Key v2 && revoked.contains(v2.id()))
                      .isPresent())
          .as("labelled versions whose keys were revoked")
          .allSatisfy(version -> assertThat(isReplaced(secret, version, atOnce)).isTrue());
    }
  }

  private boolean isReplaced(Secret secret, Version version, boolean atOnce) {
    boolean isSuccessor =
        secret
            .labelled(SecretsManagerState.CURRENT)
            .filter(current -> version.labels().contains(StagingLabel.replaces(current.id())))
            .isPresent();
    // A label comes off as soon as the key is revoked.
    boolean wasLabelled =
        before
            .version(version.id())
            .filter(
                was ->
                    was.labels().stream()
                        .flatMap(label -> StagingLabel.revocationTime(label).stream())
                        .anyMatch(time -> !time.isAfter(fixture.now())))
            .isPresent();
    return !version.labels().contains(SecretsManagerState.CURRENT)
        && !isSuccessor
        && (wasLabelled || atOnce);
  }

  private void noRoleIsStronger() {
    assertThat(fixture.keysIssuedByFunction())
        .as("roles of the keys that were issued for the secret")
        .noneMatch(key -> key.roleId().equals(V2Keys.OWNER.id()));
  }

  /**
   * Checks that scheduled runs without a fault leave no key of the function's own that no labelled
   * version holds. They go on until the last grace period is over. If a version holds a value that
   * is no key, it may hold the key in another form: then nothing is revoked, and the runs fail.
   */
  static void nothingIsLeftBehind(RotationFixture fixture) {
    Outcome last = new Outcome.Crashed();
    for (Duration time : UNTIL_ALL_IS_REVOKED) {
      fixture.pass(time);
      last = Trigger.SCHEDULE.request(fixture, UUID.randomUUID().toString());
    }
    if (reportsUnreadableValue(last) && holdsUnknownValue(fixture)) {
      return;
    }
    if (fixture.labelled(SecretsManagerState.CURRENT).isPresent() && fixture.currentKeyWorks()) {
      NOTHING_IS_LEFT_BEHIND.check(
          () -> {
            List<Version> versions = fixture.state().describe(SECRET).versions();
            assertThat(fixture.keysIssuedByFunction())
                .filteredOn(key -> fixture.v2Keys().accepts(key.token()))
                .as("valid keys that were issued for the secret")
                .allMatch(
                    key ->
                        versions.stream()
                            .filter(version -> !version.labels().isEmpty())
                            .anyMatch(version -> apiKey(version).equals(key.apiKey())));
          });
    }
  }

  private static boolean reportsUnreadableValue(Outcome run) {
    return run instanceof Outcome.Failed(String message)
        && Stream.of(FailureReason.SECRET_MALFORMED, FailureReason.KEY_UNREADABLE)
            .anyMatch(reason -> message.contains(": no key was revoked. " + reason + ": "));
  }

  private static boolean holdsUnknownValue(RotationFixture fixture) {
    return fixture.state().describe(SECRET).versions().stream()
        .filter(version -> !version.labels().isEmpty())
        .anyMatch(version -> fixture.issued(version).isEmpty());
  }

  private boolean isMoved() {
    return !is.map(Version::id).equals(was.map(Version::id));
  }

  private boolean works(Version version) {
    return fixture.momento().accepts(apiKey(version));
  }

  /**
   * Checks that a key that lives too short is reported, and no other.
   *
   * @return the outcome without that verdict on the key: what was done
   */
  static Outcome lifeIsJudged(RotationFixture fixture, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(JsonNode report) -> {
        NEVER_TOO_LATE.check(() -> livesLongEnough(fixture, report.path("secrets").path(0)));
        yield outcome;
      }
      case Outcome.Failed(String message) when message.contains("KEY_TOO_SHORT_LIVED: ") -> {
        ObjectNode report = (ObjectNode) RotationFixture.parse(message.lines().toList().getLast());
        ObjectNode entry = (ObjectNode) report.path("secrets").path(0);
        NEVER_TOO_LATE.check(() -> livesTooShort(fixture, entry));
        entry.put("result", entry.path("done").asText());
        yield new Outcome.Answered(report.put("failed", false));
      }
      case Outcome.Failed _, Outcome.Crashed _ -> outcome;
    };
  }

  private static void livesTooShort(RotationFixture fixture, JsonNode entry) {
    assertThat(entry.path("reason").asText()).isEqualTo("KEY_TOO_SHORT_LIVED");
    assertThat(lifeOf(fixture, entry))
        .as("the life of a key that is reported as too short-lived")
        .isLessThan(RotationFixture.SHORTEST_LIFE);
  }

  private static void livesLongEnough(RotationFixture fixture, JsonNode entry) {
    if (!JUDGED.contains(entry.path("result").asText())) {
      return;
    }
    // A key of unknown expiry, or one that had expired before it was stored, is not judged.
    assertThat(lifeOf(fixture, entry))
        .as("the life of a key that is not reported as too short-lived")
        .satisfiesAnyOf(
            life -> assertThat(life).isLessThanOrEqualTo(Duration.ZERO),
            life -> assertThat(life).isGreaterThanOrEqualTo(RotationFixture.SHORTEST_LIFE));
  }

  /** Another version may have become current since the function looked. */
  private static Duration lifeOf(RotationFixture fixture, JsonNode entry) {
    Version version =
        fixture.state().describe(SECRET).version(entry.path("version_id").asText()).orElseThrow();
    return Duration.between(version.created(), fixture.validUntil(version));
  }

  /** Returns the reason that an error names, and checks that the next step is there. */
  static String reason(String message) {
    var matcher = FAILURE.matcher(message.lines().findFirst().orElse(""));
    FAILURE_IS_A_FAILURE.check(
        () -> {
          assertThat(matcher.matches()).as("names secret and reason: " + message).isTrue();
          if (!matcher.group(2).equals("AWAITING_FIRST_KEY")) {
            assertThat(message)
                .as("the next step")
                .contains(FailureReason.valueOf(matcher.group(2)).nextStep());
          }
        });
    return matcher.group(2);
  }

  /** Tells whether a key was refreshed from a version's key. */
  static boolean isRefreshedFrom(RotationFixture fixture, String key, Version version) {
    return fixture.parentOf(key).filter(apiKey(version)::equals).isPresent();
  }

  /** Tells whether a key is that ancestor itself, or was refreshed from it. */
  static boolean descends(RotationFixture fixture, String key, String ancestor) {
    return key.equals(ancestor)
        || fixture.parentOf(key).filter(parent -> descends(fixture, parent, ancestor)).isPresent();
  }

  static String apiKey(Version version) {
    return RotationFixture.json(version).path("apiKey").asText();
  }

  /** Checks that nothing that was shown has eight characters of any key in a row. */
  static void nothingLeaks(RotationFixture fixture) {
    NOTHING_SECRET_IS_SHOWN.check(() -> Leaks.assertNone(fixture));
  }

  /** Checks that a text has no eight characters in a row of any of the keys, nor of its base64. */
  static void nothingLeaks(List<? extends SandboxKey> keys, String text) {
    NOTHING_SECRET_IS_SHOWN.check(() -> Leaks.assertNone(keys, text));
  }
}
