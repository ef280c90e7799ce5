package keyrotation.sandbox.benchmark;

import java.time.Duration;
import java.util.Locale;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.V2Keys;

/** The kinds of keys. */
enum KeyKind {
  V1,
  V2;

  private static final Duration LIFETIME = Duration.ofDays(30);

  SandboxKey issue(Sandbox sandbox) {
    return switch (this) {
      case V1 -> sandbox.momento().issue(LIFETIME, Permissions.SUPER_USER);
      case V2 ->
          sandbox
              .momento()
              .v2Keys()
              .issueAged(V2Keys.OPERATOR, "of the console", Duration.ZERO, LIFETIME);
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
