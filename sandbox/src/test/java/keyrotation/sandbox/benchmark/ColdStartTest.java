package keyrotation.sandbox.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.benchmark.ColdStart.Phase;
import org.junit.jupiter.api.Test;

class ColdStartTest {

  @Test
  void the_phases_add_up_to_the_whole_process() throws IOException {
    Invocation invocation =
        new Invocation(
            "id",
            new Outcome.Response("{}"),
            List.of(
                "Picked up JAVA_TOOL_OPTIONS: -Dname=value",
                "{\"step\":\"parse_event\",\"duration_ms\":20}",
                "{\"step\":\"describe\",\"duration_ms\":500}",
                "{\"step\":\"read_current\",\"duration_ms\":30}",
                "{\"step\":\"refresh\",\"duration_ms\":200}",
                "{\"step\":\"describe\",\"duration_ms\":7}",
                "{\"step\":\"promote\",\"duration_ms\":8}",
                "{\"step\":\"result\",\"duration_ms\":800}"),
            Duration.ofMillis(1000),
            Optional.of(Duration.ofMillis(600)));

    assertThat(ColdStart.phases(invocation))
        .containsEntry(Phase.START, 600.0)
        .containsEntry(Phase.FIRST_CALL, 500.0)
        .containsEntry(Phase.READS, 37.0)
        .containsEntry(Phase.RENEW, 200.0)
        .containsEntry(Phase.PROMOTE, 8.0)
        .containsEntry(Phase.VERIFY, 0.0)
        .containsEntry(Phase.REST, 255.0)
        .containsEntry(Phase.TOTAL, 1600.0);
  }
}
