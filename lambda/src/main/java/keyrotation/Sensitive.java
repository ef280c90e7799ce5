package keyrotation;

/** A secret text. {@code toString} hides it; only {@link #value} returns it. */
record Sensitive(String value) {

  @Override
  public String toString() {
    return "[hidden]";
  }
}
