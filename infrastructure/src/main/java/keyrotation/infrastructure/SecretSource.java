package keyrotation.infrastructure;

/** A secret to rotate, and whether the stack creates it. */
sealed interface SecretSource {

  /** Returns the name or ARN as the operator set it. */
  String id();

  /** Returns the name, also if the ARN was set. */
  default String name() {
    return id();
  }

  /** The stack creates the secret, without a value. */
  record Created(String id) implements SecretSource {}

  /** The secret already exists, and its name was set. */
  record ByName(String id) implements SecretSource {}

  /** The secret already exists, and its ARN was set. */
  record ByArn(String id, String name) implements SecretSource {}
}
