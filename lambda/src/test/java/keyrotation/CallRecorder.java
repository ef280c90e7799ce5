package keyrotation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import keyrotation.sandbox.SecretsManagerServer;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;

/**
 * Writes down which actions of Secrets Manager the handler has called during all tests, for the
 * test that compares them with what the function's role allows.
 */
public final class CallRecorder implements TestExecutionListener {

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    try {
      Files.write(
          Path.of(System.getProperty("calls.file")), SecretsManagerServer.actionsOfFunctions());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
