package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import io.grpc.Status;
import java.time.Duration;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;

/** What happens to a call. */
enum FaultKind {
  /** It is refused before it takes effect, and so are all calls of its kind after it. */
  REFUSED,
  /** It takes effect, and the answer is lost. */
  ANSWER_LOST,
  /** The answers to it and to all calls of its kind after it are lost. */
  ANSWERS_LOST,
  /** A read, which answers as if the last write had not been yet. */
  STALE,
  /** A read, which like all reads of its kind after it sees what there was 200 ms ago. */
  LAGGING,
  /** Its answer stops half-way, and so do all of its kind after it. */
  HALF_ANSWERED,
  /** It is throttled once. */
  THROTTLED,
  /** It is throttled, and so are all calls of its kind after it. */
  THROTTLED_THROUGHOUT,
  /** It takes no effect, nor do all calls of its kind after it, and nobody answers. */
  HANGING,
  /** The function's process dies before it takes effect. */
  KILLED_BEFORE,
  /** The function's process dies when it has taken effect. */
  KILLED_AFTER;

  private static final Duration FOR_EVER = Duration.ofHours(1);
  private static final Duration LAG = Duration.ofMillis(200);

  boolean appliesTo(CallPosition call) {
    return switch (this) {
      case STALE, LAGGING -> call.isRead();
      // Of an answer over gRPC there is no half.
      case HALF_ANSWERED -> !call.isMomentos();
      default -> true;
    };
  }

  boolean isCrash() {
    return this == KILLED_BEFORE || this == KILLED_AFTER;
  }

  /** Tells whether the function may wait for it to pass. */
  boolean takesTime() {
    return isCrash()
        || this == REFUSED
        || this == ANSWERS_LOST
        || this == THROTTLED_THROUGHOUT
        || this == HALF_ANSWERED
        || this == HANGING;
  }

  void inject(RotationFixture fixture, CallPosition call, Runnable kill) {
    if (call.isMomentos()) {
      inject(
          fixture.momento().calls(),
          call,
          call.action().equals(MomentoServer.REFRESH)
              ? Status.INVALID_ARGUMENT.asRuntimeException()
              : Status.UNAUTHENTICATED.asRuntimeException(),
          MomentoServer.throttled(),
          kill);
    } else {
      inject(
          fixture.awsCalls(),
          call,
          SecretsManagerException.accessDenied(call.action(), SECRET),
          SecretsManagerException.throttled(),
          kill);
    }
  }

  private <E extends RuntimeException> void inject(
      FaultInjector<E> calls, CallPosition call, E refusal, E throttling, Runnable kill) {
    switch (this) {
      case REFUSED -> calls.fromNth(call.action(), call.nth(), new Fault.Refuse<>(refusal));
      case ANSWER_LOST -> {
        // The JDK's HTTP client hides the first from the AWS SDK by asking again.
        calls.onNth(call.action(), call.nth(), new Fault.DropResponse<>());
        if (!call.isMomentos()) {
          calls.onNth(call.action(), call.nth() + 1, new Fault.DropResponse<>());
        }
      }
      case STALE -> calls.onNth(call.action(), call.nth(), new Fault.ReadStale<>());
      case LAGGING -> calls.fromNth(call.action(), call.nth(), new Fault.Lag<>(LAG));
      case HALF_ANSWERED -> calls.fromNth(call.action(), call.nth(), new Fault.StopHalfway<>());
      case ANSWERS_LOST -> calls.fromNth(call.action(), call.nth(), new Fault.DropResponse<>());
      case THROTTLED -> calls.onNth(call.action(), call.nth(), new Fault.Refuse<>(throttling));
      case THROTTLED_THROUGHOUT ->
          calls.fromNth(call.action(), call.nth(), new Fault.Refuse<>(throttling));
      case HANGING -> calls.fromNth(call.action(), call.nth(), new Fault.Delay<>(FOR_EVER));
      case KILLED_BEFORE -> calls.onNth(call.action(), call.nth(), new Fault.Instead<>(kill));
      case KILLED_AFTER -> calls.onNth(call.action(), call.nth(), new Fault.After<>(kill));
    }
  }
}
