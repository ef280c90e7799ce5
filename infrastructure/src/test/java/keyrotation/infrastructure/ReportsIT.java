package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches the reports of the preceding tests: their names, output and failures. */
class ReportsIT {

  /** Prefixes of the sandbox's keys, inner tokens and refresh tokens. */
  private static final List<String> PREFIXES =
      List.of("eyJlbmRwb2ludCI6", "eyJhbGciOiJ", "refresh-canary");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sandbox/target/surefire-reports",
        "lambda/target/surefire-reports",
        "lambda/target/failsafe-reports",
        "infrastructure/target/surefire-reports"
      })
  void no_test_report_shows_a_key(String folder) throws IOException {
    try (Stream<Path> reports = Files.walk(Path.of("..", folder))) {
      assertThat(reports.filter(Files::isRegularFile))
          .isNotEmpty()
          .allSatisfy(
              report -> assertThat(Files.readString(report, UTF_8)).doesNotContain(PREFIXES));
    }
  }
}
