package keyrotation;

import java.lang.reflect.Constructor;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Spares PIT, which tests the tests, an hour: each of its processes runs all tests once only to
 * find out which there are, and then those that meet its mutants. A test that ends before it has
 * begun is found as well. Only PIT's runs register this.
 */
public final class FoundByPit implements InvocationInterceptor {

  @Override
  public <T> T interceptTestClassConstructor(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Constructor<T>> constructor,
      ExtensionContext context)
      throws Throwable {
    Assumptions.assumeFalse(isSought());
    return invocation.proceed();
  }

  private static boolean isSought() {
    return StackWalker.getInstance()
        .walk(
            frames ->
                frames.anyMatch(
                    frame ->
                        frame.getMethodName().equals("findTestsForTestClasses")
                            && frame.getClassName().startsWith("org.pitest.")));
  }
}
