package keyrotation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import keyrotation.sandbox.MomentoServer;

/**
 * A remote call of a request.
 *
 * @param nth among the calls of that action, counting from 1
 */
record RemoteCall(String action, int nth) {

  /** Returns what a request has called, of all that was called. */
  static List<RemoteCall> of(List<String> actions) {
    Map<String, Integer> counts = new HashMap<>();
    List<RemoteCall> calls = new ArrayList<>();
    for (String action : actions) {
      // That is the operator's.
      if (!action.equals("RotateSecret")) {
        calls.add(new RemoteCall(action, counts.merge(action, 1, Integer::sum)));
      }
    }
    return calls;
  }

  /** Counts all calls of its kind so far. */
  int count(RotationFixture fixture) {
    return isMomentos()
        ? fixture.momento().calls().count(action)
        : fixture.awsCalls().count(action);
  }

  boolean isMomentos() {
    return action.equals(MomentoServer.REFRESH) || action.equals(MomentoServer.LIST_CACHES);
  }

  @Override
  public String toString() {
    return action + "#" + nth;
  }
}
