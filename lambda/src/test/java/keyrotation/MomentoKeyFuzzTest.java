package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.Instant;
import java.util.Base64;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;
import keyrotation.momento.MomentoKey;
import org.junit.jupiter.api.Timeout;

/** Whatever stands for a key is one, or is refused in silence; and so it is with its token. */
class MomentoKeyFuzzTest {

  @Timeout(10)
  @FuzzTest
  void a_text_is_a_key_or_is_refused(byte[] input) {
    String text = new String(Canary.plantedIn(input), UTF_8);
    assertKeyOrRefused(text);
    assertKeyOrRefused(Base64.getEncoder().encodeToString(text.getBytes(UTF_8)));
    assertKeyOrRefused(Jwt.with(text));
    assertV1OrRefused(Jwt.with(text));
  }

  private static void assertKeyOrRefused(String text) {
    try {
      switch (MomentoKey.parse(text)) {
        case MomentoKey.V1 key -> assertKey(key);
        case MomentoKey.V2 key -> {
          assertThat(key.token().value()).matches("[A-Za-z0-9._-]+");
          assertThat(key.id()).matches("[A-Za-z0-9_-]{1,128}");
        }
        case MomentoKey.Legacy _ -> {}
      }
    } catch (RotationException e) {
      Canary.assertTellsNothing(e, KEY_UNREADABLE);
    }
  }

  /** The claims may be those of a token that no v1 key has. */
  private static void assertV1OrRefused(String token) {
    try {
      assertKey(MomentoKey.v1("cell.example.com", token));
    } catch (RotationException e) {
      Canary.assertTellsNothing(e, KEY_UNREADABLE);
    }
  }

  private static void assertKey(MomentoKey.V1 key) {
    assertThat(MomentoKey.parse(key.text().value())).isEqualTo(key);
    assertThat(key.endpoint()).matches("[A-Za-z0-9.-]{1,253}");
    assertThat(key.token().value()).matches("[!-~]+");
    if (key.expiry() instanceof Expiry.At(Instant end)) {
      assertThat(end).isAfter(Instant.EPOCH);
    }
  }
}
