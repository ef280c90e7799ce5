package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.KEY_NOT_REFRESHABLE;
import static keyrotation.core.FailureReason.KEY_UNREADABLE;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoKey;
import keyrotation.momento.RefreshedKey;
import org.junit.jupiter.api.Timeout;

/** Whatever a secret holds, a new key can be put in without loss, or it is refused in silence. */
class KeySecretFuzzTest {

  private static final List<String> RENEWED =
      List.of("apiKey", "authToken", "apiToken", "refreshToken", "validUntil");
  private static final MomentoKey.V2 ISSUED =
      (MomentoKey.V2) MomentoKey.parse(Jwt.with("{\"t\":\"g\",\"jti\":\"new\"}"));
  private static final RefreshedKey MINTED =
      new RefreshedKey(
          MomentoKey.v1("cell.example.com", "new-token"),
          new Sensitive("new-refresh"),
          Expiry.ofEpochSeconds(1_800_000_000));

  @Timeout(10)
  @FuzzTest
  void a_secret_is_renewed_without_loss_or_refused(byte[] secret) {
    String value = new String(Canary.plantedIn(secret), UTF_8);
    KeySecret parsed;
    try {
      parsed = KeySecret.parse(new Sensitive(value));
    } catch (RotationException e) {
      Canary.assertTellsNothing(e, SECRET_MALFORMED, KEY_UNREADABLE, KEY_NOT_REFRESHABLE);
      return;
    }

    if (parsed.key() instanceof MomentoKey.V1) {
      assertRenewed(value, parsed);
    } else {
      assertReplaced(value, parsed);
    }
  }

  private static void assertRenewed(String value, KeySecret parsed) {
    String renewed = parsed.renewed(MINTED).value();
    assertThat(UTF_8.newEncoder().canEncode(renewed)).isTrue();
    ObjectNode before = others(value);
    ObjectNode after = others(renewed);
    assertThat(after.fieldNames()).toIterable().containsExactlyElementsOf(before::fieldNames);
    assertThat(after.equals(KeySecretFuzzTest::compare, before)).isTrue();
    KeySecret again = KeySecret.parse(new Sensitive(renewed));
    assertThat(again.key()).isEqualTo(MINTED.key());
    assertThat(again.refreshToken()).contains(MINTED.refreshToken());
    assertThat(again.expiry()).isEqualTo(MINTED.expiry());
  }

  private static void assertReplaced(String value, KeySecret parsed) {
    String replaced = parsed.replacedBy(ISSUED).value();
    assertThat(UTF_8.newEncoder().canEncode(replaced)).isTrue();
    if (Json.read(value).isPresent()) {
      assertThat(others(replaced).equals(KeySecretFuzzTest::compare, others(value))).isTrue();
    }
    KeySecret again = KeySecret.parse(new Sensitive(replaced));
    assertThat(again.key()).isEqualTo(ISSUED);
    assertThat(again.refreshToken()).isEmpty();
    assertThat(again.endpoint()).isEqualTo(parsed.endpoint());
  }

  /** Returns the fields that a renewal leaves alone. */
  private static ObjectNode others(String json) {
    return Json.read(json).orElseThrow().remove(RENEWED);
  }

  /** Compares values; 1e0 may become 1. */
  private static int compare(JsonNode one, JsonNode other) {
    return one.isNumber() && other.isNumber()
        ? one.decimalValue().compareTo(other.decimalValue())
        : one.equals(other) ? 0 : 1;
  }
}
