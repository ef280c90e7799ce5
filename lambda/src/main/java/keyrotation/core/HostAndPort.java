package keyrotation.core;

import java.util.regex.Pattern;

/** The address of a server. */
public record HostAndPort(String host, int port) {

  /** Labels of letters, digits and inner hyphens, the last of which begins with a letter. */
  private static final Pattern HOST_NAME =
      Pattern.compile(
          "(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*"
              + "[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");

  /** Returns the address as an operator writes it. */
  @Override
  public String toString() {
    return host + ":" + port;
  }

  public static boolean isHostName(String text) {
    return HOST_NAME.matcher(text).matches();
  }
}
