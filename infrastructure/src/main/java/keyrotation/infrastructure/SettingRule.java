package keyrotation.infrastructure;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The valid values of a setting.
 *
 * @param rule completes "must be"
 */
record SettingRule<T>(Function<String, Optional<T>> parser, String rule, String example) {

  /** What the CDK has in place of a value that only CloudFormation will know. */
  private static final Pattern TOKEN = Pattern.compile("[$#]\\{Token\\[");

  SettingRule(Map<String, T> values, String rule, String example) {
    this(text -> Optional.ofNullable(values.get(text)), rule, example);
  }

  /** Returns the rule of a text. A value that only CloudFormation will know is not checked. */
  static SettingRule<String> text(Predicate<String> isValid, String rule, String example) {
    return new SettingRule<>(
        text -> Optional.of(text).filter(isValid.or(SettingRule::isToken)), rule, example);
  }

  /** Returns the rule of entries that commas separate, each once. */
  static SettingRule<List<String>> list(Predicate<String> isValid, String rule, String example) {
    return new SettingRule<>(
        text -> {
          List<String> entries = Stream.of(text.split(",", -1)).map(String::strip).toList();
          return entries.stream().allMatch(isValid.or(SettingRule::isToken))
                  && entries.stream().distinct().count() == entries.size()
              ? Optional.of(entries)
              : Optional.empty();
        },
        rule,
        example);
  }

  /** Returns the rule of a whole number. */
  static SettingRule<Integer> number(int least, int most, String rule, String example) {
    return new SettingRule<>(
        text ->
            Optional.of(text)
                .filter(digits -> digits.matches("\\d{1,6}"))
                .map(Integer::parseInt)
                .filter(number -> number >= least && number <= most),
        rule,
        example);
  }

  /** Tells whether only CloudFormation will know a value. */
  static boolean isToken(String text) {
    return TOKEN.matcher(text).find();
  }
}
