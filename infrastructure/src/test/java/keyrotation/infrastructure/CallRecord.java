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
 * The actions of Secrets Manager that the function's tests have seen the handler call. They record
 * them while they run, and say in a first line where only a part of them ran.
 */
final class CallRecord {

  private static final String PARTIAL = "partial: ";

  private CallRecord() {}

  /**
   * Reads the record of the unit tests and that of the integration tests; aborts the test where one
   * is partial, or missing because its tests have not run.
   *
   * @param directory where the function's build leaves its results
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
    // A whole build must not pass without the comparison because nothing records any more.
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
