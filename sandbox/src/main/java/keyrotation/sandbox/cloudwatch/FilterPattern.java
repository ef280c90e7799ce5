package keyrotation.sandbox.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A pattern of CloudWatch Logs that selects lines of JSON, such as {@code { $.step = "run" &&
 * $.secrets > 0 }}, as AWS documents it. Patterns for text, regular expressions and elements of
 * arrays are not supported.
 *
 * <p>A comparison with a field that a line does not have is false, also {@code !=}.
 */
public final class FilterPattern {

  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s*(?:(\\(|\\)|&&|\\|\\||!=|<=|>=|=|<|>)|(\\$(?:\\.\\w+)+)|\"([^\"]*)\""
              + "|(NOT EXISTS|IS NULL|IS TRUE|IS FALSE)|([*\\w.-]+))");

  private final String text;
  private final List<String> tokens = new ArrayList<>();
  private final Predicate<JsonNode> condition;
  private int next;

  private FilterPattern(String text) {
    this.text = text;
    String inner = text.strip();
    if (!inner.startsWith("{") || !inner.endsWith("}")) {
      throw invalid("it is not enclosed in braces");
    }
    readTokens(inner.substring(1, inner.length() - 1).strip());
    this.condition = either();
    if (next < tokens.size()) {
      throw invalid("unexpected " + tokens.get(next));
    }
  }

  /**
   * Parses a pattern.
   *
   * @throws IllegalArgumentException if it is not one that this class supports
   */
  public static FilterPattern parse(String text) {
    return new FilterPattern(text);
  }

  /** Tells whether the pattern selects a line. */
  public boolean matches(JsonNode line) {
    return condition.test(line);
  }

  /** Returns the field that a selector names; a missing node if the line does not have it. */
  static JsonNode field(JsonNode line, String selector) {
    JsonNode node = line;
    for (String name : selector.substring(2).split("\\.", -1)) {
      node = node.path(name);
    }
    return node;
  }

  private void readTokens(String inner) {
    Matcher token = TOKEN.matcher(inner);
    int end = 0;
    while (end < inner.length()) {
      if (!token.find() || token.start() != end) {
        throw invalid("at " + inner.substring(end));
      }
      tokens.add(token.group(3) == null ? token.group().strip() : '"' + token.group(3) + '"');
      end = token.end();
    }
  }

  private Predicate<JsonNode> either() {
    Predicate<JsonNode> any = both();
    while (take("||")) {
      any = any.or(both());
    }
    return any;
  }

  private Predicate<JsonNode> both() {
    Predicate<JsonNode> all = single();
    while (take("&&")) {
      all = all.and(single());
    }
    return all;
  }

  private Predicate<JsonNode> single() {
    if (take("(")) {
      Predicate<JsonNode> inner = either();
      if (!take(")")) {
        throw invalid("a parenthesis is not closed");
      }
      return inner;
    }
    String selector = take();
    if (!selector.startsWith("$.")) {
      throw invalid(selector + " is not a field");
    }
    String operator = take();
    Predicate<JsonNode> test =
        switch (operator) {
          case "NOT EXISTS" -> JsonNode::isMissingNode;
          case "IS NULL" -> JsonNode::isNull;
          case "IS TRUE" -> node -> node.isBoolean() && node.asBoolean();
          case "IS FALSE" -> node -> node.isBoolean() && !node.asBoolean();
          default -> comparison(operator, take());
        };
    return line -> test.test(field(line, selector));
  }

  private Predicate<JsonNode> comparison(String operator, String value) {
    boolean isText = value.startsWith("\"") || value.contains("*");
    if (isText) {
      Pattern wanted = wildcards(value.replace("\"", ""));
      Predicate<JsonNode> equal =
          node -> node.isValueNode() && wanted.matcher(node.asText()).matches();
      return switch (operator) {
        case "=" -> existing(equal);
        case "!=" -> existing(equal.negate());
        default -> throw invalid(operator + " " + value);
      };
    }
    BigDecimal number = number(value);
    Predicate<Integer> sign =
        switch (operator) {
          case "=" -> order -> order == 0;
          case "!=" -> order -> order != 0;
          case "<" -> order -> order < 0;
          case "<=" -> order -> order <= 0;
          case ">" -> order -> order > 0;
          case ">=" -> order -> order >= 0;
          default -> throw invalid("the operator " + operator);
        };
    return node -> node.isNumber() && sign.test(node.decimalValue().compareTo(number));
  }

  private BigDecimal number(String value) {
    try {
      return new BigDecimal(value);
    } catch (NumberFormatException e) {
      throw invalid(value + " is neither a number nor in quotes");
    }
  }

  private static Predicate<JsonNode> existing(Predicate<JsonNode> test) {
    return node -> !(node instanceof MissingNode) && test.test(node);
  }

  /** Returns a pattern for a text in which each asterisk stands for any text. */
  private static Pattern wildcards(String text) {
    return Pattern.compile(
        Stream.of(text.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*")),
        Pattern.DOTALL);
  }

  private boolean take(String token) {
    boolean isNext = next < tokens.size() && tokens.get(next).equals(token);
    next += isNext ? 1 : 0;
    return isNext;
  }

  private String take() {
    if (next == tokens.size()) {
      throw invalid("it ends too early");
    }
    return tokens.get(next++);
  }

  private IllegalArgumentException invalid(String why) {
    return new IllegalArgumentException("The filter pattern " + text + " is invalid: " + why + ".");
  }

  /** Returns the pattern as it was parsed. */
  @Override
  public String toString() {
    return text;
  }
}
