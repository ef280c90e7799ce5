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

/**
 * What the tests that came before have left behind: what they printed, what failed, and how they
 * are called.
 */
class ReportsIT {

  /** Each key begins so, and each inner token; the sandbox marks its refresh tokens. */
  private static final List<String> BEGINNINGS =
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
              report -> assertThat(Files.readString(report, UTF_8)).doesNotContain(BEGINNINGS));
    }
  }
}
