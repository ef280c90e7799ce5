package keyrotation.rotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;
import keyrotation.core.SecretId;
import keyrotation.momento.KeyInfo;
import keyrotation.secretsmanager.Secret;

/**
 * The description of a v2 key that this function has had issued: {@code momento-key-rotation/1},
 * the secret's hash, the version that the key was issued for, and the secret's name for people.
 *
 * @param versionId empty if the description is not whole, or names no version
 */
record KeyDescription(String secretHash, Optional<String> versionId) {

  private static final String ISSUER = "momento-key-rotation/1";
  private static final int MAX_NAME_LENGTH = 60;
  private static final Pattern VERSION_ID = Pattern.compile("[A-Za-z0-9-]{32,64}");

  /** Returns the description of a key that is issued for a version. */
  static String of(Secret secret, String versionId) {
    String name = SecretId.of(secret.name()).name();
    return String.join(
        " ",
        ISSUER,
        hash(secret.arn()),
        versionId,
        name.substring(0, Math.min(name.length(), MAX_NAME_LENGTH)));
  }

  /** Reads a key's description; empty if this function has not had the key issued. */
  static Optional<KeyDescription> of(KeyInfo key) {
    String[] parts = key.description().split(" ", -1);
    // The last part may have been cut short.
    if (parts.length < 3 || !parts[0].equals(ISSUER)) {
      return Optional.empty();
    }
    Optional<String> versionId =
        Optional.of(parts[2]).filter(id -> parts.length > 3 && VERSION_ID.matcher(id).matches());
    return Optional.of(new KeyDescription(parts[1], versionId));
  }

  /** Returns the version that a key was issued for, as far as its description tells. */
  static Optional<String> versionIdOf(KeyInfo key) {
    return of(key).flatMap(KeyDescription::versionId);
  }

  /**
   * Tells whether this function has had a key issued for this very secret. Secrets of other
   * accounts and regions may have the same name, so their ARNs are compared.
   */
  static boolean isFor(Secret secret, KeyInfo key) {
    return of(key).filter(stated -> stated.secretHash.equals(hash(secret.arn()))).isPresent();
  }

  private static String hash(String arn) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(arn.getBytes(UTF_8));
      return HexFormat.of().formatHex(hash, 0, 10);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.");
    }
  }
}
