package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads options and operands as the scripts do. */
class ScriptOptionsTest {

  private static final String USAGE =
      "Usage: script [--days DAYS] [--yes]%s\n  --days DAYS  days\n  --yes  no questions";

  private static final String WITH_OPERANDS = USAGE.formatted(" SECRET...") + "\n  SECRET  a name";

  private static final String PROGRAM =
      """
      usage=$1
      days=
      yes=
      shift
      . ../scripts/lib.sh
      read_options "$@"
      echo "days=$days yes=$yes operands=$operands"
      """;

  @Test
  void operands_stand_before_between_and_after_options() throws IOException, InterruptedException {
    Shell.Result read = read(WITH_OPERANDS, "one", "--days", "3", "two/*", "--yes", "three");

    assertThat(read.output()).isEqualTo("days=3 yes=yes operands=one\ntwo/*\nthree\n");
    assertThat(read.status()).isZero();
  }

  @Test
  void without_arguments_there_are_no_operands() throws IOException, InterruptedException {
    assertThat(read(WITH_OPERANDS).output()).isEqualTo("days= yes= operands=\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-h", "--", "--no", "--day$", "--days", "", "one\ntwo"})
  void an_argument_that_is_neither_an_option_nor_an_operand_is_misuse(String argument)
      throws IOException, InterruptedException {
    Shell.Result read = read(WITH_OPERANDS, argument);

    assertThat(read.output()).isEqualTo(WITH_OPERANDS + "\n");
    assertThat(read.status()).isEqualTo(2);
  }

  @Test
  void an_operand_is_misuse_if_the_usage_lists_none() throws IOException, InterruptedException {
    assertThat(read(USAGE.formatted(""), "one").status()).isEqualTo(2);
  }

  private static Shell.Result read(String usage, String... arguments)
      throws IOException, InterruptedException {
    return new Shell(URI.create("http://localhost:1"))
        .run(
            Stream.concat(Stream.of("sh", "-euc", PROGRAM, "script", usage), Stream.of(arguments))
                .toArray(String[]::new));
  }
}
