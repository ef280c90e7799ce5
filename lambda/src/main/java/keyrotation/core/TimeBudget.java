package keyrotation.core;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/**
 * The time limits of an invocation, and the time that is left until Lambda ends it. A step that
 * could not be followed by the next ones in time does not begin, so that no new key is lost.
 */
public final class TimeBudget {

  /** How long a call to Secrets Manager may take, with its retries. */
  public static final Duration SECRETS_MANAGER_TIMEOUT = Duration.ofSeconds(8);

  /** How long one attempt at a call to Secrets Manager may take. */
  public static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(3);

  /**
   * How long a connection to Secrets Manager may be silent. The AWS SDK cannot interrupt a read
   * from a TLS connection, so this is what ends an answer that stops half-way; three attempts fit
   * into one call.
   */
  public static final Duration SOCKET_TIMEOUT = Duration.ofMillis(2_500);

  /**
   * The pauses between reads that do not show yet what was written just before. After the last one
   * the answer is taken as it is.
   */
  public static final List<Duration> STALE_READ_PAUSES =
      List.of(
          Duration.ofMillis(200),
          Duration.ofMillis(400),
          Duration.ofMillis(800),
          Duration.ofSeconds(1));

  /** How long one refresh call may take. */
  public static final Duration REFRESH_TIMEOUT = Duration.ofSeconds(20);

  /** How long one call may take that lists or revokes keys. */
  public static final Duration LIST_TIMEOUT = Duration.ofSeconds(5);

  /** How much time a refresh call needs at least. */
  public static final Duration MIN_REFRESH_TIME = Duration.ofSeconds(1);

  /** How long it may take to verify a key once. */
  public static final Duration VERIFY_TIMEOUT = Duration.ofSeconds(5);

  /** How long Momento may take to accept a new key. */
  public static final Duration PROPAGATION_GRACE = Duration.ofSeconds(15);

  /** How long a new key is put again if Secrets Manager refuses it: a right may come back. */
  public static final Duration MAX_STORE_REFUSAL = Duration.ofSeconds(30);

  /** How long it may take to store a new key. With less time left, no key is refreshed. */
  private static final Duration STORE_TIME = SECRETS_MANAGER_TIMEOUT.plusSeconds(2);

  private final InstantSource clock;
  private final Instant deadline;
  private final Duration grace;

  /**
   * Makes the budget of an invocation.
   *
   * @param deadline when Lambda ends it
   * @param grace how long Momento may take to accept a new key
   */
  public TimeBudget(InstantSource clock, Instant deadline, Duration grace) {
    this.clock = clock;
    this.deadline = deadline;
    this.grace = grace;
  }

  /** Returns how long Momento may take to accept a new key, before it counts as rejected. */
  public Duration grace() {
    return grace;
  }

  /** Returns how long a rotation may take from its refresh on, without retries. */
  public static Duration rotationTime(Duration grace) {
    return STORE_TIME.plus(grace).plus(VERIFY_TIMEOUT).plus(SECRETS_MANAGER_TIMEOUT);
  }

  /** Tells whether there is time for a rotation. */
  public boolean allowsRotation() {
    return clock.instant().plus(rotationTime(grace)).isBefore(deadline);
  }

  /** Tells whether there is time for a call that lists or revokes keys. */
  public boolean allowsRevocation() {
    return clock.instant().isBefore(latestRefresh());
  }

  /** Returns the time left. */
  public Duration left() {
    return Duration.between(clock.instant(), deadline);
  }

  /** Returns how long a refresh may take so that the new key can still be stored. */
  public Duration leftToRefresh() {
    return left().minus(STORE_TIME);
  }

  /** Returns a budget that ends early enough to store a new key after it. */
  public TimeBudget beforeStore() {
    return new TimeBudget(clock, deadline.minus(STORE_TIME), grace);
  }

  /** Returns the latest time at which a refresh may start. */
  public Instant latestRefresh() {
    return deadline.minus(STORE_TIME).minus(MIN_REFRESH_TIME);
  }

  /** Returns the latest time at which an attempt to store a new key may start. */
  public Instant latestStore() {
    return deadline.minus(SECRETS_MANAGER_TIMEOUT);
  }

  /** Returns the latest time at which a verification may start, so that a promotion can follow. */
  public Instant latestVerification() {
    return deadline.minus(VERIFY_TIMEOUT).minus(SECRETS_MANAGER_TIMEOUT);
  }
}
