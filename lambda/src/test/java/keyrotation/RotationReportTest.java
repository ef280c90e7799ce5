package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.RotationStep;
import keyrotation.momento.Expiry;
import keyrotation.rotation.LogStep;
import keyrotation.rotation.OldKey;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.rotation.RotationResult;
import keyrotation.rotation.SecretStatus;
import keyrotation.secretsmanager.Replica;
import keyrotation.secretsmanager.SecretsManagerErrors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The report matches its documentation. */
class RotationReportTest {

  private static final Path RESPONSES = Path.of("../docs/responses.md");
  private static final Path RUNBOOK = Path.of("../docs/runbook.md");
  private static final String REQUEST = "5b0a52ad-5a5c-4f3c-8a2e-6b5c9e9f3c11";
  private static final String SECRET = "momento/a";
  private static final String NEW = "01cc936f-d252-34f5-8837-521d832c7e28";
  private static final String OLD = "83544ba1-59f8-4e59-a801-47c4825e3085";
  private static final Expiry LATE = new Expiry.At(Instant.parse("2026-12-22T00:49:09Z"));
  private static final Expiry SOON = new Expiry.At(Instant.parse("2026-11-24T00:49:09Z"));

  static Stream<RotationResult> results() {
    return Stream.of(
        new RotationResult.Resumed(SECRET, NEW, OLD, LATE, new OldKey.V1(SOON)),
        new RotationResult.RolledBack(SECRET, OLD, NEW, SOON),
        new RotationResult.AlreadyRotated(SECRET, NEW),
        new RotationResult.NotDue(SECRET, NEW, LATE),
        new RotationResult.KeyIsNewer(SECRET, NEW, LATE),
        status(),
        statusWithoutKey(),
        new RotationResult.WouldRotate(
            SECRET, NEW, LATE, false, false, Collections.emptySortedMap()),
        new RotationResult.FirstKeyIssued(SECRET, NEW, LATE),
        new RotationResult.Revoked(SECRET, List.of(OLD), 0),
        new RotationResult.Paused(SECRET),
        notRevoked(),
        new RotationResult.StepDone(SECRET, RotationStep.CREATE_SECRET, NEW),
        new RotationResult.AwaitingFirstKey(SECRET),
        new RotationResult.Failed(
            SECRET,
            new RotationException(
                FailureReason.KEY_EXPIRED, "The key expired at 2026-01-03T00:00:00Z.")),
        new RotationResult.RotationInProgress(SECRET, NEW),
        new RotationResult.Skipped(SECRET, SecretsManagerErrors.replica("eu-west-1")),
        tooShortLived());
  }

  private static RotationResult status() {
    return new RotationResult.Status(
        SECRET,
        new SecretStatus(
            false,
            Optional.of(
                new SecretStatus.CurrentKey(
                    NEW,
                    "v2",
                    Instant.parse("2026-11-22T00:49:09Z"),
                    new Expiry.At(Instant.parse("2026-12-22T00:49:09Z")),
                    Optional.of(Instant.parse("2026-12-12T00:49:09Z")))),
            Optional.of(OLD),
            Optional.of(Instant.parse("2026-12-01T00:00:00Z")),
            new TreeMap<>(
                Map.of(
                    "5d4b7a1f-0c6e-4d19-9a55-0f6f3c2b1a09", Instant.parse("2026-11-29T00:50:00Z"))),
            List.of(
                new Replica("eu-central-1", "InSync", Optional.empty()),
                new Replica(
                    "us-west-2",
                    "Failed",
                    Optional.of(
                        "Replication failed: Secret name momento/a already exists in region"
                            + " us-west-2."))),
            Optional.empty()));
  }

  private static RotationResult statusWithoutKey() {
    return new RotationResult.Status(
        SECRET,
        new SecretStatus(
            true,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            new TreeMap<>(),
            List.of(),
            Optional.of(
                new RotationException(
                    FailureReason.AWAITING_FIRST_KEY, "The secret has no value yet."))));
  }

  private static RotationResult notRevoked() {
    return new RotationResult.Failed(
        SECRET,
        new RotationException(
            FailureReason.REPLICA_OUT_OF_SYNC,
            "A replica of the secret may not have the current version yet."),
        Optional.of(new RotationResult.Revoked(SECRET, List.of(), 0)));
  }

