package keyrotation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import keyrotation.Step.Request;

/** What happens to a secret, one step after the other. */
record History(KeyKind kind, List<Step> steps) {

  private static final int MAX_STEPS = 15;

  /** Returns the history that the seed stands for. */
  static History of(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    KeyKind kind = Step.anyOf(random, KeyKind.values());
    int length = random.nextInt(1, MAX_STEPS + 1);
    List<Step> steps = new ArrayList<>();
    while (steps.size() < length) {
      steps.add(Step.any(random, steps));
    }
    return new History(kind, List.copyOf(steps));
  }

  /** Plays it; returns its trace if it violates a guarantee. */
  Optional<String> play() {
    try (SandboxedFunction fixture = new SandboxedFunction(kind)) {
      return new HistoryPlay(fixture).trace(this);
    }
  }

  /** Leaves out what the violation does not need: steps, and disturbances of requests. */
  History shrink() {
    for (int size = steps.size() / 2; size > 0; size /= 2) {
      for (int from = 0; from + size <= steps.size(); from++) {
        List<Step> fewer = new ArrayList<>(steps);
        fewer.subList(from, from + size).clear();
        History shorter = new History(kind, List.copyOf(fewer));
        if (shorter.play().isPresent()) {
          return shorter.shrink();
        }
      }
    }
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof Request request && request.disturbance().isPresent()) {
        List<Step> simpler = new ArrayList<>(steps);
        simpler.set(i, request.undisturbed());
        History calmer = new History(kind, List.copyOf(simpler));
        if (calmer.play().isPresent()) {
          return calmer.shrink();
        }
      }
    }
    return this;
  }
}
