package keyrotation.infrastructure;

/** A secret whose key is rotated, and where it comes from. */
sealed interface SecretSource {

  /** Returns what a person calls it: its name, or its ARN where that was given. */
  String id();

  /** Returns its name, by which it is the same secret however it is called. */
  default String name() {
    return id();
  }

  /** The stack makes it, empty; a person stores the first key. */
  record Created(String id) implements SecretSource {}

  /** It is there already, and known by its name. */
  record ByName(String id) implements SecretSource {}

  /** It is there already, and known by its ARN. */
  record ByArn(String id, String name) implements SecretSource {}
}
