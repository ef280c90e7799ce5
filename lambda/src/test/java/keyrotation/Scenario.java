package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Version;

/**
 * A request to which something happens at one of its remote calls, and the request that comes next.
 *
 * @param initialState what the request finds
 * @param call the call, among those that the request makes where nothing happens
 */
record Scenario(
    Trigger trigger,
    InitialState initialState,
    RefreshTokens tokens,
    FaultKind fault,
    RemoteCall call,
    FollowUp followUp) {

  /** The first write proves the right to write, or stores again what is stored. */
  private static final RemoteCall PROBE = new RemoteCall("PutSecretValue", 1);

  /** Who asks, and for what. */
  enum Trigger {
    MANUAL,
    IF_DUE,
    DRY_RUN,
    ROLLBACK,
    SCHEDULE,
    SECRETS_MANAGER;

    /** Tells whether it is to end with a new key, if the key is due. */
    boolean rotates() {
      return this != DRY_RUN && this != ROLLBACK;
    }

    /** Makes the request; the same one again under the same identity. */
    Outcome request(RotationFixture fixture, String identity) {
      return switch (this) {
        case MANUAL -> fixture.deliver(RotationFixture.manualEvent(SECRET), identity);
        case IF_DUE -> fixture.deliver(manual("if_due"), identity);
        case DRY_RUN -> fixture.deliver(manual("dry_run"), identity);
        case ROLLBACK -> fixture.deliver(manual("rollback"), identity);
        case SCHEDULE ->
            fixture.deliver(
                scheduled(fixture.scheduledTime(identity)), UUID.randomUUID().toString());
        case SECRETS_MANAGER -> fixture.rotateSecret();
      };
    }

    private static String manual(String action) {
      return "{\"momento_auth_token_secret_name\":\"%s\",\"%s\":true}".formatted(SECRET, action);
    }

    private static String scheduled(Instant time) {
      return """
      {"detail-type":"Scheduled Event","resources":["schedule/daily"],"time":"%s"}\
      """
          .formatted(time);
    }
  }

  /** What there is before the request. */
  enum InitialState {
    /** One version, whose key has little life left. */
    NEVER_ROTATED,
    /** One version, whose key is an hour old. */
    FRESH,
    /** No version at all. */
    EMPTY,
    /** A version that Secrets Manager has labelled as pending and nobody has filled. */
    PENDING_EMPTY,
    /** The good key of a rotation that broke off. */
    SUCCESSOR,
    /** The same of a rotation by an older version of the function. */
    SUCCESSOR_OF_OLDER_FUNCTION,
    /** A successor that Momento does not accept yet, as far as the function can tell. */
    SUCCESSOR_JUST_REJECTED,
    /** A successor that Momento does not accept, and had time to. */
    SUCCESSOR_REJECTED,
    /** The good key of a rotation by Secrets Manager that broke off. */
    OWN_ROTATION_UNFINISHED,
    /** The same after a RotateSecret that was to test alone, which takes AWSPENDING off. */
    OWN_ROTATION_UNFINISHED_AND_TESTED,
    /** The label of a successor on the current version: it died when it had promoted it. */
    PROMOTED_AND_LABELLED,
    /** The labels of a rotation by an older version of the function that was finished. */
    PROMOTED_BY_OLDER_FUNCTION,
    /** An operator has gone back by hand from the version that replaced the current one. */
    WENT_BACK,
    /** A previous version. */
    PREVIOUS,
    /** A version whose key was refreshed to the current one. */
    ROTATED,
    /** The key of a rotation that broke off before an operator stored another. */
    SUCCESSOR_OF_FORMER;

    void arrange(RotationFixture fixture) {
      switch (this) {
        case NEVER_ROTATED -> fixture.storeKey();
        case FRESH ->
            fixture.store(
                fixture
                    .momento()
                    .issueAged(
                        RotationFixture.LIFETIME, Duration.ofHours(1), Permissions.SUPER_USER)
                    .consoleJson());
        case EMPTY -> fixture.state().create(SECRET, null, null, null);
        case PENDING_EMPTY -> {
          fixture.storeKey();
          fixture.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
        }
        case SUCCESSOR ->
            fixture.leaveSuccessor(fixture.momento().refresh(fixture.storeKey()).consoleJson());
        case SUCCESSOR_OF_OLDER_FUNCTION ->
            fixture.leaveAsOlderFunction(
                fixture.momento().refresh(fixture.storeKey()).consoleJson());
        case SUCCESSOR_JUST_REJECTED -> {
          fixture.storeKey();
          fixture.leaveSuccessor(unknownKey());
        }
        case SUCCESSOR_REJECTED -> {
          SUCCESSOR_JUST_REJECTED.arrange(fixture);
          fixture.pass(Duration.ofHours(1));
        }
        case OWN_ROTATION_UNFINISHED -> {
          IssuedKey old = fixture.storeKey();
          fixture.enableRotation();
          fixture.leavePending(fixture.momento().refresh(old).consoleJson());
        }
        case OWN_ROTATION_UNFINISHED_AND_TESTED -> {
          OWN_ROTATION_UNFINISHED.arrange(fixture);
          fixture.enableRotation();
        }
        case PROMOTED_AND_LABELLED -> {
          Version old = storeAndReturn(fixture);
          promote(fixture, old, fixture.leaveSuccessor(oldKey(fixture)));
          fixture.pass(RotationFixture.STORED_FOR);
        }
        case PROMOTED_BY_OLDER_FUNCTION -> {
          Version old = storeAndReturn(fixture);
          promote(fixture, old, fixture.leaveAsOlderFunction(oldKey(fixture)));
          fixture.pass(RotationFixture.STORED_FOR);
        }
        case WENT_BACK -> {
          Version old = storeAndReturn(fixture);
          Version left = fixture.leaveSuccessor(oldKey(fixture));
          promote(fixture, old, left);
          promote(fixture, left, old);
        }
        case PREVIOUS -> {
          fixture.storeKey();
          fixture.storeKey();
        }
        case ROTATED -> {
          IssuedKey old = fixture.storeKey();
          fixture.store(fixture.momento().refresh(old).consoleJson());
        }
        case SUCCESSOR_OF_FORMER -> {
          fixture.leaveSuccessor(fixture.momento().refresh(fixture.storeKey()).consoleJson());
          fixture.storeKey();
        }
      }
    }

    /**
     * Issues a key that is not refreshed from another, and ends no earlier than one stored before.
     */
    private static String oldKey(RotationFixture fixture) {
      return fixture.issueOldKey(Permissions.SUPER_USER).consoleJson();
    }

    private static void promote(RotationFixture fixture, Version from, Version to) {
      fixture.state().moveLabel(SECRET, SecretsManagerState.CURRENT, from.id(), to.id());
    }

    private static Version storeAndReturn(RotationFixture fixture) {
      fixture.storeKey();
      return fixture.current();
    }

    /** Returns a key like any, but that Momento has never issued. */
    private static String unknownKey() {
      return new IssuedKey(
              "cell-1.sandbox.momento.example",
              "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6Im5vYm9keSIsImV4cCI6NDEwMDAwMDAwMH0.unsigned",
              "unknown",
              Instant.ofEpochSecond(4_100_000_000L),
              RotationFixture.LIFETIME,
              Permissions.SUPER_USER)
          .consoleJson();
    }
  }

  /** What happens to a call. */
  enum FaultKind {
    /** It is refused before it takes effect, and so are all calls of its kind after it. */
    REFUSED,
    /** It takes effect, and the answer is lost. */
    ANSWER_LOST,
    /** The answers to it and to all calls of its kind after it are lost. */
    ANSWERS_LOST,
    /** A read, which answers as if the last write had not been yet. */
    STALE,
    /** A read, which like all reads of its kind after it sees what there was 200 ms ago. */
    LAGGING,
    /** Its answer stops half-way, and so do all of its kind after it. */
    HALF_ANSWERED,
    /** It is throttled once. */
    THROTTLED,
    /** It is throttled, and so are all calls of its kind after it. */
    THROTTLED_THROUGHOUT,
    /** It takes no effect, nor do all calls of its kind after it, and nobody answers. */
    HANGING,
    /** The function's process dies before it takes effect. */
    KILLED_BEFORE,
    /** The function's process dies when it has taken effect. */
    KILLED_AFTER;

    private static final Duration FOR_EVER = Duration.ofHours(1);
    private static final Duration LAG = Duration.ofMillis(200);

    boolean appliesTo(RemoteCall call) {
      return switch (this) {
        case STALE, LAGGING -> Set.of("DescribeSecret", "GetSecretValue").contains(call.action);
        // Of an answer over gRPC there is no half.
        case HALF_ANSWERED -> !call.isMomentos();
        default -> true;
      };
    }

    boolean isCrash() {
      return this == KILLED_BEFORE || this == KILLED_AFTER;
    }

    /** Tells whether the function may wait for it to pass. */
    boolean takesTime() {
      return isCrash()
          || this == REFUSED
          || this == ANSWERS_LOST
          || this == THROTTLED_THROUGHOUT
          || this == HALF_ANSWERED
          || this == HANGING;
    }

    void inject(RotationFixture fixture, RemoteCall call, Runnable kill) {
      if (call.isMomentos()) {
        inject(
            fixture.momento().calls(),
            call,
            call.action.equals(MomentoServer.REFRESH)
                ? Status.INVALID_ARGUMENT.asRuntimeException()
                : Status.UNAUTHENTICATED.asRuntimeException(),
            MomentoServer.throttled(),
            kill);
      } else {
        inject(
            fixture.awsCalls(),
            call,
            SecretsManagerException.accessDenied(call.action, SECRET),
            SecretsManagerException.throttled(),
            kill);
      }
    }

    private <E extends RuntimeException> void inject(
        FaultInjector<E> calls, RemoteCall call, E refusal, E throttling, Runnable kill) {
      switch (this) {
        case REFUSED -> calls.fromNth(call.action, call.nth, new Fault.Refuse<>(refusal));
        case ANSWER_LOST -> {
          // The JDK's HTTP client hides the first from the AWS SDK by asking again.
          calls.onNth(call.action, call.nth, new Fault.DropResponse<>());
          if (!call.isMomentos()) {
            calls.onNth(call.action, call.nth + 1, new Fault.DropResponse<>());
          }
        }
        case STALE -> calls.onNth(call.action, call.nth, new Fault.ReadStale<>());
        case LAGGING -> calls.fromNth(call.action, call.nth, new Fault.Lag<>(LAG));
        case HALF_ANSWERED -> calls.fromNth(call.action, call.nth, new Fault.StopHalfway<>());
        case ANSWERS_LOST -> calls.fromNth(call.action, call.nth, new Fault.DropResponse<>());
        case THROTTLED -> calls.onNth(call.action, call.nth, new Fault.Refuse<>(throttling));
        case THROTTLED_THROUGHOUT ->
            calls.fromNth(call.action, call.nth, new Fault.Refuse<>(throttling));
        case HANGING -> calls.fromNth(call.action, call.nth, new Fault.Delay<>(FOR_EVER));
        case KILLED_BEFORE -> calls.onNth(call.action, call.nth, new Fault.Instead<>(kill));
        case KILLED_AFTER -> calls.onNth(call.action, call.nth, new Fault.After<>(kill));
      }
    }
  }

  /**
   * A remote call of a request.
   *
   * @param nth among the calls of that action, counting from 1
   */
  record RemoteCall(String action, int nth) {

    /** Returns what a request has called, of all that was called. */
    static List<RemoteCall> of(List<String> actions) {
      Map<String, Integer> counts = new HashMap<>();
      List<RemoteCall> calls = new ArrayList<>();
      for (String action : actions) {
        // That is the operator's.
        if (!action.equals("RotateSecret")) {
          calls.add(new RemoteCall(action, counts.merge(action, 1, Integer::sum)));
        }
      }
      return calls;
    }

    /** Counts all calls of its kind so far. */
    int count(RotationFixture fixture) {
      return isMomentos()
          ? fixture.momento().calls().count(action)
          : fixture.awsCalls().count(action);
    }

    boolean isMomentos() {
      return action.equals(MomentoServer.REFRESH) || action.equals(MomentoServer.LIST_CACHES);
    }

    @Override
    public String toString() {
      return action + "#" + nth;
    }
  }

  /** What comes next. */
  enum FollowUp {
    /** The same request again. */
    SAME_REQUEST,
    /** Another one of the same kind. */
    NEW_REQUEST,
    /** One of another kind. */
    ANOTHER_TRIGGER,
    /** An operator stores another key; then the same request again. */
    OPERATORS_KEY
  }

  /** Returns who makes the next request. */
  Trigger nextTrigger() {
    if (followUp != FollowUp.ANOTHER_TRIGGER) {
      return trigger;
    }
    List<Trigger> others = Stream.of(Trigger.values()).filter(other -> other != trigger).toList();
    // Each of them follows somewhere, and the same one each time.
    String rest = initialState + " " + call + " " + fault;
    return others.get(Math.floorMod(rest.hashCode(), others.size()));
  }

  /**
   * A loss that nothing could have prevented: Momento has made a key, its refresh token works once,
   * and the new key is nowhere. The old key goes on working until it ends.
   */
  enum Loss {
    /** Momento's answer was lost, or the process died when it came. */
    NEW_KEY_LOST_ON_ITS_WAY,
    /** The right to write was proved, and yet the new key could not be written. */
    NEW_KEY_NOT_STORED,
    /** Somebody wanted to go back to a key that had been refreshed before. */
    WENT_BACK_TO_A_REFRESHED_KEY
  }

  /** Returns the loss that this scenario may end with. */
  Optional<Loss> loss() {
    if (tokens == RefreshTokens.REUSABLE || !(trigger.rotates() || nextTrigger().rotates())) {
      return Optional.empty();
    }
    if (trigger == Trigger.ROLLBACK && initialState == InitialState.ROTATED) {
      return Optional.of(Loss.WENT_BACK_TO_A_REFRESHED_KEY);
    }
    if (call.equals(PROBE)) {
      return Optional.empty();
    }
    return Optional.ofNullable(
        switch (call.action) {
          case MomentoServer.REFRESH ->
              switch (fault) {
                case ANSWER_LOST, ANSWERS_LOST, KILLED_AFTER -> Loss.NEW_KEY_LOST_ON_ITS_WAY;
                default -> null;
              };
          case "PutSecretValue" ->
              switch (fault) {
                case REFUSED, THROTTLED_THROUGHOUT, HANGING -> Loss.NEW_KEY_NOT_STORED;
                case KILLED_BEFORE -> Loss.NEW_KEY_LOST_ON_ITS_WAY;
                default -> null;
              };
          default -> null;
        });
  }

  @Override
  public String toString() {
    return String.join(
        " ",
        trigger + "",
        initialState + "",
        tokens + "",
        fault + "",
        call + "",
        "then",
        followUp + "");
  }
}
