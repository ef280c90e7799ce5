package keyrotation;

/** What Momento says of a key. */
sealed interface Verdict {

  /** It is a live key, if perhaps one that may not do everything. */
  record Accepted() implements Verdict {}

  /** It is no key, or not yet known everywhere. */
  record Rejected() implements Verdict {}

  /** Momento did not say: neither proof nor condemnation. */
  record Unknown(NoAnswer why) implements Verdict {}
}
