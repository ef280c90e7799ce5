package keyrotation;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * A small model of what a rotation works on: the versions and labels of one secret, the keys that
 * Momento has made, and the calls to both.
 *
 * <p>All of it is immutable and equal by value, so that a search knows where it has been.
 */
final class ProtocolModel {

  static final String CURRENT = "AWSCURRENT";
  static final String PREVIOUS = "AWSPREVIOUS";

  /** Takes AWSPENDING off the version that a put takes AWSCURRENT from, as the service does. */
  static final String PENDING = "AWSPENDING";

  /** In target of a version from which a label is moved: from any. */
  static final String ANYWHERE = "*";

  /** A protocol: what one delivery of a request does. */
  interface Protocol {
    /**
     * Works through a delivery.
     *
     * @param request names the request; the same whenever it is delivered
     */
    Outcome deliver(Calls calls, String request);
  }

  /** How a delivery ends. */
  enum Outcome {
    ROTATED,
    RESUMED,
    ALREADY_ROTATED,
    NOT_DUE,
    SUPERSEDED,
    REFRESH_REJECTED,
    CRASHED;

    boolean isDone() {
      return this == ROTATED || this == RESUMED;
    }

    /** Tells whether a further delivery might do something, or should not. */
    boolean mayBeRepeated() {
      return isDone() || this == SUPERSEDED || this == REFRESH_REJECTED;
    }
  }

  /** A remote call; each is atomic. */
  sealed interface Call {
    /** Returns the name of the service's action. */
    String action();

    /** Tells whether it commutes with all that others do, so that its target does not matter. */
    default boolean isPassive() {
      return false;
    }

    /** Asks for all labels. */
    record Describe() implements Call {
      @Override
      public String action() {
        return "DescribeSecret";
      }
    }

    /** Reads a version that may be absent, and its labels. */
    record Look(String id) implements Call {
      @Override
      public String action() {
        return "GetSecretValue";
      }
    }

    /** Reads the value of a version that is known to be there; it never changes. */
    record Value(String id) implements Call {
      @Override
      public String action() {
        return "GetSecretValue";
      }

      @Override
      public boolean isPassive() {
        return true;
      }
    }

    /** Puts a version again as it is. */
    record Probe(String id) implements Call {
      @Override
      public String action() {
        return "PutSecretValue";
      }

      @Override
      public boolean isPassive() {
        return true;
      }
    }

    /** Creates a version with a label. */
    record Put(String id, int key, String label) implements Call {
      @Override
      public String action() {
        return "PutSecretValue";
      }
    }

    /** Moves a label if it is where it is said to be, or takes it off. */
    record Move(String label, Optional<String> from, Optional<String> to) implements Call {
      @Override
      public String action() {
        return "UpdateSecretVersionStage";
      }
    }

    /** Refreshes a key to a new one. */
    record Refresh(int key) implements Call {
      @Override
      public String action() {
        return "RefreshApiToken";
      }
    }

    /** Verifies a key, which is accepted. */
    record Verify(int key) implements Call {
      @Override
      public String action() {
        return "ListCaches";
      }

      @Override
      public boolean isPassive() {
        return true;
      }
    }
  }

  /** What a call answers. */
  sealed interface Answer {
    /**
     * All labels.
     *
     * @param everCurrent the versions that have been current; the protocol may not look at them
     */
    record Labels(SortedMap<String, String> holders, SortedSet<String> everCurrent)
        implements Answer {
      Optional<String> holder(String label) {
        return Optional.ofNullable(holders.get(label));
      }

      String current() {
        return holder(CURRENT).orElseThrow();
      }

      Optional<String> previous() {
        return holder(PREVIOUS);
      }
    }

    /** A version, if it is there. */
    record Found(Optional<Seen> version) implements Answer {}

    /** Whether a change was made, and not refused. */
    record Changed(boolean isSo) implements Answer {}

    /** A new key, unless the refresh was rejected. */
    record Made(Optional<Integer> key) implements Answer {}
  }

  /** A version as it was read; of two, the one created later has the greater number. */
  record Seen(String id, int key, int created, Set<String> labels) {}

  /** The calls that a delivery makes. */
  abstract static class Calls {
    private final Map<String, Seen> known = new HashMap<>();

    abstract Answer answer(Call call);

    final Answer.Labels describe() {
      return (Answer.Labels) answer(new Call.Describe());
    }

    final Optional<Seen> look(String id) {
      Optional<Seen> seen = ((Answer.Found) answer(new Call.Look(id))).version;
      seen.ifPresent(version -> known.put(id, version));
      return seen;
    }

    /** Reads a value anew. */
    final Seen readBack(String id) {
      Seen seen = ((Answer.Found) answer(new Call.Value(id))).version.orElseThrow();
      known.put(id, seen);
      return seen;
    }

    /** Reads a value, if the delivery has not read it before. */
    final Seen value(String id) {
      Seen seen = known.get(id);
      return seen == null ? readBack(id) : seen;
    }

    final void probe(String id) {
      var _ = answer(new Call.Probe(id));
    }

    final boolean put(String id, int key, String label) {
      return ((Answer.Changed) answer(new Call.Put(id, key, label))).isSo;
    }

    final boolean move(String label, Optional<String> from, String to) {
      return ((Answer.Changed) answer(new Call.Move(label, from, Optional.of(to)))).isSo;
    }

    final boolean takeOff(String label, String from) {
      return ((Answer.Changed) answer(new Call.Move(label, Optional.of(from), Optional.empty())))
          .isSo;
    }

    final Optional<Integer> refresh(int key) {
      return ((Answer.Made) answer(new Call.Refresh(key))).key;
    }

    final void verify(int key) {
      var _ = answer(new Call.Verify(key));
    }
  }

  /** Says what a call does. */
  static String words(Call call, Answer answer) {
    return switch (call) {
      case Call.Describe _ -> "describes the labels";
      case Call.Look(String id) ->
          "reads " + id + (answer.equals(new Answer.Found(Optional.empty())) ? ", absent" : "");
      case Call.Value(String id) -> "reads " + id;
      case Call.Probe(String id) -> "puts " + id + " again";
      case Call.Put(String id, int key, String label) ->
          "puts key %d into %s as %s%s".formatted(key, id, label, refusal(answer));
      case Call.Move(String label, Optional<String> from, Optional<String> to) ->
          "moves %s from %s to %s%s"
              .formatted(label, from.orElse("none"), to.orElse("none"), refusal(answer));
      case Call.Refresh(int key) ->
          answer instanceof Answer.Made(Optional<Integer> made) && made.isPresent()
              ? "refreshes key %d to key %d".formatted(key, made.get())
              : "refreshes key %d (rejected)".formatted(key);
      case Call.Verify(int key) -> "verifies key " + key;
    };
  }

  private static String refusal(Answer answer) {
    return answer.equals(new Answer.Changed(false)) ? " (refused)" : "";
  }

  private ProtocolModel() {}
}
