package keyrotation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;

/**
 * A remote call that a request makes without a fault.
 *
 * @param nth among the calls of that purpose, counting from 1
 */
record RemoteCall(CallPurpose purpose, int nth, CallPosition position) {

  /**
   * Returns the calls of a request. The steps that the function has logged tell what each is for.
   *
   * @param actions the actions that were called, in order
   * @param steps the purposes of the logged steps, in order
   */
  static List<RemoteCall> of(List<String> actions, List<CallPurpose> steps) {
    Queue<CallPurpose> left = new ArrayDeque<>(steps);
    Map<Object, Integer> counts = new HashMap<>();
    List<RemoteCall> calls = new ArrayList<>();
    for (String action : actions) {
      CallPurpose purpose = left.poll();
      if (purpose == null || !purpose.action().equals(action)) {
        throw new AssertionError(action + " was called in the step " + purpose);
      }
      CallPosition position = new CallPosition(action, counts.merge(action, 1, Integer::sum));
      calls.add(new RemoteCall(purpose, counts.merge(purpose, 1, Integer::sum), position));
    }
    if (!left.isEmpty()) {
      throw new AssertionError("Steps without a call: " + left);
    }
    return calls;
  }

  @Override
  public String toString() {
    return nth == 1 ? purpose.toString() : purpose + "#" + nth;
  }
}
