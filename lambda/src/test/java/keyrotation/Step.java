package keyrotation;

import static keyrotation.RotationFixture.SECRET;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.random.RandomGenerator;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;

/**
 * A step of a history. Any step may follow any other, so that a history stays one when steps are
 * taken out of it.
 */
sealed interface Step {

  /**
   * A request; one with the same trigger and number is the same one, delivered again.
   *
   * @param disturbance what happens at one of its remote calls
   */
  record Request(Trigger trigger, int number, Optional<Disturbance> disturbance) implements Step {

    private static final Duration MAX_EVENT_AGE = Duration.ofHours(30);

    Request undisturbed() {
      return new Request(trigger, number, Optional.empty());
    }

    /** Makes the request under the identity that it always has. */
    RotationFixture.Outcome deliver(RotationFixture fixture) {
      return trigger.request(fixture, identity());
    }

    /** Tells whether the event was sent so long ago that it is delivered no more. */
    boolean isTooLate(RotationFixture fixture) {
      return trigger == Trigger.SCHEDULE
          && fixture.now().isAfter(fixture.scheduledTime(identity()).plus(MAX_EVENT_AGE));
    }

    private String identity() {
      return name().replace(' ', '-');
    }

    String name() {
      return trigger == Trigger.SECRETS_MANAGER ? trigger + "" : trigger + " " + number;
    }

    @Override
    public String toString() {
      return name() + disturbance.map(d -> ", " + d).orElse("");
    }
  }

  /** What happens while a request is worked on. */
  sealed interface Disturbance {}

  /** A fault of a remote call. */
  record InjectedFault(FaultKind fault, CallPosition call) implements Disturbance {
    @Override
    public String toString() {
      return fault + " at " + call;
    }
  }

  /** What the operator does just before a remote call. */
  record Interruption(OperatorAction action, CallPosition call) implements Disturbance {
    @Override
    public String toString() {
      return "before its " + call + " the operator does: " + action;
    }
  }

  /** Time passes. */
  record Wait(Duration time) implements Step {
    @Override
    public String toString() {
      return time.toDays() > 0 ? time.toDays() + " days pass" : time.toMinutes() + " minutes pass";
    }
  }

  /** The operator labels a version as pending, if there is one of that number. */
  record LabelPending(int version) implements Step {
    @Override
    public String toString() {
      return "the operator labels v" + version + " AWSPENDING";
    }
  }

  /** What an operator, Momento or a clock does, and not the function. */
  enum OperatorAction implements Step {
    STORE_A_FRESH_KEY,
    STORE_AN_OLD_KEY,
    STORE_A_KEY_THAT_MAY_NOT_LIST_CACHES,
    STORE_A_KEY_WITHOUT_REFRESH_TOKEN,
    STORE_RUBBISH,
    /** Of the v2 keys; v1 keys cannot be revoked. */
    REVOKE_THE_CURRENT_KEY_IN_THE_CONSOLE,
    ISSUE_A_KEY_IN_THE_CONSOLE,
    STORE_THE_PREVIOUS_VALUE_AGAIN,
    EDIT_ANOTHER_FIELD,
    MAKE_THE_PREVIOUS_VERSION_CURRENT,
    TAKE_AWSPENDING_OFF,
    DELETE_THE_SECRET,
    RESTORE_THE_SECRET,
    SWITCH_SECRETS_MANAGERS_ROTATION_OFF,
    NEW_KEYS_WILL_BE_KNOWN_AT_ONCE,
    NEW_KEYS_WILL_BE_UNKNOWN_AT_FIRST,
    THE_FUNCTIONS_CLOCK_IS_AN_HOUR_SLOW,
    THE_FUNCTIONS_CLOCK_IS_AN_HOUR_FAST,
    THE_FUNCTIONS_CLOCK_IS_RIGHT,
    /** RotateSecret with RotateImmediately=false, which takes AWSPENDING off what is unfinished. */
    TEST_SECRETS_MANAGERS_ROTATION;

    private static final Duration CLOCK_ERROR = Duration.ofHours(1);

    private static final V2Keys.Role DATA_ROLE =
        new V2Keys.Role("r-data", "Data", V2Keys.Role.Type.CUSTOM, false, false);

