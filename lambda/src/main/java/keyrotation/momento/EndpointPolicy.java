package keyrotation.momento;

import static java.util.Locale.ROOT;
import static keyrotation.core.FailureReason.ENDPOINT_NOT_ALLOWED;

import java.util.List;
import java.util.stream.Stream;
import keyrotation.core.RotationException;

/**
 * The hosts that a v2 key may be sent to. The endpoint of a v2 key stands beside it, in the value
 * or in a tag, and the right to write either must not have a key sent to a foreign host.
 *
 * @param furtherSuffixes what such hosts may end in beside {@code .momentohq.com}
 */
public record EndpointPolicy(List<String> furtherSuffixes) {

  private static final String MOMENTOS_SUFFIX = ".momentohq.com";

  /**
   * Returns the endpoint.
   *
   * @throws RotationException {@code ENDPOINT_NOT_ALLOWED}
   */
  public String requireAllowed(String endpoint) {
    boolean isAllowed =
        Stream.concat(Stream.of(MOMENTOS_SUFFIX), furtherSuffixes.stream())
            .anyMatch(suffix -> endpoint.toLowerCase(ROOT).endsWith(suffix.toLowerCase(ROOT)));
    if (!isAllowed) {
      throw new RotationException(
          ENDPOINT_NOT_ALLOWED,
          "The key's endpoint does not end in " + MOMENTOS_SUFFIX + ", so no key is sent there.");
    }
    return endpoint;
  }
}
