package keyrotation.tokens;

import java.util.Optional;
import java.util.Set;

/** How API Gateway verifies a caller, and with that the claims that a policy can name. */
public enum Authorizer {
  /** By a JWT of an identity provider; the claims are those of the JWT. */
  JWT,
  /** By AWS credentials; the claims are {@code account}, and {@code role} or {@code user}. */
  IAM;

  private static final Set<String> IAM_CLAIMS = Set.of("account", "role", "user");

  /** Returns the authorizer of a setting, {@code jwt} or {@code iam}. */
  public static Optional<Authorizer> parse(String text) {
    return switch (text) {
      case "jwt" -> Optional.of(JWT);
      case "iam" -> Optional.of(IAM);
      default -> Optional.empty();
    };
  }

  /** Tells whether a verified caller can have a claim of this name. */
  boolean hasClaim(String name) {
    return this == JWT || IAM_CLAIMS.contains(name);
  }
}
