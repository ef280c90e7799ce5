package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** The archive of the function that makes tokens, with the operator's policy in it. */
final class PolicyArchive {

  /** The empty policy that the build has put into the archive. */
  private static final String ENTRY = "policy.json";

  /** A constant, so that the archive changes only with its content, and with it the asset. */
  private static final LocalDateTime TIME = LocalDateTime.of(2000, 1, 1, 0, 0);

  private PolicyArchive() {}

  /** Copies an archive to a temporary file, with another policy. */
  static Path copy(Path archive, String policy) {
    try (ZipFile original = new ZipFile(archive.toFile())) {
      if (original.getEntry(ENTRY) == null) {
        throw new IllegalArgumentException(archive + " has no " + ENTRY + " to replace.");
      }
      Path copy = Files.createTempFile("tokens", ".zip");
      copy.toFile().deleteOnExit();
      try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(copy))) {
        // The jars in it are compressed already.
        out.setLevel(Deflater.NO_COMPRESSION);
        for (ZipEntry entry : original.stream().toList()) {
          ZipEntry copied = new ZipEntry(entry.getName());
          copied.setTimeLocal(TIME);
          out.putNextEntry(copied);
          if (entry.getName().equals(ENTRY)) {
            out.write(policy.getBytes(UTF_8));
          } else {
            original.getInputStream(entry).transferTo(out);
          }
          out.closeEntry();
        }
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
