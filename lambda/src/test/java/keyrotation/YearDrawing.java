package keyrotation;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.TextStyle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import keyrotation.Year.Incident;
import keyrotation.sandbox.cloudwatch.AlarmState;
import keyrotation.sandbox.cloudwatch.CloudWatch.Change;
import keyrotation.sandbox.cloudwatch.MetricName;

/** Draws a year as SVG, for light and dark backgrounds. */
final class YearDrawing {

  private static final int LEFT = 200;
  private static final double DAY_WIDTH = 2;
  private static final int RIGHT = 20;
  private static final int PANEL_HEIGHT = 70;
  private static final int PANEL_GAP = 26;
  private static final int ROW_HEIGHT = 17;
  private static final int TOP = 46;
  private static final String NAMESPACE = "MomentoKeyRotation";

  private static final String STYLE =
      """
      svg { font: 12px sans-serif; background: #ffffff; }
      text { fill: #24292f; }
      .quiet { fill: #57606a; font-size: 11px; }
      .axis { stroke: #8c959f; stroke-width: 1; }
      .grid { stroke: #d0d7de; stroke-width: 1; }
      .incident { fill: #eaeef2; }
      .line { fill: none; stroke: #0550ae; stroke-width: 1.5; }
      .limit { stroke: #cf222e; stroke-dasharray: 4 3; }
      .good { fill: #1a7f37; }
      .wait { fill: #9a6700; }
      .bad { fill: #cf222e; }
      @media (prefers-color-scheme: dark) {
        svg { background: #0d1117; }
        text { fill: #e6edf3; }
        .quiet { fill: #9198a1; }
        .axis { stroke: #656c76; }
        .grid { stroke: #2a313c; }
        .incident { fill: #1c2430; }
        .line { stroke: #79c0ff; }
        .limit { stroke: #ff7b72; }
        .good { fill: #3fb950; }
        .wait { fill: #d29922; }
        .bad { fill: #ff7b72; }
      }
      """;

  private final Year year;
  private final Instant start;
  private final StringBuilder svg = new StringBuilder();
  private int y = TOP;

  private YearDrawing(Year year) {
    this.year = year;
    this.start = year.start();
  }

  /** Returns the drawing. */
  static String draw(Year year) {
    return new YearDrawing(year).draw();
  }

  private String draw() {
    panel("Days until a key expires", "the first one", 40);
    line("DaysToExpiry", Collections::min, 40);
    panel("Intervals overdue", "alarm at 2", 4);
    limit(2, 4);
    line("RunsOverdue", Collections::max, 4);
    panel("Rotations a day", "of all secrets", 6);
    bars("Rotations", "good", 6);
    panel("Failures a day", "red: needs an operator", 12);
    bars("FailuresWait", "wait", 12);
    bars("FailuresPerson", "bad", 12);
    panel("Revoked keys a day", "replaced v2 keys", 3);
    bars("Revocations", "good", 3);
    int bottom = y;
    alarms();
    return frame(bottom);
  }

  /** Begins a panel. */
  private void panel(String title, String hint, int max) {
    y += PANEL_HEIGHT + PANEL_GAP;
    text(8, y - PANEL_HEIGHT / 2, "", title);
    text(8, y - PANEL_HEIGHT / 2 + 15, "quiet", hint);
    text(LEFT - 26, y - PANEL_HEIGHT + 4, "quiet", "" + max);
    text(LEFT - 14, y + 4, "quiet", "0");
    shape("<line class='axis' x1='%d' y1='%d' x2='%.1f' y2='%d'/>", LEFT, y, x(Year.DAYS), y);
  }

  private void limit(double value, double max) {
    double at = y - value / max * PANEL_HEIGHT;
    shape(
        "<line class='limit' x1='%d' y1='%.1f' x2='%.1f' y2='%.1f'/>", LEFT, at, x(Year.DAYS), at);
  }

  private void line(String metric, Function<Collection<Double>, Double> statistic, double max) {
    StringBuilder points = new StringBuilder();
    daily(metric, statistic)
        .forEach(
            (day, value) ->
                points.append(
                    "%.1f,%.1f "
                        .formatted(x(day), y - Math.clamp(value / max, 0, 1) * PANEL_HEIGHT)));
    shape("<polyline class='line' points='%s'/>", points.toString().strip());
  }

  private void bars(String metric, String style, double max) {
    daily(metric, values -> values.stream().mapToDouble(Double::doubleValue).sum())
        .forEach(
            (day, value) -> {
              double height = Math.min(value / max, 1) * PANEL_HEIGHT;
              shape(
                  "<rect class='%s' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>",
                  style, x(day), y - height, DAY_WIDTH * 0.8, height);
            });
  }

