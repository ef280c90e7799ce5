package keyrotation;

import static keyrotation.ProtocolModel.ANYWHERE;
import static keyrotation.ProtocolModel.CURRENT;
import static keyrotation.ProtocolModel.Outcome.ALREADY_ROTATED;
import static keyrotation.ProtocolModel.Outcome.NOT_DUE;
import static keyrotation.ProtocolModel.Outcome.REFRESH_REJECTED;
import static keyrotation.ProtocolModel.Outcome.RESUMED;
import static keyrotation.ProtocolModel.Outcome.ROTATED;
import static keyrotation.ProtocolModel.Outcome.SUPERSEDED;
import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import keyrotation.ProtocolModel.Answer.Labels;
import keyrotation.ProtocolModel.Calls;
import keyrotation.ProtocolModel.Outcome;
import keyrotation.ProtocolModel.Protocol;
import keyrotation.ProtocolModel.Seen;

/**
 * The protocol with one label of its own: the version that is to replace C is labelled REPLACES_C.
 */
final class ProtocolOneLabel implements Protocol {

  static final String REPLACES = "REPLACES_";

  /** A rule of the protocol, which can be left out to see what it is good for. */
  enum Guard {
    /** The label names the version that is to be replaced. */
    LABEL_NAMES_SOURCE,
    /** A label on the current or the previous version is taken off first. */
    TIDIES,
    /**
     * A successor that holds the previous version's key is one that the operator rolled back from.
     */
    KNOWS_COPIES,
    /** A version of this request that is no younger than the current one has been current. */
    OLDER_THAN_CURRENT_IS_DONE,
    /** A version of this request that has lost its label, and has no heir, has been current. */
    UNLABELLED_IS_DONE,
    /** A key that is refused, as its version is there already, is stored under the next id. */
    GOES_ON_IF_REFUSED,
    /** A rotation resumes with a successor that is there. */
    RESUMES,
    /** It is stored under the id of the request that resumes with it. */
    ADOPTS,
    /** What was described first must still hold before the new version is promoted. */
    LOOKS_AGAIN,
    /** AWSCURRENT is moved only from the version that is to be replaced. */
    COMPARES,
    /** The label is taken off what was promoted. */
    TAKES_LABEL_OFF
  }

  /** Where a request stores its key. If it holds one already, the request resumes with that. */
  private record Target(String request, int number, boolean isTaken) {
    String id() {
      return request + number;
    }
  }

  private final Set<Guard> guards;
  private final Set<String> scheduled;

  private ProtocolOneLabel(Set<Guard> guards, Set<String> scheduled) {
    this.guards = guards;
    this.scheduled = scheduled;
  }

  /** Returns the protocol as it is, in which every request is manual. */
  static ProtocolOneLabel intact() {
    return new ProtocolOneLabel(EnumSet.allOf(Guard.class), Set.of());
  }

  /** Returns the protocol as it is, in which some requests come from a schedule. */
  static ProtocolOneLabel withScheduled(String... requests) {
    return new ProtocolOneLabel(EnumSet.allOf(Guard.class), Set.of(requests));
  }

  /** Returns the protocol without one of its rules. */
  static ProtocolOneLabel without(Guard guard) {
    return new ProtocolOneLabel(EnumSet.complementOf(EnumSet.of(guard)), Set.of());
  }

  @Override
  public Outcome deliver(Calls calls, String request) {
    Labels described = tidied(calls, calls.describe());
    Seen current = calls.value(described.current());
    Labels seen = withoutCopy(calls, described, current);
    Optional<Target> chosen = chooseTarget(calls, request, seen, current);
    if (chosen.isEmpty()) {
      return ALREADY_ROTATED;
    }
    if (scheduled.contains(request) && isRolledBack(calls, seen, current)) {
      return NOT_DUE;
    }
    String target = chosen.get().id();
    Optional<String> successor =
        chosen.get().isTaken ? Optional.of(target) : successor(seen, current);
    if (successor.isPresent()) {
      calls.verify(calls.value(successor.get()).key());
      if (has(Guard.ADOPTS)) {
        target = adopt(calls, current, successor.get(), chosen.get());
      } else {
        target = successor.get();
      }
    } else {
      calls.probe(current.id());
      Optional<Integer> made = calls.refresh(current.key());
      if (made.isEmpty()) {
        return rejected(calls, current);
      }
      target = store(calls, chosen.get(), made.get(), replaces(current));
    }
    calls.verify(calls.readBack(target).key());
    return promote(calls, seen, current, target, successor.isPresent() ? RESUMED : ROTATED);
  }

  private Labels tidied(Calls calls, Labels seen) {
    if (!has(Guard.TIDIES)) {
      return seen;
    }
    SortedMap<String, String> left = new TreeMap<>(seen.holders());
    seen.holders()
        .forEach(
            (label, holder) -> {
              if (label.startsWith(REPLACES) && isOrWasCurrent(seen, holder)) {
                var _ = calls.takeOff(label, holder);
                left.remove(label);
              }
            });
    return new Labels(left, seen.everCurrent());
  }

