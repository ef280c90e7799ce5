package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RenewalPolicyTest {

  private static final Instant MADE = Instant.parse("2026-01-01T00:00:00Z");

  private final RenewalPolicy policy = new RenewalPolicy(Duration.ofDays(20));

  @Test
  void a_key_is_due_at_its_age() {
    Expiry late = endingAfter(Duration.ofDays(365));

    assertThat(isDueAfter(Duration.ofDays(19), late)).isFalse();
    assertThat(isDueAfter(Duration.ofDays(20), late)).isTrue();
  }

  @Test
  void a_check_that_comes_a_little_early_counts() {
    Expiry late = endingAfter(Duration.ofDays(365));

    assertThat(isDueAfter(Duration.ofDays(20).minusHours(2), late)).isTrue();
    assertThat(isDueAfter(Duration.ofDays(20).minusHours(2).minusSeconds(1), late)).isFalse();
  }

  @Test
  void a_key_is_due_when_a_third_of_its_life_is_left() {
    Expiry soon = endingAfter(Duration.ofDays(9));

    assertThat(isDueAfter(Duration.ofDays(6).minusSeconds(1), soon)).isFalse();
    assertThat(isDueAfter(Duration.ofDays(6), soon)).isTrue();
    assertThat(isDueAfter(Duration.ofDays(10), soon)).isTrue();
  }

  @Test
  void a_key_is_due_when_it_may_not_last_until_another_try() {
    Expiry soon = endingAfter(Duration.ofDays(3));

    assertThat(isDueAfter(Duration.ofDays(1).minusSeconds(1), soon)).isFalse();
    assertThat(isDueAfter(Duration.ofDays(1), soon)).isTrue();
    assertThat(isDueAfter(Duration.ZERO, endingAfter(Duration.ofHours(30)))).isTrue();
  }

  @Test
  void a_key_of_which_nobody_knows_when_it_ends_is_due() {
    assertThat(isDueAfter(Duration.ZERO, new Expiry.Unknown())).isTrue();
  }

  @Test
  void a_key_that_never_ends_is_due_at_its_age() {
    assertThat(isDueAfter(Duration.ofDays(19), new Expiry.Never())).isFalse();
    assertThat(isDueAfter(Duration.ofDays(20), new Expiry.Never())).isTrue();
  }

  private boolean isDueAfter(Duration age, Expiry expiry) {
    return policy.isDue(MADE, expiry, MADE.plus(age));
  }

  private static Expiry endingAfter(Duration life) {
    return new Expiry.At(MADE.plus(life));
  }
}
