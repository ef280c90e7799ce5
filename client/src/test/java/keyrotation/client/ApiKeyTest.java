package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Base64;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The forms in which a secret may hold a key. */
class ApiKeyTest {

  private static final String V2 = jwt("{\"t\":\"g\",\"jti\":\"id\"}");
  private static final String V1 = base64("{\"endpoint\":\"cell.example\",\"api_key\":\"inner\"}");
  private static final ApiKey.Hosts HOSTS =
      new ApiKey.Hosts(
          "control.cell.example",
          "cache.cell.example",
          "storage.cell.example",
          "token.cell.example");

  @ParameterizedTest
  @ValueSource(strings = {"apiKey", "authToken", "apiToken"})
  void reads_a_v1_key_from_each_field_that_momento_has_used(String field) {
    assertThat(
            parse("{\"" + field + "\":\" " + V1 + "\\n\",\"refreshToken\":\"r\",\"validUntil\":1}"))
        .isEqualTo(new ApiKey("version", "inner", HOSTS));
  }

  @Test
  void reads_a_v1_key_that_is_stored_bare() {
    assertThat(parse(V1 + "\n")).isEqualTo(new ApiKey("version", "inner", HOSTS));
  }

  @Test
  void reads_a_v2_key_with_the_endpoint_beside_it() {
    assertThat(parse("{\"apiKey\":\"" + V2 + "\",\"endpoint\":\"cell.example\"}"))
        .isEqualTo(new ApiKey("version", V2, HOSTS));
  }

  @Test
  void takes_the_endpoint_of_the_application_if_the_secret_has_none() {
    assertThat(ApiKey.parse("s", "version", V2, Optional.of("cell.example")))
        .isEqualTo(new ApiKey("version", V2, HOSTS));
  }

  @Test
  void prefers_the_endpoint_of_the_secret() {
    String value = "{\"apiKey\":\"" + V2 + "\",\"endpoint\":\"cell.example\"}";

    assertThat(ApiKey.parse("s", "version", value, Optional.of("other.example")).hosts())
        .isEqualTo(HOSTS);
  }

  @Test
  void reads_a_v2_key_in_the_form_of_a_v1_key() {
    assertThat(parse(base64("{\"endpoint\":\"cell.example\",\"api_key\":\"" + V2 + "\"}")))
        .isEqualTo(new ApiKey("version", V2, HOSTS));
  }

  @Test
  void reads_a_legacy_key_that_names_its_hosts() {
    String legacy = jwt("{\"cp\":\"control.example\",\"c\":\"cache.example\"}");

    assertThat(parse(legacy))
        .isEqualTo(
            new ApiKey(
                "version",
                legacy,
                new ApiKey.Hosts(
                    "control.example", "cache.example", "storage.cache.example", "cache.example")));
  }

  @Test
  void takes_the_same_key_in_two_fields_and_refuses_two_keys() {
    assertThat(parse("{\"apiKey\":\"" + V1 + "\",\"authToken\":\"" + V1 + "\"}").token())
        .isEqualTo("inner");
    assertUnusable("{\"apiKey\":\"" + V1 + "\",\"authToken\":\"other\"}", "two different keys");
  }

  @Test
  void names_the_secret_the_version_and_the_reason_but_not_the_key() {
    assertUnusable("{}", "The secret s, version version, has no field \"apiKey\".");
    assertUnusable("{\"apiKey\":null}", "has no field \"apiKey\"");
    assertUnusable(V2, "without its endpoint. Add a field \"endpoint\"");
    assertUnusable("a-canary", "neither a JWT nor base64 of a JSON object");
    assertUnusable(base64("{\"canary\":1}"), "neither a JWT nor base64 of a JSON object");
    assertUnusable(
        base64("{\"endpoint\":\"a/canary\",\"api_key\":\"i\"}"), "not a host name alone");
    assertUnusable(base64("{\"endpoint\":\"a.b\",\"api_key\":\"a canary\"}"), "a garbled token");
    assertUnusable(
        jwt("{\"c\":\"cache.example\",\"cp\":\"control.example\"}") + "\ncanary",
        "a garbled token");
    assertUnusable(jwt("{\"t\":\"gr\",\"jti\":\"canary\"}"), "a JWT that is not a Momento API key");
    assertUnusable(
        "{\"apiKey\":\"" + V2 + "\",\"endpoint\":\"https://canary\"}", "not a host name");
    assertUnusable("a.canary.b", "a JWT that is not a Momento API key");
  }

  @Test
  void hides_the_token() {
    assertThat(parse(V1)).hasToString("ApiKey[version version, host cache.cell.example]");
  }

  private static void assertUnusable(String value, String reason) {
    assertThatThrownBy(() -> parse(value))
        .isInstanceOf(KeyUnavailableException.class)
        .hasMessageContaining(reason)
        .message()
        .doesNotContain("canary")
        .doesNotContain(V1)
        .doesNotContain(V2);
  }

  private static ApiKey parse(String value) {
    return ApiKey.parse("s", "version", value, Optional.empty());
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  private static String jwt(String claims) {
    return "e30."
        + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(UTF_8))
        + ".AAAA";
  }
}
