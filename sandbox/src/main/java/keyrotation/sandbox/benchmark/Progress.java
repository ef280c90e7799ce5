package keyrotation.sandbox.benchmark;

import java.time.Duration;

/** What the benchmark shows while it runs, on standard error, so that the tables stand alone. */
final class Progress {

  private Progress() {}

  static void show(String line) {
    System.err.println("  " + line);
  }

  static double millis(Duration duration) {
    return duration.toNanos() / 1e6;
  }
}
