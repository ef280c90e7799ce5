package keyrotation.core;

/** A secret text. {@code toString} hides it; only {@link #value} returns it. */
public record Sensitive(String value) {

  @Override
  public String toString() {
    return "[hidden]";
  }
}
