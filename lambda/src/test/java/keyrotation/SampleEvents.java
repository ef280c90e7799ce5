package keyrotation;

import static java.time.temporal.ChronoUnit.DAYS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** Reads the sample events that users are given. */
final class SampleEvents {

  private SampleEvents() {}

  /** Returns a sample, which is as if it had been sent now if it is a scheduled event. */
  static String read(String name, Instant now) {
    return read(name)
        .replaceAll("\"time\": \"[^\"]*\"", "\"time\": \"" + now.truncatedTo(DAYS) + "\"");
  }

  static String read(String name) {
    try {
      return Files.readString(Path.of("../events", name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
