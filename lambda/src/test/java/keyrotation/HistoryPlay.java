package keyrotation;

import static java.util.stream.Collectors.joining;
import static keyrotation.RotationFixture.SECRET;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.HistoryOracle.Found;
import keyrotation.RotationFixture.Outcome;
import keyrotation.Scenario.Trigger;
import keyrotation.Step.Disturbance;
import keyrotation.Step.InjectedFault;
import keyrotation.Step.Interruption;
import keyrotation.Step.LabelPending;
import keyrotation.Step.OperatorAction;
import keyrotation.Step.Request;
import keyrotation.Step.Wait;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Version;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/** A history under way, and its trace. */
final class HistoryPlay {

  /** The last requests of a history have higher numbers than all before them. */
  private static final int LAST_REQUESTS = 1000;

  private static final int MAX_LAST_REQUESTS = 2;

  private final SandboxedFunction fixture;
  private final HistoryOracle oracle;
  private final StringBuilder trace = new StringBuilder();
  private final Map<String, String> names = new HashMap<>();
  private int lines;

  HistoryPlay(SandboxedFunction fixture) {
    this.fixture = fixture;
    this.oracle = new HistoryOracle(fixture);
  }

  /** Plays a history; returns its trace if it violates a guarantee. */
  Optional<String> trace(History history) {
    trace.append("The keys are of the kind ").append(history.kind()).append(".\n");
    try {
      var _ = fixture.storeDueKey();
      line("an operator stores an old key", "");
      for (Step step : history.steps()) {
        fixture.pass(Duration.ofMinutes(1));
        happen(step);
      }
      renewKey();
      if (history.kind() == KeyKind.V2) {
        Invariants.nothingIsLeftBehind(fixture);
      }
      Invariants.nothingLeaks(fixture);
      return Optional.empty();
    } catch (AssertionError | RuntimeException violation) {
      String what =
          violation instanceof AssertionError
              ? String.valueOf(violation.getMessage()).strip()
              : violation.toString();
      return Optional.of(trace + "VIOLATION: " + what + "\n");
    }
  }

  private void happen(Step step) {
    switch (step) {
      case Request request -> invoke(request);
      case Wait(Duration time) -> {
        fixture.pass(time);
        line(step, "");
      }
      case LabelPending(int number) ->
          attempt(
              step,
              () ->
                  fixture.state().describe(SECRET).versions().stream()
                      .filter(version -> name(version).equals("v" + number))
                      .forEach(this::labelPending));
      case OperatorAction action -> {
        oracle.note(action);
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

  /** Makes a request, and has it judged. */
  private void invoke(Request request) {
    if (request.isTooLate(fixture)) {
      line(request, "too late");
      return;
    }
    Found found = oracle.look();
    if (request.trigger() == Trigger.SECRETS_MANAGER && found.isDeleted()) {
      line(request, "refused");
      return;
    }
    request.disturbance().ifPresent(this::prepare);
    Outcome delivered = request.deliver(fixture);
    // The steps of Secrets Manager's own rotation only log that a key lives too short.
    Outcome outcome =
        request.trigger() == Trigger.SECRETS_MANAGER
            ? delivered
            : Invariants.lifeIsJudged(fixture, delivered);
    fixture.sandbox.clearFaults();
    line(request, words(outcome));
    oracle.judge(request, found, outcome);
  }

  private void prepare(Disturbance disturbance) {
    switch (disturbance) {
      case InjectedFault(FaultKind fault, CallPosition call) ->
          fault.inject(fixture, call, fixture::crash);
      case Interruption(OperatorAction action, CallPosition call) -> {
        Runnable interruption =
            () -> {
              oracle.noteBefore(action);
              var _ = succeeds(() -> action.happen(fixture));
              oracle.noteInterruption();
            };
        call.interrupt(fixture, interruption);
      }
    }
  }

  /** Without further faults, two requests at most renew the key, if it can be renewed at all. */
  private void renewKey() {
    var _ = fixture.state().restore(SECRET);
    OperatorAction.NEW_KEYS_WILL_BE_KNOWN_AT_ONCE.happen(fixture);
    OperatorAction.THE_FUNCTIONS_CLOCK_IS_RIGHT.happen(fixture);
    fixture.pass(Duration.ofHours(1));
    Optional<SandboxKey> key = oracle.keyToBeRenewed();
    for (int i = 1; i <= MAX_LAST_REQUESTS && key.filter(oracle::isCurrent).isPresent(); i++) {
      happen(new Request(Trigger.MANUAL, LAST_REQUESTS + i, Optional.empty()));
      fixture.pass(Duration.ofMinutes(1));
    }
    key.ifPresent(oracle::judgeRenewal);
  }

  private static String words(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered _ -> outcome.result();
      case Outcome.Failed(String message) ->
          // Up to where the explanation begins, if the message is as it has to be.
          message
              .lines()
              .findFirst()
              .orElse("")
              .replaceAll(".* was not rotated\\. (\\w+):.*", "$1");
      case Outcome.Crashed _ -> "crashed";
    };
  }

  private String name(Version version) {
    return names.computeIfAbsent(version.id(), _ -> "v" + (names.size() + 1));
  }

  private String keyOf(Version version) {
    List<SandboxKey> issued = fixture.keys();
    return fixture
        .issued(version)
        .map(key -> "k" + (issued.indexOf(key) + 1))
        .orElse(version.value() == null ? "empty" : "rubbish");
  }

  private void line(Object step, String outcome) {
    oracle.noteCurrent();
    String versions =
        fixture.state().describe(SECRET).versions().stream()
            .map(v -> "%s(%s) %s".formatted(name(v), keyOf(v), String.join("+", v.labels())))
            .map(String::strip)
            .collect(joining(", "));
    trace.append(
        "%2d. %s%s%n      %s%n"
            .formatted(++lines, step, outcome.isEmpty() ? "" : ": " + outcome, versions));
  }
}
