package keyrotation.event;

import keyrotation.core.Condition;
import keyrotation.core.RotationStep;

/** An event that starts the function. */
public sealed interface RotationEvent {

  /** What a manual event asks for. */
  sealed interface Action {
    /** Rotate a secret whose key meets the condition. */
    record Rotate(Condition condition) implements Action {}

    /** Report what a rotation would do, and ask Momento for no key. */
    record DryRun() implements Action {}

    /** Report how the secret is, without a call to Momento. */
    record Status() implements Action {}

    /** Make the previous key current again. */
    record RollBack() implements Action {}

    /** Revoke the keys of replaced versions now. */
    record RevokePrevious() implements Action {}
  }

  /** Returns what sent the event, as the log names it. */
  default String trigger() {
    return switch (this) {
      case Manual _, All _, ToV2 _ -> "manual";
      case Scheduled _ -> "schedule";
      case Step _ -> "secrets_manager";
    };
  }

  /**
   * An operator's event, for one secret.
   *
   * @param secretId its name or ARN
   */
  record Manual(String secretId, Action action) implements RotationEvent {}

  /** An operator's event, for every configured secret. */
  record All(Action action) implements RotationEvent {}

  /**
   * An operator's event: replace a v1 key by a v2 key.
   *
   * @param roleId the role that the v2 key is to have
   * @param accountUnchecked whether the operator has made sure that the v1 key and the management
   *     key are of the same account
   */
  record ToV2(String secretId, String roleId, boolean accountUnchecked) implements RotationEvent {}

  /**
   * A schedule's event: every configured secret is rotated that is due.
   *
   * @param identity the schedule and its time: the same whenever the same event is delivered
   */
  record Scheduled(String identity) implements RotationEvent {}

  /**
   * A step of Secrets Manager's own rotation.
   *
   * @param versionId the version that it is about
   */
  record Step(RotationStep step, String secretId, String versionId) implements RotationEvent {}
}
