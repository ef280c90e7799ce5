package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** An archive with one class of a test, which Lambda's stand-in runs as a function. */
final class SampleArchive {

  private SampleArchive() {}

  /** Packs the class into {@code function.zip} in a directory. */
  static Path of(Class<?> handler, Path directory) throws IOException {
    Path archive = directory.resolve("function.zip");
    String entry = handler.getName().replace('.', '/') + ".class";
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive));
        InputStream code = handler.getClassLoader().getResourceAsStream(entry)) {
      zip.putNextEntry(new ZipEntry(entry));
      assertThat(code).isNotNull().satisfies(c -> c.transferTo(zip));
    }
    return archive;
  }
}
