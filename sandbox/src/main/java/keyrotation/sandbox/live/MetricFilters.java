package keyrotation.sandbox.live;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import keyrotation.sandbox.cloudwatch.FilterPattern;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClientBuilder;
import software.amazon.awssdk.services.cloudwatchlogs.model.MetricFilterMatchRecord;

/** The stack's metric filters, and lines of the function's log that CloudWatch tests them with. */
final class MetricFilters implements AutoCloseable {

  static final List<Assumption<MetricFilters>> ALL =
      List.of(
          new Assumption<>(
              "L17",
              "The metric filters select the lines of the log that the sandbox's stand-in selects.",
              MetricFilters::selectTheSameLines));

  private static final ObjectMapper JSON = new ObjectMapper();

  /** CloudWatch allows five calls a second. */
  private static final Duration PACE = Duration.ofMillis(250);

  private final CloudWatchLogsClient client;
  private final List<String> patterns;
  private final List<String> lines;
  private final Poller poller;

  private MetricFilters(
      CloudWatchLogsClient client, List<String> patterns, List<String> lines, Poller poller) {
    this.client = client;
    this.patterns = patterns;
    this.lines = lines;
    this.poller = poller;
  }

  /**
   * Where the filters and the lines are.
   *
   * @param template a template of the stack
   * @param log up to 50 lines, which is what CloudWatch takes at once
   */
  record Sources(Path template, Path log) {}

  /**
   * Reads the filters and the lines.
   *
   * @throws InconclusiveException if a file cannot be read
   */
  static MetricFilters read(Sources sources, CloudWatchLogsClientBuilder client, Poller poller) {
    try {
      List<String> patterns = new ArrayList<>();
      for (JsonNode resource : JSON.readTree(sources.template.toFile()).path("Resources")) {
        if (resource.path("Type").asText().equals("AWS::Logs::MetricFilter")) {
          patterns.add(resource.at("/Properties/FilterPattern").asText());
        }
      }
      return new MetricFilters(client.build(), patterns, Files.readAllLines(sources.log), poller);
    } catch (IOException e) {
      throw new InconclusiveException("The filters or the recorded log cannot be read.");
    }
  }

  /** Returns the region of the service. */
  String region() {
    return client.serviceClientConfiguration().region().id();
  }

  private Finding selectTheSameLines() throws InterruptedException {
    for (String pattern : patterns) {
      List<Integer> expected = selectedBy(FilterPattern.parse(pattern));
      List<Integer> selected =
          client
              .testMetricFilter(r -> r.filterPattern(pattern).logEventMessages(lines))
              .matches()
              .stream()
              .map(MetricFilterMatchRecord::eventNumber)
              .map(Math::toIntExact)
              .sorted()
              .toList();
      if (!selected.equals(expected)) {
        return new Finding.Refuted(
            "%s selects the recorded lines %s, not %s.".formatted(pattern, selected, expected));
      }
      poller.pause(PACE);
    }
    return Finding.confirmed("%d filters, %d lines.".formatted(patterns.size(), lines.size()));
  }

  /** Returns the numbers of the lines that the stand-in selects, the first one being 1. */
  private List<Integer> selectedBy(FilterPattern pattern) {
    return IntStream.rangeClosed(1, lines.size())
        .filter(number -> pattern.matches(parse(lines.get(number - 1))))
        .boxed()
        .toList();
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new InconclusiveException("The recorded log is invalid.");
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
