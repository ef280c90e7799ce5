package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.secretsmanager.StagingLabel;

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
  /** A replaced key that waits for its time to be revoked. */
  RETIRED,
  /** A replaced key whose time to be revoked is over. */
  OVERDUE,
  /** The key of an interrupted rotation, after which an operator has stored another. */
  SUCCESSOR_OF_FORMER;

  /**
   * Tells whether keys of the kind can be in this state: older versions of the function had v1 keys
   * alone, and v1 keys cannot be revoked.
   */
  boolean existsFor(KeyKind kind) {
    return switch (this) {
      case SUCCESSOR_OF_OLDER_FUNCTION, PROMOTED_BY_OLDER_FUNCTION -> kind != KeyKind.V2;
      case RETIRED, OVERDUE -> kind == KeyKind.V2;
      default -> true;
    };
  }

  void arrange(RotationFixture fixture) {
    if (fixture.kind == KeyKind.V2) {
      fixture.storeManagementKey();
    }
    switch (this) {
      case NEVER_ROTATED -> fixture.storeDueKey();
      case FRESH -> fixture.store(fixture.issueFreshKey(Duration.ofHours(1)).consoleJson());
      case EMPTY -> fixture.state().create(SECRET, null, null, null);
      case PENDING_EMPTY -> addPendingVersion(fixture);
      case SUCCESSOR -> fixture.leaveSuccessor(refreshedKey(fixture));
      case SUCCESSOR_OF_OLDER_FUNCTION -> fixture.leaveAsOlderFunction(refreshedKey(fixture));
      case SUCCESSOR_JUST_REJECTED -> leaveUnknownKey(fixture);
      case SUCCESSOR_REJECTED -> {
        leaveUnknownKey(fixture);
        fixture.pass(Duration.ofHours(1));
      }
      case OWN_ROTATION_UNFINISHED -> leaveOwnRotation(fixture);
      case OWN_ROTATION_UNFINISHED_AND_TESTED -> {
        leaveOwnRotation(fixture);
        fixture.enableRotation();
      }
      case PROMOTED_AND_LABELLED -> promote(fixture, fixture::leaveSuccessor);
      case PROMOTED_BY_OLDER_FUNCTION -> promote(fixture, fixture::leaveAsOlderFunction);
      case ROLLED_BACK_BY_HAND -> rollBack(fixture);
      case PREVIOUS -> {
        fixture.storeDueKey();
        fixture.storeDueKey();
      }
      case ROTATED -> fixture.store(refreshedKey(fixture));
      case RETIRED -> retire(fixture, RotationFixture.STORED_FOR.plusDays(1));
      case OVERDUE -> retire(fixture, Duration.ofHours(2));
      case SUCCESSOR_OF_FORMER -> {
        fixture.leaveSuccessor(refreshedKey(fixture));
        fixture.storeDueKey();
      }
    }
  }

  /** Replaces a key of the function's own by one that is due, and labels its version. */
  private static void retire(RotationFixture fixture, Duration grace) {
    Version replaced = fixture.store(refreshedKey(fixture));
    fixture.store(fixture.issueDueKey().consoleJson());
    fixture
        .state()
        .moveLabel(
            SECRET, StagingLabel.revokeAfter(fixture.now().plus(grace)), null, replaced.id());
    fixture.pass(RotationFixture.STORED_FOR);
  }

  private static void addPendingVersion(RotationFixture fixture) {
    fixture.storeDueKey();
    fixture.state().addPendingVersion(SECRET, UUID.randomUUID().toString());
  }

  private static void leaveUnknownKey(RotationFixture fixture) {
    fixture.storeDueKey();
    fixture.leaveSuccessor(unknownKey(fixture.kind));
  }

  private static void leaveOwnRotation(RotationFixture fixture) {
    SandboxKey old = fixture.storeDueKey();
    fixture.enableRotation();
    fixture.leavePending(fixture.renew(old).consoleJson());
  }

  /** Promotes a key that is no refreshed one, and leaves the labels of a rotation on it. */
  private static void promote(RotationFixture fixture, Function<String, Version> leave) {
    fixture.storeDueKey();
    Version old = fixture.current();
    promote(fixture, old, leave.apply(oldKey(fixture)));
    fixture.pass(RotationFixture.STORED_FOR);
  }

  private static void rollBack(RotationFixture fixture) {
    fixture.storeDueKey();
    Version old = fixture.current();
    Version replacement = fixture.leaveSuccessor(oldKey(fixture));
    promote(fixture, old, replacement);
    promote(fixture, replacement, old);
  }

  private static void promote(RotationFixture fixture, Version from, Version to) {
    fixture.state().moveLabel(SECRET, SecretsManagerState.CURRENT, from.id(), to.id());
  }

  /** Stores a key, and returns the one that it is refreshed to. */
  private static String refreshedKey(RotationFixture fixture) {
    return fixture.renew(fixture.storeDueKey()).consoleJson();
  }

  /**
   * Issues a key that is not refreshed from another, and ends no earlier than one stored before.
   */
  private static String oldKey(RotationFixture fixture) {
    return fixture.issueDueKey().consoleJson();
  }

  /** Returns a key like any, but that Momento has never issued. */
  private static String unknownKey(KeyKind kind) {
    if (kind == KeyKind.V2) {
      String id = "unknown-key";
      Instant end = Instant.ofEpochSecond(4_100_000_000L);
      String claims = "{\"t\":\"g\",\"jti\":\"%s\",\"exp\":%d}".formatted(id, end.getEpochSecond());
      return new V2Key(id, Jwt.with(claims), "r-operator", "", Instant.EPOCH, Optional.of(end))
          .consoleJson();
    }
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