    /** Tells whether it stores a version, or moves a label that says what is current. */
    boolean concernsVersions() {
      return switch (this) {
        case TAKE_AWSPENDING_OFF,
            TEST_SECRETS_MANAGERS_ROTATION,
            DELETE_THE_SECRET,
            RESTORE_THE_SECRET,
            SWITCH_SECRETS_MANAGERS_ROTATION_OFF,
            NEW_KEYS_WILL_BE_KNOWN_AT_ONCE,
            NEW_KEYS_WILL_BE_UNKNOWN_AT_FIRST,
            THE_FUNCTIONS_CLOCK_IS_AN_HOUR_SLOW,
            THE_FUNCTIONS_CLOCK_IS_AN_HOUR_FAST,
            THE_FUNCTIONS_CLOCK_IS_RIGHT,
            REVOKE_THE_CURRENT_KEY_IN_THE_CONSOLE,
            ISSUE_A_KEY_IN_THE_CONSOLE ->
            false;
        default -> true;
      };
    }

    void happen(SandboxedFunction fixture) {
      switch (this) {
        case STORE_A_FRESH_KEY -> fixture.store(fixture.issueFreshKey(Duration.ZERO).consoleJson());
        case STORE_AN_OLD_KEY -> fixture.store(fixture.issueDueKey().consoleJson());
        case STORE_A_KEY_THAT_MAY_NOT_LIST_CACHES -> storeDataKey(fixture);
        case STORE_A_KEY_WITHOUT_REFRESH_TOKEN -> storeKeyWithoutRefreshToken(fixture);
        case REVOKE_THE_CURRENT_KEY_IN_THE_CONSOLE ->
            fixture.issued(fixture.current()).ifPresent(key -> revoke(fixture, key));
        case ISSUE_A_KEY_IN_THE_CONSOLE -> fixture.issueFreshKey(Duration.ZERO);
        case STORE_RUBBISH -> fixture.store("{\"apiKey\":\"rubbish\"}");
        case STORE_THE_PREVIOUS_VALUE_AGAIN ->
            fixture
                .labelled(SecretsManagerState.PREVIOUS)
                .map(Version::value)
                .ifPresent(fixture::store);
        case EDIT_ANOTHER_FIELD -> editAnotherField(fixture);
        case MAKE_THE_PREVIOUS_VERSION_CURRENT -> makePreviousCurrent(fixture);
        case TAKE_AWSPENDING_OFF -> takePendingOff(fixture);
        case DELETE_THE_SECRET -> fixture.state().delete(SECRET, false);
        case RESTORE_THE_SECRET -> fixture.state().restore(SECRET);
        case SWITCH_SECRETS_MANAGERS_ROTATION_OFF -> switchRotationOff(fixture);
        case NEW_KEYS_WILL_BE_KNOWN_AT_ONCE -> refuseNewKeysAtFirst(fixture, 0);
        case NEW_KEYS_WILL_BE_UNKNOWN_AT_FIRST -> refuseNewKeysAtFirst(fixture, 1);
        case THE_FUNCTIONS_CLOCK_IS_AN_HOUR_SLOW ->
            fixture.handlersClock = () -> fixture.clock.instant().minus(CLOCK_ERROR);
        case THE_FUNCTIONS_CLOCK_IS_AN_HOUR_FAST ->
            fixture.handlersClock = () -> fixture.clock.instant().plus(CLOCK_ERROR);
        case THE_FUNCTIONS_CLOCK_IS_RIGHT -> fixture.handlersClock = fixture.clock;
        case TEST_SECRETS_MANAGERS_ROTATION -> fixture.enableRotation();
      }
    }

    private static void storeDataKey(SandboxedFunction fixture) {
      SandboxKey key;
      if (fixture.kind == KeyKind.V2) {
        fixture.v2Keys().add(DATA_ROLE);
        key = fixture.issueOldV2Key(DATA_ROLE);
      } else {
        key = fixture.issueOldKey(Permissions.DATA_ONLY);
      }
      fixture.store(key.consoleJson());
    }

    private static void revoke(SandboxedFunction fixture, SandboxKey key) {
      if (key instanceof V2Key v2) {
        var _ = fixture.v2Keys().revoke(v2.id());
      }
    }

