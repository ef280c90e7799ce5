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
    assertKey(MomentoKey.v1("cell.example.com", Jwt.with(text)));
  }

  private static void assertKeyOrRefused(String text) {
    try {
      if (MomentoKey.parse(text) instanceof MomentoKey.V1 key) {
        assertKey(key);
      }
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
