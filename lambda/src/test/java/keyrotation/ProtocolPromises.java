package keyrotation;

import static keyrotation.ProtocolModel.CURRENT;
import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.stream.IntStream;
import keyrotation.ProtocolDelivery.Beginnings;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Ending;

/** What a protocol of rotation promises, and whether a call or an end breaks it. */
final class ProtocolPromises {

  /** What must not come about. */
  enum Violation {
    /** A request promotes a key that was not made of the current one. */
    OLDER_KEY_OVERRULES("an older key overrules the operator's"),
    /** The current key can't be replaced, though neither a crash nor a way back explains that. */
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

  /** Returns what a call breaks. */
  static Optional<Violation> brokenBy(
      ProtocolWorld before, ProtocolDelivery delivery, Call call, Answer answer) {
    return switch (call) {
      case Call.Refresh _ when delivery.isLate() -> Optional.of(Violation.REQUEST_IS_DONE_TWICE);
      case Call.Move(String label, _, Optional<String> to)
          when label.equals(CURRENT) && answer.equals(new Answer.Changed(true)) ->
          brokenByPromotion(before, delivery, to.orElseThrow());
      default -> Optional.empty();
    };
  }

  private static Optional<Violation> brokenByPromotion(
      ProtocolWorld before, ProtocolDelivery delivery, String promoted) {
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

  /** Makes further requests, and returns what they find broken. */
  static Optional<Aftermath> brokenAfter(ProtocolWorld end, Beginnings beginnings) {
    List<String> steps = new ArrayList<>();
    ProtocolWorld world = end;
    Ending ending = Ending.CRASHED;
    for (String request : FURTHER) {
      ProtocolDelivery delivery = beginnings.of(request, false);
      while (delivery.ending().isEmpty()) {
        Call call = delivery.next();
        ProtocolWorld.Effect effect = world.call(call);
        Optional<Violation> broken = brokenBy(world, delivery, call, effect.answer());
        world = effect.after();
        delivery = delivery.after(effect.answer(), world);
        steps.add(
            "%s %s%s -> %s"
                .formatted(
                    request, ProtocolModel.words(call, effect.answer()), delivery.words(), world));
        if (broken.isPresent()) {
          return Optional.of(new Aftermath(broken.get(), steps));
        }
      }
      ending = delivery.ending().get();
    }
    return brokenAtEnd(world, ending).map(violation -> new Aftermath(violation, steps));
  }

  private static Optional<Violation> brokenAtEnd(ProtocolWorld world, Ending ending) {
    if (!ending.isDone() && !(ending == Ending.REFRESH_REJECTED && isExcused(world))) {
      return Optional.of(Violation.KEY_IS_LOST);
    }
    return labelStays(world) ? Optional.of(Violation.LABEL_STAYS) : Optional.empty();
  }

  /** Tells whether all keys made of the current one were lost by a crash, or were current once. */
  private static boolean isExcused(ProtocolWorld world) {
    return IntStream.range(0, world.parents().size())
        .filter(key -> world.parentOf(key) == world.currentKey())
        .allMatch(
            key ->
                world.lost().contains(key)
                    || world.everCurrent().stream().anyMatch(id -> world.keyIn(id) == key));
  }

  private static boolean labelStays(ProtocolWorld world) {
    return world.holders().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(ProtocolOneLabel.REPLACES))
        .map(entry -> Optional.of(entry.getValue()))
        .anyMatch(id -> id.equals(world.holder(CURRENT)) || id.equals(world.holder(PREVIOUS)));
  }

  private ProtocolPromises() {}
}
