package keyrotation.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;
import momento.sdk.exceptions.MomentoErrorCode;
import momento.sdk.exceptions.SdkException;
import org.jspecify.annotations.Nullable;

/** Tells whether a call failed because Momento rejects its key. */
final class Rejection {

  private Rejection() {}

  /** Judges a call by its answer or its exception; in Momento's SDK, errors are answers. */
  static boolean isOne(@Nullable Object answer, @Nullable Throwable exception) {
    if (exception instanceof CompletionException && exception.getCause() != null) {
      return isOne(answer, exception.getCause());
    }
    return isRejection(answer) || isRejection(exception);
  }

  private static boolean isRejection(@Nullable Object failure) {
    if (failure instanceof SdkException error) {
      return error.getErrorCode() == MomentoErrorCode.AUTHENTICATION_ERROR;
    }
    return failure instanceof StatusRuntimeException error
        && error.getStatus().getCode() == Status.Code.UNAUTHENTICATED;
  }
}
