package keyrotation.sandbox.live;

import java.io.PrintStream;
import java.util.EnumMap;
import java.util.Map;

/** Prints the result of each trial as a row, and counts the results. */
final class Report {

  private enum Outcome {
    CONFIRMED("confirmed"),
    REFUTED("refuted"),
    NOT_TRIED("not tried"),
    ERROR("error");

    private final String word;

    Outcome(String word) {
      this.word = word;
    }
  }

  private final PrintStream out;
  private final Map<Outcome, Integer> counts = new EnumMap<>(Outcome.class);

  Report(PrintStream out) {
    this.out = out;
  }

  /** Prints a heading. */
  void title(String text) {
    out.printf("%n%s%n", text);
  }

  /** Prints a row. */
  void add(Assumption<?> assumption, Finding finding) {
    switch (finding) {
      case Finding.Confirmed(String note) -> row(Outcome.CONFIRMED, assumption, "note", note);
      case Finding.Refuted(String seen) -> row(Outcome.REFUTED, assumption, "seen", seen);
      case Finding.NotTried(String needs) -> row(Outcome.NOT_TRIED, assumption, "needs", needs);
      case Finding.Failed(String reason) -> row(Outcome.ERROR, assumption, "why", reason);
    }
  }

  private void row(Outcome outcome, Assumption<?> assumption, String title, String text) {
    count(outcome);
    out.printf("%-4s %-9s  %s%n", assumption.id(), outcome.word, assumption.statement());
    if (!text.isEmpty()) {
      out.printf("%-14s  %s: %s%n", "", title, text);
    }
  }

  /** Prints an error that belongs to no row. */
  void error(String text) {
    count(Outcome.ERROR);
    out.println(text);
  }

  /** Prints the counts; returns whether there were no refutations and no errors. */
  boolean printSummary() {
    out.printf(
        "%n%d confirmed, %d refuted, %d not tried, %d errors%n",
        of(Outcome.CONFIRMED), of(Outcome.REFUTED), of(Outcome.NOT_TRIED), of(Outcome.ERROR));
    return of(Outcome.REFUTED) == 0 && of(Outcome.ERROR) == 0;
  }

  private void count(Outcome outcome) {
    counts.merge(outcome, 1, Integer::sum);
  }

  private int of(Outcome outcome) {
    return counts.getOrDefault(outcome, 0);
  }
}
