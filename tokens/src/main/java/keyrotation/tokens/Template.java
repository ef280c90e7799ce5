package keyrotation.tokens;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A name, or the beginning of names, with placeholders for claims, such as {@code user/{sub}/}.
 *
 * <p>It consists of segments, which separators divide: characters that no claim's value can
 * contain. A segment has one placeholder at most, and a prefix ends in one without. So two callers
 * with different values never get the same text, nor one that begins with the other's.
 */
final class Template {

  /** What a claim may put in place of a placeholder. */
  private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_.@:|-]{1,128}");

  /** A placeholder, or a character outside one; groups: claim, character. */
  private static final Pattern PIECE = Pattern.compile("\\{([^{}\\s]+)}|([^{}])", Pattern.DOTALL);

  /**
   * What is between two separators.
   *
   * @param before the text before the placeholder; without one, the whole text
   * @param separator what follows; empty at the end
   */
  private record Segment(String before, Optional<String> claim, String after, String separator) {

    /** Tells whether values of claims can give both the same text, and they end alike. */
    boolean canEqual(Segment other) {
      return separator.equals(other.separator) && canHaveTextOf(other);
    }

    private boolean canHaveTextOf(Segment other) {
      if (claim.isEmpty() && other.claim.isEmpty()) {
        return before.equals(other.before);
      }
      if (claim.isEmpty()) {
        return other.canHaveTextOf(this);
      }
      return other.claim.isPresent()
          ? (before.startsWith(other.before) || other.before.startsWith(before))
              && (after.endsWith(other.after) || other.after.endsWith(after))
          : other.before.length() > before.length() + after.length()
              && other.before.startsWith(before)
              && other.before.endsWith(after);
    }
  }

  private final List<Segment> segments;
  private final boolean isPrefix;

  private Template(String text, boolean isPrefix) {
    this.segments = segments(text);
    this.isPrefix = isPrefix;
  }

  /**
   * Reads a text that becomes a whole name.
   *
   * @throws IllegalArgumentException with the mistake, which completes "must"
   */
  static Template exact(String text) {
    return new Template(text, false);
  }

  /** Does the same for a text that becomes the beginning of names. */
  static Template prefix(String text) {
    Template prefix = new Template(text, true);
    prefix.segments.getLast().claim.ifPresent(Template::refuseWithoutSeparator);
    return prefix;
  }

  private static List<Segment> segments(String text) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("not be empty");
    }
    List<Segment> segments = new ArrayList<>();
    StringBuilder before = new StringBuilder();
    Optional<String> claim = Optional.empty();
    StringBuilder after = new StringBuilder();
    Matcher piece = PIECE.matcher(text);
    int end = 0;
    for (; end < text.length() && piece.find(end) && piece.start() == end; end = piece.end()) {
      if (piece.group(1) != null) {
        claim.ifPresent(Template::refuseWithoutSeparator);
        claim = Optional.of(piece.group(1));
      } else if (VALUE.matcher(piece.group()).matches()) {
        (claim.isPresent() ? after : before).append(piece.group());
      } else {
        segments.add(new Segment(before.toString(), claim, after.toString(), piece.group()));
        before.setLength(0);
        claim = Optional.empty();
        after.setLength(0);
      }
    }
    if (end < text.length()) {
      throw new IllegalArgumentException("have braces around names of claims only, as in {sub}");
    }
    segments.add(new Segment(before.toString(), claim, after.toString(), ""));
    return segments;
  }

  private static void refuseWithoutSeparator(String claim) {
    throw new IllegalArgumentException(
        ("have a character after {%s} that a claim's value cannot contain, such as /; else the text"
                + " of one caller could begin with that of another")
            .formatted(claim));
  }

  /** Tells whether names begin with it. */
  boolean isPrefix() {
    return isPrefix;
  }

  /** Returns the names of the claims that it needs. */
  List<String> claims() {
    return segments.stream().flatMap(segment -> segment.claim.stream()).toList();
  }

  /**
   * Tells whether a claim's value could turn this into the other, or into what begins with it,
   * where neither is meant to cover the other: {@code {tenant}/} becomes {@code user/} for one
   * tenant, and so covers {@code user/{sub}/}.
   */
  boolean canBeMistakenFor(Template other) {
    int shorter = Math.min(segments.size(), other.segments.size());
    for (int i = 0; i < shorter; i++) {
      Segment one = segments.get(i);
      Segment two = other.segments.get(i);
      if (isOpen(i) || other.isOpen(i)) {
        return false; // Up to here they are the same, so one is meant to be within the other.
      }
      if (!one.equals(two)) {
        return one.canEqual(two);
      }
    }
    return false;
  }

  /** Tells whether values of claims can turn both into the same whole name. */
  boolean canEqual(Template other) {
    // Only the last segment has no separator, so those of another number differ before the end.
    return IntStream.range(0, segments.size())
        .allMatch(i -> segments.get(i).canEqual(other.segments.get(i)));
  }

  /** Tells whether names go on within this segment. */
  private boolean isOpen(int segment) {
    return isPrefix && segment == segments.size() - 1;
  }

  /**
   * Puts a caller's claims in place of the placeholders.
   *
   * @throws TokenException {@code CLAIM_UNUSABLE}
   */
  String fill(Identity caller) {
    return segments.stream()
        .map(
            segment ->
                segment.before
                    + segment.claim.map(claim -> value(caller, claim)).orElse("")
                    + segment.after
                    + segment.separator)
        .collect(joining());
  }

  private static String value(Identity caller, String claim) {
    return caller
        .claim(claim)
        .filter(VALUE.asMatchPredicate())
        .orElseThrow(
            () ->
                new TokenException(
                    RefusalReason.CLAIM_UNUSABLE,
                    ("The policy puts the claim %s into a name, but the caller has none whose value"
                            + " is 1 to 128 characters of A-Z a-z 0-9 _ . @ : | - (email and"
                            + " phone_number also have to be verified).")
                        .formatted(claim)));
  }
}
