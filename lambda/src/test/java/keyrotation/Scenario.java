package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;

/**
 * A request with a fault in one of its remote calls, and the request that follows.
 *
 * @param initialState what the request finds
 * @param call one of those that the request makes without a fault
 */
record Scenario(
    Trigger trigger,
    InitialState initialState,
    KeyKind kind,
    FaultKind fault,
    RemoteCall call,
    FollowUp followUp) {

  /** What starts the function, and for which action. */
  enum Trigger {
    MANUAL,
    IF_DUE,
    DRY_RUN,
    ROLLBACK,
    REVOKE_PREVIOUS,
    SCHEDULE,
    SECRETS_MANAGER;

    /** Tells whether it makes sense for keys of the kind: v1 keys cannot be revoked. */
    boolean existsFor(KeyKind kind) {
      return this != REVOKE_PREVIOUS || kind == KeyKind.V2;
    }

    /** Tells whether it is to end with a new key, if the key is due. */
    boolean rotates() {
      return this != DRY_RUN && this != ROLLBACK && this != REVOKE_PREVIOUS;
    }

    /** Makes the request; the same one again under the same identity. */
    Outcome request(RotationFixture fixture, String identity) {
      return switch (this) {
        case MANUAL -> fixture.deliver(RotationFixture.manualEvent(SECRET), identity);
        case IF_DUE -> fixture.deliver(manual("if_due"), identity);
        case DRY_RUN -> fixture.deliver(manual("dry_run"), identity);
        case ROLLBACK -> fixture.deliver(manual("rollback"), identity);
        case REVOKE_PREVIOUS -> fixture.deliver(manual("revoke_previous"), identity);
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

  /** What follows on the request with the fault. */
  enum FollowUp {
    /** The same request again. */
    SAME_REQUEST,
    /** Another one with the same trigger. */
    NEW_REQUEST,
    /** One with another trigger. */
    ANOTHER_TRIGGER,
    /** An operator stores another key; then the same request again. */
    OPERATORS_KEY
  }

  /** Returns how the scenario begins. */
  Scenarios.Start start() {
    return new Scenarios.Start(trigger, initialState, kind);
  }

  /** Returns what starts the next request. */
  Trigger nextTrigger() {
    if (followUp != FollowUp.ANOTHER_TRIGGER) {
      return trigger;
    }
    List<Trigger> others =
        Stream.of(Trigger.values())
            .filter(other -> other != trigger && other.existsFor(kind))
            .toList();
    // Each of them follows in some scenario, and the same one each time.
    String rest = initialState + " " + call + " " + fault;
    return others.get(Math.floorMod(rest.hashCode(), others.size()));
  }

  /**
   * A loss that cannot be prevented: Momento has issued a new key for a refresh token that works
   * once, and the new key is stored nowhere. The old key works until it expires.
   */
  enum Loss {
    /** Momento's response was lost, or the process crashed when it came. */
    NEW_KEY_LOST_IN_TRANSIT,
    /** The right to write was proved, and yet the new key could not be written. */
    NEW_KEY_NOT_STORED,
    /** An operator rolled back to a key that had been refreshed before. */
    ROLLED_BACK_TO_A_REFRESHED_KEY
  }

  /** Returns the loss that this scenario may end with. */
  Optional<Loss> loss() {
    if (kind != KeyKind.V1_WITH_SINGLE_USE_TOKEN
        || !(trigger.rotates() || nextTrigger().rotates())) {
      return Optional.empty();
    }
    if (trigger == Trigger.ROLLBACK && initialState == InitialState.ROTATED) {
      return Optional.of(Loss.ROLLED_BACK_TO_A_REFRESHED_KEY);
    }
    return Optional.ofNullable(
        switch (call.purpose()) {
          case REFRESH ->
              switch (fault) {
                case RESPONSE_DROPPED, RESPONSES_DROPPED, CRASHED_AFTER ->
                    Loss.NEW_KEY_LOST_IN_TRANSIT;
                default -> null;
              };
          case STAGE ->
              switch (fault) {
                case REFUSED, THROTTLED_THROUGHOUT, HANGING -> Loss.NEW_KEY_NOT_STORED;
                case CRASHED_BEFORE -> Loss.NEW_KEY_LOST_IN_TRANSIT;
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
        kind + "",
        fault + "",
        call + "",
        "then",
        followUp + "");
  }
}
