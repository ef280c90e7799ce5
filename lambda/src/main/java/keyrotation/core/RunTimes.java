package keyrotation.core;

import static java.util.Comparator.naturalOrder;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
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
import java.util.stream.Stream;

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

    /** Copies the days. */
    public At {
      days = new TreeSet<>(days);
    }

    @Override
    public Duration longestGap() {
      return Duration.ofDays(longestGapInDays(days)).plus(time.longestDelay());
    }
  }

  /** A time of day in a time zone. */
  record TimeOfDay(LocalTime time, ZoneId zone) {

    /** From when to when the changes of the clocks are looked at; they repeat each year. */
    private static final Instant FIRST = Instant.parse("2026-01-01T00:00:00Z");

    private static final Instant LAST = Instant.parse("2036-01-01T00:00:00Z");

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

    /** Tells whether the clocks skip the time when they go forward. */
    private boolean isSkipped() {
      return clockChanges()
          .anyMatch(
              change ->
                  Stream.of(change.getDateTimeBefore(), change.getDateTimeAfter())
                      .map(end -> end.toLocalDate().atTime(time))
                      .anyMatch(
                          skipped ->
                              !skipped.isBefore(change.getDateTimeBefore())
                                  && skipped.isBefore(change.getDateTimeAfter())));
    }

    /** Returns by how much longer than others a day can be: by what the clocks go back. */
    Duration longestDelay() {
      return clockChanges()
          .map(change -> change.getDuration().negated())
          .max(naturalOrder())
          .filter(Duration::isPositive)
          .orElse(Duration.ZERO);
    }

    private Stream<ZoneOffsetTransition> clockChanges() {
      return Stream.iterate(
          zone.getRules().nextTransition(FIRST),
          change -> change != null && change.getInstant().isBefore(LAST),
          change -> zone.getRules().nextTransition(change.getInstant()));
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
