package keyrotation;

/** The staging labels of Secrets Manager, and this function's own. */
final class StagingLabel {

  static final String CURRENT = "AWSCURRENT";
  static final String PENDING = "AWSPENDING";
  static final String PREVIOUS = "AWSPREVIOUS";

  /**
   * What the label of a new version begins with; the rest is the id of its source, the version that
   * it replaces. The label is put in the same call as the value, so no version is without it.
   */
  static final String REPLACES = "MOMENTO_REPLACES_";

  /** What older versions of this function put on a source, while AWSPENDING was on the new one. */
  static final String REFRESHED = "MOMENTO_REFRESHED";

  /** How many labels a secret can have, on all its versions together (AWS's quota). */
  static final int MAX_PER_SECRET = 20;

  private StagingLabel() {}

  /** Returns the label of a version that replaces the source. */
  static String replaces(String sourceId) {
    return REPLACES + sourceId;
  }
}
