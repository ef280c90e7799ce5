package keyrotation.core;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What identifies a secret: its name, which means the function's own account, or its ARN. Secrets
 * of different accounts may have the same name.
 *
 * @param account the twelve digits; empty for a name
 */
public record SecretId(Optional<String> account, String name) {

  /** What AWS allows in a secret's name. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9/_+=.@-]{1,512}");

  /** The ARN of a secret: its name and six random characters at the end. */
  private static final Pattern ARN =
      Pattern.compile(
          "arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:(\\d{12}):secret:("
              + NAME.pattern()
              + ")-[A-Za-z0-9]{6}");

  private static final Pattern ACCOUNT_OF_ARN =
      Pattern.compile("arn:[^:]*:[^:]*:[^:]*:(\\d{12}):.*");

  /** Tells whether a text is a name that AWS allows, or a whole ARN. */
  public static boolean isValid(String text) {
    return NAME.matcher(text).matches() || ARN.matcher(text).matches();
  }

  /** Reads a name or an ARN; any text but a whole ARN counts as a name. */
  public static SecretId of(String nameOrArn) {
    Matcher arn = ARN.matcher(nameOrArn);
    return arn.matches()
        ? new SecretId(Optional.of(arn.group(1)), arn.group(2))
        : new SecretId(Optional.empty(), nameOrArn);
  }

  /** Returns the account in an ARN of any service; empty if the text is none. */
  public static Optional<String> accountOf(String arn) {
    Matcher matcher = ACCOUNT_OF_ARN.matcher(arn);
    return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  /**
   * Tells whether both may be the same secret.
   *
   * @param own the account that names mean; if it is not known, a name may mean any account
   */
  public boolean mayBe(SecretId other, Optional<String> own) {
    Optional<String> mine = account.or(() -> own);
    Optional<String> others = other.account.or(() -> own);
    return name.equals(other.name) && (mine.isEmpty() || others.isEmpty() || mine.equals(others));
  }

  /** Returns the account, if it is known to be another one than the function's own. */
  public Optional<String> otherAccount(Optional<String> own) {
    return account.filter(mine -> own.isPresent() && !own.get().equals(mine));
  }
}
