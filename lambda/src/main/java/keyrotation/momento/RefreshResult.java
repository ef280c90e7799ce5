package keyrotation.momento;

/** How a refresh call ended. */
public sealed interface RefreshResult {

  /** Momento returned a new key. */
  record Refreshed(RefreshedKey key) implements RefreshResult {}

  /**
   * Momento does not refresh this key, however often it is asked.
   *
   * @param code the status code of the call
   */
  record Rejected(String code) implements RefreshResult {}

  /** The call failed. Momento may have issued a new key all the same. */
  record Unknown(Unavailable why) implements RefreshResult {}
}
