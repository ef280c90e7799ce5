package keyrotation.secretsmanager;

import static keyrotation.core.FailureReason.TAG_INVALID;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import keyrotation.core.GracePeriod;
import keyrotation.core.HostAndPort;
import keyrotation.core.RotationException;

/**
 * The settings of one secret, which stand in its tags. The right to tag a secret is often given
 * more freely than the right to write it, so what a tag asks for is checked where it is used.
 *
 * <p>Every method throws a {@link RotationException} with the reason {@code TAG_INVALID} if the tag
 * cannot be read.
 *
 * @param tags all tags of the secret, by key
 */
public record SecretTags(Map<String, String> tags) {

  /** The id of a role. It is shown, so it must hold nothing that a key begins with. */
  public static final Pattern ROLE_ID = Pattern.compile("(?!.*eyJ)[A-Za-z0-9_-]{1,64}");

  /** The tag that pauses a secret. */
  public static final String PAUSED = "momento:paused";

  private static final Pattern DAYS = Pattern.compile("[1-9]\\d{0,2}");

  /** Returns the role that new v2 keys are to have. */
  public Optional<String> roleId() {
    return valid(
        "momento:role-id", ROLE_ID.asMatchPredicate(), "the id of a role, such as r-viewer");
  }

  /** Returns the endpoint of a v2 key whose value does not name one. */
  public Optional<String> endpoint() {
    return valid(
        "momento:endpoint", HostAndPort::isHostName, "a host name alone, without scheme and port");
  }

  /** Returns the age at which a key is due. */
  public Optional<Duration> rotateAfter() {
    return days("momento:rotate-after-days");
  }

  /** Returns how long new v2 keys are to live. */
  public Optional<Duration> keyLifetime() {
    return days("momento:key-lifetime-days");
  }

  private Optional<Duration> days(String tag) {
    return valid(tag, DAYS.asMatchPredicate(), "a number of days from 1 to 999")
        .map(Long::parseLong)
        .map(Duration::ofDays);
  }

  /** Tells whether the secret is to be neither rotated nor its keys revoked. */
  public boolean isPaused() {
    return valid(PAUSED, Set.of("true", "false")::contains, "true or false")
        .filter("true"::equals)
        .isPresent();
  }

  /** Returns how long this secret's replaced keys go on working. */
  public Optional<GracePeriod> grace() {
    return valid(
            "momento:revoke-after-hours",
            text -> GracePeriod.parse(text).isPresent(),
            GracePeriod.RULE)
        .flatMap(GracePeriod::parse);
  }

  /** Reads all tags. */
  public void requireValid() {
    var _ = roleId();
    var _ = endpoint();
    var _ = rotateAfter();
    var _ = keyLifetime();
    var _ = isPaused();
    var _ = grace();
  }

  private Optional<String> valid(String tag, Predicate<String> isValid, String rule) {
    Optional<String> value = Optional.ofNullable(tags.get(tag));
    if (value.filter(isValid.negate()).isPresent()) {
      throw new RotationException(TAG_INVALID, "The tag " + tag + " is not " + rule + ".");
    }
    return value;
  }
}
