package keyrotation;

import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.core.FailureReason.MOMENTO_UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a dry run reports of a host that no connection is made to; nothing listens on port 1. */
class UnreachableHostTest extends FunctionTestBase {

  @Test
  void a_dry_run_fails_and_names_the_control_plane() {
    restart(
        new SandboxedFunction(
            KeyKind.V1_WITH_SINGLE_USE_TOKEN,
            Duration.ZERO,
            Map.of("MOMENTO_CONTROL_ENDPOINT", "localhost:1")));
    var _ = function.storeKey();

    assertThatResult(() -> ask("\"dry_run\":true"))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says("no connection to localhost:1 (connection refused)");
    assertThat(function.log()).contains("\"step\":\"verify\"");
  }

  @Test
  void a_dry_run_fails_and_names_the_api() {
    restart(
        new SandboxedFunction(
            KeyKind.V2, Duration.ZERO, Map.of("MOMENTO_API_ENDPOINT", "localhost:1")));
    var _ = function.storeV2Key();

    assertThatResult(() -> ask("\"dry_run\":true"))
        .failedWith(MOMENTO_UNAVAILABLE)
        .says("no connection to localhost:1 (connection refused)");
    assertThat(function.log()).contains("\"step\":\"list_keys\"");
  }
}
