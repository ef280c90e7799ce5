package keyrotation.infrastructure;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.infrastructure.StackSettings.Environment;

/**
 * The ARNs of settings, which have to be of the account and region of the deployment.
 *
 * @param target that account and region
 */
record TargetArns(Environment target) {

  /** An ARN; groups: service, region, account, resource. */
  private static final Pattern ARN =
      Pattern.compile("arn:aws[a-z-]*:([a-z]+):([a-z0-9-]+):(\\d{12}):(.+)");

  /** The resource in a secret's ARN: its name and six random characters. */
  private static final Pattern SECRET = Pattern.compile("secret:(.+)-.{6}");

  private static final Pattern KMS_KEY =
      Pattern.compile("key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})");

  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9_-]{1,256}");

  /**
   * Completes an unknown target from the first ARN: all ARNs must match one target.
   *
   * @param values each one or several names or ARNs, separated by commas
   */
  static TargetArns infer(Environment target, Stream<String> values) {
    return new TargetArns(
        values
            .flatMap(text -> Stream.of(text.split(",", -1)))
            .map(text -> ARN.matcher(text.strip()))
            .filter(Matcher::matches)
            .findFirst()
            .map(
                arn ->
                    new Environment(
                        target.account().or(() -> Optional.of(arn.group(3))),
                        target.region().or(() -> Optional.of(arn.group(2)))))
            .orElse(target));
  }

  /** Returns the secret with this name or ARN. */
  static SecretSource secret(String id, boolean create) {
    Matcher arn = ARN.matcher(id);
    if (arn.matches()) {
      return new SecretSource.ByArn(id, SECRET.matcher(arn.group(4)).replaceFirst("$1"));
    }
    return create ? new SecretSource.Created(id) : new SecretSource.ByName(id);
  }

  /** Reports each ARN of secrets that is not of the target. */
  void checkSecrets(String setting, SettingsReader reader) {
    Stream.of(reader.value(setting).orElse("").split(",", -1))
        .map(String::strip)
        .filter(this::isOutside)
        .forEach(
            arn ->
                reader.mistake(
                    setting,
                    arn,
                    "the ARN of a secret" + inTarget(),
                    example("secretsmanager", "secret:momento/authentication-token-a1B2c3")));
  }

  private boolean isOutside(String secretId) {
    Matcher arn = ARN.matcher(secretId);
    return arn.matches() && !target.matches(arn.group(3), arn.group(2));
  }

  /** Returns the rule for a topic. CloudWatch requires the same region, and no account. */
  SettingRule<String> topicRule() {
    return new SettingRule<>(
        text -> Optional.of(text).filter(this::isTopicInRegion),
        "the ARN of an SNS topic"
            + target.region().map(region -> " in the region " + region).orElse(""),
        example("sns", "platform-alarms"));
  }

  private boolean isTopicInRegion(String text) {
    Matcher arn = ARN.matcher(text);
    return arn.matches()
        && arn.group(1).equals("sns")
        && target.region().map(arn.group(2)::equals).orElse(true)
        && TOPIC.matcher(arn.group(4)).matches();
  }

  SettingRule<String> kmsKeyRule() {
    return new SettingRule<>(
        text -> Optional.of(text).filter(this::isKmsKey),
        "the ARN of a KMS key (not of an alias)" + inTarget(),
        example("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"));
  }

  private boolean isKmsKey(String text) {
    Matcher arn = ARN.matcher(text);
    return arn.matches()
        && arn.group(1).equals("kms")
        && target.matches(arn.group(3), arn.group(2))
        && KMS_KEY.matcher(arn.group(4)).matches();
  }

  private String inTarget() {
    List<String> parts =
        Stream.of(
                target.account().map(account -> "the account " + account),
                target.region().map(region -> "the region " + region))
            .flatMap(Optional::stream)
            .toList();
    return parts.isEmpty() ? "" : " in " + String.join(" and ", parts);
  }

  private String example(String service, String resource) {
    return "arn:aws:%s:%s:%s:%s"
        .formatted(
            service,
            target.region().orElse("us-east-1"),
            target.account().orElse("123456789012"),
            resource);
  }
}
