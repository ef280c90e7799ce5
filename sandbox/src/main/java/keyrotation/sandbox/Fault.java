package keyrotation.sandbox;

import java.time.Duration;

/**
 * What goes wrong with one call to a stand-in.
 *
 * @param <E> the service's kind of error
 */
public sealed interface Fault<E extends RuntimeException> {

  /** Refused before it took effect. */
  record Refuse<E extends RuntimeException>(E error) implements Fault<E> {}

  /** Carried out, but the connection breaks before the answer is on its way. */
  record DropResponse<E extends RuntimeException>() implements Fault<E> {}

  /** Carried out, but the caller is told this error. */
  record FailAfterwards<E extends RuntimeException>(E error) implements Fault<E> {}

  /** Carried out and answered as usual, this much later; the wait comes first. */
  record Delay<E extends RuntimeException>(Duration duration) implements Fault<E> {}

  /** A read answers as if the latest write to that secret had not happened yet; no other effect. */
  record ReadStale<E extends RuntimeException>() implements Fault<E> {}

  /** A read sees a secret as it was this long ago, by the sandbox's clock; no other effect. */
  record Lag<E extends RuntimeException>(Duration duration) implements Fault<E> {}

  /** Carried out, but the answer stops half-way, and the connection stays open. */
  record StopHalfway<E extends RuntimeException>() implements Fault<E> {}

  /**
   * Something else happens, such as the death of the caller; the call is not carried out, and there
   * is no answer.
   */
  record Instead<E extends RuntimeException>(Runnable event) implements Fault<E> {}

  /** Something else happens first, such as another caller's call; then the call is carried out. */
  record Before<E extends RuntimeException>(Runnable event) implements Fault<E> {}

  /** The call is carried out; before its answer leaves, something else happens. */
  record After<E extends RuntimeException>(Runnable event) implements Fault<E> {}
}
