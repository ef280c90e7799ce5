package keyrotation;

import static keyrotation.ProtocolModel.CURRENT;
import static keyrotation.ProtocolModel.Outcome.ALREADY_ROTATED;
import static keyrotation.ProtocolModel.Outcome.REFRESH_REJECTED;
import static keyrotation.ProtocolModel.Outcome.RESUMED;
import static keyrotation.ProtocolModel.Outcome.ROTATED;
import static keyrotation.ProtocolModel.Outcome.SUPERSEDED;
import static keyrotation.ProtocolModel.PENDING;
import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.Optional;
import java.util.Set;
import keyrotation.ProtocolModel.Answer.Labels;
import keyrotation.ProtocolModel.Calls;
import keyrotation.ProtocolModel.Outcome;
import keyrotation.ProtocolModel.Protocol;
import keyrotation.ProtocolModel.Seen;

/**
 * The protocol with two labels: AWSPENDING on the new version, and MOMENTO_REFRESHED on the one
 * that the new key was refreshed from.
 */
final class ProtocolTwoLabels implements Protocol {

  private static final String REFRESHED = "MOMENTO_REFRESHED";
  private static final int MAX_DROPS = 3;

  private record Target(String id, Optional<Seen> stored) {}

  @Override
  public Outcome deliver(Calls calls, String request) {
    return rotate(calls, request, MAX_DROPS);
  }

  private static Outcome rotate(Calls calls, String request, int dropsLeft) {
    Labels seen = calls.describe();
    Seen current = calls.value(seen.current());
    Optional<Target> chosen = chooseTarget(calls, request, seen, current);
    if (chosen.isEmpty()) {
      return ALREADY_ROTATED;
    }
    String target = chosen.get().id;
    Optional<Seen> pending = chosen.get().stored.or(() -> unfinished(calls, seen, current));
    if (pending.isPresent()) {
      if (!isMadeOf(calls, seen, pending.get(), current) || pending.get().key() == current.key()) {
        if (dropsLeft == 0) {
          return SUPERSEDED;
        }
        var _ = calls.takeOff(PENDING, pending.get().id());
        return rotate(calls, request, dropsLeft - 1);
      }
      calls.verify(pending.get().key());
      if (!pending.get().id().equals(target)) {
        var _ = calls.put(target, pending.get().key(), PENDING);
      }
      return promote(calls, current, target, RESUMED);
    }
    calls.probe(current.id());
    if (!mark(calls, seen, current)) {
      return SUPERSEDED;
    }
    Optional<Integer> made = calls.refresh(current.key());
    if (made.isEmpty()) {
      return rejected(calls, current);
    }
    var _ = calls.put(target, made.get(), PENDING);
    return promote(calls, current, target, ROTATED);
  }

  private static Optional<Target> chooseTarget(
      Calls calls, String request, Labels seen, Seen current) {
    for (int n = 0; !current.id().equals(request + n); n++) {
      String id = request + n;
      Optional<Seen> present = calls.look(id);
      if (present.isEmpty()) {
        return Optional.of(new Target(id, Optional.empty()));
      }
      Set<String> labels = present.get().labels();
      if (labels.contains(CURRENT)
          || labels.contains(PREVIOUS)
          || seen.previous().equals(Optional.of(id))
          || present.get().created() <= current.created()
          || seen.previous()
              .filter(previous -> calls.value(previous).created() > present.get().created())
              .isPresent()) {
        return Optional.empty();
      }
      if (labels.contains(PENDING)) {
        return Optional.of(new Target(id, present));
      }
    }
    return Optional.empty();
  }

  private static Optional<Seen> unfinished(Calls calls, Labels seen, Seen current) {
    return seen.holder(PENDING)
        .filter(id -> !id.equals(current.id()))
        .flatMap(calls::look)
        .filter(version -> version.labels().contains(PENDING))
        .filter(version -> !version.labels().contains(PREVIOUS))
        .filter(version -> version.created() > current.created());
  }

  private static boolean isMadeOf(Calls calls, Labels seen, Seen pending, Seen current) {
    return pending.created() > current.created()
        && (isMarked(seen, current) || isMarked(calls.describe(), current));
  }

  private static boolean isMarked(Labels seen, Seen current) {
    return seen.holder(REFRESHED).equals(Optional.of(current.id()));
  }

  private static boolean mark(Calls calls, Labels seen, Seen current) {
    return isMarked(seen, current)
        || calls.move(REFRESHED, seen.holder(REFRESHED), current.id())
        || isMarked(calls.describe(), current);
  }

  private static Outcome rejected(Calls calls, Seen current) {
    Labels now = calls.describe();
    boolean isOvertaken =
        !now.current().equals(current.id()) || unfinished(calls, now, current).isPresent();
    return isOvertaken ? SUPERSEDED : REFRESH_REJECTED;
  }

  private static Outcome promote(Calls calls, Seen current, String target, Outcome outcome) {
    calls.verify(calls.readBack(target).key());
    if (calls.move(CURRENT, Optional.of(current.id()), target)
        || calls.describe().current().equals(target)) {
      return outcome;
    }
    var _ = calls.takeOff(PENDING, target);
    return SUPERSEDED;
  }
}
