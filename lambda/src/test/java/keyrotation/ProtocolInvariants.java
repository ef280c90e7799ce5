package keyrotation;

import static keyrotation.ProtocolModel.CURRENT;
import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.stream.IntStream;
import keyrotation.ProtocolDelivery.Deliveries;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Outcome;

/** The invariants of a rotation protocol, and whether a call or an end violates one. */
final class ProtocolInvariants {

  /** What must not happen. */
  enum Violation {
    /** A request promotes a key that was not refreshed from the current one. */
    OLDER_KEY_OVERRULES("an older key overrules the operator's"),
    /** The current key cannot be replaced, though neither a crash nor a rollback explains that. */
    KEY_IS_LOST("a key is lost"),
    /** A request that was done is delivered again, and refreshes or promotes. */
    REQUEST_IS_DONE_TWICE("a request is done twice"),
    /** A request promotes a version that had been current when it looked last. */
    VERSION_COMES_BACK("a version comes back"),
    /** A request promotes a key that had been current, in another version, when it looked last. */
    KEY_COMES_BACK("a key comes back in another version"),
    /** A label of the protocol's own stays on the current or the previous version. */
    LABEL_STAYS("a label stays");

    private final String words;

    Violation(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /** A violation that further requests bring to light, and their steps. */
  record Aftermath(Violation violation, List<String> steps) {}

  /** The requests that come when the two have ended, one after the other and without a fault. */
  private static final List<String> FURTHER = List.of("X", "Y");

  /** Returns what a call violates. */
  static Optional<Violation> violatedBy(
      ProtocolState before, ProtocolDelivery delivery, Call call, Answer answer) {
    return switch (call) {
      case Call.Refresh _ when delivery.isLate() -> Optional.of(Violation.REQUEST_IS_DONE_TWICE);
      case Call.Move(String label, _, Optional<String> to)
          when label.equals(CURRENT) && answer.equals(new Answer.Changed(true)) ->
          violatedByPromotion(before, delivery, to.orElseThrow());
      default -> Optional.empty();
    };
  }

  private static Optional<Violation> violatedByPromotion(
      ProtocolState before, ProtocolDelivery delivery, String promoted) {
    int key = before.keyIn(promoted);
    // What the operator has done since the last look can't be seen, and so is not counted.
    SortedSet<String> everCurrent = delivery.everCurrentAtLastLook();
    if (before.parentOf(key) != before.currentKey()) {
      return Optional.of(Violation.OLDER_KEY_OVERRULES);
    }
    if (delivery.isLate()) {
      return Optional.of(Violation.REQUEST_IS_DONE_TWICE);
    }
    if (everCurrent.contains(promoted)) {
      return Optional.of(Violation.VERSION_COMES_BACK);
    }
    return everCurrent.stream().anyMatch(id -> before.keyIn(id) == key)
        ? Optional.of(Violation.KEY_COMES_BACK)
        : Optional.empty();
  }

  /** Makes further requests, and returns the violation that they bring to light. */
  static Optional<Aftermath> violatedAfter(ProtocolState end, Deliveries deliveries) {
    List<String> steps = new ArrayList<>();
    ProtocolState state = end;
    Outcome outcome = Outcome.CRASHED;
    for (String request : FURTHER) {
      ProtocolDelivery delivery = deliveries.of(request, false);
      while (delivery.outcome().isEmpty()) {
        Call call = delivery.next();
        ProtocolState.Effect effect = state.call(call);
        Optional<Violation> violation = violatedBy(state, delivery, call, effect.answer());
        state = effect.after();
        delivery = delivery.after(effect.answer(), state);
        steps.add(
            "%s %s%s -> %s"
                .formatted(
                    request, ProtocolModel.words(call, effect.answer()), delivery.words(), state));
        if (violation.isPresent()) {
          return Optional.of(new Aftermath(violation.get(), steps));
        }
      }
      outcome = delivery.outcome().get();
    }
    return violatedAtEnd(state, outcome).map(violation -> new Aftermath(violation, steps));
  }

  private static Optional<Violation> violatedAtEnd(ProtocolState state, Outcome outcome) {
    if (!outcome.isDone() && !(outcome == Outcome.REFRESH_REJECTED && isExcused(state))) {
      return Optional.of(Violation.KEY_IS_LOST);
    }
    return labelStays(state) ? Optional.of(Violation.LABEL_STAYS) : Optional.empty();
  }

  /**
   * Tells whether all keys refreshed from the current one were lost by a crash, or were current
   * once.
   */
  private static boolean isExcused(ProtocolState state) {
    return IntStream.range(0, state.parents().size())
        .filter(key -> state.parentOf(key) == state.currentKey())
        .allMatch(
            key ->
                state.lost().contains(key)
                    || state.everCurrent().stream().anyMatch(id -> state.keyIn(id) == key));
  }

  private static boolean labelStays(ProtocolState state) {
    return state.holders().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(ProtocolOneLabel.REPLACES))
        .map(entry -> Optional.of(entry.getValue()))
        .anyMatch(id -> id.equals(state.holder(CURRENT)) || id.equals(state.holder(PREVIOUS)));
  }

  private ProtocolInvariants() {}
}
