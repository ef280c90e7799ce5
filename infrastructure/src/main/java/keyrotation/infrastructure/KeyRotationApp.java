package keyrotation.infrastructure;

import software.amazon.awscdk.App;

/** What {@code cdk} runs: describes the stack, and leaves its template where {@code cdk} looks. */
public final class KeyRotationApp {

  private KeyRotationApp() {}

  /** Synthesises the stack. */
  public static void main(String[] args) {
    App app = new App();
    var _ = new KeyRotationStack(app, "momento-auth-token-refresh");
    app.synth();
  }
}
