package keyrotation.momento;

import java.time.Instant;

/** When a key expires, as far as that is known. */
public sealed interface Expiry {

  /** It expires at this instant. */
  record At(Instant instant) implements Expiry {
    @Override
    public String toString() {
      return instant.toString();
    }
  }

  /** It never expires. */
  record Never() implements Expiry {
    @Override
    public String toString() {
      return "never";
    }
  }

  /** Neither the key nor its secret says when it expires. */
  record Unknown() implements Expiry {
    @Override
    public String toString() {
      return "unknown";
    }
  }

  /**
   * The last second of the year 9999. A larger number does not count seconds: today in
   * milliseconds, read as seconds, is in the year 58,000.
   */
  long LATEST = 253_402_300_799L;

  /** Tells whether this many seconds since 1970 can be a key's expiry. */
  static boolean isPlausible(long seconds) {
    return seconds >= 0 && seconds <= LATEST;
  }

  /** Reads Momento's form: seconds since 1970, where 0 means never. */
  static Expiry ofEpochSeconds(long seconds) {
    return seconds == 0 ? new Never() : new At(Instant.ofEpochSecond(seconds));
  }

  /** Tells whether this is later than the other; a known expiry is later than an unknown one. */
  default boolean isAfter(Expiry other) {
    return switch (this) {
      case Never _ -> !(other instanceof Never);
      case Unknown _ -> false;
      case At(Instant mine) ->
          switch (other) {
            case Never _ -> false;
            case Unknown _ -> true;
            case At(Instant others) -> mine.isAfter(others);
          };
    };
  }
}
