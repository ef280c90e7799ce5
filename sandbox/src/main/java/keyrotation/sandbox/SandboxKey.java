package keyrotation.sandbox;

import java.time.Instant;

/** A key that the Momento stand-in has issued, of either kind. */
public sealed interface SandboxKey permits IssuedKey, V2Key {

  /** Returns the key as users hold it. */
  String apiKey();

  /** Returns the expiry; {@link Instant#MAX} for never. */
  Instant validUntil();

  /** Returns the value of a secret with this key. */
  String consoleJson();
}
