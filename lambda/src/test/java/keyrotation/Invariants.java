package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;

/** What the function promises, as checks of what one invocation has left and said. */
final class Invariants {

  private static final Pattern FAILURE =
      Pattern.compile("\\S*" + Pattern.quote(SECRET) + "\\S* was not rotated\\. ([A-Z_]+): \\S.*");

  private static final int RUN = 8;

  private Invariants() {}

  /**
   * Checks what has to hold after every invocation, however it ended.
   *
   * @param before the secret as the invocation found it
   */
  static void hold(RotationFixture fixture, Secret before, Outcome outcome, boolean mayGoBack) {
    Optional<Version> was = before.labelled(SecretsManagerState.CURRENT);
    Optional<Version> is = fixture.labelled(SecretsManagerState.CURRENT);
    assertThat(is.isPresent()).as("there is a current version").isEqualTo(was.isPresent());
    if (is.isPresent()) {
      String key = apiKey(is.get());
      // What an operator has stored may be no key, or one that has expired: that is theirs to mend.
      if (!is.map(Version::id).equals(was.map(Version::id)) || works(fixture, was.get())) {
        assertThat(works(fixture, is.get())).as("the current key works").isTrue();
      }
      if (!is.map(Version::id).equals(was.map(Version::id))) {
        assertThat(fixture.momento().hasConfirmed(key)).as("Momento was asked").isTrue();
      }
      boolean wentBack =
          mayGoBack
              && before
                  .labelled(SecretsManagerState.PREVIOUS)
                  .map(Version::value)
                  .equals(value(is));
      if (!wentBack) {
        assertThat(descends(fixture, key, apiKey(was.get())))
            .as("the current key is the one that was found, or was made of it")
            .isTrue();
        assertThat(is.get().created()).as("of the current version").isAfterOrEqualTo(created(was));
      }
    }
    switch (outcome) {
      case Outcome.Answered(JsonNode report) -> reportIsTrue(fixture, was, report);
      case Outcome.Failed(String message) -> {
        assertThat(reason(message)).isNotEqualTo("INTERNAL_ERROR");
      }
      case Outcome.Died _ -> {}
    }
  }

  private static boolean works(RotationFixture fixture, Version version) {
    return fixture.momento().accepts(apiKey(version));
  }

  private static Optional<SecretsManagerState.Value> value(Optional<Version> version) {
    return version.map(Version::value);
  }

  private static Instant created(Optional<Version> version) {
    return version.orElseThrow().created();
  }

  private static void reportIsTrue(
      RotationFixture fixture, Optional<Version> was, JsonNode report) {
    assertThat(report.path("failed").asBoolean(true)).isFalse();
    JsonNode told = report.path("secrets").path(0);
    String current = fixture.labelled(SecretsManagerState.CURRENT).map(Version::id).orElse("");
    String before = was.map(Version::id).orElse("");
    switch (told.path("result").asText()) {
      case "ROTATED", "RESUMED" -> {
        assertThat(told.path("version_id").asText()).as("what is told").isEqualTo(current);
        assertThat(current).as("what is told to be new").isNotEqualTo(before);
      }
      case "ROLLED_BACK" ->
          assertThat(told.path("version_id").asText()).as("what is told").isEqualTo(current);
      case "NOT_DUE", "WOULD_ROTATE", "ALREADY_ROTATED", "ROTATION_IN_PROGRESS" ->
          assertThat(current).as("nothing was done").isEqualTo(before);
      case "AWAITING_FIRST_KEY" -> assertThat(was).isEmpty();
      case "STEP_DONE" -> {
        if (told.path("rotation_step").asText().equals("finishSecret")) {
          assertThat(told.path("version_id").asText()).as("what is told").isEqualTo(current);
        }
      }
      default -> throw new AssertionError("an unknown result: " + told);
    }
  }

