package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What the unit tests have left behind: what they printed, what failed, and how they are called.
 */
class ReportsIT {

  /** Each key begins so, and each inner token; the sandbox marks its refresh tokens. */
  private static final List<String> BEGINNINGS =
      List.of("eyJlbmRwb2ludCI6", "eyJhbGciOiJ", "refresh-canary");

  @Test
  void no_test_report_shows_a_key() throws IOException {
    try (Stream<Path> reports = Files.walk(Path.of("target/surefire-reports"))) {
      assertThat(reports.filter(Files::isRegularFile))
          .isNotEmpty()
          .allSatisfy(
              report -> assertThat(Files.readString(report, UTF_8)).doesNotContain(BEGINNINGS));
    }
  }
}
