package keyrotation.infrastructure;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import keyrotation.infrastructure.TemplateParameter.Rule;
import keyrotation.infrastructure.TemplateParameter.Rule.OneOf;
import keyrotation.infrastructure.TemplateParameter.Rule.Text;
import keyrotation.infrastructure.TemplateParameter.Rule.WholeNumber;

/** The parameters of the release's template. {@code docs/install.md} lists them. */
final class TemplateParameters {

  private static final String NAME = "[A-Za-z0-9/_+=.@-]{1,512}";
  private static final String ARN = "arn:aws[a-z-]*:";
  private static final String SECRET_ARN =
      ARN + "secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}";
  private static final String KEY_ARN = ARN + "kms:[a-z0-9-]+:\\d{12}:key/[a-z0-9-]+";
  private static final String REGION = "[a-z]{2,4}(-[a-z]+)+-\\d";
  private static final String HOST = "[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*";
  private static final String PORT =
      "([1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5])";
  private static final String HOST_AND_PORT = HOST + ":" + PORT;
  private static final String ROLE = "[A-Za-z0-9_-]{1,64}";

  private static final String ARCHIVE = "Archive";
  private static final String SECRETS = "Secrets";
  private static final String V2 = "v2 keys";
  private static final String TIMES = "When to rotate";
  private static final String MONITORING = "Monitoring and events";
  private static final String LIMITS = "Limits and addresses";
  private static final String HOSTING = "Rules of your company";

