package keyrotation.secretsmanager;

import static java.time.ZoneOffset.UTC;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** The staging labels of Secrets Manager, and this function's own. */
public final class StagingLabel {

  public static final String CURRENT = "AWSCURRENT";
  public static final String PENDING = "AWSPENDING";
  public static final String PREVIOUS = "AWSPREVIOUS";

  /**
   * What the label of a new version begins with; the rest is the id of its source, the version that
   * it replaces. The label is put in the same call as the value, so no version is without it.
   */
  public static final String REPLACES = "MOMENTO_REPLACES_";

  /** What older versions of this function put on a source, while AWSPENDING was on the new one. */
  public static final String REFRESHED = "MOMENTO_REFRESHED";

  /** The label of a secret's first version, from the call that stores it until it is current. */
  public static final String FIRST = REPLACES + "NONE";

  /**
   * What the label of a replaced version begins with; the rest is the minute after which its key is
   * revoked.
   */
  public static final String REVOKE_AFTER = "MOMENTO_REVOKE_AFTER_";

  /** How many replaced versions of a secret wait for their time; the other ones wait for room. */
  public static final int MAX_REVOKE_AFTER = 12;

  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm'Z'").withZone(UTC);

  /** How many labels a secret can have, on all its versions together (AWS's quota). */
  public static final int MAX_PER_SECRET = 20;

  private StagingLabel() {}

  /** Returns the label of a version that replaces the source. */
  public static String replaces(String sourceId) {
    return REPLACES + sourceId;
  }

  /** Returns the label of a version whose key is revoked after a time, in whole minutes. */
  public static String revokeAfter(Instant time) {
    return REVOKE_AFTER + MINUTE.format(time);
  }

  /** Returns the time after which the key of a version with this label is revoked. */
  public static Optional<Instant> revocationTime(String label) {
    if (!label.startsWith(REVOKE_AFTER)) {
      return Optional.empty();
    }
    try {
      return Optional.of(MINUTE.parse(label.substring(REVOKE_AFTER.length()), Instant::from));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
