package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Base64;
import keyrotation.Jwt;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import momento.sdk.auth.CredentialProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MomentoKeyTest {

  private static final String TOKEN = Jwt.with("{\"exp\":1800000000}");

  @Test
  void reads_endpoint_token_and_expiry() {
    MomentoKey key =
        MomentoKey.parse(
            base64("{\"endpoint\":\"cell.example.com\",\"api_key\":\"" + TOKEN + "\"}"));

    assertThat(key)
        .isEqualTo(
            new MomentoKey.V1(
                new Sensitive(MomentoKey.v1("cell.example.com", TOKEN).text().value()),
                "cell.example.com",
                new Sensitive(TOKEN),
                new Expiry.At(Instant.ofEpochSecond(1_800_000_000))));
  }

  @Test
  void reads_fields_in_any_order_and_more_of_them() {
    MomentoKey key =
        MomentoKey.parse(
            base64("{\"x\":1,\"api_key\":\"" + TOKEN + "\",\"endpoint\":\"cell.example.com\"}"));

    assertThat(key).isEqualTo(MomentoKey.v1("cell.example.com", TOKEN));
  }

  @Test
  void writes_what_momentos_own_sdk_reads() {
    String text = MomentoKey.v1("cell.example.com", TOKEN).text().value();

    CredentialProvider credentials = CredentialProvider.fromString(text);
    assertThat(credentials.getControlEndpoint()).isEqualTo("control.cell.example.com");
    assertThat(credentials.getAuthToken()).isEqualTo(TOKEN);
    assertThat(new String(Base64.getDecoder().decode(text), UTF_8)).startsWith("{\"endpoint\":");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"exp\":\"soon\"}",
        "{\"exp\":-1}",
        "{\"exp\":0}",
        "{\"exp\":31556889864403200}",
        "{\"exp\":1e30}",
        "[]"
      })
  void a_token_that_says_nothing_of_its_expiry_is_a_token_all_the_same(String claims) {
    assertThat(MomentoKey.v1("cell.example.com", Jwt.with(claims)).expiry())
        .isEqualTo(new Expiry.Unknown());
  }

  @Test
  void an_opaque_token_is_a_token_too() {
    assertThat(MomentoKey.v1("cell.example.com", "opaque").expiry())
        .isEqualTo(new Expiry.Unknown());
  }

  @Test
  void a_jwt_of_type_g_is_a_v2_key() {
    String jwt = Jwt.with("{\"t\":\"g\",\"jti\":\"k-1\",\"exp\":1800000000}");
    Expiry end = new Expiry.At(Instant.ofEpochSecond(1_800_000_000));

    assertThat(MomentoKey.parse(jwt)).isEqualTo(new MomentoKey.V2(new Sensitive(jwt), "k-1", end));
  }

  @Test
  void a_v2_key_without_an_end_never_expires() {
    assertThat(MomentoKey.parse(Jwt.with("{\"t\":\"g\",\"jti\":\"k-1\"}")))
        .isInstanceOfSatisfying(
            MomentoKey.V2.class, key -> assertThat(key.expiry()).isEqualTo(new Expiry.Never()));
  }

  @ParameterizedTest
  @CsvSource({"Axyz, Bxyz", "wxyz, Axyz", "x, A"})
  void a_v2_key_with_another_signature_has_the_same_claims(String signature, String other) {
    String jwt = Jwt.with("{\"t\":\"g\",\"jti\":\"k-1\"}");
    String unsigned = jwt.substring(0, jwt.lastIndexOf('.') + 1);

    assertThat(MomentoKey.parse(unsigned + signature))
        .isInstanceOfSatisfying(
            MomentoKey.V2.class,
            key -> assertThat(key.withOtherSignature()).isEqualTo(new Sensitive(unsigned + other)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"t\":\"g\"}",
        "{\"t\":\"g\",\"jti\":\"\"}",
        "{\"t\":\"g\",\"jti\":7}",
        "{\"t\":\"g\",\"jti\":\"../roles\"}",
        "{\"t\":\"g\",\"jti\":\"k-1?x=y\"}",
        "{\"t\":\"gr\",\"jti\":\"k-1\",\"akid\":\"k-2\"}",
        "{\"t\":\"G\",\"jti\":\"k-1\"}",
        "{\"t\":[\"g\"],\"jti\":\"k-1\"}",
      })
  void a_jwt_without_a_valid_id_or_of_another_type_is_no_v2_key(String claims) {
    assertThatThrownBy(() -> MomentoKey.parse(Jwt.with(claims)))
        .isInstanceOf(RotationException.class)
        .hasMessageNotContaining("k-1");
  }

  @ParameterizedTest
  @CsvSource({"g, v2 key", "disposable, disposable token"})
  void what_has_the_form_of_a_v1_key_and_is_none_is_named(String type, String name) {
    String token = Jwt.with("{\"t\":\"" + type + "\",\"jti\":\"k-1\"}");
    String text = base64("{\"endpoint\":\"cell.example.com\",\"api_key\":\"" + token + "\"}");

    assertThatThrownBy(() -> MomentoKey.parse(text))
        .isInstanceOf(RotationException.class)
        .hasMessageContaining(name);
  }

  @Test
  void a_legacy_key_names_its_hosts() {
    assertThat(MomentoKey.parse(Jwt.with("{\"cp\":\"a\",\"c\":\"b\"}")))
        .isEqualTo(new MomentoKey.Legacy());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "hello",
        "a.b.c",
        "{}",
        "[1]",
        "{\"endpoint\":\"cell.example.com\"}",
        "{\"endpoint\":\"cell.example.com\",\"api_key\":\"\"}",
        "{\"endpoint\":\"cell.example.com\",\"api_key\":\"a b\"}",
        "{\"endpoint\":\"cell.example.com\",\"api_key\":\"a\\nb\"}",
        "{\"endpoint\":\"cell.example.com\",\"api_key\":\"\u00e9\"}",
        "{\"endpoint\":\"cell.example.com\",\"api_key\":\"a\u007f\"}",
        "{\"api_key\":\"a\"}",
        "{\"endpoint\":\"https://cell.example.com\",\"api_key\":\"a\"}",
        "{\"endpoint\":\"cell.example.com:80\",\"api_key\":\"a\"}",
        "{\"endpoint\":\"cell..com\",\"api_key\":\"a\"}",
        "{\"endpoint\":\"10.0.0.1\",\"api_key\":\"a\"}",
        "{\"endpoint\":\"-a.com\",\"api_key\":\"a\"}",
        "{\"endpoint\":\"a-.com\",\"api_key\":\"a\"}",
        "{\"endpoint\":7,\"api_key\":\"a\"}{}",
      })
  void refuses_what_is_no_key(String json) {
    assertUnreadable(json);
    assertUnreadable(base64(json));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"sub\":\"x\"}", "{\"cp\":\"a\"}", "{\"c\":\"b\"}"})
  void refuses_a_jwt_of_no_known_kind(String claims) {
    assertUnreadable(Jwt.with(claims));
  }

  @Test
  void does_not_show_itself() {
    assertThat(MomentoKey.v1("cell.example.com", TOKEN).toString())
        .contains("cell.example.com")
        .doesNotContain(TOKEN)
        .doesNotContain(TOKEN.substring(0, 8));
  }

  private static void assertUnreadable(String text) {
    assertThatThrownBy(() -> MomentoKey.parse(text))
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> assertThat(e.reason()).isEqualTo(FailureReason.KEY_UNREADABLE));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }
}
