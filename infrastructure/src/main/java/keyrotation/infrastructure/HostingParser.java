package keyrotation.infrastructure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import keyrotation.core.HostAndPort;
import keyrotation.infrastructure.Hosting.Logs;
import keyrotation.infrastructure.Hosting.Network;
import keyrotation.infrastructure.Hosting.Size;
import software.amazon.awscdk.services.lambda.Architecture;

/** Parses {@link Hosting}. Mistakes go to the reader, which has those of all settings. */
final class HostingParser {

  static final String SUBNET_IDS = "SUBNET_IDS";
  static final String SECURITY_GROUP_IDS = "SECURITY_GROUP_IDS";
  static final String PROXY = "OUTBOUND_PROXY";
  static final String PROXY_EXCEPT = "OUTBOUND_PROXY_EXCEPT";
  static final String PERMISSIONS_BOUNDARY_ARN = "PERMISSIONS_BOUNDARY_ARN";
  static final String ROLE_PATH = "ROLE_PATH";
  static final String TAGS = "STACK_TAGS";
  static final String KMS_KEY_ARN = "STACK_KMS_KEY_ARN";
  static final String LOG_RETENTION = "LOG_RETENTION_IN_DAYS";
  static final String LOG_REMOVAL = "LOG_REMOVAL";
  static final String MEMORY = "MEMORY_IN_MEGABYTES";
  static final String TIMEOUT = "TIMEOUT_IN_SECONDS";
  static final String ARCHITECTURE = "ARCHITECTURE";
  static final String SNAP_START = "SNAP_START";

  /** The names of all settings. */
  static final List<String> NAMES =
      List.of(
          SUBNET_IDS,
          SECURITY_GROUP_IDS,
          PROXY,
          PROXY_EXCEPT,
          PERMISSIONS_BOUNDARY_ARN,
          ROLE_PATH,
          TAGS,
          KMS_KEY_ARN,
          LOG_RETENTION,
          LOG_REMOVAL,
          MEMORY,
          TIMEOUT,
          ARCHITECTURE,
          SNAP_START);

  /** The retentions that CloudWatch Logs offers, in days. */
  static final List<Integer> RETENTIONS =
      List.of(
          1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
          2922, 3288, 3653);

  /** What the JVM reaches directly unless an option replaces these defaults. */
  private static final List<String> LOOPBACK = List.of("localhost", "127.*", "[::1]");

  private static final Pattern IP_ADDRESS = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  private static final SettingRule<List<String>> SUBNETS =
      SettingRule.list(
          Pattern.compile("subnet-[0-9a-f]{8,17}").asMatchPredicate(),
          "ids of subnets of one VPC, separated by commas",
          "subnet-0123456789abcdef0");

  private static final SettingRule<List<String>> SECURITY_GROUPS =
      SettingRule.list(
          Pattern.compile("sg-[0-9a-f]{8,17}").asMatchPredicate(),
          "ids of security groups of the same VPC, separated by commas",
          "sg-0123456789abcdef0");

  private static final SettingRule<HostAndPort> PROXIES =
      new SettingRule<>(
          HostingParser::hostAndPort,
          "a host name or an IP address, and a port",
          "proxy.example.com:3128");

  private static final SettingRule<List<String>> EXCEPTIONS =
      SettingRule.list(
          Pattern.compile("(\\*\\.)?[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*(\\.\\*)?").asMatchPredicate(),
          "host names or IP addresses, separated by commas; a star stands for any beginning or end",
          "secretsmanager.us-east-1.amazonaws.com");

  private static final SettingRule<String> BOUNDARIES =
      SettingRule.text(
          Pattern.compile("arn:aws[a-z-]*:iam::(aws|\\d{12}):policy/[\\w+=,.@/-]{1,512}")
              .asMatchPredicate(),
          "the ARN of a managed policy",
          "arn:aws:iam::123456789012:policy/boundary");

  private static final SettingRule<String> PATHS =
      SettingRule.text(
          Pattern.compile("/|/[!-~]{1,510}/").asMatchPredicate(),
          "a path that begins and ends with a slash",
          "/platform/");

  private static final SettingRule<Map<String, String>> TAG_LISTS =
      new SettingRule<>(
          HostingParser::tags,
          "tags as key=value, each key once, separated by commas; letters, digits, spaces and"
              + " _ . : / + @ -; no key begins with aws:",
          "team=platform,cost-center=1234");

  private static final SettingRule<Integer> RETENTION_DAYS =
      new SettingRule<>(
          RETENTIONS.stream().collect(Collectors.toMap(days -> "" + days, days -> days)),
          "one of " + RETENTIONS.stream().map(days -> "" + days).collect(Collectors.joining(", ")),
          "90");

