package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import io.grpc.Status;
import java.time.Duration;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;

/** What goes wrong with a remote call. */
enum FaultKind {
  /** It is refused before it takes effect, and so are all later calls of its action. */
  REFUSED,
  /** It takes effect, and its response is lost. */
  RESPONSE_DROPPED,
  /** The responses to it and to all later calls of its action are lost. */
  RESPONSES_DROPPED,
  /** A read does not see the latest write. */
  STALE,
  /** A read and all later calls of its action see what there was 200 ms ago. */
  LAGGING,
  /** Its response stops half-way, and so do those to all later calls of its action. */
  RESPONSE_TRUNCATED,
  /** It is throttled once. */
  THROTTLED,
  /** It is throttled, and so are all later calls of its action. */
  THROTTLED_THROUGHOUT,
  /** It and all later calls of its action take no effect and have no response. */
  HANGING,
  /** The function's process crashes before it takes effect. */
  CRASHED_BEFORE,
  /** The function's process crashes when it has taken effect. */
  CRASHED_AFTER;

  private static final Duration LONGER_THAN_ANY_TIMEOUT = Duration.ofHours(1);
  private static final Duration LAG = Duration.ofMillis(200);

  boolean appliesTo(CallPosition call) {
    return switch (this) {
      case STALE, LAGGING -> call.isRead();
      // A response over gRPC is whole or absent.
      case RESPONSE_TRUNCATED -> !call.isMomentos();
      default -> true;
    };
  }

  boolean isCrash() {
    return this == CRASHED_BEFORE || this == CRASHED_AFTER;
  }

  /** Tells whether the function may wait until it is over. */
  boolean takesTime() {
    return isCrash()
        || this == REFUSED
        || this == RESPONSES_DROPPED
        || this == THROTTLED_THROUGHOUT
        || this == RESPONSE_TRUNCATED
        || this == HANGING;
  }

  void inject(RotationFixture fixture, CallPosition call, Runnable crash) {
    if (call.isMomentos()) {
      inject(
          fixture.momento().calls(),
          call,
          call.action().equals(MomentoServer.REFRESH)
              ? Status.INVALID_ARGUMENT.asRuntimeException()
              : Status.UNAUTHENTICATED.asRuntimeException(),
          MomentoServer.throttled(),
          crash);
    } else if (call.isOfApi()) {
      inject(
          fixture.apiCalls(),
          call,
          MomentoApiException.forbidden(),
          MomentoApiException.throttled(),
          crash);
    } else {
      inject(
          fixture.awsCalls(),
          call,
          SecretsManagerException.accessDenied(call.action(), SECRET),
          SecretsManagerException.throttled(),
          crash);
    }
  }

  private <E extends RuntimeException> void inject(
      FaultInjector<E> calls, CallPosition call, E refusal, E throttling, Runnable crash) {
    switch (this) {
      case REFUSED -> calls.fromNth(call.action(), call.nth(), new Fault.Refuse<>(refusal));
      case RESPONSE_DROPPED -> {
        // The JDK's HTTP client hides the first from the AWS SDK by asking again.
        calls.onNth(call.action(), call.nth(), new Fault.DropResponse<>());
        if (!call.isMomentos()) {
          calls.onNth(call.action(), call.nth() + 1, new Fault.DropResponse<>());
        }
      }
      case STALE -> calls.onNth(call.action(), call.nth(), new Fault.ReadStale<>());
      case LAGGING -> calls.fromNth(call.action(), call.nth(), new Fault.Lag<>(LAG));
      case RESPONSE_TRUNCATED ->
          calls.fromNth(call.action(), call.nth(), new Fault.StopHalfway<>());
      case RESPONSES_DROPPED ->
          calls.fromNth(call.action(), call.nth(), new Fault.DropResponse<>());
      case THROTTLED -> calls.onNth(call.action(), call.nth(), new Fault.Refuse<>(throttling));
      case THROTTLED_THROUGHOUT ->
          calls.fromNth(call.action(), call.nth(), new Fault.Refuse<>(throttling));
      case HANGING ->
          calls.fromNth(call.action(), call.nth(), new Fault.Delay<>(LONGER_THAN_ANY_TIMEOUT));
      case CRASHED_BEFORE -> calls.onNth(call.action(), call.nth(), new Fault.Instead<>(crash));
      case CRASHED_AFTER -> calls.onNth(call.action(), call.nth(), new Fault.After<>(crash));
    }
  }
}
