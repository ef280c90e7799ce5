package keyrotation.momento;

/** What Momento says about a key. */
public sealed interface Verdict {

  /** Momento accepts the key. */
  record Accepted() implements Verdict {}

  /** Momento accepts the key, but it may not list caches, as a key for data alone. */
  record Denied() implements Verdict {}

  /**
   * Momento rejects the key, or does not know it everywhere yet.
   *
   * @param code the status code of the call
   */
  record Rejected(String code) implements Verdict {}

  /** The call failed for another reason: the key is neither proved nor given up. */
  record Unknown(Unavailable why) implements Verdict {}
}