  private static final SettingRule<Boolean> REMAIN =
      new SettingRule<>(Map.of("delete", false, "keep", true), "delete or keep", "delete");

  private static final SettingRule<Integer> MEMORY_SIZES =
      SettingRule.number(256, 10_240, "a number of megabytes from 256 to 10240", "1024");

  private static final SettingRule<Integer> TIMEOUTS =
      SettingRule.number(60, 900, "a number of seconds from 60 to 900", "300");

  private static final SettingRule<Architecture> ARCHITECTURES =
      new SettingRule<>(
          Map.of("arm64", Architecture.ARM_64, "x86_64", Architecture.X86_64),
          "arm64 or x86_64",
          "arm64");

  private static final SettingRule<Boolean> ON_OR_OFF =
      new SettingRule<>(Map.of("on", true, "off", false), "on or off", "on");

  private final SettingsReader reader;
  private final TargetArns arns;

  HostingParser(SettingsReader reader, TargetArns arns) {
    this.reader = reader;
    this.arns = arns;
  }

  /** Parses the settings; a default is in place of an invalid one. */
  Hosting parse() {
    return new Hosting(
        network(),
        reader.readIfSet(PERMISSIONS_BOUNDARY_ARN, BOUNDARIES),
        reader.readIfSet(ROLE_PATH, PATHS),
        reader.readIfSet(TAGS, TAG_LISTS).orElse(Map.of()),
        reader.readIfSet(KMS_KEY_ARN, arns.kmsKeyRule()),
        new Logs(
            reader.read(LOG_RETENTION, "90", RETENTION_DAYS),
            reader.read(LOG_REMOVAL, "delete", REMAIN)),
        new Size(
            // The function uses a tenth of it, but CPU time grows with it: a first rotation takes
            // half as long as with 512 MB, at the same cost. scripts/benchmark.sh measures this.
            reader.read(MEMORY, "1024", MEMORY_SIZES),
            // Room for several slow rotations: many secrets share the rate that Momento allows.
            reader.read(TIMEOUT, "300", TIMEOUTS)),
        reader.read(ARCHITECTURE, "arm64", ARCHITECTURES),
        reader.read(SNAP_START, "on", ON_OR_OFF));
  }

  private Optional<Network> network() {
    if (reader.value(SUBNET_IDS).isEmpty()) {
      reader.refuse(SECURITY_GROUP_IDS, SUBNET_IDS + " is not set");
      return Optional.empty();
    }
    Optional<List<String>> subnets = reader.readIfSet(SUBNET_IDS, SUBNETS);
    Optional<List<String>> groups =
        reader.require(SECURITY_GROUP_IDS, SECURITY_GROUPS, SUBNET_IDS + " is set");
    return subnets.flatMap(in -> groups.map(with -> new Network(in, with)));
  }

  /** Returns the JVM's options for the proxy. All HTTP clients of the functions obey them. */
  Optional<String> proxyOptions() {
    if (reader.value(PROXY).isEmpty()) {
      reader.refuse(PROXY_EXCEPT, PROXY + " is not set");
      return Optional.empty();
    }
    List<String> direct = reader.readIfSet(PROXY_EXCEPT, EXCEPTIONS).orElse(List.of());
    return reader
        .readIfSet(PROXY, PROXIES)
        .map(
            proxy ->
                "-Dhttps.proxyHost=%s -Dhttps.proxyPort=%d -Dhttp.nonProxyHosts=%s"
                    .formatted(
                        proxy.host(),
                        proxy.port(),
                        Stream.concat(LOOPBACK.stream(), direct.stream())
                            .collect(Collectors.joining("|"))));
  }

  private static Optional<HostAndPort> hostAndPort(String text) {
    int colon = text.lastIndexOf(':');
    String host = text.substring(0, Math.max(colon, 0));
    return HostAndPort.isHostName(host) || IP_ADDRESS.matcher(host).matches()
        ? SettingRule.number(1, 65_535, "", "")
            .parser()
            .apply(text.substring(colon + 1))
            .map(port -> new HostAndPort(host, port))
        : Optional.empty();
  }

  private static Optional<Map<String, String>> tags(String text) {
    Pattern form =
        Pattern.compile("(?!aws:)([\\p{L}\\p{N} _.:/+@-]{1,128})=([\\p{L}\\p{N} _.:/+@-]{0,256})");
    Map<String, String> tags = new LinkedHashMap<>();
    for (String entry : text.split(",", -1)) {
      var tag = form.matcher(entry.strip());
      if (!tag.matches() || tags.put(tag.group(1), tag.group(2)) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(tags);
  }
}
