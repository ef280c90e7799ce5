package keyrotation.secretsmanager;

import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.core.ConnectionFailure;
import keyrotation.core.HostAndPort;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/**
 * Names the host of a call to Secrets Manager that ended without an answer. Only an interceptor
 * sees the host, and it must not replace the SDK's exception; so this is suppressed by it.
 */
public final class UnansweredCall extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private UnansweredCall(HostAndPort host, Throwable failure) {
    super(
        ConnectionFailure.describe(host, failure)
            .map(text -> "got no answer: " + text)
            .orElse(
                "got no answer from %s (%s)"
                    .formatted(ConnectionFailure.route(host), failure.getClass().getSimpleName())));
  }

  /** Returns what a client needs for its exceptions to name the host. */
  public static ExecutionInterceptor interceptor() {
    return new ExecutionInterceptor() {
      @Override
      public void onExecutionFailure(
          Context.FailedExecution context, ExecutionAttributes attributes) {
        Throwable failure = context.exception();
        context
            .httpRequest()
            .map(request -> new HostAndPort(request.host(), request.port()))
            .ifPresent(host -> failure.addSuppressed(new UnansweredCall(host, failure)));
      }
    };
  }

  /** Describes a failure: the host if it is known, and what happened. */
  static String describe(SdkClientException failure) {
    return Stream.of(failure.getSuppressed())
        .filter(UnansweredCall.class::isInstance)
        .flatMap(call -> Optional.ofNullable(call.getMessage()).stream())
        .findFirst()
        .orElse("got no answer (" + failure.getClass().getSimpleName() + ")");
  }
}
