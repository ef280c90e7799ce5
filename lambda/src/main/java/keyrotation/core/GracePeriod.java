package keyrotation.core;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** How long a replaced v2 key goes on working before it is revoked. */
public sealed interface GracePeriod {

  /** What {@link #parse} reads, for a message. */
  String RULE = "a number of hours from 2 to 8760, or off";

  /** It is revoked after this time. */
  record Lasting(Duration duration) implements GracePeriod {}

  /** It is never revoked. */
  record Endless() implements GracePeriod {}

  /** A week: time enough to notice that a new key lacks something, and to roll back. */
  GracePeriod DEFAULT = new Lasting(Duration.ofDays(7));

  /** Reads a number of hours, or "off"; empty if the text is neither. */
  static Optional<GracePeriod> parse(String text) {
    if (text.equals("off")) {
      return Optional.of(new Endless());
    }
    return Optional.of(text)
        .filter(Pattern.compile("\\d{1,4}").asMatchPredicate())
        .map(Integer::parseInt)
        .filter(hours -> hours >= 2 && hours <= 8760)
        .map(hours -> new Lasting(Duration.ofHours(hours)));
  }
}