  private static RotationResult tooShortLived() {
    Expiry expiry = new Expiry.At(Instant.parse("2026-11-22T12:49:09Z"));
    return new RotationResult.Failed(
        SECRET,
        new RenewalPolicy(Optional.empty(), Duration.ofHours(24))
            .judge(Instant.parse("2026-11-22T00:49:09Z"), expiry)
            .orElseThrow(),
        Optional.of(new RotationResult.Rotated(SECRET, NEW, OLD, expiry, new OldKey.V1(SOON))));
  }

  @ParameterizedTest
  @MethodSource("results")
  void each_entry_is_as_documented(RotationResult result) throws IOException {
    assertThat(Files.readAllLines(RESPONSES)).contains(result.json().toString());
  }

  @Test
  void the_response_is_as_documented() throws IOException {
    RotationReport report =
        new RotationReport(
            REQUEST,
            Optional.empty(),
            List.of(
                new RotationResult.Rotated(
                    "momento/authentication-token",
                    "938f5b05-bb89-34b1-826e-a0dca70c875e",
                    "a1410fcb-5e87-4af7-a3ec-2b4524078360",
                    new Expiry.At(Instant.parse("2026-12-22T02:09:57Z")),
                    new OldKey.V1(new Expiry.At(Instant.parse("2026-12-21T02:09:57Z"))))));

    String[] page = Files.readString(RESPONSES).split("```(json|text)?\n", -1);
    assertThat(RotationFixture.parse(page[1])).isEqualTo(report.json());
  }

  @Test
  void the_error_is_as_documented() throws IOException {
    RotationReport report =
        new RotationReport(
            REQUEST,
            Optional.empty(),
            results().filter(r -> r.message().contains("KEY_EXPIRED")).toList());

    assertThat(Files.readString(RESPONSES)).contains("```text\n" + report.error() + "\n```");
  }

  @ParameterizedTest
  @EnumSource
  void each_reason_is_in_the_runbook(FailureReason reason) throws IOException {
    assertThat(Files.readAllLines(RUNBOOK))
        .filteredOn(line -> line.startsWith("| `") && line.contains("`" + reason + "`"))
        .anyMatch(row -> row.split(" \\| ", -1)[1].equals(reason.needs().toString()));
    assertThat(Files.readAllLines(RUNBOOK)).contains("### " + reason);
    assertThat(reason.nextStep()).endsWith(".");
  }

  @ParameterizedTest
  @EnumSource
  void each_step_of_the_log_is_documented(LogStep step) throws IOException {
    assertThat(Files.readAllLines(RESPONSES))
        .anyMatch(line -> line.startsWith("| `" + step + "` | "));
  }

  @Test
  void a_dry_run_reports_whether_the_key_is_due_and_whether_it_would_resume() {
    assertThat(message(false, false))
        .isEqualTo(SECRET + " would be rotated. It is not due yet. Nothing was done.");
    assertThat(message(true, true))
        .isEqualTo(SECRET + " would resume an unfinished rotation. It is due. Nothing was done.");
  }

  @Test
  void only_a_result_that_asks_for_something_to_be_done_is_a_failure() {
    assertThat(results())
        .filteredOn(result -> new RotationReport("1", Optional.empty(), List.of(result)).failed())
        .hasSize(3)
        .allMatch(result -> result instanceof RotationResult.Failed);
  }

  @Test
  void an_error_begins_with_the_failures_and_ends_with_the_report() {
    RotationReport report =
        new RotationReport(
            "1",
            Optional.empty(),
            List.of(
                new RotationResult.AlreadyRotated("a", NEW),
                new RotationResult.Failed(
                    "b", new RotationException(FailureReason.SECRET_NOT_FOUND, "None."))));

    assertThat(report.error().lines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("b was not rotated. SECRET_NOT_FOUND: None. Create the secret");
    assertThat(report.error()).endsWith("\n" + report.json());
  }

  private static String message(boolean due, boolean resume) {
    return new RotationResult.WouldRotate(
            SECRET, NEW, LATE, due, resume, Collections.emptySortedMap())
        .json()
        .path("message")
        .asText();
  }
}