    private static void storeKeyWithoutRefreshToken(SandboxedFunction fixture) {
      String json = fixture.issueDueKey().consoleJson();
      fixture.store(((ObjectNode) RotationFixture.parse(json)).without("refreshToken").toString());
    }

    private static void refuseNewKeysAtFirst(SandboxedFunction fixture, int calls) {
      fixture.momento().refuseNewKeysAtFirst(calls);
      fixture.v2Keys().refuseNewKeysAtFirst(calls);
    }

    private static void editAnotherField(SandboxedFunction fixture) {
      ObjectNode json = (ObjectNode) fixture.currentJson();
      fixture.store(json.put("note", json.path("note").asInt() + 1).toString());
    }

    private static void makePreviousCurrent(SandboxedFunction fixture) {
      Optional<Version> previous = fixture.labelled(SecretsManagerState.PREVIOUS);
      if (previous.isPresent()) {
        fixture
            .state()
            .moveLabel(
                SECRET, SecretsManagerState.CURRENT, fixture.current().id(), previous.get().id());
      }
    }

    private static void takePendingOff(SandboxedFunction fixture) {
      Optional<Version> pending = fixture.labelled(SecretsManagerState.PENDING);
      if (pending.isPresent()) {
        fixture.state().moveLabel(SECRET, SecretsManagerState.PENDING, pending.get().id(), null);
      }
    }

    private static void switchRotationOff(SandboxedFunction fixture) {
      try (var client = fixture.sandbox.secretsManager().clientBuilder().build()) {
        var _ = client.cancelRotateSecret(r -> r.secretId(SECRET));
      }
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /** Draws a step; a request now and then is one of the earlier ones, delivered again. */
  static Step any(RandomGenerator random, List<Step> before) {
    return switch (random.nextInt(10)) {
      case 0, 1, 2, 3, 4, 5 -> anyRequest(random, before);
      case 6 ->
          new Wait(
              anyOf(
                  random,
                  Duration.ofMinutes(5),
                  Duration.ofHours(3),
                  Duration.ofDays(1),
                  Duration.ofDays(10),
                  Duration.ofDays(20)));
      case 7 ->
          random.nextInt(3) == 0 ? new LabelPending(1 + random.nextInt(6)) : anyAction(random);
      default -> anyAction(random);
    };
  }

  private static Step anyRequest(RandomGenerator random, List<Step> before) {
    Optional<Disturbance> disturbance =
        random.nextBoolean() ? Optional.empty() : Optional.of(anyDisturbance(random));
    List<Request> earlier =
        before.stream().filter(Request.class::isInstance).map(Request.class::cast).toList();
    if (!earlier.isEmpty() && random.nextInt(3) == 0) {
      Request again = earlier.get(random.nextInt(earlier.size()));
      return new Request(again.trigger(), again.number(), disturbance);
    }
    return new Request(anyOf(random, Trigger.values()), earlier.size() + 1, disturbance);
  }

  private static OperatorAction anyAction(RandomGenerator random) {
    return anyOf(random, OperatorAction.values());
  }

  private static Disturbance anyDisturbance(RandomGenerator random) {
    CallPosition call =
        new CallPosition(
            anyOf(random, CallPosition.ACTIONS.toArray(String[]::new)), 1 + random.nextInt(4));
    return switch (random.nextInt(30)) {
      // These take seconds; those that take longer are played elsewhere.
      case 0 -> new InjectedFault(FaultKind.THROTTLED, call);
      case 1 -> new InjectedFault(FaultKind.RESPONSES_DROPPED, call);
      case 2, 3, 4, 5, 6, 7, 8, 9 -> {
        OperatorAction action = anyAction(random);
        // That would be a request within a request.
        yield new Interruption(
            action == OperatorAction.TEST_SECRETS_MANAGERS_ROTATION
                ? OperatorAction.TAKE_AWSPENDING_OFF
                : action,
            call);
      }
      default ->
          new InjectedFault(
              anyOf(
                  random,
                  FaultKind.REFUSED,
                  FaultKind.RESPONSE_DROPPED,
                  FaultKind.CRASHED_BEFORE,
                  FaultKind.CRASHED_AFTER),
              call);
    };
  }

  @SafeVarargs
  static <T> T anyOf(RandomGenerator random, T... choices) {
    return choices[random.nextInt(choices.length)];
  }
}
