package keyrotation;

import static keyrotation.FailureReason.KEY_EXPIRED;
import static keyrotation.FailureReason.REFRESH_REJECTED;
import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ALREADY_ROTATED;
import static keyrotation.ReportedResult.FAILED;
import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import keyrotation.RotationFixture.Outcome;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/**
 * The assertions on reports hold where they should, fail where they should, and show the report.
 */
class ReportAssertTest {

  private static final Instant END = Instant.parse("2026-01-01T00:00:00Z");
  private static final RotationResult.Rotated NEW_KEY =
      new RotationResult.Rotated(SECRET, "new", "old", new Expiry.At(END));
  private static final RotationException EXPIRED =
      new RotationException(KEY_EXPIRED, "The key expired.");

  private static final RotationReport GOOD = new RotationReport("1", List.of(NEW_KEY));
  private static final RotationReport BAD =
      new RotationReport("1", List.of(new RotationResult.Failed(SECRET, EXPIRED)));
  private static final RotationReport ROTATED_AND_BAD =
      new RotationReport(
          "1", List.of(new RotationResult.Failed(SECRET, EXPIRED, Optional.of(NEW_KEY))));

  @Test
  void what_is_reported_passes() {
    assertThatCode(
            () -> {
              assertThatResult(GOOD.json())
                  .is(ROTATED)
                  .isOf(SECRET)
                  .hasVersion("new")
                  .hasPreviousVersion("old")
                  .expiresAt(END)
                  .says("has a new key", "It expires");
              assertThatReport(GOOD.json()).hasResults(ROTATED);
              assertThatResult(() -> failing(BAD.error())).failedWith(KEY_EXPIRED);
              assertThatResult(new Outcome.Failed(ROTATED_AND_BAD.error()))
                  .failedWith(KEY_EXPIRED, ROTATED);
            })
        .doesNotThrowAnyException();
  }

  @Test
  void what_is_not_reported_fails_and_shows_the_report() {
    assertShowsReport(() -> assertThatResult(GOOD.json()).is(ALREADY_ROTATED));
    assertShowsReport(() -> assertThatResult(GOOD.json()).isOf("other"));
    assertShowsReport(() -> assertThatResult(GOOD.json()).hasVersion("old"));
    assertShowsReport(() -> assertThatResult(GOOD.json()).hasPreviousVersion("new"));
    assertShowsReport(() -> assertThatResult(GOOD.json()).expiresAt(END.plusSeconds(1)));
    assertShowsReport(() -> assertThatResult(GOOD.json()).says("has a new key", "canary"));
    assertShowsReport(() -> assertThatResult(GOOD.json()).isDue());
    assertShowsReport(() -> assertThatResult(GOOD.json()).wouldResume());
    assertShowsReport(() -> assertThatResult(GOOD.json()).wouldNotResume());
    assertShowsReport(() -> assertThatResult(GOOD.json()).failedWith(KEY_EXPIRED));
    assertShowsReport(() -> assertThatResult(GOOD.json()).wasSkippedFor(KEY_EXPIRED));
    assertShowsReport(() -> assertThatReport(GOOD.json()).hasSecrets("other"));
    assertShowsReport(() -> assertThatReport(GOOD.json()).hasResults(ROTATED, ROTATED));
    assertShowsReport(() -> assertThatReport(GOOD.json()).ofSecret("other").is(ROTATED));
    assertShowsReport(() -> assertThatReport(GOOD.json()).ofOnlyFailure().is(FAILED));
    assertShowsReport(() -> assertThatReport(GOOD.json()).secretsWith(FAILED).hasSize(1));
    assertShowsReport(() -> assertThatReport(GOOD.json()).isRefusedWith(KEY_EXPIRED));
  }

  @Test
  void another_failure_fails() {
    assertShowsReport(
        () -> assertThatResult(() -> failing(BAD.error())).failedWith(REFRESH_REJECTED));
    assertShowsReport(() -> assertThatResult(() -> failing(BAD.error())).is(ROTATED));
    assertShowsReport(
        () -> assertThatResult(() -> failing(BAD.error())).failedWith(KEY_EXPIRED, ROTATED));
    assertShowsReport(
        () -> assertThatResult(() -> failing(ROTATED_AND_BAD.error())).failedWith(KEY_EXPIRED));
  }

  @Test
  void a_report_that_came_as_the_wrong_kind_of_answer_fails() {
    assertShowsReport(() -> assertThatReport(BAD.json()).hasResults(FAILED));
    assertShowsReport(() -> assertThatReport(() -> failing("\n" + GOOD.json())).hasSecrets(SECRET));
    assertShowsReport(
        () -> assertThatReport(() -> failing("Something.\n" + BAD.json())).hasSecrets(SECRET));
    assertThatThrownBy(() -> assertThatReport(new Outcome.Died()).hasSecrets())
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
