package keyrotation;

import static java.util.stream.Collectors.joining;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.Step.Event;
import keyrotation.Step.InjectedFault;
import keyrotation.Step.Interruption;
import keyrotation.Step.LabelPending;
import keyrotation.Step.OperatorAction;
import keyrotation.Step.Request;
import keyrotation.Step.Wait;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Secret;
import keyrotation.sandbox.SecretsManagerState.Version;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/** What happens to a secret, one step after the other, and what has to hold after each. */
record History(RefreshTokens tokens, List<Step> steps) {

  private static final int MAX_STEPS = 15;

  /** Returns the history that the seed stands for. */
  static History of(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    RefreshTokens tokens = random.nextBoolean() ? RefreshTokens.SINGLE_USE : RefreshTokens.REUSABLE;
    int length = random.nextInt(1, MAX_STEPS + 1);
    List<Step> steps = new ArrayList<>();
    while (steps.size() < length) {
      steps.add(Step.any(random, steps));
    }
    return new History(tokens, List.copyOf(steps));
  }

  /** Plays it; returns its trace if it breaks a promise. */
  Optional<String> play() {
    try (SandboxedFunction fixture = new SandboxedFunction(tokens)) {
      return new Play(fixture).trace(this);
    }
  }

  /** Leaves out what is not needed to break a promise: steps, and what happens at calls. */
  History shrunk() {
    for (int size = steps.size() / 2; size > 0; size /= 2) {
      for (int from = 0; from + size <= steps.size(); from++) {
        List<Step> fewer = new ArrayList<>(steps);
        fewer.subList(from, from + size).clear();
        History shorter = new History(tokens, List.copyOf(fewer));
        if (shorter.play().isPresent()) {
          return shorter.shrunk();
        }
      }
    }
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof Request(var trigger, var number, var event)
          && event.isPresent()) {
        List<Step> simpler = new ArrayList<>(steps);
        simpler.set(i, new Request(trigger, number, Optional.empty()));
        History calmer = new History(tokens, List.copyOf(simpler));
        if (calmer.play().isPresent()) {
          return calmer.shrunk();
        }
      }
    }
    return this;
  }

  /** A history under way, and what has to hold. */
  private static final class Play {

    private static final Event FORBIDS_TO_WRITE =
        new InjectedFault(FaultKind.REFUSED, new RemoteCall("PutSecretValue", 1));

    private final SandboxedFunction fixture;
    private final StringBuilder trace = new StringBuilder();
    private final Map<String, String> names = new HashMap<>();
    private final Map<String, String> madeCurrent = new HashMap<>();
    private final Set<String> wereCurrent = new HashSet<>();
    private final Set<String> currentMeanwhile = new HashSet<>();
    private boolean operatorChangedVersions;
    private int lines;

    Play(SandboxedFunction fixture) {
      this.fixture = fixture;
    }

    Optional<String> trace(History history) {
      trace.append("A refresh token is ").append(history.tokens).append(".\n");
      try {
        fixture.storeKey();
        line("an operator stores an old key", "");
        for (Step step : history.steps) {
          fixture.pass(Duration.ofMinutes(1));
          happen(step);
        }
        keyCanStillBeRenewed(history.tokens);
        Invariants.nothingLeaks(fixture);
        return Optional.empty();
      } catch (AssertionError | RuntimeException broken) {
        String what = broken instanceof AssertionError ? broken.getMessage() : broken.toString();
        return Optional.of(trace + "BROKEN: " + String.valueOf(what).strip() + "\n");
      }
    }

    private void happen(Step step) {
      switch (step) {
        case Request request -> invoke(request);
        case Wait(Duration time) -> {
          fixture.pass(time);
          line(step, "");
        }
        case LabelPending(int number) -> {
          attempt(
              step,
              () ->
                  versions().stream()
                      .filter(version -> name(version).equals("v" + number))
                      .forEach(this::labelPending));
        }
        case OperatorAction action -> {
          operatorChangedVersions |= action.concernsVersions();
          attempt(step, () -> action.happen(fixture));
        }
      }
    }

    private void labelPending(Version version) {
      String from = fixture.labelled(SecretsManagerState.PENDING).map(Version::id).orElse(null);
      var _ = fixture.state().moveLabel(SECRET, SecretsManagerState.PENDING, from, version.id());
    }

    private void attempt(Step step, Runnable action) {
      line(step, succeeds(action) ? "" : "refused");
    }

    private static boolean succeeds(Runnable action) {
      try {
        action.run();
        return true;
      } catch (SecretsManagerException | AwsServiceException refused) {
        return false;
      }
    }

    /** Makes a request, and checks what it has done and said. */
    private void invoke(Request request) {
      if (request.isTooLate(fixture)) {
        line(request, "too late");
        return;
      }
      Secret found = fixture.state().describe(SECRET);
      if (request.trigger() == Trigger.SECRETS_MANAGER && found.deletion().isPresent()) {
        line(request, "refused");
        return;
      }
      long made = keysMadeOfOthers();
      Optional<IssuedKey> waiting =
          found.deletion().isEmpty() ? workingSuccessor() : Optional.empty();
      // What somebody else does meanwhile counts as found: the function has to leave it be, too.
      AtomicReference<Secret> before = new AtomicReference<>(found);
      currentMeanwhile.clear();
      request.event().ifPresent(event -> prepare(event, before));
      Outcome outcome = Invariants.withoutJudgement(fixture, request.deliver(fixture));
      fixture.sandbox.clearFaults();
      operatorChangedVersions |= wentBack(found);
      line(request, words(outcome));
      check(request, found, before.get(), outcome, waiting, made);
    }

    private void prepare(Event event, AtomicReference<Secret> before) {
      switch (event) {
        case InjectedFault(FaultKind fault, RemoteCall call) ->
            fault.inject(fixture, call, fixture::die);
        case Interruption(OperatorAction action, RemoteCall call) -> {
          Runnable interruption =
              () -> {
                operatorChangedVersions |= action.concernsVersions();
                currentMeanwhile.add(fixture.current().id());
                var _ = succeeds(() -> action.happen(fixture));
                before.set(fixture.state().describe(SECRET));
              };
          if (call.isMomentos()) {
            fixture
                .momento()
                .calls()
                .onNth(call.action(), call.nth(), new Fault.Before<>(interruption));
          } else {
            fixture.awsCalls().onNth(call.action(), call.nth(), new Fault.Before<>(interruption));
          }
        }
      }
    }

    private void check(
        Request request,
        Secret found,
        Secret before,
        Outcome outcome,
        Optional<IssuedKey> waiting,
        long made) {
      boolean isCalm = request.event().isEmpty();
      boolean hasRefreshed = keysMadeOfOthers() > made;
      // A rollback that finds its work done writes nothing, and cannot know what comes after its
      // look; and what was promoted was so, though something else happens before the call that
      // takes its label off.
      boolean isOutdated =
          !isCalm
              && ((result(outcome).equals("ROLLED_BACK") && tells(outcome, current(found)))
                  || (Set.of("ROLLED_BACK", "ROTATED", "RESUMED", "STEP_DONE")
                          .contains(result(outcome))
                      && currentMeanwhile.stream().anyMatch(id -> tells(outcome, id))));
      Invariants.hold(
          fixture,
          before,
          isOutdated ? new Outcome.Died() : outcome,
          request.trigger() == Trigger.ROLLBACK);

      if (request.trigger() == Trigger.DRY_RUN) {
        assertThat(versions()).as("a dry run changes nothing").isEqualTo(before.versions());
      }
      boolean isUndisturbed =
          request.event().isEmpty() || request.event().get() instanceof InjectedFault;
      if (waiting.isPresent() && isUndisturbed && !wentBack(found)) {
        assertThat(List.of(issued(fixture.current()), workingSuccessor()))
            .as("the key that waited as pending is current, or waits")
            .contains(waiting);
      }
      if (hasRefreshed) {
        assertThat(request.trigger().rotates()).as("it was to mint").isTrue();
        assertThat(waiting.isPresent() && isCalm)
            .as("minted while a new key waits as pending")
            .isFalse();
        assertThat(request.event().filter(FORBIDS_TO_WRITE::equals))
            .as("minted without the right to write")
            .isEmpty();
      }
      if (madeCurrent.containsKey(request.name())) {
        boolean isAsItWas =
            request.trigger() != Trigger.ROLLBACK
                || current(before).equals(madeCurrent.get(request.name()));
        if (isAsItWas) {
          assertThat(hasRefreshed).as("the same request again mints").isFalse();
          assertThat(fixture.current().id())
              .as("the current version after the same request again")
              .isEqualTo(current(before));
        }
      }
      String result = result(outcome);
      if (request.trigger() != Trigger.SECRETS_MANAGER
          && Set.of("ROTATED", "RESUMED", "ROLLED_BACK").contains(result)) {
        // Somebody may have made another one current since.
        madeCurrent.put(request.name(), told(outcome));
      }
    }

    private boolean wentBack(Secret found) {
      return found
          .labelled(SecretsManagerState.PREVIOUS)
          .map(Version::id)
          .equals(Optional.of(fixture.current().id()));
    }

    private static String current(Secret secret) {
      return secret.labelled(SecretsManagerState.CURRENT).orElseThrow().id();
    }

    private static boolean tells(Outcome outcome, String versionId) {
      return told(outcome).equals(versionId);
    }

    /** Returns the version that is told of, if any. */
    private static String told(Outcome outcome) {
      return outcome instanceof Outcome.Answered(var report)
          ? report.path("secrets").path(0).path("version_id").asText()
          : "";
    }

    private static String words(Outcome outcome) {
      return switch (outcome) {
        case Outcome.Answered _ -> result(outcome);
        case Outcome.Failed(String message) ->
            // Up to where the explanation begins, if the message is as it has to be.
            message
                .lines()
                .findFirst()
                .orElse("")
                .replaceAll(".* was not rotated\\. (\\w+):.*", "$1");
        case Outcome.Died _ -> "it died";
      };
    }

    private static String result(Outcome outcome) {
      return outcome instanceof Outcome.Answered(var report)
          ? report.path("secrets").path(0).path("result").asText()
          : "";
    }

    /** Once all is well again, two requests at most renew the key, if it can be renewed at all. */
    private void keyCanStillBeRenewed(RefreshTokens tokens) {
      var _ = fixture.state().restore(SECRET);
      OperatorAction.NEW_KEYS_WILL_BE_KNOWN_AT_ONCE.happen(fixture);
      OperatorAction.THE_FUNCTIONS_CLOCK_IS_RIGHT.happen(fixture);
      fixture.pass(Duration.ofHours(1));
      Optional<IssuedKey> key = issued(fixture.current());
      if (key.isEmpty()
          || !RotationFixture.json(fixture.current()).has("refreshToken")
          || !fixture.momento().accepts(key.get().apiKey())) {
        return;
      }
      boolean isSpent = tokens == RefreshTokens.SINGLE_USE && isParent(key.get());
      if (isSpent && workingSuccessor().isEmpty()) {
        assertThat(operatorChangedVersions || fixture.keys().stream().noneMatch(this::isShelved))
            .as("the new key was not stored, or somebody has laid hands on it")
            .isTrue();
        return;
      }
      for (int i = 1; i <= 2; i++) {
        happen(new Request(Trigger.MANUAL, 1000 + i, Optional.empty()));
        if (issued(fixture.current()).filter(now -> isNewer(now, key.get())).isPresent()) {
          return;
        }
        fixture.pass(Duration.ofMinutes(1));
      }
      throw new AssertionError("the key could have been renewed");
    }

    /** Tells whether a key that was made of the current one is stored, and yet not current. */
    private boolean isShelved(IssuedKey key) {
      return ScenarioRunner.isStored(fixture, key)
          && Invariants.isMadeOf(fixture, key.apiKey(), fixture.current());
    }

    private static boolean isNewer(IssuedKey key, IssuedKey than) {
      return key.validUntil().isAfter(than.validUntil());
    }

    private boolean isParent(IssuedKey key) {
      return parents().anyMatch(key::equals);
    }

    private long keysMadeOfOthers() {
      return parents().count();
    }

    private Stream<IssuedKey> parents() {
      return fixture.momento().issued().stream()
          .flatMap(key -> fixture.momento().parentOf(key.apiKey()).stream());
    }

    /**
     * Returns the working key of the current version's successor. If an operator has stored another
     * version since, it has none, even if theirs has the same key.
     */
    private Optional<IssuedKey> workingSuccessor() {
      return ScenarioRunner.unfinished(fixture)
          .filter(version -> !wereCurrent.contains(version.id()))
          .flatMap(this::issued)
          .filter(key -> fixture.momento().accepts(key.apiKey()));
    }

    private Optional<IssuedKey> issued(Version version) {
      if (version.value() == null) {
        return Optional.empty();
      }
      return fixture.momento().issued().stream()
          .filter(key -> key.apiKey().equals(Invariants.apiKey(version)))
          .findFirst();
    }

    private List<Version> versions() {
      return fixture.state().describe(SECRET).versions();
    }

    private String name(Version version) {
      return names.computeIfAbsent(version.id(), _ -> "v" + (names.size() + 1));
    }

    private String keyOf(Version version) {
      return issued(version)
          .map(key -> "k" + (fixture.momento().issued().indexOf(key) + 1))
          .orElse(version.value() == null ? "empty" : "rubbish");
    }

    private void line(Object what, String outcome) {
      wereCurrent.add(fixture.current().id());
      String versions =
          versions().stream()
              .map(
                  version ->
                      name(version)
                          + "("
                          + keyOf(version)
                          + ") "
                          + String.join("+", version.labels()))
              .map(String::strip)
              .collect(joining(", "));
      trace.append(
          "%2d. %s%s%n      %s%n"
              .formatted(++lines, what, outcome.isEmpty() ? "" : ": " + outcome, versions));
    }
  }
}
