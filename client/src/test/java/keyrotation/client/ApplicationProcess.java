package keyrotation.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import keyrotation.client.Application.Report;
import keyrotation.sandbox.Sandbox;
import org.jspecify.annotations.Nullable;

/** A process of {@link Application}. */
final class ApplicationProcess implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path log;
  private final Process process;
  private final Thread reader;
  private @Nullable Report latest;
  private boolean hasEnded;

  /**
   * Starts the application in a sandbox that has its secrets.
   *
   * @param log the file that its log goes to
   */
  ApplicationProcess(Sandbox sandbox, Path log) throws IOException {
    this.log = log;
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Application.class.getName())
            .redirectError(log.toFile());
    builder.environment().putAll(sandbox.clientEnvironment());
    builder.environment().put("AWS_REGION", "us-east-1");
    builder.environment().put("AWS_ACCESS_KEY_ID", "sandbox");
    builder.environment().put("AWS_SECRET_ACCESS_KEY", "sandbox");
    process = builder.start();
    reader = Thread.ofVirtual().start(this::read);
  }

  /** Waits for a report, of later than this call, for which something holds. */
  synchronized Report await(Predicate<Report> condition, Duration limit)
      throws InterruptedException {
    latest = null;
    long end = System.nanoTime() + limit.toNanos();
    while (latest == null || !condition.test(latest)) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (hasEnded || left <= 0) {
        throw new AssertionError(
            "The application has not come that far: %s. Its log is %s.".formatted(latest, log));
      }
      wait(left);
    }
    return latest;
  }

  /** Ends the input, waits until the application has closed all, and returns its last report. */
  Report stop() throws IOException, InterruptedException {
    process.getOutputStream().close();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("The application has not ended.");
    }
    reader.join();
    if (process.exitValue() != 0 || latest == null) {
      throw new AssertionError(
          "The application ended with status %d. Its log is %s."
              .formatted(process.exitValue(), log));
    }
    return latest;
  }

  private void read() {
    try (BufferedReader lines = process.inputReader(UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        accept(JSON.readValue(line, Report.class));
      }
    } catch (IOException e) {
      System.err.println("The application's output cannot be read: " + e);
    }
    end();
  }

  private synchronized void accept(Report report) {
    latest = report;
    notifyAll();
  }

  private synchronized void end() {
    hasEnded = true;
    notifyAll();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
