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
import keyrotation.ProtocolDelivery.Beginnings;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Ending;
import keyrotation.ProtocolModel.Protocol;
import keyrotation.ProtocolPromises.Aftermath;
import keyrotation.ProtocolPromises.Violation;
import org.jspecify.annotations.Nullable;

/**
 * Tries all interleavings of two deliveries, an operator and crashes, breadth first, and looks for
 * those that break a promise.
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

  /** A way to a violation: of those with the fewest crashes, and then acts, the shortest. */
  record Trace(int crashes, int acts, List<String> steps) {
    @Override
    public String toString() {
      return "%d crashes, %d acts:%n  %s".formatted(crashes, acts, String.join("\n  ", steps));
    }
  }

  /**
   * What was found.
   *
   * @param mostLabels how many labels REPLACES there were at most
   */
  record Findings(int states, int mostLabels, Map<Violation, Trace> violations) {}

  /**
   * Where everything is.
   *
   * @param done a bit for each request that has ended as rotated or resumed
   */
  private record State(
      Knot knot,
      ProtocolDelivery one,
      ProtocolDelivery other,
      int done,
      int acts,
      int crashes,
      int repeats) {

    // A record's own are slow, and leave too many states alike.
    @Override
    public int hashCode() {
      int hash = (knot.number * 0x9E3779B1 + one.number) * 0x85EBCA6B + other.number;
      int counts = done + (acts << 4) + (crashes << 8) + (repeats << 12);
      return (hash * 0xC2B2AE35 + counts) * 0x27D4EB2F;
    }

    @Override
    public boolean equals(@Nullable Object object) {
      return object instanceof State that
          && knot == that.knot
          && one == that.one
          && other == that.other
          && done == that.done
          && acts == that.acts
          && crashes == that.crashes
          && repeats == that.repeats;
    }

    /** Returns the state after a step of one of the deliveries. */
    State with(Knot after, ProtocolDelivery delivery, boolean isOther, int crash, int repeat) {
      boolean isDone = delivery.ending().filter(Ending::isDone).isPresent();
      return new State(
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

  /** A step from one state to the next. */
  private record Step(
      String who, Supplier<String> what, State after, Optional<Violation> violation) {
    String words() {
      return "%s %s -> %s%s"
          .formatted(
              who, what.get(), after.knot.world, violation.map(broken -> ": " + broken).orElse(""));
    }
  }

  /** A world, and where each call leads from it; there is one knot for each world. */
  private static final class Knot {
    private final ProtocolWorld world;
    private final int number;
    private final IdentityHashMap<Call, Arrow> arrows = new IdentityHashMap<>();

    Knot(ProtocolWorld world, int number) {
      this.world = world;
      this.number = number;
    }
  }

  /** Where a call leads, and how the deliveries that make it go on. */
  private record Arrow(Answer answer, Knot to, Map<ProtocolDelivery, ProtocolDelivery> followers) {}

  private final Bounds bounds;
  private final Beginnings beginnings;
  private final Map<ProtocolWorld, Knot> knots = new HashMap<>();
  private final Map<Knot, Optional<Aftermath>> aftermaths = new HashMap<>();
  private final Map<State, State> cameFrom = new HashMap<>();
  private final ArrayDeque<State> queue = new ArrayDeque<>();
  private final Map<Violation, Trace> violations = new EnumMap<>(Violation.class);

  private ProtocolSearch(Protocol protocol, Bounds bounds) {
    this.bounds = bounds;
    this.beginnings = new Beginnings(protocol);
  }

  /** Searches all that there is within the bounds. */
  static Findings search(Protocol protocol, Bounds bounds) {
    return new ProtocolSearch(protocol, bounds).search();
  }

  private Findings search() {
    for (ProtocolWorld start : ProtocolWorld.starts(bounds.tokensAreReusable)) {
      ProtocolDelivery one = beginnings.of("A", false);
      ProtocolDelivery other = beginnings.of(bounds.sameRequest ? "A" : "B", false);
      State first = new State(knot(start), one, other, 0, 0, 0, 0);
      cameFrom.put(first, first);
      queue.add(first);
    }
    while (!queue.isEmpty()) {
      State state = queue.remove();
      if (state.one.ending().isPresent() && state.other.ending().isPresent()) {
        aftermath(state.knot).ifPresent(found -> note(found.violation(), state, found.steps()));
      }
      for (Step step : steps(state)) {
        if (step.violation.isPresent()) {
          note(step.violation.get(), state, List.of(step.words()));
        } else if (cameFrom.putIfAbsent(step.after, state) == null) {
          queue.add(step.after);
        }
      }
    }
    int mostLabels = knots.keySet().stream().mapToInt(ProtocolOneLabel::labels).max().orElse(0);
    return new Findings(cameFrom.size(), mostLabels, violations);
  }

  private List<Step> steps(State state) {
    List<Step> steps = new ArrayList<>();
    addSteps(state, state.one, false, steps);
    addSteps(state, state.other, true, steps);
    if (state.acts < bounds.acts) {
      ProtocolWorld world = state.knot.world;
      steps.add(act(state, "stores a key", world.stored("O" + (state.acts + 1))));
      if (world.holder(PREVIOUS).isPresent()) {
        steps.add(act(state, "goes back", world.wentBack()));
      }
    }
    return steps;
  }

  private Step act(State state, String what, ProtocolWorld after) {
    State acted =
        new State(
            knot(after),
            state.one,
            state.other,
            state.done,
            state.acts + 1,
            state.crashes,
            state.repeats);
    return new Step("Operator", () -> what, acted, Optional.empty());
  }

  private void addSteps(State state, ProtocolDelivery delivery, boolean isOther, List<Step> steps) {
    String who = delivery.request() + (bounds.sameRequest && isOther ? "'" : "");
    ProtocolDelivery anew =
        beginnings.of(delivery.request(), delivery.isLate() || state.isDone(delivery));
    if (delivery.ending().isPresent()) {
      if (delivery.ending().get().mayBeRepeated() && state.repeats < Bounds.REPEATS) {
        State again = state.with(state.knot, anew, isOther, 0, 1);
        steps.add(new Step(who, () -> "is delivered again", again, Optional.empty()));
      }
      return;
    }
    steps.add(call(state, delivery, isOther, who));
    if (delivery.hasBegun() && state.crashes < bounds.crashes) {
      Knot left =
          delivery.keyInHand().map(key -> knot(state.knot.world.withLost(key))).orElse(state.knot);
      State again = state.with(left, anew, isOther, 1, 0);
      steps.add(new Step(who, () -> "crashes, and is delivered again", again, Optional.empty()));
      State crashed = state.with(left, delivery.crashed(), isOther, 1, 0);
      steps.add(new Step(who, () -> "crashes for good", crashed, Optional.empty()));
    }
  }

  private Step call(State state, ProtocolDelivery delivery, boolean isOther, String who) {
    Call call = delivery.next();
    ProtocolWorld before = state.knot.world;
    Arrow arrow = state.knot.arrows.computeIfAbsent(call, _ -> arrow(before, call));
    ProtocolDelivery next =
        arrow.followers.computeIfAbsent(
            delivery, _ -> delivery.after(arrow.answer, arrow.to.world));
    return new Step(
        who,
        () -> ProtocolModel.words(call, arrow.answer) + next.words(),
        state.with(arrow.to, next, isOther, 0, 0),
        ProtocolPromises.brokenBy(before, delivery, call, arrow.answer));
  }

  private Arrow arrow(ProtocolWorld from, Call call) {
    ProtocolWorld.Effect effect = from.call(call);
    return new Arrow(effect.answer(), knot(effect.after()), new HashMap<>());
  }

  private Knot knot(ProtocolWorld world) {
    return knots.computeIfAbsent(world, unknown -> new Knot(unknown, knots.size()));
  }

  private Optional<Aftermath> aftermath(Knot knot) {
    return aftermaths.computeIfAbsent(
        knot, end -> ProtocolPromises.brokenAfter(end.world, beginnings));
  }

  private void note(Violation violation, State state, List<String> rest) {
    Trace known = violations.get(violation);
    // Breadth first, the first way with as many crashes and acts is the shortest.
    if (known == null
        || state.crashes < known.crashes
        || (state.crashes == known.crashes && state.acts < known.acts)) {
      List<String> steps = new ArrayList<>(wayTo(state));
      steps.addAll(rest);
      violations.put(violation, new Trace(state.crashes, state.acts, steps));
    }
  }

  private List<String> wayTo(State end) {
    List<String> way = new ArrayList<>();
    State state = end;
    State before = cameFrom.getOrDefault(state, state);
    while (!before.equals(state)) {
      State after = state;
      steps(before).stream()
          .filter(step -> step.after.equals(after))
          .findFirst()
          .ifPresent(step -> way.add(step.words()));
      state = before;
      before = cameFrom.getOrDefault(state, state);
    }
    way.add("At first: " + state.knot.world);
    Collections.reverse(way);
    return way;
  }
}
