package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

/** The functions' archives pass on the licence and the notice of every jar in them. */
class LicencesIT {

  private static final List<Path> MODULES = List.of(Path.of("../lambda"), Path.of("../tokens"));
  private static final String INDEX = "licenses/INDEX.txt";
  private static final String TEXTS = "META-INF/licenses/";
  private static final Path DESCRIPTOR = Path.of("../lambda/src/main/assembly/libraries.xml");
  private static final Pattern LEFT_OUT = Pattern.compile("<exclude>([\\w.-]+):([\\w.-]+)<");
  private static final Pattern JAR = Pattern.compile("(.+?)(-\\d.*)?\\.jar");
  private static final Pattern LICENCE =
      Pattern.compile("(META-INF/)?(LICEN[CS]E|COPYING)(\\.(txt|md))?", Pattern.CASE_INSENSITIVE);
  private static final Pattern NOTICE =
      Pattern.compile("(META-INF/)?NOTICE(\\.(txt|md))?", Pattern.CASE_INSENSITIVE);

  /** A reference to a licence is shorter, the text of one is not. */
  private static final int SHORTEST_TEXT = 500;

  /**
   * A jar whose classes are in an archive.
   *
   * @param name without its version
   * @param texts its licences and notices, by the names of their files
   * @param carriesLicence whether the text of a licence is among them
   */
  private record Jar(String name, Map<String, String> texts, boolean carriesLicence) {}

  @Test
  void each_jar_carries_the_text_of_its_licence_or_is_in_the_index() throws IOException {
    for (Path module : MODULES) {
      Set<String> missing = jarsWithoutLicence(module);
      missing.removeAll(index(module).keySet());

      assertThat(missing)
          .withFailMessage(
              "Jars without a licence text in %s: %s. For each, look up the licence in its POM, put"
                  + " the text into lambda/src/main/licenses unless the archive has it, and list"
                  + " the jar in INDEX.txt there.",
              module, missing)
          .isEmpty();
    }
  }

  /** {@code scripts/sbom.mjs} lists the jars of the class path without these. */
  @Test
  void the_descriptor_leaves_out_the_jars_without_a_class_in_the_archive_and_no_others()
      throws IOException {
    List<String> leftOut =
        LEFT_OUT
            .matcher(Files.readString(DESCRIPTOR))
            .results()
            .map(jar -> jar.group(1).replace('.', '/') + "/" + jar.group(2) + "/")
            .toList();
    for (Path module : MODULES) {
      Set<String> packed = libraries(module).keySet();
      for (Path jar : classPath(module)) {
        assertThat(isPacked(jar, packed))
            .as("whether %s has %s", module, jar)
            .isEqualTo(leftOut.stream().noneMatch(jar.toString()::contains));
      }
    }
  }

  @Test
  void the_licences_and_notices_that_jars_carry_are_passed_on() throws IOException {
    for (Path module : MODULES) {
      Map<String, String> passedOn = libraries(module);
      List<Jar> jars = jars(module);

      assertThat(jars).hasSizeGreaterThan(40);
      assertThat(jars)
          .allSatisfy(
              jar ->
                  assertThat(jar.texts)
                      .allSatisfy(
                          (file, text) ->
                              assertThat(passedOn)
                                  .containsEntry(TEXTS + jar.name + "/" + file, text)));
    }
  }

  @Test
  void the_index_lists_no_jar_that_carries_a_text_or_is_not_there() throws IOException {
    Set<String> jars = new TreeSet<>();
    for (Path module : MODULES) {
      jars.addAll(jarsWithoutLicence(module));
    }

    assertThat(jars)
        .as("jars without a licence text: take others off %s", INDEX)
        .containsAll(index(MODULES.getFirst()).keySet());
  }

  @Test
  void the_index_names_all_texts_and_each_is_there() throws IOException {
    for (Path module : MODULES) {
      Set<String> named = new TreeSet<>(index(module).values());
      try (ZipFile archive = archive(module)) {
        assertThat(named)
            .allSatisfy(
                text -> {
                  assertThat(archive.getEntry(text)).as(text).isNotNull();
                  assertThat(archive.getEntry(text).getSize())
                      .as(text)
                      .isGreaterThan(SHORTEST_TEXT);
                });
        assertThat(named)
            .containsAll(
                archive.stream()
                    .map(ZipEntry::getName)
                    .filter(name -> name.matches("licenses/.+") && !name.equals(INDEX))
                    .toList());
      }
    }
  }

  private static ZipFile archive(Path module) throws IOException {
    return new ZipFile(module.resolve("target/function.zip").toFile());
  }

  private static Set<String> jarsWithoutLicence(Path module) throws IOException {
    Set<String> names = new TreeSet<>();
    for (Jar jar : jars(module)) {
      if (!jar.carriesLicence) {
        names.add(jar.name);
      }
    }
    return names;
  }

  /** Returns the jars of a module's class path whose classes are in its archive. */
  private static List<Jar> jars(Path module) throws IOException {
    Set<String> packed = libraries(module).keySet();
    List<Jar> jars = new ArrayList<>();
    for (Path path : classPath(module)) {
      if (isPacked(path, packed)) {
        jars.add(jar(path));
      }
    }
    return jars;
  }

  private static List<Path> classPath(Path module) throws IOException {
    return Stream.of(
            Files.readString(module.resolve("target/class-path"))
                .strip()
                .split(File.pathSeparator, -1))
        .map(Path::of)
        .toList();
  }

  private static boolean isPacked(Path path, Set<String> packed) throws IOException {
    try (ZipFile jar = new ZipFile(path.toFile())) {
      return jar.stream()
          .map(ZipEntry::getName)
          .anyMatch(name -> name.endsWith(".class") && packed.contains(name));
    }
  }

  private static Jar jar(Path path) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    boolean carriesLicence = false;
    try (ZipFile jar = new ZipFile(path.toFile())) {
      for (ZipEntry entry : jar.stream().toList()) {
        boolean isLicence = LICENCE.matcher(entry.getName()).matches();
        if (isLicence || NOTICE.matcher(entry.getName()).matches()) {
          String text = new String(jar.getInputStream(entry).readAllBytes(), UTF_8);
          texts.put(entry.getName(), text);
          carriesLicence |= isLicence && text.length() > SHORTEST_TEXT;
        }
      }
    }
    var name = JAR.matcher(path.getFileName().toString());
    assertThat(name.matches()).isTrue();
    return new Jar(name.group(1), texts, carriesLicence);
  }

  /**
   * Returns what the archive's jar of libraries holds; the contents of licences and notices alone.
   */
  private static Map<String, String> libraries(Path module) throws IOException {
    Map<String, String> entries = new TreeMap<>();
    try (ZipFile archive = archive(module);
        ZipInputStream jar =
            new ZipInputStream(archive.getInputStream(archive.getEntry("lib/libraries.jar")))) {
      for (ZipEntry entry; (entry = jar.getNextEntry()) != null; ) {
        String name = entry.getName();
        entries.put(name, name.startsWith(TEXTS) ? new String(jar.readAllBytes(), UTF_8) : "");
      }
    }
    return entries;
  }

  /** Returns the file of the archive that holds a jar's licence, by the jar's name. */
  private static Map<String, String> index(Path module) throws IOException {
    try (ZipFile archive = archive(module);
        InputStream in =
            archive.getInputStream(Objects.requireNonNull(archive.getEntry(INDEX), INDEX))) {
      return new String(in.readAllBytes(), UTF_8)
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .map(line -> List.of(line.split(" +", -1)))
          .collect(toMap(columns -> columns.get(0), columns -> columns.get(2)));
    }
  }
}
