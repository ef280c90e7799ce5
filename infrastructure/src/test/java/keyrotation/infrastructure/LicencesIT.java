package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The functions' archives pass on the licence of every jar in them. */
class LicencesIT {

  private static final List<Path> ARCHIVES =
      List.of(Path.of("../lambda/target/function.zip"), Path.of("../tokens/target/function.zip"));
  private static final String INDEX = "licenses/INDEX.txt";
  private static final Pattern JAR = Pattern.compile("lib/(.+?)(-\\d.*)?\\.jar");
  private static final Pattern LICENCE =
      Pattern.compile("(META-INF/)?(LICEN[CS]E|COPYING)(\\.(txt|md))?", Pattern.CASE_INSENSITIVE);

  /** A reference to a licence is shorter, the text of one is not. */
  private static final int SHORTEST_TEXT = 500;

  private final List<ZipFile> archives = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    for (Path archive : ARCHIVES) {
      archives.add(new ZipFile(archive.toFile()));
    }
  }

  @AfterEach
  void close() throws IOException {
    for (ZipFile archive : archives) {
      archive.close();
    }
  }

  @Test
  void each_jar_carries_the_text_of_its_licence_or_is_in_the_index() throws IOException {
    for (ZipFile archive : archives) {
      Set<String> missing = jarsWithoutText(archive);
      missing.removeAll(index(archive).keySet());

      assertThat(missing)
          .withFailMessage(
              "Jars without a licence text in %s: %s. For each, look up the licence in its POM, put"
                  + " the text into lambda/src/main/licenses unless the archive has it, and list"
                  + " the jar in INDEX.txt there.",
              archive.getName(), missing)
          .isEmpty();
    }
  }

  @Test
  void the_index_lists_no_jar_that_carries_a_text_or_is_not_there() throws IOException {
    Set<String> jars = new TreeSet<>();
    for (ZipFile archive : archives) {
      jars.addAll(jarsWithoutText(archive));
    }

    assertThat(jars)
        .as("jars without a licence text: take others off %s", INDEX)
        .containsAll(index(archives.getFirst()).keySet());
  }

  @Test
  void the_index_names_all_texts_and_each_is_there() throws IOException {
    for (ZipFile archive : archives) {
      Set<String> named = new TreeSet<>(index(archive).values());

      assertThat(named)
          .allSatisfy(
              text -> {
                assertThat(archive.getEntry(text)).as(text).isNotNull();
                assertThat(archive.getEntry(text).getSize()).as(text).isGreaterThan(SHORTEST_TEXT);
              });
      assertThat(named)
          .containsAll(
              archive.stream()
                  .map(ZipEntry::getName)
                  .filter(name -> name.matches("licenses/.+") && !name.equals(INDEX))
                  .toList());
    }
  }

  /** Returns the names of those jars, without their versions. */
  private static Set<String> jarsWithoutText(ZipFile archive) {
    Set<String> jars = new TreeSet<>();
    for (ZipEntry entry : archive.stream().toList()) {
      var name = JAR.matcher(entry.getName());
      if (name.matches() && !carriesText(archive, entry)) {
        jars.add(name.group(1));
      }
    }
    return jars;
  }

  private static boolean carriesText(ZipFile archive, ZipEntry jar) {
    try (ZipInputStream entries = new ZipInputStream(archive.getInputStream(jar))) {
      for (ZipEntry entry; (entry = entries.getNextEntry()) != null; ) {
        if (LICENCE.matcher(entry.getName()).matches()
            && entries.readAllBytes().length > SHORTEST_TEXT) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the file of the archive that holds a jar's licence, by the jar's name. */
  private static Map<String, String> index(ZipFile archive) throws IOException {
    try (InputStream in =
        archive.getInputStream(Objects.requireNonNull(archive.getEntry(INDEX), INDEX))) {
      return new String(in.readAllBytes(), UTF_8)
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .map(line -> List.of(line.split(" +", -1)))
          .collect(toMap(columns -> columns.get(0), columns -> columns.get(2)));
    }
  }
}
