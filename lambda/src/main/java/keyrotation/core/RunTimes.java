package keyrotation.core;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** When scheduled runs start. */
public sealed interface RunTimes {

  /** Returns the longest time between the starts of two runs. */
  Duration longestGap();

  /** At equal intervals. */
  record Every(Duration interval) implements RunTimes {
    @Override
    public Duration longestGap() {
      return interval;
    }
  }

  /**
   * At a time of day.
   *
   * @param days the days of the week, by the zone; at least one
   */
  record At(TimeOfDay time, SortedSet<DayOfWeek> days) implements RunTimes {

    /** A day has 25 hours when the clocks go back. */
    private static final Duration CLOCK_CHANGE = Duration.ofHours(1);

    /** Copies the days. */
    public At {
      days = new TreeSet<>(days);
    }

    @Override
    public Duration longestGap() {
      Duration gap = Duration.ofDays(longestGapInDays(days));
      boolean clocksChange = !time.zone.getRules().getTransitionRules().isEmpty();
      return clocksChange ? gap.plus(CLOCK_CHANGE) : gap;
    }
  }

  /** A time of day in a time zone. */
  record TimeOfDay(LocalTime time, ZoneId zone) {

    private static final Pattern FORM =
        Pattern.compile("([01]\\d|2[0-3]):([0-5]\\d)(?: +([A-Za-z0-9_+/-]+))?");

    /** What {@link #parse} accepts, for a message. */
    public static final String RULE =
        "a time and the name of a time zone; a time that the clocks skip in spring has no run";

    /**
     * Parses a time such as {@code 04:30 Europe/Berlin}; without a zone it is UTC. Empty if it is
     * invalid, or if there is no such time on a day on which the clocks go forward: EventBridge
     * Scheduler then skips the run.
     */
    public static Optional<TimeOfDay> parse(String text) {
      Matcher matcher = FORM.matcher(text);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      String zone = Optional.ofNullable(matcher.group(3)).orElse("UTC");
      return ZoneId.getAvailableZoneIds().contains(zone)
          ? Optional.of(
                  new TimeOfDay(
                      LocalTime.of(
                          Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))),
                      ZoneId.of(zone)))
              .filter(time -> !time.isSkipped())
          : Optional.empty();
    }

    private boolean isSkipped() {
      return zone.getRules().getTransitionRules().stream()
          .map(rule -> rule.createTransition(2_030)) // The same time of day in each year.
          .filter(transition -> transition.isGap())
          .anyMatch(
              gap ->
                  !time.isBefore(gap.getDateTimeBefore().toLocalTime())
                      && time.isBefore(gap.getDateTimeAfter().toLocalTime()));
    }
  }

  /** The most days from one run to the next. */
  int MAX_GAP_IN_DAYS = 3;

  /**
   * Parses days of the week, such as {@code MON-FRI} or {@code MON,WED,SAT}. Empty if they are
   * invalid, or if two runs would be more than three days apart.
   */
  static Optional<SortedSet<DayOfWeek>> parseDays(String text) {
    SortedSet<DayOfWeek> days = new TreeSet<>();
    for (String part : text.split(",", -1)) {
      List<Optional<DayOfWeek>> ends =
          Arrays.stream(part.strip().split("-", -1)).map(RunTimes::day).toList();
      if (ends.size() > 2 || ends.stream().anyMatch(Optional::isEmpty)) {
        return Optional.empty();
      }
      DayOfWeek last = ends.getLast().orElseThrow();
      DayOfWeek day = ends.getFirst().orElseThrow();
      days.add(last);
      for (; day != last; day = day.plus(1)) {
        days.add(day);
      }
    }
    return Optional.of(days).filter(of -> longestGapInDays(of) <= MAX_GAP_IN_DAYS);
  }

  private static Optional<DayOfWeek> day(String text) {
    return EnumSet.allOf(DayOfWeek.class).stream()
        .filter(day -> shortName(day).equals(text))
        .findFirst();
  }

  /** Returns the name of a day in a cron expression, such as {@code MON}. */
  static String shortName(DayOfWeek day) {
    return day.name().substring(0, 3);
  }

  private static int longestGapInDays(Set<DayOfWeek> days) {
    return days.stream()
        .mapToInt(
            day ->
                IntStream.rangeClosed(1, 7)
                    .filter(later -> days.contains(day.plus(later)))
                    .findFirst()
                    .orElseThrow())
        .max()
        .orElseThrow();
  }
}
