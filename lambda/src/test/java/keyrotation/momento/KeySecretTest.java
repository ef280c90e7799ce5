package keyrotation.momento;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.List;
import keyrotation.Jwt;
import keyrotation.core.Sensitive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeySecretTest {

  private static final MomentoKey.V1 OLD = MomentoKey.v1("cell.example.com", "old-token");
  private static final RefreshedKey REFRESHED =
      new RefreshedKey(
          MomentoKey.v1("cell.example.com", "new-token"),
          new Sensitive("new-refresh"),
          Expiry.ofEpochSeconds(1_800_000_000));

  @Test
  void reads_the_consoles_file() {
    KeySecret secret = parse("{'apiKey':'OLD','refreshToken':'r','validUntil':'1700000000'}");

    assertThat(secret.key()).isEqualTo(OLD);
    assertThat(secret.refreshToken()).contains(new Sensitive("r"));
    assertThat(secret.expiry()).isEqualTo(new Expiry.At(Instant.ofEpochSecond(1_700_000_000)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"apiKey", "authToken", "apiToken"})
  void keeps_the_name_that_the_key_has(String field) throws Exception {
    KeySecret secret = parse("{'" + field + "':'OLD','refreshToken':'r'}");

    assertThat(secret.key()).isEqualTo(OLD);
    assertThat(renewed(secret).path(field).asText()).isEqualTo(REFRESHED.key().text().value());
    assertThat(renewed(secret).properties()).hasSize(3);
  }

  @Test
  void renews_a_key_under_all_the_names_that_it_has() throws Exception {
    JsonNode renewed = renewed(parse("{'apiKey':'OLD','authToken':'OLD','refreshToken':'r'}"));

    assertThat(List.of(renewed.path("apiKey").asText(), renewed.path("authToken").asText()))
        .containsOnly(REFRESHED.key().text().value());
  }

  @Test
  void keeps_what_it_does_not_know_in_its_place() {
    KeySecret secret =
        parse(
            "{'note':'caf\u00e9','apiKey':'OLD','restEndpoint':'https://a.b','n':1.10,"
                + "'big':123456789012345678901234567890,'refreshToken':'r','deep':{'a':[null,true]}}");

    assertThat(secret.renewed(REFRESHED).value())
        .startsWith("{\"note\":\"caf\u00e9\",\"apiKey\":\"")
        .contains(
            "\"restEndpoint\":\"https://a.b\",\"n\":1.10,"
                + "\"big\":123456789012345678901234567890,\"refreshToken\":\"new-refresh\","
                + "\"deep\":{\"a\":[null,true]},\"validUntil\":\"1800000000\"}");
  }

  @Test
  void keeps_half_a_character() {
    String text =
        parse("{'apiKey':'OLD','n':['\\ud800','\\ude00\\ud83d','\\ud83d\\ude00']}")
            .renewed(REFRESHED)
            .value();

    assertThat(new String(text.getBytes(UTF_8), UTF_8))
        .contains("\"n\":[\"\\ud800\",\"\\ude00\\ud83d\",\"\ud83d\ude00\"]");
  }

  @Test
  void writes_the_expiry_as_it_was_found() throws Exception {
    JsonNode number = renewed(parse("{'apiKey':'OLD','validUntil':1700000000}"));
    JsonNode text = renewed(parse("{'apiKey':'OLD','validUntil':'1700000000'}"));
    JsonNode absent = renewed(parse("{'apiKey':'OLD'}"));

    assertThat(number.path("validUntil").isNumber()).isTrue();
    assertThat(number.path("validUntil").asLong()).isEqualTo(1_800_000_000);
    assertThat(text.path("validUntil").isTextual()).isTrue();
    assertThat(text.path("validUntil").asText()).isEqualTo("1800000000");
    assertThat(absent.path("validUntil").isTextual()).isTrue();
  }

  @Test
  void reads_every_expiry_that_it_writes() {
    for (Expiry expiry :
        List.of(new Expiry.Never(), new Expiry.At(Instant.ofEpochSecond(Expiry.LATEST)))) {
      RefreshedKey refreshed = new RefreshedKey(REFRESHED.key(), REFRESHED.refreshToken(), expiry);

      assertThat(KeySecret.parse(parse("{'apiKey':'OLD'}").renewed(refreshed)).expiry())
          .isEqualTo(expiry);
    }
  }

  @Test
  void believes_the_key_before_what_stands_beside_it() {
    String key = MomentoKey.v1("cell.example.com", Jwt.with("{\"exp\":1}")).text().value();
    KeySecret secret =
        KeySecret.parse(
            new Sensitive("{\"apiKey\":\"" + key + "\",\"validUntil\":\"1700000000\"}"));

    assertThat(secret.expiry()).isEqualTo(new Expiry.At(Instant.ofEpochSecond(1)));
  }

  @Test
  void takes_zero_for_never_and_nothing_for_unknown() {
    assertThat(parse("{'apiKey':'OLD','validUntil':0}").expiry()).isEqualTo(new Expiry.Never());
    assertThat(parse("{'apiKey':'OLD','validUntil':'0'}").expiry()).isEqualTo(new Expiry.Never());
    assertThat(parse("{'apiKey':'OLD','validUntil':''}").expiry()).isEqualTo(new Expiry.Unknown());
    assertThat(parse("{'apiKey':'OLD','validUntil':null}").expiry())
        .isEqualTo(new Expiry.Unknown());
    assertThat(parse("{'apiKey':'OLD'}").expiry()).isEqualTo(new Expiry.Unknown());
  }

  @Test
  void overlooks_space_around_a_pasted_key() {
    assertThat(parse("{'apiKey':' OLD\\n','refreshToken':'r\\n'}").key()).isEqualTo(OLD);
    assertThat(parse("{'apiKey':'OLD','refreshToken':'r\\n'}").refreshToken())
        .contains(new Sensitive("r"));
  }

  @Test
  void an_empty_refresh_token_is_none() {
    assertThat(parse("{'apiKey':'OLD','refreshToken':' '}").refreshToken()).isEmpty();
    assertThat(parse("{'apiKey':'OLD','refreshToken':null}").refreshToken()).isEmpty();
  }

  @Test
  void has_room_while_four_kibibytes_more_would_fit_into_the_secret() {
    int most = 60 * 1024;

    assertThatCode(padded(most)::requireRoom).doesNotThrowAnyException();
    assertThatThrownBy(padded(most + 1)::requireRoom).hasMessageContaining("too large");
  }

  @Test
  void does_not_show_itself() {
    assertThat(new Sensitive("rrrrrrrr")).hasToString("[hidden]");
    assertThat(parse("{'apiKey':'OLD','refreshToken':'rrrrrrrr'}").toString())
        .isEqualTo("KeySecret[hidden]");
    assertThat(REFRESHED.toString()).doesNotContain("new-token", "new-refresh");
  }

  /** Returns a secret whose value is as many bytes long. */
  private static KeySecret padded(int bytes) {
    String json = "{\"apiKey\":\"" + OLD.text().value() + "\",\"note\":\"\"}";
    return parse(json.replace("\"\"}", "\"" + "x".repeat(bytes - json.length()) + "\"}"));
  }

  private static KeySecret parse(String json) {
    return KeySecret.parse(
        new Sensitive(json.replace('\'', '"').replace("OLD", OLD.text().value())));
  }

  private static JsonNode renewed(KeySecret secret) throws JsonProcessingException {
    return new ObjectMapper().readTree(secret.renewed(REFRESHED).value());
  }
}
