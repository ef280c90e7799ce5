package keyrotation.infrastructure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.infrastructure.StackSettings.Environment;
import keyrotation.infrastructure.StackSettings.Replica;

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

  private static final Pattern REGION = Pattern.compile("[a-z]{2,4}(-[a-z]+)+-\\d");

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

  /**
   * Returns the secret with this name or ARN.
   *
   * @param isCreated tells whether the stack creates the secret of a name
   */
  static SecretSource secret(String id, Predicate<String> isCreated) {
    Matcher arn = ARN.matcher(id);
    if (arn.matches()) {
      return new SecretSource.ByArn(id, SECRET.matcher(arn.group(4)).replaceFirst("$1"));
    }
    return isCreated.test(id) ? new SecretSource.Created(id) : new SecretSource.ByName(id);
  }

  /** Reports each ARN of secrets that is not of the target. */
  void checkSecrets(String setting, SettingsReader reader) {
    checkSecrets(setting, reader, this);
  }

  /** Reports each ARN of secrets that is not in the target's region; any account will do. */
  void checkRegion(String setting, SettingsReader reader) {
    checkSecrets(setting, reader, anyAccount());
  }

  private static void checkSecrets(String setting, SettingsReader reader, TargetArns allowed) {
    Stream.of(reader.value(setting).orElse("").split(",", -1))
        .map(String::strip)
        .filter(allowed::isOutside)
        .forEach(
            arn ->
                reader.mistake(
                    setting,
                    arn,
                    "the ARN of a secret" + allowed.inTarget(),
                    allowed.example(
                        "secretsmanager", "secret:momento/authentication-token-a1B2c3")));
  }

  private boolean isOutside(String secretId) {
    Matcher arn = ARN.matcher(secretId);
    return arn.matches() && !target.matches(arn.group(3), arn.group(2));
  }

  /** Returns the rule for a topic. CloudWatch requires the same region, and no account. */
  SettingRule<String> topicRule() {
    return SettingRule.text(
        this::isTopicInRegion,
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

  /** Returns the rule for a KMS key, which may be of another account. */
  SettingRule<String> kmsKeyRule() {
    TargetArns inRegion = anyAccount();
    return SettingRule.text(
        inRegion::isKmsKey,
        "the ARN of a KMS key (not of an alias)" + inRegion.inTarget(),
        kmsKeyExample());
  }

  /** Returns the rule for KMS keys, which may be of other accounts. */
  SettingRule<List<String>> kmsKeysRule() {
    TargetArns inRegion = anyAccount();
    return SettingRule.list(
        inRegion::isKmsKey,
        "ARNs of KMS keys (not of aliases)" + inRegion.inTarget() + ", separated by commas",
        kmsKeyExample());
  }

  private TargetArns anyAccount() {
    return new TargetArns(new Environment(Optional.empty(), target.region()));
  }

  /** Returns the rule for the regions of replicas, each with its key. */
  SettingRule<List<Replica>> replicasRule() {
    return new SettingRule<>(
        this::replicas,
        "other regions, each once, separated by commas; each alone, or followed by = and the ARN of"
            + " a KMS key in that region",
        "eu-west-1");
  }

  private Optional<List<Replica>> replicas(String text) {
    Map<String, Replica> replicas = new LinkedHashMap<>();
    for (String entry : text.split(",", -1)) {
      String[] parts = entry.strip().split("=", 2);
      TargetArns there = new TargetArns(new Environment(Optional.empty(), Optional.of(parts[0])));
      boolean isValid =
          REGION.matcher(parts[0]).matches()
              && !target.region().equals(Optional.of(parts[0]))
              && (parts.length == 1 || SettingRule.isToken(parts[1]) || there.isKmsKey(parts[1]));
      Optional<String> key = parts.length == 1 ? Optional.empty() : Optional.of(parts[1]);
      if (!isValid || replicas.put(parts[0], new Replica(parts[0], key)) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(List.copyOf(replicas.values()));
  }

  private String kmsKeyExample() {
    return example("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab");
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
