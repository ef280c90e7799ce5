package keyrotation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.MomentoKey;

/**
 * Secrets that every fuzzed input can hold, and the search for them in the messages about it.
 *
 * <p>An input has them where it says KEY, JWT or TOKEN: a fuzzer would not make them, and the
 * samples stay readable. No message of the function has eight letters in common with them by
 * itself.
 */
final class Canary {

  static final MomentoKey.V1 KEY =
      MomentoKey.v1("cell.example.com", Jwt.with("{\"exp\":1700000000,\"id\":\"4vQz-9kXw-2mBt\"}"));
  static final MomentoKey.V2 V2_KEY =
      (MomentoKey.V2)
          MomentoKey.parse(Jwt.with("{\"t\":\"g\",\"jti\":\"7pWq-3nDs-5gKv\",\"exp\":1700000000}"));
  static final Sensitive TOKEN = new Sensitive("Zr7Lq0-Wd3Yp8-Ju5Hx1-Nc6Gf2");

  /** How many characters of a secret must not be shown. */
  private static final int RUN = 8;

  private static final List<String> RUNS =
      List.of(KEY.text(), KEY.token(), V2_KEY.token(), TOKEN).stream()
          .flatMap(Canary::runs)
          .toList();

  private Canary() {}

  private static Stream<String> runs(Sensitive secret) {
    String text = secret.value();
    return IntStream.rangeClosed(0, text.length() - RUN)
        .mapToObj(start -> text.substring(start, start + RUN));
  }

  /** Returns the input with the secrets in their places; all other bytes stay as they are. */
  static byte[] plantedIn(byte[] input) {
    return new String(input, ISO_8859_1)
        .replace("KEY", KEY.text().value())
        .replace("JWT", V2_KEY.token().value())
        .replace("TOKEN", TOKEN.value())
        .getBytes(ISO_8859_1);
  }

  /** Fails if a refusal has another reason than those, or shows a part of a secret. */
  static void assertTellsNothing(RotationException refusal, FailureReason... reasons) {
    assertThat(refusal.reason()).isIn((Object[]) reasons);
    assertThat(refusal).hasNoCause().hasNoSuppressedExceptions();
    assertThat(RUNS).noneMatch(refusal.explanation()::contains);
  }
}
