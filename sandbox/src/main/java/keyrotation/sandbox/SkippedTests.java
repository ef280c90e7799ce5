package keyrotation.sandbox;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Says which tests were not run, or not to their end, and why: Maven only counts them. A module
 * whose tests may be skipped registers it.
 */
public final class SkippedTests implements TestExecutionListener {

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    System.out.println("Skipped " + test.getDisplayName() + ": " + reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (result.getStatus() == Status.ABORTED) {
      result
          .getThrowable()
          .ifPresent(
              why ->
                  System.out.println("Skipped " + test.getDisplayName() + ": " + why.getMessage()));
    }
  }
}
