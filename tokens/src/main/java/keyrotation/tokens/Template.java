package keyrotation.tokens;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text with placeholders for claims, such as {@code user/{sub}/}.
 *
 * <p>Two callers with different values must never get the same text, nor one that begins with the
 * other's. So values have few characters, and between two placeholders, and at the end of a prefix,
 * stands a character that no value can contain.
 */
final class Template {

  /** What a claim may put in place of a placeholder. */
  private static final String VALUE_CHARACTERS = "[A-Za-z0-9_.@:|-]";

  private static final Pattern VALUE = Pattern.compile(VALUE_CHARACTERS + "{1,128}");
  private static final Pattern ONLY_VALUE_CHARACTERS = Pattern.compile(VALUE_CHARACTERS + "*");
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^{}]+)}");

  private sealed interface Part {}

  private record Literal(String text) implements Part {}

  private record Placeholder(String claim) implements Part {}

  private final List<Part> parts;

  private Template(List<Part> parts) {
    this.parts = parts;
  }

  /**
   * Reads a text that becomes a whole name.
   *
   * @throws IllegalArgumentException with the mistake, which completes "must"
   */
  static Template exact(String text) {
    List<Part> parts = parts(text);
    int last = parts.size() - 1;
    while (last > 0 && !(parts.get(last) instanceof Placeholder)) {
      last--;
    }
    requireSeparators(parts.subList(0, last));
    return new Template(parts);
  }

  /** Does the same for a text that becomes the beginning of names. */
  static Template prefix(String text) {
    List<Part> parts = parts(text);
    requireSeparators(parts);
    return new Template(parts);
  }

  private static List<Part> parts(String text) {
    List<Part> parts = new ArrayList<>();
    Matcher placeholder = PLACEHOLDER.matcher(text);
    int end = 0;
    while (placeholder.find()) {
      addLiteral(parts, text.substring(end, placeholder.start()));
      parts.add(new Placeholder(placeholder.group(1)));
      end = placeholder.end();
    }
    addLiteral(parts, text.substring(end));
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("not be empty");
    }
    return parts;
  }

  private static void addLiteral(List<Part> parts, String text) {
    if (text.contains("{") || text.contains("}")) {
      throw new IllegalArgumentException("have braces around names of claims only, as in {sub}");
    }
    if (!text.isEmpty()) {
      parts.add(new Literal(text));
    }
  }

  /** Requires that a separator follows each of these placeholders before the next one. */
  private static void requireSeparators(List<Part> parts) {
    for (int i = 0; i < parts.size(); i++) {
      if (parts.get(i) instanceof Placeholder(String claim)
          && !(i + 1 < parts.size()
              && parts.get(i + 1) instanceof Literal(String text)
              && !ONLY_VALUE_CHARACTERS.matcher(text).matches())) {
        throw new IllegalArgumentException(
            ("have a character after {%s} that a claim's value cannot contain, such as /; else the"
                    + " text of one caller could begin with that of another")
                .formatted(claim));
      }
    }
  }

  /** Returns the names of the claims that it needs. */
  List<String> claims() {
    return parts.stream()
        .filter(Placeholder.class::isInstance)
        .map(part -> ((Placeholder) part).claim)
        .toList();
  }

  /**
   * Puts a caller's claims in place of the placeholders.
   *
   * @throws TokenException {@code CLAIM_UNUSABLE}
   */
  String fill(Identity caller) {
    StringBuilder filled = new StringBuilder();
    for (Part part : parts) {
      filled.append(
          switch (part) {
            case Literal(String text) -> text;
            case Placeholder(String claim) -> value(caller, claim);
          });
    }
    return filled.toString();
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
                            + " is 1 to 128 characters of A-Z a-z 0-9 _ . @ : | - (email also needs"
                            + " email_verified).")
                        .formatted(claim)));
  }
}
