package keyrotation.infrastructure;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import keyrotation.infrastructure.StackSettings.Environment;
import software.amazon.awscdk.App;
import software.amazon.awscdk.AppProps;
import software.amazon.awscdk.DefaultStackSynthesizer;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.s3.Bucket;

/**
 * The release's template: CloudFormation's parameters in place of the settings, for those who do
 * not use the CDK.
 *
 * <p>It is merged from the templates of stacks of this app. For each parameter that may be empty
 * there is one stack with its setting and one without; where their templates differ, the release's
 * template decides by a condition. So each resource is described once, by the constructs.
 */
final class ReleaseTemplate {

  /** The values of {@code CheckIntervalInHours}. */
  static final List<String> INTERVALS = List.of("1", "2", "3", "4", "6", "8", "12", "24");

  /** The values of {@code CheckDays}. */
  static final List<String> DAYS = List.of("MON-SUN", "MON-FRI");

  private static final String CHECK_INTERVAL = "CHECK_INTERVAL_IN_HOURS";
  private static final String CHECK_AT = "CHECK_AT";
  private static final String CHECK_DAYS = "CHECK_DAYS";
  private static final String KEY_CHANGED = "KEY_CHANGED_EVENTS";

  /** The name that stands for the stack's name in synthesized templates. */
  static final String STACK_NAME = "example-stack";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<Map<String, String>, ObjectNode> synthesized = new HashMap<>();
  private final TemplateMerge template = new TemplateMerge();
  private final String version;

  private ReleaseTemplate(String version) {
    this.version = version;
  }

  /**
   * Writes the template.
   *
   * @param args the release's version, and the path of the file to write
   */
  public static void main(String[] args) throws IOException {
    Files.writeString(Path.of(args[1]), text(args[0]));
  }

