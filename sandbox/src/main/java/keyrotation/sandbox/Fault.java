package keyrotation.sandbox;

import java.time.Duration;

/**
 * A fault in a call to a stand-in.
 *
 * @param <E> the service's exceptions
 */
public sealed interface Fault<E extends RuntimeException> {

  /** The call fails with this error and has no effect. */
  record Refuse<E extends RuntimeException>(E error) implements Fault<E> {}

  /** The call takes effect, but the connection breaks before the response. */
  record DropResponse<E extends RuntimeException>() implements Fault<E> {}

  /** The call takes effect, but the response is this error. */
  record FailAfterwards<E extends RuntimeException>(E error) implements Fault<E> {}

  /** The call is executed after this delay. */
  record Delay<E extends RuntimeException>(Duration duration) implements Fault<E> {}

  /** A read does not see the latest write to the secret. No effect on writes. */
  record ReadStale<E extends RuntimeException>() implements Fault<E> {}

  /** A read sees the secret as it was this long ago by the sandbox's clock. No effect on writes. */
  record Lag<E extends RuntimeException>(Duration duration) implements Fault<E> {}

  /** The call takes effect; half of the response is sent, and the connection stays open. */
  record StopHalfway<E extends RuntimeException>() implements Fault<E> {}

  /** The event happens instead of the call, such as a crash of the caller. No response is sent. */
  record Instead<E extends RuntimeException>(Runnable event) implements Fault<E> {}

  /** The event happens, such as another caller's call; then the call is executed. */
  record Before<E extends RuntimeException>(Runnable event) implements Fault<E> {}

  /** The call is executed; then the event happens; then the response is sent. */
  record After<E extends RuntimeException>(Runnable event) implements Fault<E> {}
}
