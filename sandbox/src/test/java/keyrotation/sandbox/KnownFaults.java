package keyrotation.sandbox;

import java.lang.reflect.Method;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/** Tells where an emulator is known to differ from Secrets Manager, instead of failing there. */
final class KnownFaults implements InvocationInterceptor {

  private final String emulator;
  private final Function<String, Optional<String>> faultOf;

  private KnownFaults(String emulator, Function<String, Optional<String>> faultOf) {
    this.emulator = emulator;
    this.faultOf = faultOf;
  }

  /** Makes a list of faults: what is wrong, by the name of the test that shows it. */
  static KnownFaults listed(String emulator, Map<String, String> faults) {
    return new KnownFaults(emulator, test -> Optional.ofNullable(faults.get(test)));
  }

  /** Takes every difference for the emulator's fault, as long as nobody has looked at them. */
  static KnownFaults unlisted(String emulator) {
    return new KnownFaults(emulator, test -> Optional.of("it differs"));
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
    Optional<String> fault = faultOf.apply(test);
    try {
      invocation.proceed();
    } catch (Throwable failure) {
      if (fault.isPresent()) {
        throw new TestAbortedException(emulator + ": " + fault.get(), failure);
      }
      throw failure;
    }
  }
}
