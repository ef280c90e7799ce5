package keyrotation;

import static keyrotation.ProtocolModel.PREVIOUS;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import keyrotation.ProtocolDelivery.Deliveries;
import keyrotation.ProtocolInvariants.Aftermath;
import keyrotation.ProtocolInvariants.Violation;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Outcome;
import keyrotation.ProtocolModel.Protocol;
import org.jspecify.annotations.Nullable;

/**
 * Tries all interleavings of two deliveries, an operator and crashes, breadth first, and looks for
 * those that violate an invariant.
 */
final class ProtocolSearch {

  /**
   * What there is to be tried.
   *
   * @param sameRequest whether one request is delivered twice at once, instead of two requests
   * @param acts how often the operator acts at most
   * @param crashes how many deliveries crash at most, for good or to be made again
   */
  record Bounds(boolean tokensAreReusable, boolean sameRequest, int acts, int crashes) {

    /** How often a delivery that has ended is made again, at most. */
    private static final int REPEATS = 1;

    @Override
    public String toString() {
      return "%s tokens, %s, acts: %d, crashes: %d"
          .formatted(
              tokensAreReusable ? "reusable" : "single-use",
              sameRequest ? "one request twice" : "two requests",
              acts,
              crashes);
    }
  }

  /** The trace of a violation: of those with the fewest crashes, and then acts, the shortest. */
  record Trace(int crashes, int acts, List<String> steps) {
    @Override
    public String toString() {
      return "%d crashes, %d acts:%n  %s".formatted(crashes, acts, String.join("\n  ", steps));
    }
  }

  /**
   * What was found.
   *
   * @param maxLabels how many labels REPLACES there were at most
   */
  record Findings(int states, int maxLabels, Map<Violation, Trace> violations) {}

  /**
   * Where everything is.
   *
   * @param done a bit for each request that has ended as rotated or resumed
   */
  private record Node(
      IndexedState indexed,
      ProtocolDelivery one,
      ProtocolDelivery other,
      int done,
      int acts,
      int crashes,
      int repeats) {

    // A record's own are slow, and leave too many nodes alike.
    @Override
    public int hashCode() {
      int hash = (indexed.number * 0x9E3779B1 + one.number) * 0x85EBCA6B + other.number;
      int counts = done + (acts << 4) + (crashes << 8) + (repeats << 12);
      return (hash * 0xC2B2AE35 + counts) * 0x27D4EB2F;
    }

    @Override
    public boolean equals(@Nullable Object object) {
      return object instanceof Node that
          && indexed == that.indexed
          && one == that.one
          && other == that.other
          && done == that.done
          && acts == that.acts
          && crashes == that.crashes
          && repeats == that.repeats;
    }

    /** Returns the node after a step of one of the deliveries. */
    Node with(
        IndexedState after, ProtocolDelivery delivery, boolean isOther, int crash, int repeat) {
      boolean isDone = delivery.outcome().filter(Outcome::isDone).isPresent();
      return new Node(
          after,
          isOther ? one : delivery,
          isOther ? delivery : other,
          isDone ? done | bit(delivery) : done,
          acts,
          crashes + crash,
          repeats + repeat);
    }

    boolean isDone(ProtocolDelivery delivery) {
      return (done & bit(delivery)) != 0;
    }

    private static int bit(ProtocolDelivery delivery) {
      return delivery.request().equals("A") ? 1 : 2;
    }
  }

  /** A step from one node to the next. */
  private record Step(
      String who, Supplier<String> what, Node after, Optional<Violation> violation) {
    String words() {
      return "%s %s -> %s%s"
          .formatted(who, what.get(), after.indexed.state, violation.map(v -> ": " + v).orElse(""));
    }
  }

  /** A state, and where each call leads from it. There is one object for each state. */
  private static final class IndexedState {
    private final ProtocolState state;
    private final int number;
    private final IdentityHashMap<Call, Transition> transitions = new IdentityHashMap<>();

    IndexedState(ProtocolState state, int number) {
      this.state = state;
      this.number = number;
    }
  }

  /** Where a call leads, and how the deliveries that make it go on. */
  private record Transition(
      Answer answer, IndexedState to, Map<ProtocolDelivery, ProtocolDelivery> followers) {}

  private final Bounds bounds;
  private final Deliveries deliveries;
  private final Map<ProtocolState, IndexedState> states = new HashMap<>();
  private final Map<IndexedState, Optional<Aftermath>> aftermaths = new HashMap<>();
  private final Map<Node, Node> cameFrom = new HashMap<>();
  private final ArrayDeque<Node> queue = new ArrayDeque<>();
  private final Map<Violation, Trace> violations = new EnumMap<>(Violation.class);

  private ProtocolSearch(Protocol protocol, Bounds bounds) {
    this.bounds = bounds;
    this.deliveries = new Deliveries(protocol);
  }

  /** Searches all that there is within the bounds. */
  static Findings search(Protocol protocol, Bounds bounds) {
    return new ProtocolSearch(protocol, bounds).search();
  }