  /** All parameters, in the order in which they are shown. */
  static final List<TemplateParameter> ALL =
      List.of(
          new TemplateParameter(
              "ArchiveBucket",
              ARCHIVE,
              "Bucket",
              "The S3 bucket with rotation-function.zip. It must be in the region of the stack.",
              new Text("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket"),
              Optional.empty(),
              Optional.empty(),
              "example-bucket"),
          new TemplateParameter(
              "ArchiveKey",
              ARCHIVE,
              "Key",
              "The key of rotation-function.zip in the bucket. A new release needs a new key, so"
                  + " that CloudFormation notices the change.",
              new Text("\\S{1,1024}", "a key without spaces"),
              Optional.of("VERSION/rotation-function.zip"),
              Optional.empty(),
              "example-key"),
          new TemplateParameter(
              "ArchiveBucketPerRegion",
              ARCHIVE,
              "One bucket in each region",
              "true: the bucket's name is that above, a hyphen and the region.",
              new OneOf(List.of("false", "true")),
              Optional.of("false"),
              Optional.empty(),
              "false"),
          new TemplateParameter(
              "CreatedSecretName",
              SECRETS,
              "Secret to create",
              "The stack creates this secret, without a value, and rotates it. Empty for none.",
              new Text(NAME, "the name of a secret"),
              Optional.of("momento/authentication-token"),
              Optional.empty(),
              "example/created"),
          text("SecretNames", SECRETS, "Existing secrets", "Names of existing secrets to rotate.")
              .list(NAME, "names of secrets, separated by commas without spaces")
              .example("example/named"),
          text(
                  "SecretArns",
                  SECRETS,
                  "Existing secrets by ARN",
                  "ARNs of existing secrets to rotate, also of other accounts, in the stack's"
                      + " region.")
              .list(SECRET_ARN, "ARNs of secrets, separated by commas without spaces")
              .example(
                  "arn:aws:secretsmanager:us-east-1:123456789012:secret:example/by-arn-a1B2c3"),
          text(
                  "SecretTagValue",
                  SECRETS,
                  "Secrets by tag",
                  "Rotates all secrets as well whose tag momento:rotate has this value.")
              .pattern("[A-Za-z0-9 _.:/+@-]{1,256}", "the value of a tag")
              .example("example-tag-value"),
          text(
                  "KmsKeyArns",
                  SECRETS,
                  "KMS keys",
                  "ARNs of the customer managed keys of the secrets. The first encrypts the secret"
                      + " that the stack creates.")
              .list(KEY_ARN, "ARNs of KMS keys, separated by commas without spaces")
              .example(key("us-east-1", 1) + "," + key("us-east-1", 2), "KMS_KEY_ARN"),
          text(
                  "ReplicaRegion",
                  SECRETS,
                  "Replica region",
                  "The region to which the secret that the stack creates is replicated.")
              .pattern(REGION, "a region, such as eu-west-1")
              .example("eu-north-1"),
          text(
                  "ReplicaKmsKeyArn",
                  SECRETS,
                  "Its KMS key",
                  "The key that encrypts the replica. Empty for AWS's own key.")
              .pattern(KEY_ARN, "the ARN of a KMS key in that region")
              .example(key("eu-north-1", 3)),
          text(
                  "SecondReplicaRegion",
                  SECRETS,
                  "Second replica region",
                  "Another region to which that secret is replicated.")
              .pattern(REGION, "a region, such as eu-west-1")
              .example("eu-south-1"),
          text(
                  "SecondReplicaKmsKeyArn",
                  SECRETS,
                  "Its KMS key",
                  "The key that encrypts the second replica. Empty for AWS's own key.")
              .pattern(KEY_ARN, "the ARN of a KMS key in that region")
              .example(key("eu-south-1", 4)),
          text(
                  "ManagementKeySecretName",
                  V2,
                  "Secret of the management key",
                  "The name of the secret with the management key. Needed to rotate and to revoke"
                      + " v2 keys.")
              .pattern(NAME, "the name of a secret")
              .example("example/management-key", "MOMENTO_MANAGEMENT_KEY_SECRET"),
          text(
                  "AllowedRoles",
                  V2,
                  "Allowed roles",
                  "Ids of the roles that a tag or an event may ask for.")
              .list(ROLE, "ids of roles, separated by commas without spaces")
              .example("r-example,r-other", "MOMENTO_ALLOWED_ROLES"),
          text(
                  "FirstKeyRole",
                  V2,
                  "Role of the first key",
                  "Has a first key of this role, one of the allowed ones, issued for the secret"
                      + " that the stack creates.")
              .pattern(ROLE, "the id of a role, such as r-viewer")
              .example("r-example", "MOMENTO_FIRST_KEY_ROLE"),
          text("FirstKeyEndpoint", V2, "Endpoint of the first key", "Needed for a first key.")
              .pattern(HOST, "a host name that ends in .momentohq.com or in an allowed suffix")
              .example("cell-example.momentohq.com", "MOMENTO_ENDPOINT"),
          text(
                  "EndpointSuffixes",
                  V2,
                  "Allowed suffixes of endpoints",
                  "What the endpoint of a v2 key may end in beside .momentohq.com.")
              .list("\\.[a-z0-9.-]+", "ends of host names, separated by commas without spaces")
              .example(".example.org", "MOMENTO_ENDPOINT_SUFFIXES"),
          text(
                  "RevokeAfterHours",
                  V2,
                  "Hours until a replaced key is revoked",
                  "From 2 to 8760, or off. Empty for a week.")
              .pattern(
                  "[2-9]|[1-9]\\d{1,2}|[1-7]\\d{3}|8[0-6]\\d\\d|87[0-5]\\d|8760|off",
                  "a number of hours from 2 to 8760, or off")
              .example("169", "REVOKE_AFTER_HOURS"),
          new TemplateParameter(
              "RevokeOperatorKeys",
              V2,
              "Revoke keys of operators",
              "Whether to revoke replaced v2 keys as well that this function has not had issued.",
              new OneOf(List.of("false", "true")),
              Optional.of("false"),
              Optional.empty(),
              "false"),
          new TemplateParameter(
              "CheckIntervalInHours",
              TIMES,
              "Hours between scheduled runs",
              "A key must live for two intervals and two hours.",
              new OneOf(ReleaseTemplate.INTERVALS),
              Optional.of("24"),
              Optional.empty(),
              "24"),
          text(
                  "CheckAt",
                  TIMES,
                  "Time of day of scheduled runs",
                  "In place of an interval. A time that the clocks skip in spring has no run.")
              .pattern("([01]\\d|2[0-3]):[0-5]\\d", "a time such as 04:30")
              .example("03:17"),
          new TemplateParameter(
              "CheckTimeZone",
              TIMES,
              "Time zone",
              "The time zone of the time of day.",
              new Text("[A-Za-z0-9_+/-]+", "the name of a time zone, such as Europe/Berlin"),
              Optional.of("UTC"),
              Optional.empty(),
              "America/Toronto"),
          new TemplateParameter(
              "CheckDays",
              TIMES,
              "Days of scheduled runs",
              "Has an effect with a time of day only.",
              new OneOf(ReleaseTemplate.DAYS),
              Optional.of("MON-SUN"),
              Optional.empty(),
              "MON-SUN"),
          text(
                  "RotateAfterDays",
                  TIMES,
                  "Days until a key is due",
                  "From 1 to 1000. Empty for 30 days for v2 keys, and 1 day for v1 keys.")
              .pattern("[1-9]\\d{0,2}|1000", "a number of days from 1 to 1000")
              .example("37", "AUTO_ROTATION_IN_DAYS"),
          new TemplateParameter(
              "RotationTrigger",
              TIMES,
              "Trigger",
              "secrets-manager: Secrets Manager's own rotation of the secret that the stack creates"
                  + " is scheduled in addition.",
              new OneOf(List.of("eventbridge", "secrets-manager")),
              Optional.of("eventbridge"),
              Optional.empty(),
              "eventbridge"),
          text(
                  "AlarmEmail",
                  MONITORING,
                  "E-mail for alarms",
                  "Receives the alarms, once confirmed.")
              .pattern("[^\\s@,]+@[^\\s@,]+\\.[^\\s@,.]+", "one e-mail address")
              .example("platform@example.com", "ALARM_EMAIL"),
          text(
                  "AlarmTopicArn",
                  MONITORING,
                  "Topic for alarms",
                  "An SNS topic of the region, in place of one that the stack creates. Its policy"
                      + " must let CloudWatch publish.")
              .pattern(ARN + "sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]{1,256}", "the ARN of a topic")
              .example("arn:aws:sns:us-east-1:123456789012:example-topic"),
          new TemplateParameter(
              "MetricsPerSecret",
              MONITORING,
              "Metrics of each secret",
              "They cost more. At most 100 secrets.",
              new OneOf(List.of("false", "true")),
              Optional.of("false"),
              Optional.empty(),
              "false"),
          new TemplateParameter(
              "KeyChangedEvents",
              MONITORING,
              "Events of changed keys",
              "none, topic for an SNS topic that the stack creates, or the ARN of an event bus"
                  + " other than the default one. Events of secrets found by tag are not sent.",
              new Text(
                  "none|topic|" + ARN + "events:[a-z0-9-]+:\\d{12}:event-bus/[A-Za-z0-9._-]{1,256}",
                  "none, topic, or the ARN of an event bus"),
              Optional.of("none"),
              Optional.empty(),
              "arn:aws:events:us-east-1:123456789012:event-bus/example-bus"),
          text(
                  "CallsPerSecond",
                  LIMITS,
                  "Calls to Momento in a second",
                  "Stacks of one Momento account share its quota. Empty for 5.")
              .pattern("[1-9]\\d{0,3}|10000", "a number from 1 to 10000")
              .example("7", "MOMENTO_REFRESHES_PER_SECOND"),
          text(
                  "ControlEndpoint",
                  LIMITS,
                  "Momento's control plane",
                  "Empty to derive it from each key.")
              .pattern(HOST_AND_PORT, "a host name and a port")
              .example("control.example.org:8443", "MOMENTO_CONTROL_ENDPOINT"),
          text("ApiEndpoint", LIMITS, "Momento's API for v2 keys", "Empty for Momento's own.")
              .pattern(HOST_AND_PORT, "a host name and a port")
              .example("api.example.org:8443", "MOMENTO_API_ENDPOINT"),
          text("SubnetIds", HOSTING, "Subnets", "The subnets of a VPC that the function runs in.")
              .list("subnet-[0-9a-f]+", "ids of subnets, separated by commas without spaces")
              .example("subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
          text("SecurityGroupIds", HOSTING, "Security groups", "Needed with subnets.")
              .list("sg-[0-9a-f]+", "ids of security groups, separated by commas without spaces")
              .example("sg-0123456789abcdef0"),
          text(
                  "ProxyHost",
                  HOSTING,
                  "Host of the proxy",
                  "An HTTP proxy without a password, for all connections.")
              .pattern(HOST, "a host name")
              .example("proxy.example.org"),
          text("ProxyPort", HOSTING, "Port of the proxy", "Needed with a proxy.")
              .pattern(PORT, "a port")
              .example("3129"),
          text(
                  "ProxyExceptions",
                  HOSTING,
                  "Hosts without the proxy",
                  "Hosts that are connected to directly, such as Secrets Manager's.")
              .list("(\\*\\.)?" + HOST + "(\\.\\*)?", "hosts, separated by commas without spaces")
              .example("direct.example.org"),
          text("PermissionsBoundaryArn", HOSTING, "Permissions boundary", "Of each role.")
              .pattern(
                  ARN + "iam::(aws|\\d{12}):policy/[\\w+=,.@/-]{1,512}",
                  "the ARN of a managed policy")
              .example("arn:aws:iam::123456789012:policy/example", "PERMISSIONS_BOUNDARY_ARN"),
          text("RolePath", HOSTING, "Path of roles", "Of each role.")
              .pattern("/|/[!-~]{1,510}/", "a path that begins and ends with a slash")
              .example("/example/", "ROLE_PATH"),
          text(
                  "StackKmsKeyArn",
                  HOSTING,
                  "KMS key of the stack",
                  "Encrypts the logs, the queues and the topics. Its policy must allow that.")
              .pattern(KEY_ARN, "the ARN of a KMS key")
              .example(key("us-east-1", 5), "STACK_KMS_KEY_ARN"),
          new TemplateParameter(
              "LogRetentionInDays",
              HOSTING,
              "Days that the log is kept",
              "How long the log group keeps a line.",
              new OneOf(HostingParser.RETENTIONS.stream().map(days -> "" + days).toList()),
              Optional.of("90"),
              Optional.of("LOG_RETENTION_IN_DAYS"),
              "545"),
          new TemplateParameter(
              "MemoryInMegabytes",
              HOSTING,
              "Memory",
              "CPU time grows with it.",
              new WholeNumber(256, 10_240),
              Optional.of("1024"),
              Optional.of("MEMORY_IN_MEGABYTES"),
              "2049"),
          new TemplateParameter(
              "TimeoutInSeconds",
              HOSTING,
              "Timeout",
              "The longest time that an invocation may take.",
              new WholeNumber(60, 900),
              Optional.of("300"),
              Optional.of("TIMEOUT_IN_SECONDS"),
              "601"),
          new TemplateParameter(
              "Architecture",
              HOSTING,
              "Processors",
              "Those of the function.",
              new OneOf(List.of("arm64", "x86_64")),
              Optional.of("arm64"),
              Optional.of("ARCHITECTURE"),
              "x86_64"));

  private TemplateParameters() {}

  private static String key(String region, int number) {
    return "arn:aws:kms:%s:123456789012:key/00000000-0000-0000-0000-00000000000%d"
        .formatted(region, number);
  }

  /** Begins an optional parameter. */
  private static Draft text(String name, String group, String label, String description) {
    return new Draft(name, group, label, description, new Text("", ""));
  }

  /** An optional parameter without its example. */
  private record Draft(String name, String group, String label, String description, Rule rule) {

    Draft pattern(String pattern, String text) {
      return new Draft(name, group, label, description, new Text(pattern, text));
    }

    Draft list(String entry, String text) {
      return pattern("(%s)(,(%s))*".formatted(entry, entry), text);
    }

    TemplateParameter example(String example) {
      return build(Optional.empty(), example);
    }

    TemplateParameter example(String example, String setting) {
      return build(Optional.of(setting), example);
    }

    private TemplateParameter build(Optional<String> setting, String example) {
      return new TemplateParameter(
          name, group, label, description, rule, Optional.of(""), setting, example);
    }
  }

  /** Returns the groups, in order. */
  static List<String> groups() {
    return ALL.stream().map(TemplateParameter::group).distinct().toList();
  }

  static Stream<TemplateParameter> of(String group) {
    return ALL.stream().filter(parameter -> parameter.group().equals(group));
  }
}
