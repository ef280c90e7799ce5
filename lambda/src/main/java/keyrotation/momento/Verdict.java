package keyrotation.momento;

import java.util.Set;

/** What Momento says about a key. */
public sealed interface Verdict {

  /**
   * Momento accepts the key.
   *
   * @param caches the names of the caches that it lists
   */
  record Accepted(Set<String> caches) implements Verdict {}

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
