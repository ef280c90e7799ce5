package keyrotation.sandbox.live;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Compares {@code docs/assumptions.md} with the live check. */
class AssumptionsPageTest {

  private static final Path PAGE = Path.of("..", "docs", "assumptions.md");
  private static final int COLUMNS = 5;

  /** A row of the page, without backticks. */
  private record Row(String id, String statement, String source, String consequence, String test) {

    static Row of(String line) {
      List<String> cells =
          Arrays.stream(line.replace("`", "").split("\\|")).skip(1).map(String::strip).toList();
      assertThat(cells).as(line).hasSize(COLUMNS).doesNotContain("");
      return new Row(cells.get(0), cells.get(1), cells.get(2), cells.get(3), cells.get(4));
    }

    boolean isTried() {
      return test.startsWith("Tried");
    }
  }

  @Test
  void the_page_and_the_check_state_the_same_assumptions() throws IOException {
    Map<String, String> tried =
        rows().stream().filter(Row::isTried).collect(toMap(Row::id, Row::statement));

    assertThat(tried)
        .containsExactlyInAnyOrderEntriesOf(
            LiveCheck.assumptions().stream().collect(toMap(Assumption::id, Assumption::statement)));
  }

  @Test
  void each_row_has_a_unique_id_and_states_why_it_is_not_tried() throws IOException {
    List<Row> rows = rows();

    assertThat(rows.stream().collect(toMap(Row::id, Function.identity()))).hasSameSizeAs(rows);
    assertThat(rows)
        .filteredOn(row -> !row.isTried())
        .hasSizeGreaterThan(20)
        .allSatisfy(row -> assertThat(row.test()).startsWith("Not tried: "));
  }

  private static List<Row> rows() throws IOException {
    return Files.readAllLines(PAGE).stream()
        .filter(line -> line.matches("\\| [MVSL]\\d+ \\|.*"))
        .map(Row::of)
        .toList();
  }
}
