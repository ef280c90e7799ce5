package keyrotation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static keyrotation.core.FailureReason.EVENT_UNKNOWN;
import static keyrotation.core.FailureReason.SECRET_MALFORMED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Instant;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.Sensitive;
import keyrotation.event.RotationEventParser;
import keyrotation.momento.KeySecret;
import keyrotation.momento.RefreshedKey;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a fuzzer would need luck or much time for: inputs that are long, deep, or near a limit. */
@Timeout(5)
class HostileInputTest {

  private static final int MEGABYTE = 1 << 20;

  /** Values of a field beside those that a secret needs. */
  enum Odd {
    AS_DEEP_AS_JACKSON_READS("[".repeat(999) + "]".repeat(999)),
    HALF_A_CHARACTER("\"\\ud800\""),
    HUGE_EXPONENT("1e999999999"),
    HUGEST_EXPONENT("1e2147483647"),
    TINY_EXPONENT("1e-999999999"),
    INTEGER_OF_400_DIGITS("9".repeat(400)),
    FRACTION_OF_900_DIGITS("0." + "1".repeat(900)),
    CONTROL_CHARACTERS("\"\\u0000\\u001f\u007f\u2028\ufeff\""),
    NAMES_OF_THE_SAME_HASH(
        "{" + colliding(10).map(n -> "\"" + n + "\":1").collect(joining(",")) + "}"),
    LONG_TEXT("\"" + "x".repeat(60_000) + "\"");

    private final String json;

    Odd(String json) {
      this.json = json;
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_odd_field_beside_the_key_is_kept(Odd odd) {
    KeySecret secret = KeySecret.parse(new Sensitive(secretWith("\"odd\":" + odd.json)));
    String renewed =
        secret.renewed(new RefreshedKey(Canary.KEY, Canary.TOKEN, secret.expiry())).value();

    assertThat(UTF_8.newEncoder().canEncode(renewed)).isTrue();
    assertThat(Json.read(renewed).orElseThrow().get("odd"))
        .isEqualTo(Json.read("{\"odd\":" + odd.json + "}").orElseThrow().get("odd"));
  }

  /** Values that are no JSON, or more than a secret needs. */
  enum Bad {
    TOO_DEEP("\"bad\":" + "[".repeat(1000) + "]".repeat(1000)),
    AS_DEEP_AS_IT_FITS("\"bad\":" + "[".repeat(60_000)),
    EXPONENT_TOO_HUGE("\"bad\":1e9999999999"),
    EXPONENT_TOO_TINY("\"bad\":1e-9999999999"),
    INTEGER_OF_60000_DIGITS("\"bad\":" + "9".repeat(60_000)),
    NOT_A_NUMBER("\"bad\":NaN"),
    INFINITE("\"bad\":-Infinity"),
    OCTAL("\"bad\":0777"),
    HALF_A_CHARACTER_IN_A_NAME("\"\\ud800\":1"),
    LINE_FEED_IN_A_TEXT("\"bad\":\"\n\""),
    DUPLICATE_KEY("\"apiKey\":\"KEY\""),
    DUPLICATE_DEEP_WITHIN("\"bad\":[{\"a\":1,\"\\u0061\":2}]"),
    COMMENT("\"bad\":1/* */"),
    TRAILING_COMMA("\"bad\":1,"),
    TRAILING_TOKEN("\"bad\":1}1"),
    NUL_AT_THE_END("\"bad\":1}\u0000"),
    EXPIRY_WITH_EXPONENT("\"validUntil\":1e999999999"),
    EXPIRY_OF_400_DIGITS("\"validUntil\":" + "9".repeat(400)),
    EXPIRY_BEYOND_ALL_TIME("\"validUntil\":31556889864403200"),
    EXPIRY_IN_MILLISECONDS("\"validUntil\":1764547200000"),
    EXPIRY_AFTER_THE_YEAR_9999("\"validUntil\":253402300800"),
    EXPIRY_IN_OTHER_DIGITS("\"validUntil\":\"\u0661\u0662\"");

    private final String fields;

    Bad(String fields) {
      this.fields = fields;
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_bad_secret_is_refused_without_a_word_of_it(Bad bad) {
    Sensitive secret = new Sensitive(secretWith(bad.fields));

    Canary.assertTellsNothing(
        catchThrowableOfType(RotationException.class, () -> KeySecret.parse(secret)),
        SECRET_MALFORMED);
  }

  /** Events that are none. */
  enum NoEvent {
    NOTHING(new byte[0]),
    MEGABYTE_OF_ZEROS(new byte[MEGABYTE]),
    MEGABYTE_OF_SPACE(" ".repeat(MEGABYTE).getBytes(UTF_8)),
    MEGABYTE_OF_NESTING("[".repeat(MEGABYTE).getBytes(UTF_8)),
    MEGABYTE_OF_DIGITS(("{\"SecretId\":" + "1".repeat(MEGABYTE) + "}").getBytes(UTF_8)),
    MEGABYTE_OF_NAME(("{\"SecretId\":\"" + "a".repeat(MEGABYTE) + "\"}").getBytes(UTF_8)),
    NAMES_OF_THE_SAME_HASH(
        ("{\"SecretId\":\"a\""
                + colliding(15).map(n -> ",\"" + n + "\":1").collect(joining())
                + "}")
            .getBytes(UTF_8)),
    BYTE_ORDER_MARK("\ufeff{\"SecretId\":\"a\"}".getBytes(UTF_8)),
    UTF_16("{\"SecretId\":\"a\"}".getBytes(UTF_16LE)),
    NOT_UTF_8(new byte[] {'{', '"', 'S', (byte) 0xc3, '"', ':', '1', '}'}),
    HUGE_NUMBER_AS_AN_ACTION("{\"SecretId\":\"a\",\"dry_run\":1e999999999}".getBytes(UTF_8)),
    LETTERS_THAT_LOOK_ALIKE("{\"SecretId\":\"\u0430\"}".getBytes(UTF_8)),
    NAME_WITH_A_LINE_FEED("{\"SecretId\":\"a\\n\"}".getBytes(UTF_8)),
    NAME_OF_2049_LETTERS(("{\"SecretId\":\"" + "a".repeat(2049) + "\"}").getBytes(UTF_8)),
    NULL_AS_A_STEP("{\"Step\":null,\"SecretId\":\"a\"}".getBytes(UTF_8));

    private final String latin1;

    NoEvent(byte[] bytes) {
      this.latin1 = new String(bytes, ISO_8859_1);
    }

    byte[] bytes() {
      return latin1.getBytes(ISO_8859_1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void what_is_no_event_is_refused(NoEvent event) {
    Canary.assertTellsNothing(
        catchThrowableOfType(
            RotationException.class, () -> RotationEventParser.parse(event.bytes(), Instant.EPOCH)),
        EVENT_UNKNOWN);
  }

  private static String secretWith(String fields) {
    String secret = "{\"apiKey\":\"KEY\",\"refreshToken\":\"TOKEN\"," + fields + "}";
    return new String(Canary.plantedIn(secret.getBytes(UTF_8)), UTF_8);
  }

  /** Returns as many texts as two to that power, all of the same hash code. */
  private static Stream<String> colliding(int power) {
    return IntStream.range(0, 1 << power)
        .mapToObj(
            number ->
                IntStream.range(0, power)
                    .mapToObj(bit -> (number >> bit & 1) == 0 ? "Aa" : "BB")
                    .collect(joining()));
  }
}
