package keyrotation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import keyrotation.ProtocolModel.Answer;
import keyrotation.ProtocolModel.Call;
import keyrotation.ProtocolModel.Calls;
import keyrotation.ProtocolModel.Outcome;
import keyrotation.ProtocolModel.Protocol;
import org.jspecify.annotations.Nullable;

/**
 * How far a delivery has come.
 *
 * <p>What a protocol does next depends on nothing but the answers so far. So a protocol is a plain
 * method, and is gone through anew with those answers to find its next call. That is done once: for
 * the same answers to the same request there is one object.
 */
final class ProtocolDelivery {

  /** The first of a kind of deliveries, and what counts them. */
  static final class Deliveries {

    /**
     * What sets a delivery off.
     *
     * @param isLate whether the request was done before
     */
    record Origin(String request, boolean isLate) {}

    /** A delivery that has ended; what led to that does not matter any more. */
    record Ended(Origin origin, Outcome outcome) {}

    private final Protocol protocol;
    private final Map<Origin, ProtocolDelivery> known = new HashMap<>();
    private final Map<Ended, ProtocolDelivery> ended = new HashMap<>();
    private final Map<Call, Call> calls = new HashMap<>();
    private int count;

    Deliveries(Protocol protocol) {
      this.protocol = protocol;
    }

    ProtocolDelivery of(String request, boolean isLate) {
      return known.computeIfAbsent(
          new Origin(request, isLate), origin -> new ProtocolDelivery(this, origin, List.of()));
    }

    /** Returns the same object for the same call. */
    private Call same(Call call) {
      return calls.computeIfAbsent(call, _ -> call);
    }

    private ProtocolDelivery merged(ProtocolDelivery delivery) {
      return delivery.outcome.isPresent()
          ? ended.computeIfAbsent(new Ended(delivery.origin, delivery.outcome.get()), _ -> delivery)
          : delivery;
    }
  }

  /** Ends a replay at the first call that has no answer yet. */
  private static final class Unanswered extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unanswered() {
      super(null, null, false, false);
    }
  }

  /** Answers as before. */
  private static final class Replay extends Calls {
    private final List<Answer> answers;
    private final List<Call> made = new ArrayList<>();

    Replay(List<Answer> answers) {
      this.answers = answers;
    }

    @Override
    Answer answer(Call call) {
      made.add(call);
      if (made.size() > answers.size()) {
        throw new Unanswered();
      }
      return answers.get(made.size() - 1);
    }
  }

  /** Differs from every other delivery's. */
  final int number;

  private final Deliveries deliveries;
  private final Deliveries.Origin origin;
  private final List<Answer> answers;
  private final Optional<Outcome> outcome;
  private final @Nullable Call next;
  private final Map<Answer, ProtocolDelivery> followers = new HashMap<>();

  private ProtocolDelivery(Deliveries deliveries, Deliveries.Origin origin, List<Answer> answers) {
    this.number = deliveries.count++;
    this.deliveries = deliveries;
    this.origin = origin;
    this.answers = answers;
    Replay replay = new Replay(answers);
    this.outcome = replay(replay);
    this.next = outcome.isPresent() ? null : deliveries.same(replay.made.getLast());
  }

  private ProtocolDelivery(Deliveries deliveries, Deliveries.Ended ended) {
    this.number = deliveries.count++;
    this.deliveries = deliveries;
    this.origin = ended.origin;
    this.answers = List.of();
    this.outcome = Optional.of(ended.outcome);
    this.next = null;
  }

  private Optional<Outcome> replay(Replay replay) {
    try {
      return Optional.of(deliveries.protocol.deliver(replay, origin.request));
    } catch (Unanswered e) {
      return Optional.empty();
    }
  }

  /** Goes on to the next call that does not commute with those of others. */
  ProtocolDelivery after(Answer answer, ProtocolState state) {
    ProtocolDelivery delivery = after(answer);
    while (delivery.next != null && delivery.next.isPassive()) {
      delivery = delivery.after(state.call(delivery.next).answer());
    }
    return delivery;
  }

  private ProtocolDelivery after(Answer answer) {
    ProtocolDelivery known = followers.get(answer);
    if (known == null) {
      List<Answer> more = new ArrayList<>(answers);
      more.add(answer);
      known = deliveries.merged(new ProtocolDelivery(deliveries, origin, more));
      followers.put(answer, known);
    }
    return known;
  }

  String request() {
    return origin.request;
  }

  boolean isLate() {
    return origin.isLate;
  }

  /** Returns what is left of it when it crashes. */
  ProtocolDelivery crashed() {
    return deliveries.ended.computeIfAbsent(
        new Deliveries.Ended(origin, Outcome.CRASHED),
        ended -> new ProtocolDelivery(deliveries, ended));
  }

  /** Returns the same request's next delivery, which begins anew. */
  ProtocolDelivery repeated(boolean isLate) {
    return deliveries.of(origin.request, isLate);
  }

  boolean hasBegun() {
    return !answers.isEmpty();
  }

  Optional<Outcome> outcome() {
    return outcome;
  }

  /** Returns the next call; the delivery must not have ended. */
  Call next() {
    return Optional.ofNullable(next).orElseThrow();
  }

  /** Returns all calls, the passive ones too. */
  List<Call> calls() {
    Replay replay = new Replay(answers);
    var _ = replay(replay);
    return replay.made;
  }

  /** Returns the key that a crash would lose: one that was made, and refused ever since. */
  Optional<Integer> keyInHand() {
    for (Answer answer : answers.reversed()) {
      if (answer instanceof Answer.Made(Optional<Integer> key)) {
        return key;
      }
      // After a refusal it looks at what the version holds.
      if (!answer.equals(new Answer.Changed(false)) && !(answer instanceof Answer.Found)) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** Returns the versions that had been current when labels were described last. */
  SortedSet<String> everCurrentAtLastLook() {
    for (Answer answer : answers.reversed()) {
      if (answer instanceof Answer.Labels(_, SortedSet<String> everCurrent)) {
        return everCurrent;
      }
    }
    return new TreeSet<>();
  }

  /** Says how it has ended, if it has. */
  String words() {
    return outcome.map(end -> ", and ends " + end).orElse("");
  }
}
