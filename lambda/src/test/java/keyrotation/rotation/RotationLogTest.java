package keyrotation.rotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.function.Supplier;
import keyrotation.VirtualTime;
import keyrotation.core.FailureReason;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.RotationStep;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotationLogTest {

  private final VirtualTime time = new VirtualTime();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final RotationLog log =
      new RotationLog(new PrintStream(out, true, UTF_8), time, "request")
          .startedBy("schedule")
          .forSecret("secret");

  @Test
  void writes_a_line_for_a_step_and_returns_its_result() throws IOException {
    assertThat(
            log.step(
                LogStep.READ_CURRENT,
                () -> {
                  time.sleep(Duration.ofMillis(1_500));
                  return "result";
                }))
        .isEqualTo("result");

    assertThat(line().path("level").asText()).isEqualTo("INFO");
    assertThat(line().path("request_id").asText()).isEqualTo("request");
    assertThat(line().path("secret").asText()).isEqualTo("secret");
    assertThat(line().path("step").asText()).isEqualTo("read_current");
    assertThat(line().path("outcome").asText()).isEqualTo("done");
    assertThat(line().path("duration_ms").asLong()).isEqualTo(1_500);
    assertThat(line().path("timestamp").asText()).isEqualTo("2026-01-01T00:00:01.500Z");
  }

  @Test
  void leaves_out_what_there_is_nothing_to_say_of() throws IOException {
    var _ =
        new RotationLog(new PrintStream(out, true, UTF_8), time, "request")
            .step(LogStep.PARSE_EVENT, () -> 1);

    assertThat(line().fieldNames())
        .toIterable()
        .containsExactly("timestamp", "level", "request_id", "step", "outcome", "duration_ms");
  }

  @Test
  void writes_the_result_as_the_report_has_it() throws IOException {
    RotationException failure = new RotationException(FailureReason.KEY_EXPIRED, "Too late.");

    RotationResult result =
        log.result(
            () -> {
              throw failure;
            });

    assertThat(result).isEqualTo(new RotationResult.Failed("secret", failure));
    assertThat(line().path("level").asText()).isEqualTo("ERROR");
    assertThat(line().path("step").asText()).isEqualTo("result");
    assertThat(line().path("outcome").asText()).isEqualTo("FAILED");
    assertThat(line().path("reason").asText()).isEqualTo("KEY_EXPIRED");
    assertThat(line().path("needs").asText()).isEqualTo("person");
  }

  @Test
  void the_result_of_a_step_of_secrets_managers_rotation_is_a_result_too() throws IOException {
    var _ =
        log.result(
            () -> new RotationResult.StepDone("secret", RotationStep.CREATE_SECRET, "version"));

    assertThat(line().path("step").asText()).isEqualTo("result");
    assertThat(line().path("rotation_step").asText()).isEqualTo("createSecret");
  }

  @Test
  void a_result_that_is_no_failure_is_no_error() throws IOException {
    var _ = log.result(() -> new RotationResult.AwaitingFirstKey("secret"));

    assertThat(line().path("level").asText()).isEqualTo("INFO");
  }

  @Test
  void writes_the_reason_of_a_failure() throws IOException {
    RotationException failure = new RotationException(FailureReason.KEY_EXPIRED, "Too late.");

    assertThatThrownBy(() -> log.step(LogStep.READ_CURRENT, failing(failure))).isSameAs(failure);

    assertThat(line().path("level").asText()).isEqualTo("WARN");
    assertThat(line().path("outcome").asText()).isEqualTo("KEY_EXPIRED");
    assertThat(line().path("message").asText()).isEqualTo("Too late.");
  }

  @Test
  void hides_what_an_unforeseen_exception_says_and_tells_where_it_came_from() throws IOException {
    assertThatThrownBy(
            () -> log.step(LogStep.READ_CURRENT, failing(new IllegalStateException("canary"))))
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> assertThat(e.reason()).isEqualTo(FailureReason.INTERNAL_ERROR))
        .hasMessageContaining("IllegalStateException")
        .hasMessageContaining("RotationLogTest")
        .hasNoCause();

    assertThat(line().path("level").asText()).isEqualTo("ERROR");
    assertThat(out.toString(UTF_8)).doesNotContain("canary");
  }

  @Test
  void an_error_of_the_jvm_is_a_result_too_and_is_not_quoted() {
    RotationResult result =
        log.result(
            () -> {
              throw new OutOfMemoryError("canary");
            });

    assertThat(result)
        .isInstanceOfSatisfying(
            RotationResult.Failed.class,
            failed ->
                assertThat(failed.failure().explanation())
                    .startsWith("INTERNAL_ERROR: ")
                    .contains("OutOfMemoryError")
                    .doesNotContain("canary"));
    assertThat(out.toString(UTF_8)).doesNotContain("canary");
  }

  @Test
  void a_result_line_has_the_figures_of_the_secret_and_a_line_of_a_step_has_none()
      throws IOException {
    log.figuresAre(Json.object().put("days_to_expiry", 1.5));
    log.figuresAre(Json.object().put("runs_overdue", 0.5));
    var _ = log.step(LogStep.READ_CURRENT, () -> 1);
    assertThat(line().has("runs_overdue")).isFalse();
    out.reset();

    var _ = log.result(() -> new RotationResult.Paused("secret"));

    assertThat(line().path("runs_overdue").asDouble()).isEqualTo(0.5);
    assertThat(line().has("days_to_expiry")).isFalse();
    assertThat(line().path("trigger").asText()).isEqualTo("schedule");
  }

  @Test
  void cuts_a_message_that_would_make_a_line_too_long() throws IOException {
    String name = "x".repeat(512);
    RotationException failure =
        new RotationException(FailureReason.INTERNAL_ERROR, "ü".repeat(8_000));

    assertThatThrownBy(() -> log.forSecret(name).step(LogStep.READ_CURRENT, failing(failure)))
        .isSameAs(failure);

    assertThat(out.size()).isLessThan(8 * 1024);
    assertThat(line().path("message").asText()).startsWith("üü").endsWith("ü …");
  }

  @ParameterizedTest
  @CsvSource({"4000, false", "4001, true"})
  void leaves_a_message_as_it_is_while_the_line_has_four_thousand_characters(
      int length, boolean isCut) throws IOException {
    assertThatThrownBy(() -> log.step(LogStep.READ_CURRENT, failing(failure(1))))
        .isInstanceOf(RotationException.class);
    int rest = out.toString(UTF_8).strip().length() - 1;
    out.reset();

    assertThatThrownBy(() -> log.step(LogStep.READ_CURRENT, failing(failure(length - rest))))
        .isInstanceOf(RotationException.class);

    assertThat(line().path("message").asText().endsWith("…")).isEqualTo(isCut);
  }

  private static RotationException failure(int length) {
    return new RotationException(FailureReason.INTERNAL_ERROR, "x".repeat(length));
  }

  @Test
  void calls_a_secret_by_its_name_and_tells_the_version() throws IOException {
    log.secretIs("name");
    var _ = log.step(LogStep.READ_CURRENT, "v1", () -> "result");

    assertThat(line().path("secret").asText()).isEqualTo("name");
    assertThat(line().path("version_id").asText()).isEqualTo("v1");
  }

  private static Supplier<String> failing(RuntimeException e) {
    return () -> {
      throw e;
    };
  }

  private JsonNode line() throws IOException {
    return new ObjectMapper().readTree(out.toByteArray());
  }
}
