package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.commons.support.HierarchyTraversalMode.TOP_DOWN;

import java.lang.reflect.Method;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/**
 * Skips the tests that an emulator is known to fail. A listed test that passes fails the build, so
 * that the list stays correct.
 *
 * @param tests the test class, which contains the list
 * @param emulator the emulator's name
 * @param differences the differences, by the name of the failing test
 */
record KnownDifferences(Class<?> tests, String emulator, Map<String, String> differences)
    implements BeforeAllCallback, InvocationInterceptor {

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    Set<String> unknown = new TreeSet<>(differences.keySet());
    AnnotationSupport.findAnnotatedMethods(tests, Test.class, TOP_DOWN)
        .forEach(test -> unknown.remove(test.getName()));
    Recording.all().forEach(recording -> unknown.remove(recording.name()));
    assertThat(unknown)
        .as("known differences in %s that match no test", tests.getSimpleName())
        .isEmpty();
  }

  @Override
  public void interceptTestMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceed(invocation, method.getExecutable().getName());
  }

  @Override
  public void interceptDynamicTest(
      Invocation<@Nullable Void> invocation,
      DynamicTestInvocationContext test,
      ExtensionContext context)
      throws Throwable {
    proceed(invocation, context.getDisplayName());
  }

  private void proceed(Invocation<@Nullable Void> invocation, String test) throws Throwable {
    String difference = differences.get(test);
    try {
      invocation.proceed();
    } catch (Throwable failure) {
      if (difference != null) {
        throw new TestAbortedException(emulator + ": " + difference, failure);
      }
      throw failure;
    }
    assertThat(difference)
        .withFailMessage(
            "%s passes %s: remove it from the known differences in %s",
            emulator, test, tests.getSimpleName())
        .isNull();
  }
}
