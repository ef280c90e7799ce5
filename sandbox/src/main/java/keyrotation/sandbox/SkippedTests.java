package keyrotation.sandbox;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Prints which tests were skipped or aborted, and why; Maven prints only their number. A module
 * registers it as a service if its tests may be skipped.
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
