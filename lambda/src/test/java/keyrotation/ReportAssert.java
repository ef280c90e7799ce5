package keyrotation;

import static java.util.stream.Collectors.joining;
import static keyrotation.ReportAssert.assertThatReport;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import keyrotation.RotationFixture.Outcome;
import keyrotation.core.FailureReason;
import org.assertj.core.annotation.CheckReturnValue;
import org.assertj.core.api.AbstractAssert;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ListAssert;

/**
 * Assertions on the report of an invocation: its response, or the last line of its error.
 *
 * <p>Each of them first checks that response and error agree with the report: only a report with a
 * failure comes as an error, which begins with the messages of the failures. A failed assertion
 * shows the whole report, which holds nothing secret.
 */
final class ReportAssert extends AbstractAssert<ReportAssert, JsonNode> {

  private ReportAssert(JsonNode report) {
    super(report, ReportAssert.class);
  }

  /** Checks the response of an invocation. */
  @CheckReturnValue
  static ReportAssert assertThatReport(JsonNode response) {
    ReportAssert report = new ReportAssert(response);
    report.check("failed", false, response.path("failed").asBoolean(true));
    report.check("failures", List.of(), report.failures());
    return report;
  }

  /** Makes an invocation, which may fail, and checks its report. */
  @CheckReturnValue
  static ReportAssert assertThatReport(Supplier<JsonNode> invocation) {
    JsonNode response;
    try {
      response = invocation.get();
    } catch (InvocationFailedException e) {
      return ofError(String.valueOf(e.getMessage()));
    }
    return assertThatReport(response);
  }

  /** Checks the report of an invocation that has ended. */
  @CheckReturnValue
  static ReportAssert assertThatReport(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Answered(JsonNode response) -> assertThatReport(response);
      case Outcome.Failed(String message) -> ofError(message);
      case Outcome.Crashed _ -> throw new AssertionError("The process died and reported nothing.");
    };
  }

  private static ReportAssert ofError(String message) {
    int lastLine = message.lastIndexOf('\n') + 1;
    ReportAssert report = new ReportAssert(RotationFixture.parse(message.substring(lastLine)));
    report.check("failed", true, report.actual.path("failed").asBoolean(false));
    String sentences = message.substring(0, Math.max(0, lastLine - 1));
    if (report.entries().isEmpty()) {
      // The event names no secret; what is wrong with it stands in the error alone.
      report.check(
          "reason in the error",
          report.actual.path("reason").asText(),
          sentences.replaceFirst(": .*", ""));
    } else {
      report.check(
          "sentences in the error",
          report.failures().stream()
              .map(entry -> entry.path("message").asText())
              .collect(joining("\n")),
          sentences);
    }
    return report;
  }

  /** Checks which secrets are reported, in order. */
  ReportAssert hasSecrets(String... names) {
    return check("secrets", List.of(names), texts("secret"));
  }

  /** Checks the results of the secrets, in order. */
  ReportAssert hasResults(ReportedResult... results) {
    return check(
        "results", List.of(results).stream().map(ReportedResult::name).toList(), texts("result"));
  }

  /** Goes on with the names of the secrets that have a result. */
  @CheckReturnValue
  ListAssert<String> secretsWith(ReportedResult result) {
    return names(entries(), "result", result.name());
  }

  /** Goes on with the names of the secrets that failed for a reason. */
  @CheckReturnValue
  ListAssert<String> secretsFailedWith(FailureReason reason) {
    return names(failures(), "reason", reason.name());
  }

  private ListAssert<String> names(List<JsonNode> entries, String field, String text) {
    return Assertions.assertThat(
            entries.stream()
                .filter(entry -> entry.path(field).asText().equals(text))
                .map(entry -> entry.path("secret").asText())
                .toList())
        .as("secrets with %s in the report%n%s", text, actual.toPrettyString());
  }

  /** Checks that the event was refused as a whole, before it concerned any secret. */
  ReportAssert isRefusedWith(FailureReason reason) {
    hasSecrets();
    check("reason", reason.name(), actual.path("reason").asText());
    return check("needs", reason.needs().toString(), actual.path("needs").asText());
  }

  /** Goes on with what is reported of a secret. */
  @CheckReturnValue
  ResultAssert ofSecret(String name) {
    List<JsonNode> found =
        entries().stream().filter(entry -> entry.path("secret").asText().equals(name)).toList();
    check("entries of " + name, 1, found.size());
    return new ResultAssert(found.getFirst());
  }

  /** Goes on with what is reported of the only secret. */
  @CheckReturnValue
  ResultAssert ofOnlySecret(String name) {
    hasSecrets(name);
    return ofSecret(name);
  }

  /** Goes on with what is reported of the only secret that failed. */
  @CheckReturnValue
  ResultAssert ofOnlyFailure() {
    check("number of failures", 1, failures().size());
    return new ResultAssert(failures().getFirst());
  }

  private List<JsonNode> entries() {
    return StreamSupport.stream(actual.path("secrets").spliterator(), false).toList();
  }

  private List<JsonNode> failures() {
    return entries().stream()
        .filter(entry -> entry.path("result").asText().equals(ReportedResult.FAILED.name()))
        .toList();
  }

  private List<String> texts(String field) {
    return entries().stream().map(entry -> entry.path(field).asText()).toList();
  }

  private ReportAssert check(String what, Object expected, Object found) {
    Assertions.assertThat(found)
        .as("%s in the report%n%s", what, actual.toPrettyString())
        .isEqualTo(expected);
    return this;
  }
}
