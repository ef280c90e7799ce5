package keyrotation;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.FollowUp;
import keyrotation.Scenario.Loss;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;

/**
 * Plays scenarios, and counts what becomes of them.
 *
 * <p>{@code -Dscenario=…} plays only those whose names hold that text.
 */
final class ScenarioRunner {

  /** Whether to play every scenario, or just enough for each two of their traits to meet. */
  static final boolean ALL = Boolean.getBoolean("exhaustive");

  private static final String CHOSEN = System.getProperty("scenario", "");

  private static final String ONE_REQUEST = "one";
  private static final String ANOTHER_REQUEST = "another";

  /** A young key is rejected, given up by a step of Secrets Manager's, and then replaced. */
  private static final int MAX_REPETITIONS = 2;

  private final String what;
  private final int scenarios;
  private int held;
  private final Map<Loss, Integer> losses = new EnumMap<>(Loss.class);
  private final Map<String, String> broken = new TreeMap<>();

  /**
   * Begins to count.
   *
   * @param what what all the scenarios are about
   * @param scenarios how many there are going to be
   */
  ScenarioRunner(String what, int scenarios) {
    this.what = what;
    this.scenarios = scenarios;
  }

  /** Returns all scenarios with these troubles; the calls are those that the function makes. */
  static List<Scenario> scenarios(Predicate<FaultKind> faults) {
    List<Scenario> scenarios = new ArrayList<>();
    for (Trigger trigger : Trigger.values()) {
      for (InitialState initialState : InitialState.values()) {
        for (RefreshTokens tokens : RefreshTokens.values()) {
          for (RemoteCall call : calls(trigger, initialState, tokens)) {
            for (FaultKind fault : FaultKind.values()) {
              for (FollowUp followUp : FollowUp.values()) {
                if (faults.test(fault) && fault.appliesTo(call)) {
                  scenarios.add(new Scenario(trigger, initialState, tokens, fault, call, followUp));
                }
              }
            }
          }
        }
      }
    }
    return scenarios.stream().filter(each -> isChosen(each.toString())).toList();
  }

  /** Tells whether a scenario is to be played. */
  static boolean isChosen(String name) {
    return name.contains(CHOSEN);
  }

  /** Returns a fixture in this JVM, in which a rejection counts at once, and so is one call. */
  static SandboxedFunction newFixture(RefreshTokens tokens) {
    return new SandboxedFunction(tokens, Duration.ZERO);
  }

  /** Returns the calls that a request makes where nothing happens. */
  static List<RemoteCall> calls(Trigger trigger, InitialState initialState, RefreshTokens tokens) {
    try (RotationFixture fixture = newFixture(tokens)) {
      initialState.arrange(fixture);
      int before = fixture.sandbox.callsSeen().size();
      var _ = trigger.request(fixture, ONE_REQUEST);
      List<String> all = fixture.sandbox.callsSeen();
      return RemoteCall.of(all.subList(before, all.size()));
    }
  }

  /** Chooses scenarios so that any two traits that meet in some scenario meet in a chosen one. */
  static List<Scenario> covering(List<Scenario> scenarios) {
    Set<Set<Object>> met = new HashSet<>();
    return scenarios.stream()
        .filter(
            scenario -> {
              List<Object> traits =
                  List.of(
                      scenario.trigger(),
                      scenario.initialState(),
                      scenario.tokens(),
                      scenario.fault(),
                      scenario.call(),
                      scenario.followUp());
              boolean isNew = false;
              for (Object one : traits) {
                for (Object other : traits) {
                  isNew |= !one.equals(other) && met.add(Set.of(one, other));
                }
              }
              return isNew;
            })
        .toList();
  }

  /** Puts those together that differ only in what comes next. */
  static List<List<Scenario>> byFault(List<Scenario> scenarios) {
    return List.copyOf(
        scenarios.stream()
            .collect(
                groupingBy(
                    s -> List.of(s.trigger(), s.initialState(), s.tokens(), s.fault(), s.call()),
                    LinkedHashMap::new,
                    toList()))
            .values());
  }

