package keyrotation;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import keyrotation.Year.Incident;

/**
 * Plays a year of scheduled runs, and compares the alarms that each incident sets off with those
 * that it should. The function runs in this process, since its clock is moved.
 */
final class YearDemo {

  private YearDemo() {}

  /**
   * Plays the demo; ends with status 1 if anything is not as expected.
   *
   * @param args the path of the stack's template, and that of the drawing
   */
  public static void main(String[] args) throws IOException {
    try (Year year = new Year(new ObjectMapper().readTree(new File(args[0])))) {
      System.out.println(
          "A year of daily runs over 4 secrets with v1 and v2 keys, on a moved clock.");
      year.play(Year.DAYS, YearDemo::showProgress);
      System.out.println();
      boolean isAsExpected = true;
      System.out.printf(
          "%n%-42s %-8s %s%n", "incident", "days", "alarms, and the day they went off");
      for (Incident incident : Incident.values()) {
        Map<String, Integer> alarms = year.alarmsOf(incident);
        Set<String> stuck = year.stuckAfter(incident);
        System.out.printf(
            "%-42s %-8s %s%n",
            incident.what,
            incident.first + "-" + incident.last(),
            alarms.isEmpty() ? "none" : alarms.toString().replaceAll("[{}]", "").replace('=', ' '));
        if (!alarms.keySet().equals(incident.alarms())) {
          isAsExpected = false;
          System.out.println("  expected: " + incident.alarms());
        }
        if (!stuck.isEmpty()) {
          isAsExpected = false;
          System.out.println("  still on after the mend: " + stuck);
        }
      }
      if (!year.falseAlarms().isEmpty() || !year.deadKeys().isEmpty()) {
        isAsExpected = false;
        System.out.println("Without an incident: " + year.falseAlarms());
        System.out.println("Keys that did not work: " + year.deadKeys());
      }
      Path drawing = Path.of(args[1]);
      Files.writeString(drawing, YearDrawing.draw(year));
      System.out.println("%nThe drawing is in %s.".formatted(drawing));
      System.out.println(
          isAsExpected
              ? "Every key worked all year. Everything is as expected."
              : "Something is not as expected.");
      System.exit(isAsExpected ? 0 : 1);
    }
  }

  private static void showProgress(int day) {
    if ((day + 1) % 5 == 0) {
      System.out.print(".");
      System.out.flush();
    }
  }
}
