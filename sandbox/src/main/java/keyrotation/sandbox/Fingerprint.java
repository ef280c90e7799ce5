package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A short hash that identifies a secret text without revealing it. */
public final class Fingerprint {

  private static final int BYTES = 4;

  private Fingerprint() {}

  public static String of(String secret) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(secret.getBytes(UTF_8));
      return "#" + HexFormat.of().formatHex(hash, 0, BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("This JVM does not support SHA-256.", e);
    }
  }
}
