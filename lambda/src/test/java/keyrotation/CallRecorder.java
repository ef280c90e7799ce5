package keyrotation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import keyrotation.sandbox.SecretsManagerServer;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;

/**
 * Writes down which actions of Secrets Manager the handler has called during all tests, for the
 * test that compares them with what the function's role allows. A record of a part of the tests
 * says so in its first line.
 */
public final class CallRecorder implements TestExecutionListener {

  /**
   * What selects a part of the tests, or of their cases, on Maven's command line, which hands it on
   * to the tests. A run without any of them is taken for whole, so that the comparison is never
   * skipped by mistake.
   */
  private static final List<String> SELECTIONS =
      List.of("test", "it.test", "groups", "excludedGroups", "scenario", "history");

  /** An earlier build's record must not pass for this one's. */
  @Override
  public void testPlanExecutionStarted(TestPlan plan) {
    try {
      Files.deleteIfExists(Path.of(System.getProperty("calls.file")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    try {
      Files.write(
          Path.of(System.getProperty("calls.file")),
          record(System.getProperties(), SecretsManagerServer.actionsOfFunctions()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the record's lines. */
  static List<String> record(Properties properties, Collection<String> actions) {
    List<String> selected =
        SELECTIONS.stream()
            .filter(properties::containsKey)
            .map(name -> "-D" + name + "=" + properties.getProperty(name))
            .toList();
    Stream<String> first =
        selected.isEmpty() ? Stream.of() : Stream.of("partial: " + String.join(" ", selected));
    return Stream.concat(first, actions.stream()).toList();
  }
}
