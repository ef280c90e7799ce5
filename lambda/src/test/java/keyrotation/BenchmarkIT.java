package keyrotation;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.util.List;
import keyrotation.sandbox.benchmark.Benchmark;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The benchmark, which needs Node.js and npm; its figures are not judged. */
class BenchmarkIT {

  @Tag("slow")
  @Test
  void fleets_are_measured() {
    assertThatCode(
            () -> Benchmark.runFleets(Path.of(".."), PackedFunction.ARCHIVE, List.of(1, 30), 1))
        .doesNotThrowAnyException();
  }

  @Tag("slow")
  @Test
  void all_parts_of_the_benchmark_run() {
    assertThatCode(() -> Benchmark.run(Path.of(".."), PackedFunction.ARCHIVE, 1, true))
        .doesNotThrowAnyException();
  }
}