  /**
   * Plays scenarios that differ only in what comes next, from the same trouble on.
   *
   * @param fixture without the secret
   * @param kill ends the function's process
   */
  void play(RotationFixture fixture, List<Scenario> variants, Runnable kill) {
    Scenario any = variants.getFirst();
    Secret before;
    Runnable restore;
    try {
      any.initialState().arrange(fixture);
      fixture.state().settle();
      before = fixture.state().describe(SECRET);
      long callsBefore = any.call().count(fixture);
      any.fault().inject(fixture, any.call(), kill);
      Outcome outcome = any.trigger().request(fixture, ONE_REQUEST);
      assertThat(any.call().count(fixture) - callsBefore)
          .as("calls like the one to which something was to happen")
          .isGreaterThanOrEqualTo(any.call().nth());
      assertThat(outcome instanceof Outcome.Died).as("it died").isEqualTo(any.fault().isCrash());
      fixture.clearFaults();
      Invariants.hold(fixture, before, outcome, any.trigger() == Trigger.ROLLBACK);
      if (any.trigger() == Trigger.DRY_RUN) {
        assertThat(fixture.state().describe(SECRET).versions())
            .as("a dry run changes nothing")
            .isEqualTo(before.versions());
      }
      restore = fixture.sandbox.save();
    } catch (AssertionError | RuntimeException e) {
      variants.forEach(scenario -> breaks(scenario.toString(), e));
      return;
    }
    for (Scenario scenario : variants) {
      restore.run();
      try {
        Optional<Loss> loss = next(fixture, scenario, before);
        Invariants.nothingLeaks(fixture);
        holds(loss);
      } catch (AssertionError | RuntimeException e) {
        breaks(scenario.toString(), e);
      }
    }
  }

  /** Plays something else, and counts it. */
  void play(String name, Runnable runner) {
    try {
      runner.run();
      holds(Optional.empty());
    } catch (AssertionError | RuntimeException e) {
      breaks(name, e);
    }
  }

  private synchronized void holds(Optional<Loss> loss) {
    held++;
    loss.ifPresent(which -> losses.merge(which, 1, Integer::sum));
    showProgress();
  }

  private synchronized void breaks(String name, Throwable why) {
    broken.put(name, why.toString().strip());
    System.out.println(what + ": broken: " + name);
    showProgress();
  }

  private void showProgress() {
    int tried = held + broken.size();
    if (ALL && tried * 10 / scenarios > (tried - 1) * 10 / scenarios) {
      System.out.println(
          "%s: %d of %d scenarios tried, %d broken"
              .formatted(what, tried, scenarios, broken.size()));
    }
  }

