package keyrotation;

import java.util.Map;
import java.util.Optional;

/**
 * The function's environment variables, read once and checked.
 *
 * @param controlEndpoint where Momento's control plane is; empty to take it from each key
 */
record Settings(Optional<HostAndPort> controlEndpoint) {

  private static final String CONTROL_ENDPOINT = "MOMENTO_CONTROL_ENDPOINT";

  /** Where a server listens. */
  record HostAndPort(String host, int port) {}

  /**
   * Reads the settings.
   *
   * @throws IllegalArgumentException if one can't be; names the variable, the rule and an example
   */
  static Settings from(Map<String, String> environment) {
    return new Settings(
        Optional.ofNullable(environment.get(CONTROL_ENDPOINT))
            .filter(text -> !text.isBlank())
            .map(Settings::hostAndPort));
  }

  private static HostAndPort hostAndPort(String text) {
    int colon = text.lastIndexOf(':');
    if (colon > 0
        && MomentoKey.HOST_NAME.matcher(text.substring(0, colon)).matches()
        && text.substring(colon + 1).matches("\\d{1,5}")) {
      int port = Integer.parseInt(text.substring(colon + 1));
      if (port >= 1 && port <= 65_535) {
        return new HostAndPort(text.substring(0, colon), port);
      }
    }
    throw new IllegalArgumentException(
        CONTROL_ENDPOINT
            + " is \""
            + text
            + "\", but must be a host name and a port, such as control.example.com:443.");
  }
}
