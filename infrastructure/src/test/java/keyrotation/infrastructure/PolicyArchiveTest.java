package keyrotation.infrastructure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TimeZone;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

class PolicyArchiveTest {

  @TempDir private Path directory;

  @Test
  void has_the_policy_and_all_other_entries_in_their_order() throws IOException {
    Path archive =
        archive("a/", "", "a/B.class", "code", "policy.json", "{}", "a/policy.json", "another");

    assertThat(entries(PolicyArchive.copy(archive, "{\"rules\": []} ü")))
        .containsExactly(
            Map.entry("a/", ""),
            Map.entry("a/B.class", "code"),
            Map.entry("policy.json", "{\"rules\": []} ü"),
            Map.entry("a/policy.json", "another"));
    assertThat(entries(archive)).containsEntry("policy.json", "{}");
  }

  @ResourceLock(Resources.TIME_ZONE)
  @Test
  void has_the_same_bytes_for_the_same_content_at_any_time_and_place() throws IOException {
    TimeZone zone = TimeZone.getDefault();
    try {
      TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
      byte[] first = copy("x");
      TimeZone.setDefault(TimeZone.getTimeZone("Asia/Tokyo"));
      byte[] again = copy("x");

      assertThat(again).isEqualTo(first);
      assertThat(copy("y")).isNotEqualTo(first);
    } finally {
      TimeZone.setDefault(zone);
    }
  }

  @Test
  void is_refused_if_the_function_would_read_no_policy() throws IOException {
    Path archive = archive("a/policy.json", "{}");

    assertThatThrownBy(() -> PolicyArchive.copy(archive, "{}"))
        .hasMessage(archive + " has no policy.json to replace.");
  }

  private byte[] copy(String policy) throws IOException {
    return Files.readAllBytes(PolicyArchive.copy(archive("A", "a", "policy.json", ""), policy));
  }

  /** Takes alternating names and contents of entries. */
  private Path archive(String... entries) throws IOException {
    Path archive = directory.resolve("function.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (int i = 0; i < entries.length; i += 2) {
        zip.putNextEntry(new ZipEntry(entries[i]));
        zip.write(entries[i + 1].getBytes(UTF_8));
      }
    }
    return archive;
  }

  private static Map<String, String> entries(Path archive) throws IOException {
    Map<String, String> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      for (ZipEntry entry : zip.stream().toList()) {
        entries.put(entry.getName(), new String(zip.getInputStream(entry).readAllBytes(), UTF_8));
      }
    }
    return entries;
  }
}