  /** Makes the next request, and returns the loss that it has met with. */
  private static Optional<Loss> next(RotationFixture fixture, Scenario scenario, Secret before) {
    // Lambda tries a request again within minutes.
    fixture.pass(
        scenario.followUp() == FollowUp.SAME_REQUEST ? Duration.ofMinutes(1) : Duration.ofHours(1));
    if (scenario.followUp() == FollowUp.OPERATORS_KEY) {
      fixture.storeKey();
    }
    Optional<Version> start =
        scenario.followUp() == FollowUp.OPERATORS_KEY
            ? fixture.labelled(SecretsManagerState.CURRENT)
            : before.labelled(SecretsManagerState.CURRENT);
    String request =
        switch (scenario.followUp()) {
          case SAME_REQUEST, OPERATORS_KEY -> ONE_REQUEST;
          case NEW_REQUEST, ANOTHER_TRIGGER -> ANOTHER_REQUEST;
        };
    Trigger trigger = scenario.nextTrigger();
    boolean keyIsStored = start.isPresent() && unfinished(fixture).isPresent();
    boolean isDone =
        scenario.followUp() == FollowUp.SAME_REQUEST
            && trigger != Trigger.SECRETS_MANAGER
            && !fixture
                .labelled(SecretsManagerState.CURRENT)
                .map(Version::id)
                .equals(before.labelled(SecretsManagerState.CURRENT).map(Version::id));
    int issued = fixture.keys().size();
    boolean wentBack =
        before.labelled(SecretsManagerState.PREVIOUS).isPresent()
            && fixture
                .labelled(SecretsManagerState.CURRENT)
                .map(Version::id)
                .equals(before.labelled(SecretsManagerState.PREVIOUS).map(Version::id));
    // A rollback that comes twice goes back once.
    boolean mayBeBack =
        scenario.trigger() == Trigger.ROLLBACK && scenario.followUp() != FollowUp.OPERATORS_KEY;
    Optional<Version> target =
        targetOfRollback(mayBeBack ? before : fixture.state().describe(SECRET));

    Outcome outcome = settle(fixture, trigger, request);

    if (start.isEmpty()) {
      awaitsFirstKey(trigger, outcome);
      return Optional.empty();
    }
    if (trigger == Trigger.ROLLBACK) {
      goesBack(fixture, target, outcome);
      return Optional.empty();
    }
    if (trigger == Trigger.DRY_RUN) {
      assertThat(outcome).as("a dry run").isInstanceOf(Outcome.Answered.class);
      return Optional.empty();
    }
    if (keyIsStored) {
      assertThat(fixture.keys()).as("a stored key is not minted again").hasSize(issued);
    }
    if (isDone) {
      assertThat(result(outcome)).as("a request that was done").isEqualTo("ALREADY_ROTATED");
    }
    boolean isRenewed = validUntil(fixture.current()) > validUntil(start.get());
    boolean asksIfDue = trigger == Trigger.SCHEDULE || trigger == Trigger.IF_DUE;
    boolean wasDoneBefore =
        scenario.followUp() == FollowUp.OPERATORS_KEY && result(outcome).equals("ALREADY_ROTATED");
    boolean isFresh =
        scenario.initialState() == InitialState.FRESH
            || (scenario.initialState() == InitialState.ROTATED && !wentBack);
    boolean needNotBe = (isFresh && asksIfDue) || wasDoneBefore;
    if (isRenewed || needNotBe) {
      assertThat(outcome).as("how it ends").isInstanceOf(Outcome.Answered.class);
      isDoneOnce(fixture, trigger, request);
      return Optional.empty();
    }
    assertThat(scenario.loss()).as("it could have been saved: " + outcome).isPresent();
    if (scenario.loss().get() == Loss.WENT_BACK_TO_A_REFRESHED_KEY) {
      assertThat(wentBack).as("it went back").isTrue();
    } else {
      assertThat(madeOf(fixture, start.get())).as("keys that may be lost").isNotEmpty();
      assertThat(madeOf(fixture, start.get()))
          .as("keys that may be lost")
          .noneMatch(key -> isStored(fixture, key));
    }
    assertThat(outcome)
        .as("what to do about it is told")
        .isInstanceOfSatisfying(
            Outcome.Failed.class,
            failed -> {
              assertThat(Invariants.reason(failed.message())).isEqualTo("REFRESH_REJECTED");
              assertThat(failed.message()).contains("The current key still works");
            });
    return scenario.loss();
  }

  /** Makes a request; and again, as long as the answer is to do so, but not for ever. */
  private static Outcome settle(RotationFixture fixture, Trigger trigger, String request) {
    Outcome outcome = requestOnce(fixture, trigger, request);
    for (int i = 0; i < MAX_REPETITIONS && asksToBeRepeated(outcome); i++) {
      // A scheduled run leaves a rotation of Secrets Manager's own alone for an hour.
      boolean isUnderWay = result(outcome).equals("ROTATION_IN_PROGRESS");
      fixture.pass(isUnderWay ? Duration.ofMinutes(61) : Duration.ofMinutes(10));
      outcome = requestOnce(fixture, trigger, request);
    }
    return outcome;
  }

  private static Outcome requestOnce(RotationFixture fixture, Trigger trigger, String request) {
    Secret found = fixture.state().describe(SECRET);
    Outcome outcome = trigger.request(fixture, request);
    Invariants.hold(fixture, found, outcome, trigger == Trigger.ROLLBACK);
    return outcome;
  }

  private static boolean asksToBeRepeated(Outcome outcome) {
    return result(outcome).equals("ROTATION_IN_PROGRESS")
        || (outcome instanceof Outcome.Failed(String message)
            && Set.of("NEW_KEY_REJECTED", "SUPERSEDED").contains(Invariants.reason(message)));
  }

