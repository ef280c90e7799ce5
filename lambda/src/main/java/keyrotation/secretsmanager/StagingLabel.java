package keyrotation.secretsmanager;

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

  /** How many labels a secret can have, on all its versions together (AWS's quota). */
  public static final int MAX_PER_SECRET = 20;

  private StagingLabel() {}

  /** Returns the label of a version that replaces the source. */
  public static String replaces(String sourceId) {
    return REPLACES + sourceId;
  }
}
