package keyrotation.infrastructure;

import io.github.cdklabs.cdknag.AwsSolutionsChecks;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import keyrotation.infrastructure.StackSettings.Environment;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Aspects;
import software.amazon.awscdk.services.lambda.Code;

/** The CDK app, which {@code cdk} runs to synthesize the stack. */
public final class KeyRotationApp {

  private KeyRotationApp() {}

  /**
   * Synthesizes the stack. Settings come from the CDK's context, else from the environment. If any
   * is invalid, it prints all mistakes and exits with status 1.
   *
   * @param args the paths of the archives: that of the function that rotates keys, and that of the
   *     function that makes tokens
   */
  public static void main(String[] args) {
    App app = new App();
    StackSettings settings;
    try {
      settings = StackSettings.from(readSettings(app), target());
    } catch (IllegalArgumentException e) {
      System.err.println("Invalid settings; the stack was not synthesized:\n" + e.getMessage());
      System.exit(1);
      return;
    }
    var _ =
        addStack(
            app, settings, new Archives(Code.fromAsset(args[0]), Optional.of(Path.of(args[1]))));
    app.synth();
  }

  /** Adds the stack and the checks of cdk-nag to an app. */
  static KeyRotationStack addStack(App app, StackSettings settings, Archives archives) {
    Aspects.of(app).add(new AwsSolutionsChecks());
    return new KeyRotationStack(app, settings, StackNames.ofApp(settings.suffix()), archives);
  }

  private static Map<String, String> readSettings(App app) {
    Map<String, String> values = new HashMap<>(System.getenv());
    for (String name : StackSettings.NAMES) {
      Object context = app.getNode().tryGetContext(name);
      if (context != null) {
        values.put(name, context.toString());
      }
    }
    return values;
  }

  /** Returns the target of a deployment, which {@code cdk} knows if it has credentials. */
  private static Environment target() {
    return new Environment(
        Optional.ofNullable(System.getenv("CDK_DEFAULT_ACCOUNT")),
        Optional.ofNullable(System.getenv("CDK_DEFAULT_REGION")));
  }
}
