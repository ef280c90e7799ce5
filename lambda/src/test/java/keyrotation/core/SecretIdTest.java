package keyrotation.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a name or an ARN and another one are the same secret. */
class SecretIdTest {

  private static final Optional<String> OWN = Optional.of("123456789012");
  private static final String OWN_A =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:a-Ab1Cd2";
  private static final String OTHERS_A =
      "arn:aws:secretsmanager:us-east-1:210987654321:secret:a-Ab1Cd2";

  @ParameterizedTest
  @CsvSource({
    "a, a, true, true",
    "a, b, false, false",
    "a, " + OWN_A + ", true, true",
    "b, " + OWN_A + ", false, false",
    "a, " + OTHERS_A + ", false, true",
    OWN_A + ", " + OTHERS_A + ", false, false",
    OTHERS_A + ", " + OTHERS_A + ", true, true",
  })
  void a_name_means_the_own_account_if_that_is_known(
      String one, String other, boolean isSame, boolean mayBeSame) {
    SecretId id = SecretId.of(one);
    SecretId otherId = SecretId.of(other);

    assertThat(id.mayBe(otherId, OWN)).isEqualTo(otherId.mayBe(id, OWN)).isEqualTo(isSame);
    assertThat(id.mayBe(otherId, Optional.empty()))
        .isEqualTo(otherId.mayBe(id, Optional.empty()))
        .isEqualTo(mayBeSame);
  }

  @Test
  void another_account_is_known_by_a_whole_arn_if_the_own_account_is_known() {
    assertThat(SecretId.of(OTHERS_A).otherAccount(OWN)).contains("210987654321");
    assertThat(SecretId.of(OTHERS_A).otherAccount(Optional.empty())).isEmpty();
    assertThat(SecretId.of(OWN_A).otherAccount(OWN)).isEmpty();
    assertThat(SecretId.of("a").otherAccount(OWN)).isEmpty();
  }

  @Test
  void the_own_account_is_in_the_functions_arn() {
    assertThat(SecretId.accountOf("arn:aws:lambda:us-east-1:123456789012:function:f:live"))
        .isEqualTo(OWN);
    assertThat(SecretId.accountOf("f")).isEmpty();
  }
}
