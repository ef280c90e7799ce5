package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.FAILED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.SECRET;
import static keyrotation.core.FailureReason.KEY_EXPIRED;
import static keyrotation.core.FailureReason.REFRESH_REJECTED;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.RotationFixture.Outcome;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;
import keyrotation.rotation.OldKey;
import keyrotation.rotation.RotationResult;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/**
 * The assertions on reports hold where they should, fail where they should, and show the report.
 */
class ReportAssertTest {

  private static final Instant END = Instant.parse("2026-01-01T00:00:00Z");
  private static final RotationResult.Rotated NEW_KEY =
      new RotationResult.Rotated(
          SECRET, "new", "old", new Expiry.At(END), new OldKey.V1(new Expiry.At(END)));
  private final RotationException expired = new RotationException(KEY_EXPIRED, "The key expired.");

  private final RotationReport good = new RotationReport("1", Optional.empty(), List.of(NEW_KEY));
  private final RotationReport bad =
      new RotationReport(
          "1", Optional.empty(), List.of(new RotationResult.Failed(SECRET, expired)));
  private final RotationReport rotatedAndBad =
      new RotationReport(
          "1",
          Optional.empty(),
          List.of(new RotationResult.Failed(SECRET, expired, Optional.of(NEW_KEY))));

  @Test
  void what_is_reported_passes() {
    assertThatCode(
            () -> {
              assertThatResult(good.json())
                  .is(ROTATED)
                  .isOf(SECRET)
                  .hasVersion("new")
                  .hasPreviousVersion("old")
                  .expiresAt(END)
                  .says("has a new key", "It expires");
              assertThatReport(good.json()).hasResults(ROTATED);
              assertThatResult(() -> failing(bad.error())).failedWith(KEY_EXPIRED);
              assertThatResult(new Outcome.Failed(rotatedAndBad.error()))
                  .failedWith(KEY_EXPIRED, ROTATED);
            })
        .doesNotThrowAnyException();
  }

  @Test
  void what_is_not_reported_fails_and_shows_the_report() {
    assertShowsReport(() -> assertThatResult(good.json()).is(ALREADY_ROTATED));
    assertShowsReport(() -> assertThatResult(good.json()).isOf("other"));
    assertShowsReport(() -> assertThatResult(good.json()).hasVersion("old"));
    assertShowsReport(() -> assertThatResult(good.json()).hasPreviousVersion("new"));
    assertShowsReport(() -> assertThatResult(good.json()).expiresAt(END.plusSeconds(1)));
    assertShowsReport(() -> assertThatResult(good.json()).says("has a new key", "canary"));
    assertShowsReport(() -> assertThatResult(good.json()).isDue());
    assertShowsReport(() -> assertThatResult(good.json()).wouldResume());
    assertShowsReport(() -> assertThatResult(good.json()).wouldNotResume());
    assertShowsReport(() -> assertThatResult(good.json()).failedWith(KEY_EXPIRED));
    assertShowsReport(() -> assertThatResult(good.json()).wasSkippedFor(KEY_EXPIRED));
    assertShowsReport(() -> assertThatReport(good.json()).hasSecrets("other"));
    assertShowsReport(() -> assertThatReport(good.json()).hasResults(ROTATED, ROTATED));
    assertShowsReport(() -> assertThatReport(good.json()).ofSecret("other").is(ROTATED));
    assertShowsReport(() -> assertThatReport(good.json()).ofOnlyFailure().is(FAILED));
    assertShowsReport(() -> assertThatReport(good.json()).secretsWith(FAILED).hasSize(1));
    assertShowsReport(() -> assertThatReport(good.json()).isRefusedWith(KEY_EXPIRED));
  }

  @Test
  void another_failure_fails() {
    assertShowsReport(
        () -> assertThatResult(() -> failing(bad.error())).failedWith(REFRESH_REJECTED));
    assertShowsReport(() -> assertThatResult(() -> failing(bad.error())).is(ROTATED));
    assertShowsReport(
        () -> assertThatResult(() -> failing(bad.error())).failedWith(KEY_EXPIRED, ROTATED));
    assertShowsReport(
        () -> assertThatResult(() -> failing(rotatedAndBad.error())).failedWith(KEY_EXPIRED));
  }

  @Test
  void a_report_that_came_as_the_wrong_kind_of_answer_fails() {
    assertShowsReport(() -> assertThatReport(bad.json()).hasResults(FAILED));
    assertShowsReport(() -> assertThatReport(() -> failing("\n" + good.json())).hasSecrets(SECRET));
    assertShowsReport(
        () -> assertThatReport(() -> failing("Something.\n" + bad.json())).hasSecrets(SECRET));
    assertThatThrownBy(() -> assertThatReport(new Outcome.Crashed()).hasSecrets())
        .isInstanceOf(AssertionError.class);
  }

  private static JsonNode failing(String error) {
    throw new InvocationFailedException(error);
  }

  private static void assertShowsReport(ThrowingCallable assertion) {
    assertThatThrownBy(assertion)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("\"message\" : \"" + SECRET);
  }
}
