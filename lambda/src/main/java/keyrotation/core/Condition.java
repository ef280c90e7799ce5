package keyrotation.core;

import java.time.Instant;

/** Which keys a request rotates. */
public sealed interface Condition {

  /** Every key. */
  record Always() implements Condition {}

  /** Keys that a scheduled run would rotate. */
  record IfDue() implements Condition {}

  /**
   * Keys that were stored before a time, so that a repeated request leaves the new keys alone.
   *
   * @param time not in the future
   */
  record IfStoredBefore(Instant time) implements Condition {
    /** Tells whether a key that was stored at a time is to be replaced. */
    public boolean isMetBy(Instant stored) {
      return stored.isBefore(time);
    }
  }
}