  /** Returns a metric's value of each day that has one. */
  private Map<Integer, Double> daily(
      String metric, Function<Collection<Double>, Double> statistic) {
    Map<Integer, List<Double>> days = new TreeMap<>();
    year.cloudWatch()
        .series(new MetricName(NAMESPACE, metric), statistic)
        .forEach(
            (hour, value) ->
                days.computeIfAbsent(year.dayOf(hour), _ -> new ArrayList<>()).add(value));
    Map<Integer, Double> daily = new LinkedHashMap<>();
    days.forEach((day, values) -> daily.put(day, statistic.apply(values)));
    return daily;
  }

  /** Adds a row for each alarm, with a bar for each time that it is on. */
  private void alarms() {
    y += PANEL_GAP;
    text(8, y + 6, "", "Alarms that are on");
    Map<String, Integer> rows = new TreeMap<>();
    year.cloudWatch().states().keySet().stream()
        .sorted()
        .forEach(alarm -> rows.put(alarm, rows.size()));
    Map<String, Instant> since = new LinkedHashMap<>();
    rows.forEach(
        (alarm, row) ->
            text(
                8,
                y + 24 + row * ROW_HEIGHT,
                "quiet",
                alarm.replaceFirst("^momento-auth-token-refresh-stack-", "")));
    for (Change change : year.cloudWatch().changes()) {
      if (change.to() == AlarmState.ALARM) {
        since.put(change.alarm(), change.at());
      } else if (since.containsKey(change.alarm())) {
        Instant on = since.remove(change.alarm());
        int top = y + 14 + rows.getOrDefault(change.alarm(), 0) * ROW_HEIGHT;
        shape(
            "<rect class='bad' x='%.1f' y='%d' width='%.1f' height='%d'/>",
            x(hours(on) / 24),
            top,
            Math.max(2.5, x(hours(change.at()) / 24) - x(hours(on) / 24)),
            12);
      }
    }
    y += 24 + rows.size() * ROW_HEIGHT;
  }

  private double hours(Instant at) {
    return Duration.between(start, at).toMinutes() / 60.0;
  }

  private static double x(double day) {
    return LEFT + day * DAY_WIDTH;
  }

  private void text(double x, double at, String style, String content) {
    shape("<text class='%s' x='%.1f' y='%.1f'>%s</text>", style, x, at, content);
  }

  @SuppressWarnings("AnnotateFormatMethod") // The annotation would need a library.
  private void shape(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** Adds what lies behind the panels: months and incidents, which are listed below. */
  private String frame(int bottom) {
    String front = svg.toString();
    svg.setLength(0);
    int end = y;
    int number = 0;
    for (Incident incident : Incident.values()) {
      number++;
      shape(
          "<rect class='incident' x='%.1f' y='%d' width='%.1f' height='%d'/>",
          x(incident.first), TOP, Math.max(3, incident.days * DAY_WIDTH), end - TOP);
      text(x(incident.first) - 1, TOP - 4, "quiet", "" + number);
    }
    for (int month = 0; month < 12; month++) {
      var first = start.atOffset(ZoneOffset.UTC).plusMonths(month).withDayOfMonth(1);
      double at = x(year.dayOf(first.toInstant()));
      shape("<line class='grid' x1='%.1f' y1='%d' x2='%.1f' y2='%d'/>", at, TOP, at, bottom);
      text(
          at + 4,
          bottom + 14,
          "quiet",
          first.getMonth().getDisplayName(TextStyle.SHORT, Locale.ROOT));
    }
    String behind = svg.toString();
    svg.setLength(0);
    number = 0;
    int row = end + 20;
    for (Incident incident : Incident.values()) {
      int column = number % 3;
      text(8 + column * 310, row, "quiet", ++number + "  " + incident.what);
      row += column == 2 ? 16 : 0;
    }
    int width = (int) x(Year.DAYS) + RIGHT;
    return """
    <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' role='img' \
    aria-label='A simulated year of rotations, failures and alarms'>
    <style>
    %s</style>
    <rect width='100%%' height='100%%' fill='none'/>
    <text x='8' y='20'>A simulated year: daily runs, secrets with v1 and v2 keys, and %d incidents</text>
    %s%s%s</svg>
    """
        .formatted(width, row + 16, STYLE, Incident.values().length, behind, front, svg);
  }
}
