package keyrotation;

import java.time.Duration;
import java.time.Instant;
import keyrotation.core.TimeBudget;

/**
 * How much time the function needs to be left for its steps, as the tests of its limits need it.
 */
public final class TimeLimits {

  private static final Instant DEADLINE = Instant.EPOCH;
  private static final TimeBudget BUDGET = new TimeBudget(() -> DEADLINE, DEADLINE, Duration.ZERO);

  /** With less, no key is refreshed, since the new one might not be stored in time. */
  public static final Duration TO_REFRESH = Duration.between(BUDGET.latestRefresh(), DEADLINE);

  /** The last verification begins when this much is left, so that a promotion can follow. */
  public static final Duration TO_VERIFY = Duration.between(BUDGET.latestVerification(), DEADLINE);

  /** Before a second verification. With no more time than for it, not even the first begins. */
  static final Duration FIRST_PAUSE = Duration.ofMillis(200);

  private TimeLimits() {}
}