  /** Returns the current version's successor, if its key was refreshed from the current one. */
  static Optional<Version> unfinished(RotationFixture fixture) {
    Version current = fixture.current();
    boolean isOlder = current.labels().contains(StagingLabel.REFRESHED);
    return fixture
        .labelled(StagingLabel.replaces(current.id()))
        .or(() -> fixture.labelled(SecretsManagerState.PENDING).filter(_ -> isOlder))
        .filter(version -> version.value() != null)
        .filter(version -> !version.labels().contains(SecretsManagerState.CURRENT))
        .filter(version -> !version.labels().contains(SecretsManagerState.PREVIOUS))
        .filter(version -> Invariants.isMadeOf(fixture, Invariants.apiKey(version), current));
  }

  private static List<IssuedKey> madeOf(RotationFixture fixture, Version version) {
    return fixture.keys().stream()
        .filter(key -> Invariants.isMadeOf(fixture, key.apiKey(), version))
        .toList();
  }

  /** Tells whether any version holds a key, whatever its labels. */
  static boolean isStored(RotationFixture fixture, IssuedKey key) {
    return fixture.state().describe(SECRET).versions().stream()
        .anyMatch(version -> Invariants.apiKey(version).equals(key.apiKey()));
  }

  private static void awaitsFirstKey(Trigger trigger, Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered _ -> {
        assertThat(trigger).isEqualTo(Trigger.SCHEDULE);
        assertThat(result(outcome)).isEqualTo("AWAITING_FIRST_KEY");
      }
      case Outcome.Failed(String message) ->
          assertThat(Invariants.reason(message)).isEqualTo("AWAITING_FIRST_KEY");
      case Outcome.Died _ -> throw new AssertionError("the process was not killed");
    }
  }

  /** Returns the older one of the current and the previous version; empty if there is just one. */
  private static Optional<Version> targetOfRollback(Secret secret) {
    return secret
        .labelled(SecretsManagerState.PREVIOUS)
        .map(
            previous ->
                Stream.of(previous, secret.labelled(SecretsManagerState.CURRENT).orElseThrow())
                    .min(Comparator.comparing(Version::created))
                    .orElseThrow());
  }

  private static void goesBack(RotationFixture fixture, Optional<Version> target, Outcome outcome) {
    switch (outcome) {
      case Outcome.Answered _ -> {
        assertThat(result(outcome)).isEqualTo("ROLLED_BACK");
        assertThat(fixture.current().id()).isEqualTo(target.orElseThrow().id());
      }
      case Outcome.Failed(String message) -> {
        assertThat(Invariants.reason(message)).isEqualTo("CANNOT_ROLL_BACK");
        assertThat(target).isEmpty();
      }
      case Outcome.Died _ -> throw new AssertionError("the process was not killed");
    }
  }

  /** Makes the same request again, and checks that nothing comes of it. */
  private static void isDoneOnce(RotationFixture fixture, Trigger trigger, String request) {
    if (trigger == Trigger.SECRETS_MANAGER) {
      return;
    }
    String current = fixture.current().id();
    int issued = fixture.keys().size();
    var _ = trigger.request(fixture, request);
    assertThat(fixture.current().id()).as("the same request again").isEqualTo(current);
    assertThat(fixture.keys()).as("the same request again").hasSize(issued);
  }

  private static String result(Outcome outcome) {
    return outcome instanceof Outcome.Answered(var report)
        ? report.path("secrets").path(0).path("result").asText()
        : "";
  }

  private static long validUntil(Version version) {
    return RotationFixture.json(version).path("validUntil").asLong();
  }

  /** Tells how many scenarios were played and held, in a few lines. */
  private String summary() {
    StringBuilder summary = new StringBuilder();
    summary.append(
        "%s: %d scenarios tried, %d held, %d broken.%n"
            .formatted(what, held + broken.size(), held, broken.size()));
    losses.forEach((loss, count) -> summary.append("  %6d ended as %s%n".formatted(count, loss)));
    return summary.toString();
  }

  /** Tells what became of them, and checks that every one was played and held. */
  synchronized void conclude() {
    System.out.print(summary());
    assertThat(broken).isEmpty();
    assertThat(held).as("scenarios that were played to their end").isEqualTo(scenarios);
  }
}
