package keyrotation.infrastructure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads settings, and collects what is invalid, so that one message names all of it. */
final class SettingsReader {

  /** Every Momento key and token starts with this: the base64 of a JSON object. */
  private static final String KEY_PREFIX = "eyJ";

  private final Map<String, String> values;
  private final List<String> mistakes = new ArrayList<>();

  SettingsReader(Map<String, String> values) {
    this.values = values;
  }

  /** Returns a setting's value; an empty one is the same as none. */
  Optional<String> value(String name) {
    return Optional.of(values.getOrDefault(name, "").strip()).filter(text -> !text.isEmpty());
  }

  <T> T read(String name, String fallback, SettingRule<T> rule) {
    return readIfSet(name, rule).or(() -> rule.parser().apply(fallback)).orElseThrow();
  }

  <T> Optional<T> readIfSet(String name, SettingRule<T> rule) {
    Optional<String> text = value(name);
    Optional<T> value = text.flatMap(rule.parser());
    if (text.isPresent() && value.isEmpty()) {
      mistake(name, text.get(), rule.rule(), rule.example());
    }
    return value;
  }

  /** Reads a setting that must be set for this reason. */
  <T> Optional<T> require(String name, SettingRule<T> rule, String reason) {
    requireSet(name, rule.rule(), rule.example(), reason);
    return readIfSet(name, rule);
  }

  /** Reports a setting that is not set, but must be for this reason. */
  void requireSet(String name, String rule, String example, String reason) {
    if (value(name).isEmpty()) {
      mistake(
          "%s is not set, but must be %s, because %s, such as %s."
              .formatted(name, rule, reason, example));
    }
  }

  /** Reports a setting that must not be set for this reason. */
  void refuse(String name, String reason) {
    value(name)
        .ifPresent(
            text ->
                mistake(
                    "%s is %s, but must not be set, because %s."
                        .formatted(name, quote(text), reason)));
  }

  /** Reports an invalid value, or an invalid part of it. */
  void mistake(String name, String text, String rule, String example) {
    mistake("%s is %s, but must be %s, such as %s.".formatted(name, quote(text), rule, example));
  }

  /** Reports what is invalid, in one line. */
  void mistake(String line) {
    mistakes.add(line);
  }

  boolean hasMistakes() {
    return !mistakes.isEmpty();
  }

  /** Throws an exception that names all mistakes, if there are any. */
  void throwIfMistaken() {
    if (hasMistakes()) {
      throw new IllegalArgumentException(String.join("\n", mistakes));
    }
  }

  static String quote(String text) {
    return text.contains(KEY_PREFIX) ? "not shown, as it seems to hold a key" : "\"" + text + "\"";
  }
}
