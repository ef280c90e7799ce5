package keyrotation.momento;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ExpiryTest {

  private static final Expiry NEVER = Expiry.ofEpochSeconds(0);
  private static final Expiry UNKNOWN = new Expiry.Unknown();
  private static final Expiry SOON = Expiry.ofEpochSeconds(1);
  private static final Expiry LATE = Expiry.ofEpochSeconds(2);

  @Test
  void later_instants_are_later() {
    assertThat(LATE.isAfter(SOON)).isTrue();
    assertThat(SOON.isAfter(LATE)).isFalse();
    assertThat(SOON.isAfter(SOON)).isFalse();
  }

  @Test
  void never_is_later_than_all_but_itself() {
    assertThat(NEVER.isAfter(LATE)).isTrue();
    assertThat(NEVER.isAfter(UNKNOWN)).isTrue();
    assertThat(NEVER.isAfter(NEVER)).isFalse();
    assertThat(LATE.isAfter(NEVER)).isFalse();
  }

  @Test
  void tells_when_it_is_in_words() {
    assertThat(SOON).hasToString("1970-01-01T00:00:01Z");
    assertThat(NEVER).hasToString("never");
    assertThat(UNKNOWN).hasToString("unknown");
  }

  @Test
  void an_unknown_expiry_gives_way_to_a_known_one() {
    assertThat(SOON.isAfter(UNKNOWN)).isTrue();
    assertThat(UNKNOWN.isAfter(SOON)).isFalse();
    assertThat(UNKNOWN.isAfter(UNKNOWN)).isFalse();
  }
}
