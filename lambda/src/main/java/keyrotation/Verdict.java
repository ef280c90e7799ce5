package keyrotation;

/** What Momento says of a key. */
sealed interface Verdict {

  /** It is a live key. */
  record Accepted() implements Verdict {}

  /** It is a live key that may not list caches, such as one for data alone. */
  record Denied() implements Verdict {}

  /**
   * It is no key, or not yet known everywhere.
   *
   * @param code what the call ended in
   */
  record Rejected(String code) implements Verdict {}

  /** Momento did not say: neither proof nor condemnation. */
  record Unknown(Unavailable why) implements Verdict {}
}
