package keyrotation.sandbox.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class WarmRotationsTest {

  private static final List<String> LOG =
      List.of(
          "[0.010s][info][gc] Using Serial",
          "[0.204s][info][gc] GC(0) Pause Young (Allocation Failure) 4M->1M(15M) 2.100ms",
          "[0.300s][info][gc] GC(1) Pause Full (Metadata GC Threshold) 3M->2M(15M) 2.100ms",
          "[0.404s][info][gc] GC(2) Pause Young (Allocation Failure) 6M->2M(15M) 1.300ms");

  @Test
  void allocated_is_what_the_heap_grows_between_collections() {
    assertThat(WarmRotations.allocated(LOG, 0)).hasValue(6.0);
    assertThat(WarmRotations.allocated(LOG, 3)).hasValue(4.0);
  }

  @Test
  void without_a_log_of_collections_it_is_unknown() {
    assertThat(WarmRotations.allocated(List.of(), 0)).isEmpty();
  }
}
