package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class CallRecordTest {

  @TempDir private Path directory;
  private Path ofTests;
  private Path ofIntegrationTests;

  @BeforeEach
  void write_both_records() throws IOException {
    ofTests = directory.resolve("calls-of-tests.txt");
    ofIntegrationTests = directory.resolve("calls-of-integration-tests.txt");
    Files.writeString(ofTests, "ListSecrets\nDescribeSecret\n");
    Files.writeString(ofIntegrationTests, "DescribeSecret\nGetSecretValue\n");
  }

  @Test
  void holds_the_actions_of_unit_tests_and_integration_tests() throws IOException {
    assertThat(CallRecord.read(directory))
        .containsExactly("DescribeSecret", "GetSecretValue", "ListSecrets");
  }

  @Test
  void a_partial_record_aborts_and_states_how_to_write_a_complete_one() throws IOException {
    Files.writeString(ofTests, "partial: -Dtest=ExpiryTest\nDescribeSecret\n");

    assertThatThrownBy(() -> CallRecord.read(directory))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining(
            "is partial: it was written with -Dtest=ExpiryTest; mvn verify without a test selection"
                + " writes all of it");
  }

  @Test
  void a_missing_record_aborts_if_its_tests_did_not_run() throws IOException {
    Files.delete(ofIntegrationTests);

    assertThatThrownBy(() -> CallRecord.read(directory))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining("There is no record of the function's calls, " + ofIntegrationTests);
  }

  @Test
  void a_missing_record_fails_if_its_tests_ran() throws IOException {
    Files.delete(ofIntegrationTests);
    Files.createDirectory(directory.resolve("failsafe-reports"));

    assertThatThrownBy(() -> CallRecord.read(directory))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("wrote no record of its calls, " + ofIntegrationTests);
  }
}
