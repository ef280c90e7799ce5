package keyrotation;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.UUID;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fingerprint;
import keyrotation.sandbox.SecretsManagerState.Version;

/**
 * Demonstrates how a replaced key is revoked after its grace period. The function runs in this
 * process, since its clock is moved by days.
 */
final class RevocationDemo {

  private static final Duration RUN = Duration.ofDays(1);

  private final SandboxedFunction function;
  private final PrintStream out;
  private final Instant start;
  private boolean isAsExpected = true;

  private RevocationDemo(SandboxedFunction function, PrintStream out) {
    this.function = function;
    this.out = out;
    this.start = function.now();
  }

  /** Plays the demo; ends with status 1 if anything is not as expected. */
  public static void main(String[] args) {
    try (SandboxedFunction function = new SandboxedFunction(KeyKind.V2)) {
      RevocationDemo demo = new RevocationDemo(function, System.out);
      demo.play();
      System.exit(demo.isAsExpected ? 0 : 1);
    }
  }

  private void play() {
    out.println("A v2 key is replaced, goes on working for 7 days, and is revoked.");
    out.println("The clock of the sandbox is moved by days; the function runs in this process.");
    var _ = function.storeV2Key();
    send("An operator has stored a key. A manual rotation:", "", "ROTATED");
    function.pass(RUN);
    send("A day later, another one:", "", "ROTATED");
    send("A dry run tells when the replaced key is revoked:", "dry_run", "WOULD_ROTATE");
    for (int day = 0; day < 6; day++) {
      function.pass(RUN);
      var _ = scheduledRun();
    }
    schedule("The scheduled runs of 6 days have left it alone. The next one:", "NOT_DUE");
    function.pass(RUN.plusMinutes(5));
    send("The grace period is over. A rollback to the old key:", "rollback", "CANNOT_ROLL_BACK");
    schedule("The next scheduled run revokes it:", "REVOKED");
    send("Another attempt to roll back:", "rollback", "CANNOT_ROLL_BACK");
    out.println();
    out.println(isAsExpected ? "Everything is as expected." : "Something is not as expected.");
  }

  private void send(String what, String action, String expected) {
    String secret = RotationFixture.manualEvent(RotationFixture.SECRET);
    String event = action.isEmpty() ? secret : secret.replace("}", ",\"" + action + "\":true}");
    show(what, event, function.deliver(event, UUID.randomUUID().toString()), expected);
  }

  private void schedule(String what, String expected) {
    show(what, "a scheduled event", scheduledRun(), expected);
  }

  private Outcome scheduledRun() {
    function.clearFaults(); // There is ample time.
    return Scenario.Trigger.SCHEDULE.request(function, UUID.randomUUID().toString());
  }

  private void show(String what, String event, Outcome outcome, String expected) {
    out.println();
    out.println(what);
    out.printf("  day %2d    %s%n", Duration.between(start, function.now()).toDays(), event);
    String message =
        switch (outcome) {
          case Outcome.Answered(JsonNode report) -> lastOf(report).path("message").asText();
          case Outcome.Failed(String error) -> error.lines().findFirst().orElse("");
          case Outcome.Crashed _ -> "crashed";
        };
    String result =
        switch (outcome) {
          case Outcome.Answered(JsonNode report) -> lastOf(report).path("result").asText();
          case Outcome.Failed _ -> message;
          case Outcome.Crashed _ -> message;
        };
    out.println("            " + message.replace(". ", ".\n            "));
    function.state().describe(RotationFixture.SECRET).versions().stream()
        .filter(version -> !version.labels().isEmpty())
        .sorted(Comparator.comparing(version -> version.labels().toString()))
        .forEach(this::show);
    if (!result.contains(expected)) {
      isAsExpected = false;
      out.println("  expected  " + expected);
    }
  }

  /** Returns what was revoked, if anything was; else what the secret's rotation came to. */
  private static JsonNode lastOf(JsonNode report) {
    return report.path("secrets").path(report.path("secrets").size() - 1);
  }

  private void show(Version version) {
    String key = Invariants.apiKey(version);
    out.printf(
        "            version %s  key %s  %-7s  %s%n",
        version.id().substring(0, 8),
        Fingerprint.of(key),
        function.v2Keys().accepts(key) ? "valid" : "revoked",
        String.join(", ", version.labels()));
  }
}
