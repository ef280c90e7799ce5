package keyrotation.momento;

import java.util.regex.Pattern;
import keyrotation.core.RotationException;

/** Finds keys where none belongs, in an event or a setting, so that they are not shown. */
public final class KeyDetector {

  /** What every key and token of Momento begins with: base64 of a JSON object. */
  private static final String BEGINNING = "eyJ";

  /**
   * A key within a secret's name or ARN, where a word begins. The name {@code keyJuggler} does not
   * match, nor do the six random characters at the end of an ARN.
   */
  private static final Pattern WITHIN_A_NAME =
      Pattern.compile("(?<![A-Za-z0-9])" + BEGINNING + "[A-Za-z0-9+/=_.-]{4}");

  private KeyDetector() {}

  /** Tells whether a text is a key of any known form. */
  static boolean isKey(String text) {
    try {
      var _ = MomentoKey.parse(text);
      return true;
    } catch (RotationException unreadable) {
      return false;
    }
  }

  /** Tells whether the name of a secret seems to hold a key, or the beginning of one. */
  public static boolean isInName(String name) {
    return isKey(name) || WITHIN_A_NAME.matcher(name).find();
  }

  /** Tells whether a text may hold a key anywhere. */
  public static boolean mayBeIn(String text) {
    return text.contains(BEGINNING);
  }
}
