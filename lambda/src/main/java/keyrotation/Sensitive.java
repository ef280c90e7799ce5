package keyrotation;

/** A text that nobody may see; to show it takes a call of {@link #value}, and there are few. */
record Sensitive(String value) {

  @Override
  public String toString() {
    return "[hidden]";
  }
}
