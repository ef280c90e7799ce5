package keyrotation.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import keyrotation.momento.Expiry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RenewalPolicyTest {

  private static final Instant MADE = Instant.parse("2026-01-01T00:00:00Z");

  private static final Duration DAILY = Duration.ofDays(1);

  private final RenewalPolicy policy = new RenewalPolicy(Optional.of(Duration.ofDays(20)), DAILY);

  @Test
  void a_key_is_due_at_its_age() {
    Expiry late = endingAfter(Duration.ofDays(365));

    assertThat(isDueAfter(Duration.ofDays(19), late)).isFalse();
    assertThat(isDueAfter(Duration.ofDays(20), late)).isTrue();
  }

  @Test
  void a_run_that_comes_a_little_early_counts() {
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

  @ParameterizedTest
  @CsvSource({"24, 50", "12, 26", "1, 4"})
  void a_key_is_due_when_it_might_expire_before_the_run_after_next(int interval, int hoursLeft) {
    RenewalPolicy policy =
        new RenewalPolicy(Optional.of(Duration.ofDays(20)), Duration.ofHours(interval));
    Instant end = MADE.plus(Duration.ofHours(hoursLeft));
    // Half of its life is left, so that the third is not what makes it due.
    Instant created = MADE.minus(Duration.ofHours(hoursLeft));

    assertThat(policy.isDue(created, new Expiry.At(end), MADE.minusSeconds(1), true, false))
        .isFalse();
    assertThat(policy.isDue(created, new Expiry.At(end), MADE, true, false)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"24, 50", "12, 26", "8, 18", "6, 14", "4, 10", "3, 8", "2, 6", "1, 4"})
  void a_key_has_to_live_for_two_intervals_and_two_hours(int interval, int hours) {
    RenewalPolicy policy =
        new RenewalPolicy(Optional.of(Duration.ofDays(1)), Duration.ofHours(interval));
    Duration life = Duration.ofHours(hours);

    assertThat(policy.judge(MADE, endingAfter(life))).isEmpty();
    assertThat(policy.judge(MADE, endingAfter(life.minusSeconds(1)))).isPresent();
    assertThat(RenewalPolicy.largestIntervalFor(life)).contains(Duration.ofHours(interval));
  }

  @Test
  void no_interval_suits_a_key_that_lives_less_than_four_hours() {
    assertThat(RenewalPolicy.largestIntervalFor(Duration.ofHours(4).minusSeconds(1))).isEmpty();
  }

  @Test
  void a_key_of_unknown_expiry_or_none_is_not_too_short_lived() {
    assertThat(policy.judge(MADE, new Expiry.Unknown())).isEmpty();
    assertThat(policy.judge(MADE, new Expiry.Never())).isEmpty();
  }

  /** Between two runs there may be an hour more than the interval, for the schedule's window. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 6, 8, 12, 24})
  void a_key_that_lives_long_enough_outlives_one_failed_run(int interval) {
    RenewalPolicy policy =
        new RenewalPolicy(Optional.of(Duration.ofDays(1000)), Duration.ofHours(interval));
    Duration late = Duration.ofMinutes(Math.min(60, interval * 15));
    Duration life = policy.shortestLife();
    Expiry expiry = endingAfter(life);
    // The latest time at which the key is not due yet; then one run fails, and the next is late.
    Duration notDue = Duration.ZERO;
    while (!policy.isDue(MADE, expiry, MADE.plus(notDue), true, false)) {
      notDue = notDue.plusMinutes(1);
    }
    Duration renewed = notDue.plus(Duration.ofHours(2L * interval)).plus(late);

    assertThat(renewed).isLessThan(life);
  }

  @Test
  void the_age_does_not_count_where_secrets_manager_rotates_by_itself() {
    Instant now = MADE.plus(Duration.ofDays(21));

    assertThat(policy.isDue(MADE, endingAfter(Duration.ofDays(90)), now, true, false)).isTrue();
    assertThat(policy.isDue(MADE, endingAfter(Duration.ofDays(90)), now, false, false)).isFalse();
    assertThat(policy.isDue(MADE, endingAfter(Duration.ofDays(30)), now, false, false)).isTrue();
  }

  @Test
  void a_key_of_unknown_expiry_is_due() {
    assertThat(isDueAfter(Duration.ZERO, new Expiry.Unknown())).isTrue();
  }

  @Test
  void a_key_that_never_ends_is_due_at_its_age() {
    assertThat(isDueAfter(Duration.ofDays(19), new Expiry.Never())).isFalse();
    assertThat(isDueAfter(Duration.ofDays(20), new Expiry.Never())).isTrue();
  }

  @Test
  void a_key_is_overdue_since_it_was_stored_at_the_earliest() {
    Instant now = MADE.plus(policy.interval().multipliedBy(2));

    assertThat(policy.runsOverdue(MADE, new Expiry.Unknown(), now, false, false)).isEqualTo(2);
  }

  private boolean isDueAfter(Duration age, Expiry expiry) {
    return policy.isDue(MADE, expiry, MADE.plus(age), true, false);
  }

  private static Expiry endingAfter(Duration life) {
    return new Expiry.At(MADE.plus(life));
  }
}
