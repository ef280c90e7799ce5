package keyrotation;

import java.util.List;
import java.util.Optional;
import keyrotation.ProtocolDelivery.Deliveries;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Protocol;

/** The calls of a protocol where nothing goes wrong, to be compared with the function's. */
final class ProtocolCalls {

  /** What a request finds. */
  enum Situation {
    /** Nothing but a key to rotate. */
    PLAIN,
    /** A key that an earlier delivery of it has stored, and not promoted. */
    OWN_SUCCESSOR,
    /** A key that another request has stored, and not promoted. */
    ANOTHERS_SUCCESSOR,
    /** That an earlier delivery of it has ended well. */
    DONE
  }

  private final Deliveries deliveries;

  private ProtocolCalls(Protocol protocol) {
    this.deliveries = new Deliveries(protocol);
  }

  /**
   * Returns the names of the services' actions that a request calls, in order.
   *
   * @param start one of {@link ProtocolState#starts}
   */
  static List<String> of(Protocol protocol, ProtocolState start, Situation situation) {
    return new ProtocolCalls(protocol).of(start, situation);
  }

  private List<String> of(ProtocolState start, Situation situation) {
    ProtocolState found =
        switch (situation) {
          case PLAIN -> start;
          case OWN_SUCCESSOR -> stateAfter(start, "A", true);
          case ANOTHERS_SUCCESSOR -> stateAfter(start, "B", true);
          case DONE -> stateAfter(start, "A", false);
        };
    ProtocolState state = found;
    ProtocolDelivery delivery = deliveries.of("A", false);
    while (delivery.outcome().isEmpty()) {
      ProtocolState.Effect effect = state.call(delivery.next());
      state = effect.after();
      delivery = delivery.after(effect.answer(), state);
    }
    return delivery.calls().stream().map(Call::action).toList();
  }

  private ProtocolState stateAfter(ProtocolState start, String request, boolean crashesWhenStored) {
    ProtocolState state = start;
    ProtocolDelivery delivery = deliveries.of(request, false);
    Optional<Call> last = Optional.empty();
    while (delivery.outcome().isEmpty()
        && !(crashesWhenStored && last.filter(call -> call instanceof Call.Put).isPresent())) {
      last = Optional.of(delivery.next());
      ProtocolState.Effect effect = state.call(delivery.next());
      state = effect.after();
      delivery = delivery.after(effect.answer(), state);
    }
    return state;
  }
}
