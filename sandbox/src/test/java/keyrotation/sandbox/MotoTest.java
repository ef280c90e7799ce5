package keyrotation.sandbox;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Runs the contract against moto, if {@code moto_server} is installed. */
class MotoTest extends SecretsManagerContract {

  private static final String DESCRIBES_UNLABELED = "it also describes versions without a label";
  private static final String DESCRIBES_NULLS = "it describes absent fields as null";
  private static final String LISTS_NAME =
      "it lists versions with the name as ARN, and without KMS keys";
  private static final String SPELLS_MESSAGE =
      "its errors have the field \"message\" instead of \"Message\"";
  private static final String HAS_NO_FUNCTION = "it has no rotation function";

  @RegisterExtension
  static final KnownDifferences DIFFERENCES =
      new KnownDifferences(
          MotoTest.class,
          "moto",
          Map.ofEntries(
              Map.entry("a_pending_label_can_be_taken_off", DESCRIBES_UNLABELED),
              Map.entry("a_version_without_label_is_listed_only_on_demand", DESCRIBES_UNLABELED),
              Map.entry(
                  "a_secret_scheduled_for_deletion_is_not_read_or_written_until_it_is_restored",
                  "its message differs"),
              Map.entry("a_value_has_at_most_65536_bytes", "it accepts values of any size"),
              Map.entry(
                  "moving_a_label_to_an_unknown_version_is_refused",
                  "it removes the label before it refuses"),
              Map.entry("the_current_label_cannot_be_taken_off", "it can be"),
              Map.entry(
                  "the_last_read_is_dated_to_the_day",
                  "its DescribeSecret has no LastAccessedDate"),
              Map.entry(
                  "versions_are_dated_to_the_millisecond_and_later_ones_later",
                  "it dates them to the second"),
              // The recordings.
              Map.entry("a_name_is_taken_once", SPELLS_MESSAGE),
              Map.entry("a_name_is_taken_while_its_secret_waits_for_deletion", "its error differs"),
              Map.entry(
                  "a_put_takes_the_pending_label_off_the_current_version_that_it_replaces",
                  LISTS_NAME),
              Map.entry(
                  "a_request_without_token_is_refused_before_anything_else",
                  "it generates a token"),
              Map.entry(
                  "a_rotation_asked_for_at_once_makes_a_new_version_current", HAS_NO_FUNCTION),
              Map.entry("a_rotation_begins_at_once_if_nothing_is_said", HAS_NO_FUNCTION),
              Map.entry(
                  "a_secret_is_not_rotated_by_a_function_that_is_not_there", "its error differs"),
              Map.entry("a_secret_is_not_rotated_without_a_function", "it accepts the call"),
              Map.entry(
                  "a_secret_that_waits_for_deletion_is_described_and_can_be_deleted_at_once",
                  DESCRIBES_NULLS),
              Map.entry(
                  "a_secret_without_value_has_no_version_until_the_first_put", DESCRIBES_NULLS),
              Map.entry("a_version_is_not_listed_once_another_has_all_its_labels", LISTS_NAME),
              Map.entry("a_version_keeps_the_label_that_the_next_put_does_not_name", LISTS_NAME),
              Map.entry("a_version_that_is_not_previous_any_more_keeps_its_own_label", LISTS_NAME),
              Map.entry("an_unknown_secret_is_not_found", SPELLS_MESSAGE),
              Map.entry("an_update_makes_the_current_version_the_previous_one", LISTS_NAME),
              Map.entry("labels_of_ones_own_stay_with_their_version_when_others_move", LISTS_NAME),
              Map.entry(
                  "the_pending_label_stays_where_it_is_until_the_next_pending_version",
                  LISTS_NAME)));

  private MotoServer moto;

  @BeforeAll
  void start() throws IOException {
    Optional<MotoServer> started = MotoServer.start();
    assumeTrue(started.isPresent(), "moto_server is not installed");
    moto = started.get();
  }

  @AfterAll
  void stop() {
    if (moto != null) {
      moto.close();
    }
  }

  @Override
  URI endpoint() {
    return moto.endpoint();
  }
}
