package keyrotation;

import static java.util.stream.Collectors.joining;
import static keyrotation.ProtocolModel.ANYWHERE;
import static keyrotation.ProtocolModel.CURRENT;
import static keyrotation.ProtocolModel.PENDING;
import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Seen;

/**
 * The secret, and Momento's keys.
 *
 * @param versions oldest first
 * @param holders which version has a label
 * @param everCurrent the versions that are or have been current
 * @param parents which key each was refreshed from; below zero if from none
 * @param lost the keys that were lost by a crash before they were stored
 */
record ProtocolState(
    boolean tokensAreReusable,
    List<Version> versions,
    SortedMap<String, String> holders,
    SortedSet<String> everCurrent,
    List<Integer> parents,
    SortedSet<Integer> lost) {

  private static final int OPERATORS = -1;
  private static final int FREE = -2;

  /** A version of the secret; it never changes. */
  record Version(String id, int key) {}

  /** What a call does: its answer, and the state after it. */
  record Effect(Answer answer, ProtocolState after) {}

  /** Returns the states to start from: one version; and another before it, related to it or not. */
  static List<ProtocolState> starts(boolean tokensAreReusable) {
    ProtocolState empty = empty(tokensAreReusable);
    ProtocolState previous = empty.stored("P0");
    ProtocolState refreshed = previous.withKeyOf(0);
    ProtocolState rotated = refreshed.call(new Call.Put("C0", 1, CURRENT)).after();
    return List.of(empty.stored("C0"), rotated, previous.stored("C0"));
  }

  static ProtocolState empty(boolean tokensAreReusable) {
    return new ProtocolState(
        tokensAreReusable, List.of(), new TreeMap<>(), new TreeSet<>(), List.of(), new TreeSet<>());
  }

  Effect call(Call call) {
    return switch (call) {
      case Call.Describe() -> new Effect(new Answer.Labels(holders, everCurrent), this);
      case Call.Look(String id) -> new Effect(new Answer.Found(look(id, true)), this);
      case Call.Value(String id) -> new Effect(new Answer.Found(look(id, false)), this);
      case Call.Probe _, Call.Verify _ -> new Effect(new Answer.Changed(false), this);
      case Call.Put(String id, int key, String label) -> put(id, key, label);
      case Call.Move(String label, Optional<String> from, Optional<String> to) ->
          move(label, from, to);
      case Call.Refresh(int key) -> refresh(key);
    };
  }

  private Optional<Seen> look(String id, boolean withLabels) {
    for (int i = 0; i < versions.size(); i++) {
      if (versions.get(i).id.equals(id)) {
        SortedSet<String> labels = new TreeSet<>();
        if (withLabels) {
          labels.addAll(holders.keySet());
          labels.removeIf(label -> !id.equals(holders.get(label)));
        }
        return Optional.of(new Seen(id, versions.get(i).key, i, labels));
      }
    }
    return Optional.empty();
  }

  private Effect put(String id, int key, String label) {
    Optional<Seen> present = look(id, false);
    if (present.isPresent()) {
      return new Effect(new Answer.Changed(present.get().key() == key), this);
    }
    List<Version> more = new ArrayList<>(versions);
    more.add(new Version(id, key));
    ProtocolState after =
        new ProtocolState(
            tokensAreReusable, List.copyOf(more), holders, everCurrent, parents, lost);
    SortedMap<String, String> relabelled = new TreeMap<>(holders);
    if (label.equals(CURRENT)) {
      relabelled.remove(PENDING, holders.get(CURRENT));
    }
    return new Effect(new Answer.Changed(true), after.with(relabelled, label, id));
  }

  private Effect move(String label, Optional<String> from, Optional<String> to) {
    Optional<String> holder = Optional.ofNullable(holders.get(label));
    if (!from.equals(Optional.of(ANYWHERE)) && !holder.equals(from)) {
      return new Effect(new Answer.Changed(false), this);
    }
    if (to.isPresent()) {
      return new Effect(new Answer.Changed(true), with(new TreeMap<>(holders), label, to.get()));
    }
    SortedMap<String, String> left = new TreeMap<>(holders);
    left.remove(label);
    return new Effect(
        new Answer.Changed(true),
        new ProtocolState(tokensAreReusable, versions, left, everCurrent, parents, lost));
  }

  /** Labels a version, and the one before it as previous if the label is AWSCURRENT. */
  private ProtocolState with(SortedMap<String, String> relabelled, String label, String id) {
    String before = relabelled.put(label, id);
    SortedSet<String> current = everCurrent;
    if (label.equals(CURRENT)) {
      if (before != null && !before.equals(id)) {
        relabelled.put(PREVIOUS, before);
      }
      current = new TreeSet<>(everCurrent);
      current.add(id);
    }
    return new ProtocolState(
        tokensAreReusable,
        versions,
        Collections.unmodifiableSortedMap(relabelled),
        Collections.unmodifiableSortedSet(current),
        parents,
        lost);
  }

  private Effect refresh(int key) {
    if (!tokensAreReusable && parents.contains(key)) {
      return new Effect(new Answer.Made(Optional.empty()), this);
    }
    int free = parents.indexOf(FREE);
    return free < 0
        ? new Effect(new Answer.Made(Optional.of(parents.size())), withKeyOf(key))
        : new Effect(new Answer.Made(Optional.of(free)), withParent(free, key));
  }

  /** Adds a key that is refreshed from another, or issued by the operator. */
  ProtocolState withKeyOf(int parent) {
    List<Integer> more = new ArrayList<>(parents);
    more.add(parent);
    return new ProtocolState(
        tokensAreReusable, versions, holders, everCurrent, List.copyOf(more), lost);
  }

  private ProtocolState withParent(int key, int parent) {
    List<Integer> others = new ArrayList<>(parents);
    others.set(key, parent);
    return new ProtocolState(
        tokensAreReusable, versions, holders, everCurrent, List.copyOf(others), lost);
  }

  /** Loses a key. If it has not cost anything, it is as if it had never been made. */
  ProtocolState withLost(int key) {
    if (tokensAreReusable) {
      return withParent(key, FREE);
    }
    SortedSet<Integer> more = new TreeSet<>(lost);
    more.add(key);
    return new ProtocolState(tokensAreReusable, versions, holders, everCurrent, parents, more);
  }

  /** The operator stores a fresh key, which becomes current. */
  ProtocolState stored(String id) {
    return withKeyOf(OPERATORS).put(id, parents.size(), CURRENT).after;
  }

  /** The operator rolls back to the previous version. */
  ProtocolState rolledBack() {
    return move(
            CURRENT,
            Optional.ofNullable(holders.get(CURRENT)),
            Optional.ofNullable(holders.get(PREVIOUS)))
        .after;
  }

  Optional<String> holder(String label) {
    return Optional.ofNullable(holders.get(label));
  }

  int currentKey() {
    return keyIn(holder(CURRENT).orElseThrow());
  }

  int keyIn(String id) {
    return look(id, false).orElseThrow().key();
  }

  int parentOf(int key) {
    return parents.get(key);
  }

  @Override
  public String toString() {
    return holders.entrySet().stream()
        .map(e -> e.getKey() + " on " + e.getValue() + " (key " + keyIn(e.getValue()) + ")")
        .collect(joining(", "));
  }
}
