package keyrotation.infrastructure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs key-readers.sh, with the AWS command line, against a stand-in for CloudTrail. */
class KeyReadersIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SCRIPT = "../scripts/key-readers.sh";
  private static final String SECRET = "momento/authentication-token";

  /** Seven hours after the rotation in the events. */
  private static final String LATER = "2026-11-22T11:00:00Z";

  @TempDir private Path directory;

  @BeforeEach
  void needsTheCommandLine() {
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    assumeTrue(Shell.isOnPath("node"), "Node.js is not installed");
  }

  @Test
  void it_prints_what_the_runbook_shows() throws IOException, InterruptedException {
    try (CloudTrailServer aws = CloudTrailServer.start(events(_ -> true))) {
      aws.throttleOnce();

      Shell.Result listed = run(aws, LATER, SCRIPT, SECRET);

      assertThat(listed.output()).isEqualTo(shown());
      // The calls are limited to two a second; the command line gives up after a few by default.
      assertThat(aws.attempts()).contains("max=20");
      assertThat(listed.status()).isEqualTo(1);
    }
  }

  @Tag("slow")
  @Test
  void json_has_the_sessions_and_standard_output_has_nothing_else()
      throws IOException, InterruptedException {
    List<JsonNode> events = events(_ -> true);
    ((ObjectNode) events.getFirst()).put("userAgent", "agent \u001b[31m");
    try (CloudTrailServer aws = CloudTrailServer.start(events)) {
      Shell.Result listed =
          run(
              aws,
              LATER,
              "sh",
              "-c",
              "%s --json --days 3 %s 2>/dev/null".formatted(SCRIPT, CloudTrailServer.ARN));

      assertThat(JSON.readTree(listed.output()))
          .isEqualTo(
              JSON.readTree(
                  """
                  {
                    "secret": "%s",
                    "rotated": "2026-11-22T04:00:12Z",
                    "from": "2026-11-19T04:00:12Z",
                    "complete_until": "2026-11-22T10:45:00Z",
                    "principals": [
                      {
                        "principal": "arn:aws:iam::111122223333:user/bob",
                        "last_read": "2026-11-22T09:30:00Z",
                        "reads": 1,
                        "read_since": false,
                        "sessions": [
                          {
                            "last_read": "2026-11-22T09:30:00Z",
                            "reads": 1,
                            "addresses": ["198.51.100.7"],
                            "user_agents": ["agent ?[31m"]
                          }
                        ]
                      },
                      {
                        "principal": "arn:aws:iam::111122223333:role/reports",
                        "last_read": "2026-11-22T04:00:41Z",
                        "reads": 2,
                        "read_since": false,
                        "sessions": [
                          {
                            "session": "reports-nightly",
                            "last_read": "2026-11-22T04:00:41Z",
                            "reads": 2,
                            "addresses": ["10.0.3.17"],
                            "user_agents": ["aws-sdk-java/2.31.0"]
                          }
                        ]
                      },
                      {
                        "principal": "arn:aws:iam::111122223333:role/service/orders",
                        "last_read": "2026-11-20T16:20:05Z",
                        "reads": 1,
                        "read_since": true,
                        "sessions": [
                          {
                            "session": "task-a",
                            "last_read": "2026-11-20T16:20:05Z",
                            "reads": 1,
                            "addresses": ["10.0.3.21"],
                            "user_agents": ["aws-sdk-java/2.31.0"]
                          }
                        ]
                      }
                    ]
                  }
                  """
                      .formatted(CloudTrailServer.ARN)));
      assertThat(listed.status()).isEqualTo(1);
    }
  }

  @Tag("slow")
  @Test
  void if_all_have_read_since_it_lists_none_and_counts_many_events()
      throws IOException, InterruptedException {
    List<JsonNode> events = events(KeyReadersIT::isOfAPrincipalThatReadAnew);
    JsonNode unrelated = events(event -> event.toString().contains("another-team")).getFirst();
    for (int i = 0; i < 1000; i++) {
      events.add(unrelated);
    }
    try (CloudTrailServer aws = CloudTrailServer.start(events)) {
      Shell.Result listed = run(aws, LATER, SCRIPT, SECRET);

      assertThat(listed.output())
          .contains(
              "1000 events read, back to 2026-11-",
              "0 of 3 principals that read a key from before 2026-11-22T04:00:12Z may still hold"
                  + " it.",
              "Complete until 2026-11-22T10:45:00Z")
          .doesNotContain("PRINCIPAL");
      assertThat(listed.status()).isZero();
    }
  }

  @Tag("slow")
  @Test
  void soon_after_the_rotation_it_cannot_tell_that_none_is_left()
      throws IOException, InterruptedException {
    List<JsonNode> events = events(KeyReadersIT::isOfAPrincipalThatReadAnew);
    try (CloudTrailServer aws = CloudTrailServer.start(events)) {
      Shell.Result listed = run(aws, "2026-11-22T04:15:11Z", SCRIPT, SECRET);

      assertThat(listed.output())
          .contains(
              "0 of 3 principals", "Not complete", "Run this again after 2026-11-22T04:30:11Z")
          .doesNotContain("Complete until");
      assertThat(listed.status()).isEqualTo(2);
    }
  }

  @Tag("slow")
  @Test
  void a_version_whose_promotion_is_not_recorded_yet_counts_as_a_recent_rotation()
      throws IOException, InterruptedException {
    List<JsonNode> events =
        events(
            event ->
                isOfAPrincipalThatReadAnew(event)
                    && !event.path("eventName").asText().equals("UpdateSecretVersionStage"));
    try (CloudTrailServer aws = CloudTrailServer.start(events)) {
      aws.describe(secret -> secret.put("LastChangedDate", 1795320012));
      aws.version(version -> version.put("CreatedDate", 1795233610));

      Shell.Result listed = run(aws, "2026-11-22T04:15:11Z", SCRIPT, SECRET);

      assertThat(listed.output()).contains("from before 2026-11-21T04:00:10Z", "Not complete");
      assertThat(listed.status()).isEqualTo(2);
    }
  }

  @Tag("slow")
  @Test
  void it_names_the_regions_of_the_replicas_and_needs_the_time_in_a_replica()
      throws IOException, InterruptedException {
    try (CloudTrailServer aws = CloudTrailServer.start(events(_ -> false))) {
      aws.describe(
          secret ->
              secret
                  .put("PrimaryRegion", "eu-west-1")
                  .putArray("ReplicationStatus")
                  .addObject()
                  .put("Region", "us-west-2"));
      Shell.Result primary = run(aws, LATER, SCRIPT, "--rotated", "2026-11-20T04:00:00Z", SECRET);
      aws.describe(secret -> secret.put("PrimaryRegion", "eu-central-1"));
      aws.withoutFunction();
      Shell.Result replica = run(aws, LATER, SCRIPT, SECRET);

      assertThat(primary.output())
          .contains(
              "from before 2026-11-20T04:00:00Z",
              "AWS_REGION=us-west-2 scripts/key-readers.sh --rotated 2026-11-20T04:00:00Z "
                  + SECRET
                  + "\n");
      assertThat(primary.status()).isZero();
      assertThat(replica.output())
          .contains("The reads of the function", "ResourceNotFoundException")
          .contains("This is a replica. Run this in eu-central-1");
      assertThat(replica.status()).isEqualTo(2);
    }
  }

  @Tag("slow")
  @Test
  void it_cannot_tell_without_reads_from_before_the_rotation()
      throws IOException, InterruptedException {
    try (CloudTrailServer aws = CloudTrailServer.start(events(_ -> true))) {
      Shell.Result old = run(aws, "2027-02-20T04:00:12Z", SCRIPT, SECRET);
      Shell.Result future = run(aws, LATER, SCRIPT, "--rotated", "2026-11-22T11:00:01Z", SECRET);
      aws.deny();
      Shell.Result denied = run(aws, LATER, SCRIPT, SECRET);

      assertThat(old.output())
          .contains("The last rotation was at 2026-11-22T04:00:12Z. The event history has 90 days");
      assertThat(future.output()).contains("no time in the past: 2026-11-22T11:00:01Z");
      assertThat(denied.output()).contains("aws cloudtrail lookup-events: ", "AccessDenied");
      assertThat(List.of(old.status(), future.status(), denied.status())).containsOnly(2);
    }
  }

  @Test
  void help_states_the_options_and_the_exit_status() throws IOException, InterruptedException {
    Shell.Result help = new Shell(URI.create("http://localhost:1")).run(SCRIPT, "--help");

    assertThat(help.output()).contains("--rotated INSTANT", "--days DAYS", "--json", "Exit status");
    assertThat(help.status()).isZero();
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "one two",
        "--days 0 one",
        "--days 91 one",
        "--days 07 one",
        "--rotated yesterday one",
        "--rotated 2026-11-22T04:00:12 one",
        "--since 2026-11-22T04:00:12Z one"
      })
  void misuse_shows_the_usage(String arguments) throws IOException, InterruptedException {
    Shell.Result misuse =
        new Shell(URI.create("http://localhost:1")).run("sh", "-c", SCRIPT + " " + arguments);

    assertThat(misuse.output()).startsWith("Usage: scripts/key-readers.sh ");
    assertThat(misuse.status()).isEqualTo(2);
  }

  /** Returns the output that the runbook shows. */
  private static String shown() throws IOException {
    String page = Files.readString(Path.of("../docs/runbook.md"));
    return page.substring(page.indexOf("./scripts/key-readers.sh"))
        .replaceFirst("(?s).*?```text\\n", "")
        .replaceFirst("(?s)```\\n.*", "");
  }

  private Shell.Result run(CloudTrailServer aws, String now, String... command)
      throws IOException, InterruptedException {
    Path clock =
        Files.writeString(
            directory.resolve("clock.cjs"), "Date.now = () => Date.parse(process.env.TEST_NOW);");
    return new Shell(
            aws.endpoint(),
            Map.of(
                "AWS_REGION", "eu-west-1", "NODE_OPTIONS", "--require " + clock, "TEST_NOW", now))
        .run(command);
  }

  /** Returns the events that a condition selects, the newest first. */
  private static List<JsonNode> events(Predicate<JsonNode> condition) throws IOException {
    ArrayNode events =
        (ArrayNode) JSON.readTree(Path.of("src/test/resources/cloudtrail/events.json").toFile());
    return new ArrayList<>(events.valueStream().filter(condition).toList());
  }

  private static boolean isOfAPrincipalThatReadAnew(JsonNode event) {
    return Stream.of("alice", "dave", "partner", "mallory", "refresh-lambda")
        .anyMatch(event.path("userIdentity").toString()::contains);
  }
}
