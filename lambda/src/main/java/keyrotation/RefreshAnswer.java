package keyrotation;

/** What Momento says to a refresh. */
sealed interface RefreshAnswer {

  /** A new key. */
  record Minted(MintedKey key) implements RefreshAnswer {}

  /**
   * It will not refresh this key, however often it is asked.
   *
   * @param code what the call ended in
   */
  record Rejected(String code) implements RefreshAnswer {}

  /** It did not say; a new key may have been made all the same. */
  record Unknown(NoAnswer why) implements RefreshAnswer {}
}
