package keyrotation;

import java.util.List;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoServer;

/**
 * Where a remote call stands among those of a request: as a fault can be injected into it, whatever
 * the call is for.
 *
 * @param nth among the calls of that action, counting from 1
 */
record CallPosition(String action, int nth) {

  static final String PUT = "PutSecretValue";

  /** What the function may call. */
  static final List<String> ACTIONS =
      List.of(
          "DescribeSecret",
          "GetSecretValue",
          PUT,
          "UpdateSecretVersionStage",
          MomentoServer.REFRESH,
          MomentoServer.LIST_CACHES);

  static boolean isMomentos(String action) {
    return action.equals(MomentoServer.REFRESH) || action.equals(MomentoServer.LIST_CACHES);
  }

  boolean isMomentos() {
    return isMomentos(action);
  }

  boolean isRead() {
    return action.equals("DescribeSecret") || action.equals("GetSecretValue");
  }

  /** Counts all calls of the action so far. */
  int count(RotationFixture fixture) {
    return isMomentos()
        ? fixture.momento().calls().count(action)
        : fixture.awsCalls().count(action);
  }

  /** Has something else happen just before the call. */
  void interrupt(RotationFixture fixture, Runnable event) {
    if (isMomentos()) {
      fixture.momento().calls().onNth(action, nth, new Fault.Before<>(event));
    } else {
      fixture.awsCalls().onNth(action, nth, new Fault.Before<>(event));
    }
  }

  @Override
  public String toString() {
    return action + "#" + nth;
  }
}
