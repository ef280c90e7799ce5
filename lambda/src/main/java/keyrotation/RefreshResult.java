package keyrotation;

/** What Momento says to a refresh. */
sealed interface RefreshResult {

  /** A new key. */
  record Refreshed(RefreshedKey key) implements RefreshResult {}

  /**
   * It will not refresh this key, however often it is asked.
   *
   * @param code what the call ended in
   */
  record Rejected(String code) implements RefreshResult {}

  /** It did not say; a new key may have been made all the same. */
  record Unknown(Unavailable why) implements RefreshResult {}
}