  /** Returns the template of a release. */
  static String text(String version) {
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentArraysWith(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    try {
      return JSON.writer(printer)
              .writeValueAsString(new ReleaseTemplate(version).create())
              // The CDK puts these examples into logical ids. Deployed stacks have these ids, so
              // the
              // examples must stay.
              .replaceAll("(?<=[a-z])(examplecreated|platformexamplecom)(?=[0-9A-F]{8}\\W)", "")
          + "\n";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ObjectNode create() {
    mergeTimes();
    mergeSecrets();
    mergeSettings();
    mergeHosting();
    mergeEvents();
    return TemplateHeader.complete(version, template);
  }

  private void mergeTimes() {
    SortedMap<String, ObjectNode> intervals = new TreeMap<>();
    INTERVALS.forEach(
        hours -> intervals.put(hours, stack(everything().with(CHECK_INTERVAL, hours))));
    String time = example("CheckAt") + " " + example("CheckTimeZone");
    SortedMap<String, ObjectNode> days = new TreeMap<>();
    DAYS.forEach(of -> days.put(of, stack(everything().with(CHECK_AT, time).with(CHECK_DAYS, of))));
    ObjectNode atIntervals = template.mapped("Intervals", "CheckIntervalInHours", intervals);
    template.begin(atIntervals);
    template.merge("HasCheckAt", atIntervals, template.mapped("Days", "CheckDays", days));
  }

  private void mergeSecrets() {
    Variant all = everything().without("REPLICA_REGIONS");
    merge("HasReplicaRegion", all, everything());
    merge("HasCreatedSecretName", all.secrets("SecretNames", "SecretArns"), all);
    merge("HasSecretNames", all.secrets("CreatedSecretName", "SecretArns"), all);
    merge("HasSecretArns", all.secrets("CreatedSecretName", "SecretNames"), all);
    String tag = "momento:rotate=" + example("SecretTagValue");
    merge("HasSecretTagValue", all, all.with("MOMENTO_AUTH_TOKEN_SECRET_TAG", tag));
    // CloudFormation has no loops, so the template schedules Secrets Manager's own rotation of this
    // one secret alone.
    Variant created = everything().secrets("CreatedSecretName").without(KEY_CHANGED);
    merge("RotatedBySecretsManager", created, created.with("ROTATION_TRIGGER", "secrets-manager"));
    template.limit("SecretNames", "HasSecrets");
  }

  /** Merges the parameters that stand for one setting each. */
  private void mergeSettings() {
    Variant noFirstKey = everything().without("MOMENTO_FIRST_KEY_ROLE", "MOMENTO_ENDPOINT");
    merge("HasFirstKeyRole", noFirstKey, everything());
    TemplateParameters.ALL.stream()
        .filter(TemplateParameter::isOptional)
        .filter(parameter -> !parameter.name().startsWith("FirstKey"))
        .forEach(
            parameter ->
                parameter
                    .setting()
                    .ifPresent(
                        setting ->
                            merge(parameter.condition(), noFirstKey.without(setting), noFirstKey)));
    merge("RevokesOperatorKeys", everything(), everything().with("REVOKE_OPERATOR_KEYS", "true"));
    merge("HasMetricsPerSecret", everything(), everything().with("METRICS_PER_SECRET", "true"));
  }

  private void mergeHosting() {
    merge("HasSubnetIds", everything().without("SUBNET_IDS", "SECURITY_GROUP_IDS"), everything());
    merge(
        "HasProxyHost",
        everything().without("OUTBOUND_PROXY", "OUTBOUND_PROXY_EXCEPT"),
        everything());
  }

  private void mergeEvents() {
    Variant noEmail = everything().without("ALARM_EMAIL");
    Variant ownTopic = noEmail.with("ALARM_TOPIC_ARN", example("AlarmTopicArn"));
    merge("HasAlarmTopicArn", noEmail, ownTopic);
    merge("HasKeyChangedEvents", everything().without(KEY_CHANGED), everything());
    Variant bus = everything().with(KEY_CHANGED, example("KeyChangedEvents"));
    merge("HasKeyChangedBus", everything(), bus);
    // The first rule is for secrets with names, the second for those with ARNs.
    template.limit("KeyChangedRule1", "HasKeyChangedNames");
  }

  private void merge(String condition, Variant without, Variant with) {
    template.merge(condition, stack(without), stack(with));
  }

  /** Returns a stack's template, with parameters in place of their examples. */
  private ObjectNode stack(Variant variant) {
    return synthesized.computeIfAbsent(
        variant.settings(),
        settings -> ParameterReferences.in(synthesize(settings, STACK_NAME, STACK_ID), settings));
  }

  /** The name that stands for the last part of the stack's id. */
  static final String STACK_ID = "example-id";

  /**
   * Returns the template of a stack with these settings, whose archive is in a bucket.
   *
   * @param stackId the last part of the stack's id, which is short and unique
   */
  static ObjectNode synthesize(Map<String, String> settings, String stackName, String stackId) {
    App app =
        new App(
            AppProps.builder()
                .defaultStackSynthesizer(
                    DefaultStackSynthesizer.Builder.create()
                        .generateBootstrapVersionRule(false)
                        .build())
                .build());
    Code archive =
        Code.fromBucket(
            Bucket.fromBucketName(new Stack(app, "Archives"), "Bucket", example("ArchiveBucket")),
            example("ArchiveKey"));
    Map<String, String> all = new HashMap<>(settings);
    // CloudFormation publishes a new version only if the template changes. Then a published version
    // would not have a parameter's new value.
    all.put("SNAP_START", "off");
    KeyRotationStack stack =
        new KeyRotationStack(
            app,
            StackSettings.from(all, new Environment(Optional.empty(), Optional.empty())),
            StackNames.ofTemplate(stackName, stackId),
            new Archives(archive, Optional.empty()));
    return JSON.valueToTree(app.synth().getStackByName(stack.getStackName()).getTemplate());
  }

  /** Returns the example of a parameter. */
  static String example(String parameter) {
    return TemplateParameters.ALL.stream()
        .filter(of -> of.name().equals(parameter))
        .findFirst()
        .orElseThrow()
        .example();
  }

  /** Returns all settings that do not exclude each other, with the parameters' examples. */
  private static Variant everything() {
    Map<String, String> settings = new TreeMap<>();
    TemplateParameters.ALL.forEach(
        parameter ->
            parameter.setting().ifPresent(setting -> settings.put(setting, parameter.example())));
    settings.put(KEY_CHANGED, "topic");
    settings.put(
        "REPLICA_REGIONS",
        "%s=%s,%s=%s"
            .formatted(
                example("ReplicaRegion"),
                example("ReplicaKmsKeyArn"),
                example("SecondReplicaRegion"),
                example("SecondReplicaKmsKeyArn")));
    settings.put("SUBNET_IDS", example("SubnetIds"));
    settings.put("SECURITY_GROUP_IDS", example("SecurityGroupIds"));
    settings.put("OUTBOUND_PROXY", example("ProxyHost") + ":" + example("ProxyPort"));
    settings.put("OUTBOUND_PROXY_EXCEPT", example("ProxyExceptions"));
    return new Variant(settings).secrets("CreatedSecretName", "SecretNames", "SecretArns");
  }

  /** The settings of a stack. */
  private record Variant(Map<String, String> settings) {

    Variant with(String name, String value) {
      Map<String, String> more = new TreeMap<>(settings);
      more.put(name, value);
      return new Variant(more);
    }

    Variant without(String... names) {
      Map<String, String> fewer = new TreeMap<>(settings);
      fewer.keySet().removeAll(Set.of(names));
      return new Variant(fewer);
    }

    /** Has the examples of these parameters as the secrets. */
    Variant secrets(String... parameters) {
      String created = example("CreatedSecretName");
      List<String> names = Stream.of(parameters).map(ReleaseTemplate::example).toList();
      return with("MOMENTO_AUTH_TOKEN_SECRET_NAME", String.join(",", names))
          .with("CREATE_SECRETS", names.contains(created) ? created : "false");
    }
  }
}
