package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The Secrets Manager actions that the handler called during the function's tests. The tests write
 * the record; its first line states if only some of them ran.
 */
final class CallRecord {

  private static final String PARTIAL = "partial: ";

  private CallRecord() {}

  /**
   * Reads the records of the unit tests and the integration tests. Aborts the test if a record is
   * partial, or missing because its tests did not run.
   *
   * @param directory the build directory of the function's module
   */
  static Set<String> read(Path directory) throws IOException {
    Set<String> actions = new TreeSet<>();
    actions.addAll(read(directory.resolve("calls-of-tests.txt"), "surefire-reports"));
    actions.addAll(read(directory.resolve("calls-of-integration-tests.txt"), "failsafe-reports"));
    return actions;
  }

  private static List<String> read(Path file, String reports) throws IOException {
    assumeTrue(
        Files.exists(file) || Files.exists(file.resolveSibling(reports)),
        () ->
            "There is no record of the function's calls, %s; mvn verify writes it".formatted(file));
    // If recording breaks, a full build must fail instead of skipping the comparison.
    assertThat(file)
        .withFailMessage(
            "The function's tests ran, but wrote no record of its calls, %s. If they were"
                + " interrupted, run mvn verify; otherwise CallRecorder is broken.",
            file)
        .exists();
    List<String> lines = Files.readAllLines(file);
    assumeFalse(
        !lines.isEmpty() && lines.getFirst().startsWith(PARTIAL),
        () ->
            "The record of the function's calls, %s, is partial: it was written with %s; mvn"
                    .formatted(file, lines.getFirst().substring(PARTIAL.length()))
                + " verify without a test selection writes all of it");
    return lines;
  }
}
