package keyrotation.infrastructure;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The valid values of a setting.
 *
 * @param rule completes "must be"
 */
record SettingRule<T>(Function<String, Optional<T>> parser, String rule, String example) {

  SettingRule(Map<String, T> values, String rule, String example) {
    this(text -> Optional.ofNullable(values.get(text)), rule, example);
  }
}