  /**
   * Takes the judgement on the current key's life off what was done, if there is one, and checks
   * that it is right.
   */
  static Outcome withoutJudgement(RotationFixture fixture, Outcome outcome) {
    if (!(outcome instanceof Outcome.Failed(String message))
        || !message.contains("KEY_TOO_SHORT_LIVED: ")) {
      return outcome;
    }
    ObjectNode report = (ObjectNode) RotationFixture.parse(message.lines().toList().getLast());
    ObjectNode told = (ObjectNode) report.path("secrets").path(0);
    assertThat(told.path("reason").asText()).isEqualTo("KEY_TOO_SHORT_LIVED");
    // Another one may have become current since the function looked.
    Version judged =
        fixture.state().describe(SECRET).version(told.path("version_id").asText()).orElseThrow();
    assertThat(
            Duration.between(
                judged.created(),
                Instant.ofEpochSecond(RotationFixture.json(judged).path("validUntil").asLong())))
        .as("the life of the key that is judged")
        .isLessThan(Duration.ofHours(50));
    told.put("result", told.path("done").asText());
    return new Outcome.Answered(report.put("failed", false));
  }

  /** Returns the reason that an error names. */
  static String reason(String message) {
    var matcher = FAILURE.matcher(message.lines().findFirst().orElse(""));
    assertThat(matcher.matches()).as("names secret and reason: " + message).isTrue();
    String reason = matcher.group(1);
    if (!reason.equals("AWAITING_FIRST_KEY")) {
      assertThat(message).as("the next step").contains(FailureReason.valueOf(reason).nextStep());
    }
    return reason;
  }

  /** Tells whether a key is what a version's key was refreshed to. */
  static boolean isMadeOf(RotationFixture fixture, String key, Version version) {
    return fixture
        .momento()
        .parentOf(key)
        .filter(parent -> parent.apiKey().equals(apiKey(version)))
        .isPresent();
  }

  /** Tells whether a key is that ancestor itself, or was refreshed from it. */
  static boolean descends(RotationFixture fixture, String key, String ancestor) {
    return key.equals(ancestor)
        || fixture
            .momento()
            .parentOf(key)
            .filter(parent -> descends(fixture, parent.apiKey(), ancestor))
            .isPresent();
  }

  static String apiKey(Version version) {
    return RotationFixture.json(version).path("apiKey").asText();
  }

  /** Checks that nothing that was shown has eight characters of any key in a row. */
  static void nothingLeaks(RotationFixture fixture) {
    nothingLeaks(fixture.keys(), fixture.shown());
    nothingLeaks(
        fixture.state().describe(SECRET).versions().stream()
            .map(RotationFixture::json)
            .flatMap(json -> Stream.of(json.path("apiKey"), json.path("refreshToken")))
            .map(JsonNode::asText),
        fixture.shown());
  }

  /** Checks that a text has no eight characters in a row of any of the keys, nor of its base64. */
  static void nothingLeaks(List<IssuedKey> keys, String text) {
    nothingLeaks(
        keys.stream().flatMap(key -> Stream.of(key.apiKey(), key.token(), key.refreshToken())),
        text);
  }

  private static void nothingLeaks(Stream<String> secrets, String text) {
    long[] shown = runs(text).sorted().toArray();
    assertThat(
            secrets
                .filter(secret -> secret.length() >= RUN)
                .flatMap(secret -> Stream.concat(Stream.of(secret), base64(secret)))
                .flatMapToLong(Invariants::runs))
        .as("eight characters of a key, or of its base64")
        .noneMatch(run -> Arrays.binarySearch(shown, run) >= 0);
  }

  /** Returns what base64 makes of a text in the midst of another, without what is not its alone. */
  private static Stream<String> base64(String text) {
    return Stream.of("", "-", "--")
        .map(
            before ->
                Base64.getEncoder()
                    .withoutPadding()
                    .encodeToString((before + text).getBytes(UTF_8)))
        .map(encoded -> encoded.substring(4, encoded.length() - 1));
  }

  /** Returns each eight characters in a row, packed into a number. */
  private static LongStream runs(String text) {
    return LongStream.rangeClosed(0, text.length() - RUN)
        .map(
            start -> {
              long run = 0;
              for (int i = 0; i < RUN; i++) {
                run = (run << 8) | (text.charAt((int) start + i) & 0xff);
              }
              return run;
            });
  }
}