  private Findings search() {
    for (ProtocolState start : ProtocolState.starts(bounds.tokensAreReusable)) {
      ProtocolDelivery one = deliveries.of("A", false);
      ProtocolDelivery other = deliveries.of(bounds.sameRequest ? "A" : "B", false);
      Node first = new Node(indexed(start), one, other, 0, 0, 0, 0);
      cameFrom.put(first, first);
      queue.add(first);
    }
    while (!queue.isEmpty()) {
      Node node = queue.remove();
      if (node.one.outcome().isPresent() && node.other.outcome().isPresent()) {
        aftermath(node.indexed).ifPresent(found -> note(found.violation(), node, found.steps()));
      }
      for (Step step : steps(node)) {
        if (step.violation.isPresent()) {
          note(step.violation.get(), node, List.of(step.words()));
        } else if (cameFrom.putIfAbsent(step.after, node) == null) {
          queue.add(step.after);
        }
      }
    }
    int maxLabels = states.keySet().stream().mapToInt(ProtocolOneLabel::labels).max().orElse(0);
    return new Findings(cameFrom.size(), maxLabels, violations);
  }

  private List<Step> steps(Node node) {
    List<Step> steps = new ArrayList<>();
    addSteps(node, node.one, false, steps);
    addSteps(node, node.other, true, steps);
    if (node.acts < bounds.acts) {
      ProtocolState state = node.indexed.state;
      steps.add(act(node, "stores a key", state.stored("O" + (node.acts + 1))));
      if (state.holder(PREVIOUS).isPresent()) {
        steps.add(act(node, "rolls back", state.rolledBack()));
      }
    }
    return steps;
  }

  private Step act(Node node, String what, ProtocolState after) {
    Node acted =
        new Node(
            indexed(after),
            node.one,
            node.other,
            node.done,
            node.acts + 1,
            node.crashes,
            node.repeats);
    return new Step("Operator", () -> what, acted, Optional.empty());
  }

  private void addSteps(Node node, ProtocolDelivery delivery, boolean isOther, List<Step> steps) {
    String who = delivery.request() + (bounds.sameRequest && isOther ? "'" : "");
    ProtocolDelivery anew =
        deliveries.of(delivery.request(), delivery.isLate() || node.isDone(delivery));
    if (delivery.outcome().isPresent()) {
      if (delivery.outcome().get().mayBeRepeated() && node.repeats < Bounds.REPEATS) {
        Node again = node.with(node.indexed, anew, isOther, 0, 1);
        steps.add(new Step(who, () -> "is delivered again", again, Optional.empty()));
      }
      return;
    }
    steps.add(call(node, delivery, isOther, who));
    if (delivery.hasBegun() && node.crashes < bounds.crashes) {
      IndexedState left =
          delivery
              .keyInHand()
              .map(key -> indexed(node.indexed.state.withLost(key)))
              .orElse(node.indexed);
      Node again = node.with(left, anew, isOther, 1, 0);
      steps.add(new Step(who, () -> "crashes, and is delivered again", again, Optional.empty()));
      Node crashed = node.with(left, delivery.crashed(), isOther, 1, 0);
      steps.add(new Step(who, () -> "crashes for good", crashed, Optional.empty()));
    }
  }

  private Step call(Node node, ProtocolDelivery delivery, boolean isOther, String who) {
    Call call = delivery.next();
    ProtocolState before = node.indexed.state;
    Transition transition =
        node.indexed.transitions.computeIfAbsent(call, _ -> transition(before, call));
    ProtocolDelivery next =
        transition.followers.computeIfAbsent(
            delivery, _ -> delivery.after(transition.answer, transition.to.state));
    return new Step(
        who,
        () -> ProtocolModel.words(call, transition.answer) + next.words(),
        node.with(transition.to, next, isOther, 0, 0),
        ProtocolInvariants.violatedBy(before, delivery, call, transition.answer));
  }

  private Transition transition(ProtocolState from, Call call) {
    ProtocolState.Effect effect = from.call(call);
    return new Transition(effect.answer(), indexed(effect.after()), new HashMap<>());
  }

  private IndexedState indexed(ProtocolState state) {
    return states.computeIfAbsent(state, unknown -> new IndexedState(unknown, states.size()));
  }

  private Optional<Aftermath> aftermath(IndexedState indexed) {
    return aftermaths.computeIfAbsent(
        indexed, end -> ProtocolInvariants.violatedAfter(end.state, deliveries));
  }

  private void note(Violation violation, Node node, List<String> rest) {
    Trace known = violations.get(violation);
    // Breadth first, the first trace with as many crashes and acts is the shortest.
    if (known == null
        || node.crashes < known.crashes
        || (node.crashes == known.crashes && node.acts < known.acts)) {
      List<String> steps = new ArrayList<>(traceTo(node));
      steps.addAll(rest);
      violations.put(violation, new Trace(node.crashes, node.acts, steps));
    }
  }

  private List<String> traceTo(Node end) {
    List<String> trace = new ArrayList<>();
    Node node = end;
    Node before = cameFrom.getOrDefault(node, node);
    while (!before.equals(node)) {
      Node after = node;
      steps(before).stream()
          .filter(step -> step.after.equals(after))
          .findFirst()
          .ifPresent(step -> trace.add(step.words()));
      node = before;
      before = cameFrom.getOrDefault(node, node);
    }
    trace.add("At first: " + node.indexed.state);
    Collections.reverse(trace);
    return trace;
  }
}
