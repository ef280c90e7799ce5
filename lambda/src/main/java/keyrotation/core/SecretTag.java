package keyrotation.core;

/** A tag of a secret. */
public record SecretTag(String key, String value) {
  @Override
  public String toString() {
    return key + "=" + value;
  }
}
