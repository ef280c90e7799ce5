package keyrotation;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.function.Supplier;
import keyrotation.RotationFixture.Outcome;
import keyrotation.core.FailureReason;
import org.assertj.core.annotation.CheckReturnValue;
import org.assertj.core.api.AbstractAssert;
import org.assertj.core.api.Assertions;

/**
 * Assertions on what an invocation reports of one secret, which is that of the fixture unless
 * {@link ReportAssert} selects another. A failed assertion shows the report, which holds nothing
 * secret.
 */
final class ResultAssert extends AbstractAssert<ResultAssert, JsonNode> {

  ResultAssert(JsonNode entry) {
    super(entry, ResultAssert.class);
  }

  /** Checks the response of an invocation, or its entry for the only secret. */
  @CheckReturnValue
  static ResultAssert assertThatResult(JsonNode response) {
    return response.has("secrets")
        ? ReportAssert.assertThatReport(response).ofOnlySecret(RotationFixture.SECRET)
        : new ResultAssert(response).isOf(RotationFixture.SECRET);
  }

  /** Makes an invocation, which may fail, and checks its report. */
  @CheckReturnValue
  static ResultAssert assertThatResult(Supplier<JsonNode> invocation) {
    return ReportAssert.assertThatReport(() -> whole(invocation.get()))
        .ofOnlySecret(RotationFixture.SECRET);
  }

  /** Checks the report of an invocation that has ended. */
  @CheckReturnValue
  static ResultAssert assertThatResult(Outcome outcome) {
    return ReportAssert.assertThatReport(outcome).ofOnlySecret(RotationFixture.SECRET);
  }

  /** Returns a report, though the fixture may have taken the only entry out of it. */
  private static JsonNode whole(JsonNode response) {
    return response.has("secrets")
        ? response
        : RotationFixture.parse("{\"failed\":false,\"secrets\":[" + response + "]}");
  }

  /** Checks the result. */
  ResultAssert is(ReportedResult result) {
    return check("result", result.name());
  }

  /** Checks that nothing was done because of a failure, which the message explains. */
  ResultAssert failedWith(FailureReason reason) {
    Assertions.assertThat(actual.has("done")).as("done in%n%s", actual.toPrettyString()).isFalse();
    Assertions.assertThat(message())
        .as("message in%n%s", actual.toPrettyString())
        .startsWith(actual.path("secret").asText() + " was not rotated. " + reason + ": ");
    return hasFailed(reason);
  }

  /** Checks that something was done in spite of a failure, which the message explains. */
  ResultAssert failedWith(FailureReason reason, ReportedResult done) {
    check("done", done.name());
    return hasFailed(reason).says(" " + reason + ": ");
  }

  private ResultAssert hasFailed(FailureReason reason) {
    is(ReportedResult.FAILED);
    check("reason", reason.name());
    check("needs", reason.needs().toString());
    return says(" " + reason.nextStep());
  }

  /** Checks that the secret was left out, which is no failure. */
  ResultAssert wasSkippedFor(FailureReason reason) {
    is(ReportedResult.SKIPPED);
    check("reason", reason.name());
    return says(actual.path("secret").asText() + " was skipped. " + reason + ": ");
  }

  /** Checks that the message holds each of the texts. */
  ResultAssert says(String... texts) {
    Assertions.assertThat(message()).as("message in%n%s", actual.toPrettyString()).contains(texts);
    return this;
  }

  /** Checks the secret's name. */
  ResultAssert isOf(String secret) {
    return check("secret", secret);
  }

  /** Checks the id of the version that is current now, or that a step concerns. */
  ResultAssert hasVersion(String id) {
    return check("version_id", id);
  }

  /** Checks the id of the version that was current before. */
  ResultAssert hasPreviousVersion(String id) {
    return check("previous_version_id", id);
  }

  /** Checks when the current key expires. */
  ResultAssert expiresAt(Instant end) {
    return check("valid_until", end.toString());
  }

  /** Checks that a scheduled run would rotate the key now. */
  ResultAssert isDue() {
    return check("due", "true");
  }

  /** Checks that a rotation would resume an unfinished one. */
  ResultAssert wouldResume() {
    return is(ReportedResult.WOULD_ROTATE).check("resume", "true");
  }

  /** Checks that a rotation would not resume an unfinished one. */
  ResultAssert wouldNotResume() {
    return is(ReportedResult.WOULD_ROTATE).check("resume", "false");
  }

  private String message() {
    return actual.path("message").asText();
  }

  private ResultAssert check(String field, String expected) {
    Assertions.assertThat(actual.path(field).asText())
        .as("%s in%n%s", field, actual.toPrettyString())
        .isEqualTo(expected);
    return this;
  }
}
