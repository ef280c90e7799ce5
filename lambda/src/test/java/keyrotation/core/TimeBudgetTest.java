package keyrotation.core;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class TimeBudgetTest {

  private static final Path ASSUMPTIONS = Path.of("../docs/assumptions.md");

  private final Instant now = Instant.parse("2026-01-01T00:00:00Z");

  @Test
  void the_assumptions_name_the_limits_that_the_function_has() throws IOException {
    String page = Files.readString(ASSUMPTIONS);
    Duration staleReads =
        TimeBudget.STALE_READ_PAUSES.stream().reduce(Duration.ZERO, Duration::plus);

    assertThat(row(page, "M15")).contains(seconds(TimeBudget.PROPAGATION_GRACE));
    assertThat(row(page, "S16")).contains(seconds(staleReads));
    assertThat(row(page, "S31")).contains(seconds(staleReads));
  }

  @Test
  void a_refresh_that_begins_last_leaves_time_to_store_the_key() {
    TimeBudget budget = budget(Duration.ofMinutes(1));

    assertThat(Duration.between(budget.latestRefresh(), now.plus(Duration.ofMinutes(1))))
        .isGreaterThan(TimeBudget.MIN_REFRESH_TIME.plus(TimeBudget.SECRETS_MANAGER_TIMEOUT));
    assertThat(budget.latestRefresh()).isBefore(budget.latestStore());
  }

  @Test
  void a_rotation_is_allowed_while_more_time_is_left_than_one_takes() {
    Duration one = TimeBudget.rotationTime(TimeBudget.PROPAGATION_GRACE);

    assertThat(budget(one).allowsRotation()).isFalse();
    assertThat(budget(one.plusMillis(1)).allowsRotation()).isTrue();
  }

  private TimeBudget budget(Duration left) {
    return new TimeBudget(() -> now, now.plus(left), TimeBudget.PROPAGATION_GRACE);
  }

  private static String row(String page, String id) {
    return page.lines().filter(line -> line.startsWith("| " + id + " |")).collect(joining());
  }

  private static String seconds(Duration duration) {
    return BigDecimal.valueOf(duration.toMillis(), 3).stripTrailingZeros().toPlainString()
        + " seconds";
  }
}
