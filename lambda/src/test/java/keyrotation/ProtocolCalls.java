package keyrotation;

import java.util.List;
import java.util.Optional;
import keyrotation.ProtocolDelivery.Beginnings;
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

  private final Beginnings beginnings;

  private ProtocolCalls(Protocol protocol) {
    this.beginnings = new Beginnings(protocol);
  }

  /**
   * Returns the names of the services' actions that a request calls, in order.
   *
   * @param start one of {@link ProtocolWorld#starts}
   */
  static List<String> of(Protocol protocol, ProtocolWorld start, Situation situation) {
    return new ProtocolCalls(protocol).of(start, situation);
  }

  private List<String> of(ProtocolWorld start, Situation situation) {
    ProtocolWorld found =
        switch (situation) {
          case PLAIN -> start;
          case OWN_SUCCESSOR -> worldAfter(start, "A", true);
          case ANOTHERS_SUCCESSOR -> worldAfter(start, "B", true);
          case DONE -> worldAfter(start, "A", false);
        };
    ProtocolWorld world = found;
    ProtocolDelivery delivery = beginnings.of("A", false);
    while (delivery.ending().isEmpty()) {
      ProtocolWorld.Effect effect = world.call(delivery.next());
      world = effect.after();
      delivery = delivery.after(effect.answer(), world);
    }
    return delivery.calls().stream().map(Call::action).toList();
  }

  private ProtocolWorld worldAfter(ProtocolWorld start, String request, boolean crashesWhenStored) {
    ProtocolWorld world = start;
    ProtocolDelivery delivery = beginnings.of(request, false);
    Optional<Call> last = Optional.empty();
    while (delivery.ending().isEmpty()
        && !(crashesWhenStored && last.filter(call -> call instanceof Call.Put).isPresent())) {
      last = Optional.of(delivery.next());
      ProtocolWorld.Effect effect = world.call(delivery.next());
      world = effect.after();
      delivery = delivery.after(effect.answer(), world);
    }
    return world;
  }
}
