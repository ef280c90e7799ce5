package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Key;

/** The search for keys and refresh tokens in what the function has shown. */
final class Leaks {

  /** How many characters in a row count as a part of a secret. */
  private static final int RUN = 8;

  private Leaks() {}

  /** Checks what was shown against the keys that were issued, and those that are stored. */
  static void assertNone(RotationFixture fixture) {
    assertNone(fixture.keys(), fixture.shown());
    assertNone(
        fixture.state().describe(SECRET).versions().stream()
            .map(RotationFixture::json)
            .flatMap(json -> Stream.of(json.path("apiKey"), json.path("refreshToken")))
            .map(JsonNode::asText),
        fixture.shown());
  }

  static void assertNone(List<? extends SandboxKey> keys, String text) {
    assertNone(
        keys.stream()
            .flatMap(
                key ->
                    switch (key) {
                      case IssuedKey v1 -> Stream.of(v1.apiKey(), v1.token(), v1.refreshToken());
                      case V2Key v2 -> Stream.of(v2.token());
                    }),
        text);
  }

  private static void assertNone(Stream<String> secrets, String text) {
    long[] shown = runs(text).sorted().toArray();
    assertThat(
            secrets
                .filter(secret -> secret.length() >= RUN)
                .flatMap(secret -> Stream.concat(Stream.of(secret), base64(secret)))
                .flatMapToLong(Leaks::runs))
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

  /** Returns each run of characters, packed into a number. */
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
