package keyrotation.sandbox;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Holds moto's Secrets Manager to the contract, where {@code moto_server} is installed. */
class MotoTest extends SecretsManagerContract {

  private static final String LISTS_UNLABELLED = "it describes versions without a label too";

  @RegisterExtension
  static final KnownFaults FAULTS =
      KnownFaults.listed(
          "moto",
          Map.ofEntries(
              Map.entry("a_pending_label_can_be_taken_off", LISTS_UNLABELLED),
              Map.entry("a_version_without_label_is_listed_only_on_demand", LISTS_UNLABELLED),
              Map.entry("the_next_pending_version_takes_the_label", LISTS_UNLABELLED),
              Map.entry("a_secret_is_not_rotated_without_a_function", "it is, by nobody"),
              Map.entry(
                  "a_secret_is_not_rotated_by_a_function_that_is_not_there",
                  "its error is another"),
              Map.entry(
                  "a_put_that_becomes_current_takes_the_pending_label_off_the_version_it_replaces",
                  "two versions are current after it"),
              Map.entry(
                  "a_secret_scheduled_for_deletion_is_described_and_refuses_the_rest",
                  "its message is another"),
              Map.entry("a_value_has_at_most_65536_bytes", "it takes values of any size"),
              Map.entry(
                  "an_unknown_secret_is_not_found", "listing its versions ends in status 500"),
              Map.entry(
                  "moving_a_label_to_an_unknown_version_is_refused",
                  "it takes the label off before it refuses"),
              Map.entry("the_current_label_cannot_be_taken_off", "it can"),
              Map.entry("the_last_read_is_dated_to_the_day", "it does not describe when it was"),
              Map.entry("the_raw_protocol_demands_a_token", "it makes one up"),
              Map.entry(
                  "versions_are_dated_to_the_millisecond_and_later_ones_later",
                  "it dates them to the second")));

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
