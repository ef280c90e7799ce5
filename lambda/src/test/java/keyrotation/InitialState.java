package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Version;

/** What there is before the request. */
enum InitialState {
  /** One version, whose key has little life left. */
  NEVER_ROTATED,
  /** One version, whose key is an hour old. */
  FRESH,
  /** No version at all. */
  EMPTY,
  /** A version without a value that Secrets Manager has labelled AWSPENDING. */
  PENDING_EMPTY,
  /** A working key that an interrupted rotation has stored. */
  SUCCESSOR,
  /** The same of a rotation by an older version of the function. */
  SUCCESSOR_OF_OLDER_FUNCTION,
  /** A successor that Momento does not accept yet, as far as the function can tell. */
  SUCCESSOR_JUST_REJECTED,
  /** A successor that Momento does not accept, and had time to. */
  SUCCESSOR_REJECTED,
  /** A working key that an interrupted rotation of Secrets Manager's own has stored. */
  OWN_ROTATION_UNFINISHED,
  /** The same after a RotateSecret that was to test alone, which takes AWSPENDING off. */
  OWN_ROTATION_UNFINISHED_AND_TESTED,
  /**
   * The label of a successor on the current version: the function crashed after it promoted that.
   */
  PROMOTED_AND_LABELLED,
  /** The labels of a rotation by an older version of the function that was finished. */
  PROMOTED_BY_OLDER_FUNCTION,
  /** An operator has rolled back by hand from the version that replaced the current one. */
  ROLLED_BACK_BY_HAND,
  /** A previous version. */
  PREVIOUS,
  /** A version whose key was refreshed to the current one. */
  ROTATED,
  /** The key of an interrupted rotation, after which an operator has stored another. */
  SUCCESSOR_OF_FORMER;

  void arrange(RotationFixture fixture) {
    switch (this) {
      case NEVER_ROTATED -> fixture.storeKey();
      case FRESH ->
          fixture.store(
              fixture
                  .momento()
                  .issueAged(RotationFixture.LIFETIME, Duration.ofHours(1), Permissions.SUPER_USER)
                  .consoleJson());
      case EMPTY -> fixture.state().create(SECRET, null, null, null);
      case PENDING_EMPTY -> {
        fixture.storeKey();
        fixture.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
      }
      case SUCCESSOR ->
          fixture.leaveSuccessor(fixture.momento().refresh(fixture.storeKey()).consoleJson());
      case SUCCESSOR_OF_OLDER_FUNCTION ->
          fixture.leaveAsOlderFunction(fixture.momento().refresh(fixture.storeKey()).consoleJson());
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
      case ROLLED_BACK_BY_HAND -> {
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
