package keyrotation;

import java.util.List;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.MomentoApiServer;
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
          MomentoServer.LIST_CACHES,
          MomentoApiServer.LIST,
          MomentoApiServer.ISSUE,
          MomentoApiServer.REVOKE);

  static boolean isMomentos(String action) {
    return action.equals(MomentoServer.REFRESH) || action.equals(MomentoServer.LIST_CACHES);
  }

  /** Tells whether it is an action of Momento's HTTP API. */
  static boolean isOfApi(String action) {
    return action.equals(MomentoApiServer.LIST)
        || action.equals(MomentoApiServer.ISSUE)
        || action.equals(MomentoApiServer.REVOKE);
  }

  boolean isOfApi() {
    return isOfApi(action);
  }

  boolean isMomentos() {
    return isMomentos(action);
  }

  boolean isRead() {
    return action.equals("DescribeSecret")
        || action.equals("GetSecretValue")
        || action.equals(MomentoApiServer.LIST);
  }

  /** Counts all calls of the action so far. */
  int count(RotationFixture fixture) {
    return calls(fixture).count(action);
  }

  /** Has something else happen just before the call. */
  void interrupt(RotationFixture fixture, Runnable event) {
    calls(fixture).onNth(action, nth, new Fault.Before<>(event));
  }

  /** Returns the calls of the service that it is made to. */
  private FaultInjector<?> calls(RotationFixture fixture) {
    if (isOfApi()) {
      return fixture.apiCalls();
    }
    return isMomentos() ? fixture.momento().calls() : fixture.awsCalls();
  }

  @Override
  public String toString() {
    return action + "#" + nth;
  }
}
