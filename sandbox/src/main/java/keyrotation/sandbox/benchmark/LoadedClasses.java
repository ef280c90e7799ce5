package keyrotation.sandbox.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The classes that a JVM has loaded, as its log {@code class+load} lists them. */
record LoadedClasses(List<Loaded> classes) {

  /**
   * A class.
   *
   * @param shared whether it came from the JDK's archive of parsed classes (CDS)
   */
  record Loaded(String group, boolean shared) {}

  /** A group of classes, by the beginning of their names. */
  private record Group(String name, Pattern names) {
    Group(String name, String names) {
      this(name, Pattern.compile(names));
    }
  }

  /** The first that fits counts. */
  private static final List<Group> GROUPS =
      List.of(
          new Group(
              "JDK: TLS and crypto",
              "(sun\\.security|javax\\.net\\.ssl|javax\\.crypto|com\\.sun\\.crypto"
                  + "|javax\\.security|java\\.security)\\."),
          new Group("JDK: HTTP client", "(jdk\\.internal\\.net\\.http|java\\.net\\.http)\\."),
          new Group("gRPC and OkHttp", "(io\\.grpc|io\\.perfmark|okio|okhttp3|kotlin)\\."),
          new Group("Protobuf and Guava", "(com\\.google\\.protobuf|com\\.google\\.common)\\."),
          new Group("Momento's stubs", "(grpc|momento)\\."),
          new Group("Jackson", "com\\.fasterxml\\."),
          new Group("Secrets Manager", "software\\.amazon\\.awssdk\\.services\\.secretsmanager\\."),
          new Group("AWS core", "software\\.amazon\\.awssdk\\."),
          new Group("Lambda's runtime", "com\\.amazonaws\\."),
          new Group("keyrotation", "keyrotation\\."),
          new Group("JDK: other", "(java|javax|jdk|sun|com\\.sun)\\."),
          new Group("other", ""));

  private static final String ALL = "in all";

  static LoadedClasses read(Path log) throws IOException {
    return of(Files.readAllLines(log));
  }

  /** Reads lines such as {@code java.lang.Object source: shared objects file}. */
  static LoadedClasses of(List<String> lines) {
    return new LoadedClasses(lines.stream().flatMap(line -> parse(line).stream()).toList());
  }

  private static Optional<Loaded> parse(String line) {
    int source = line.indexOf(" source: ");
    if (source < 0) {
      return Optional.empty();
    }
    String group =
        GROUPS.stream()
            .filter(each -> each.names.matcher(line).lookingAt())
            .findFirst()
            .orElseThrow()
            .name;
    return Optional.of(new Loaded(group, line.startsWith("shared objects file", source + 9)));
  }

  static List<String> groups() {
    return Stream.concat(GROUPS.stream().map(Group::name), Stream.of(ALL)).toList();
  }

  long count(String group) {
    return in(group).count();
  }

  long countNotShared(String group) {
    return in(group).filter(loaded -> !loaded.shared).count();
  }

  private Stream<Loaded> in(String group) {
    return classes.stream().filter(loaded -> group.equals(ALL) || group.equals(loaded.group));
  }
}