  private Labels withoutCopy(Calls calls, Labels seen, Seen current) {
    Optional<String> successor = successor(seen, current);
    if (!has(Guard.KNOWS_COPIES)
        || successor.isEmpty()
        || seen.previous().isEmpty()
        || calls.value(successor.get()).key() != calls.value(seen.previous().get()).key()) {
      return seen;
    }
    var _ = calls.takeOff(replaces(current), successor.get());
    SortedMap<String, String> left = new TreeMap<>(seen.holders());
    left.remove(replaces(current));
    return new Labels(left, seen.everCurrent());
  }

  private Optional<Target> chooseTarget(Calls calls, String request, Labels seen, Seen current) {
    for (int n = 0; ; n++) {
      String id = request + n;
      if (isOrWasCurrent(seen, id)) {
        return Optional.empty();
      }
      Optional<Seen> present = calls.look(id);
      if (present.isEmpty()) {
        return Optional.of(new Target(request, n, false));
      }
      if (present.get().labels().contains(replaces(current))) {
        return Optional.of(new Target(request, n, true));
      }
      if (hasBeenCurrent(present.get(), seen, current)) {
        return Optional.empty();
      }
    }
  }

  private boolean hasBeenCurrent(Seen present, Labels seen, Seen current) {
    if (present.labels().contains(CURRENT)
        || present.labels().contains(PREVIOUS)
        || present.labels().stream().anyMatch(label -> label.startsWith(REPLACES))) {
      return true;
    }
    if (has(Guard.UNLABELLED_IS_DONE) && isDone(seen, current)) {
      return true;
    }
    return has(Guard.OLDER_THAN_CURRENT_IS_DONE) && present.created() <= current.created();
  }

  private boolean isDone(Labels seen, Seen current) {
    return successor(seen, current).isEmpty();
  }

  private static boolean isRolledBack(Calls calls, Labels seen, Seen current) {
    return seen.previous()
        .filter(previous -> calls.value(previous).created() > current.created())
        .isPresent();
  }

  private Optional<String> successor(Labels seen, Seen current) {
    if (!has(Guard.RESUMES)) {
      return Optional.empty();
    }
    return seen.holder(replaces(current)).filter(id -> !isOrWasCurrent(seen, id));
  }

  private String adopt(Calls calls, Seen current, String successor, Target target) {
    return successor.equals(target.id())
        ? successor
        : store(calls, target, calls.value(successor).key(), replaces(current));
  }

  /**
   * Stores a key. A version that another delivery of the request has made is left alone: if it is a
   * successor of the same source, or was promoted, its key is as good; else the next id is tried.
   */
  private String store(Calls calls, Target target, int key, String label) {
    int number = target.number;
    while (!calls.put(target.request + number, key, label) && has(Guard.GOES_ON_IF_REFUSED)) {
      var taken = calls.look(target.request + number).orElseThrow().labels();
      if (taken.contains(label) || taken.contains(CURRENT) || taken.contains(PREVIOUS)) {
        break;
      }
      number++;
    }
    return target.request + number;
  }

  private Outcome rejected(Calls calls, Seen current) {
    Labels now = calls.describe();
    boolean isOvertaken =
        !now.current().equals(current.id()) || successor(now, current).isPresent();
    return isOvertaken ? SUPERSEDED : REFRESH_REJECTED;
  }

  private Outcome promote(Calls calls, Labels seen, Seen current, String target, Outcome outcome) {
    Labels now = calls.describe();
    boolean isDone = now.current().equals(target);
    boolean isUnchanged =
        now.current().equals(current.id()) && now.previous().equals(seen.previous());
    String from = has(Guard.COMPARES) ? current.id() : ANYWHERE;
    if (!isDone
        && ((has(Guard.LOOKS_AGAIN) && !isUnchanged)
            || (!calls.move(CURRENT, Optional.of(from), target)
                && !calls.describe().current().equals(target)))) {
      return SUPERSEDED;
    }
    if (has(Guard.TAKES_LABEL_OFF)) {
      var _ = calls.takeOff(replaces(current), target);
    }
    return outcome;
  }

  /** Returns how many labels of the protocol's own there are. */
  static int labels(ProtocolState state) {
    int own = 0;
    for (String label : state.holders().keySet()) {
      own += label.startsWith(REPLACES) ? 1 : 0;
    }
    return own;
  }

  private static boolean isOrWasCurrent(Labels seen, String id) {
    return List.of(CURRENT, PREVIOUS).stream()
        .anyMatch(label -> seen.holder(label).equals(Optional.of(id)));
  }

  private String replaces(Seen current) {
    return REPLACES + (has(Guard.LABEL_NAMES_SOURCE) ? current.id() : "");
  }

  private boolean has(Guard guard) {
    return guards.contains(guard);
  }
}
