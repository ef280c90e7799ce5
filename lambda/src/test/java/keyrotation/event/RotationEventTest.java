package keyrotation.event;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.amazonaws.services.lambda.runtime.events.ScheduledEvent;
import com.amazonaws.services.lambda.runtime.events.SecretsManagerRotationEvent;
import com.amazonaws.services.lambda.runtime.serialization.events.LambdaEventSerializers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import keyrotation.core.Condition;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.RotationStep;
import keyrotation.event.RotationEvent.Action;
import keyrotation.event.RotationEvent.All;
import keyrotation.event.RotationEvent.Manual;
import keyrotation.event.RotationEvent.Scheduled;
import keyrotation.event.RotationEvent.Step;
import keyrotation.event.RotationEvent.ToV2;
import org.joda.time.DateTime;
import org.joda.time.DateTimeZone;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RotationEventTest {

  /** An hour after the samples were sent. */
  private static final Instant NOW = Instant.parse("2026-11-22T05:00:00Z");

  private static final Path SAMPLES = Path.of("../events");
  private static final String NAME = "momento/authentication-token";
  private static final String TOKEN = "0d1b7c52-6a8e-4f0b-9a57-2f6e1c3d4b5a";
  private static final Map<String, RotationEvent> MEANINGS =
      Map.ofEntries(
          Map.entry("manual.json", new Manual(NAME, new Action.Rotate(new Condition.Always()))),
          Map.entry(
              "manual-secret-id.json", new Manual(NAME, new Action.Rotate(new Condition.Always()))),
          Map.entry("dry-run.json", new Manual(NAME, new Action.DryRun())),
          Map.entry("if-due.json", new Manual(NAME, new Action.Rotate(new Condition.IfDue()))),
          Map.entry("revoke-previous.json", new Manual(NAME, new Action.RevokePrevious())),
          Map.entry("rollback.json", new Manual(NAME, new Action.RollBack())),
          Map.entry("all.json", new All(new Action.Rotate(new Condition.Always()))),
          Map.entry(
              "all-issued-before.json",
              new All(
                  new Action.Rotate(
                      new Condition.IfStoredBefore(Instant.parse("2026-11-22T04:00:00Z"))))),
          Map.entry("status.json", new All(new Action.Status())),
          Map.entry("to-v2.json", new ToV2(NAME, "r-operator", false)),
          Map.entry(
              "scheduled-rule.json",
              new Scheduled(
                  "schedule/arn:aws:events:us-east-1:123456789012:rule/momento-key-rotation"
                      + "/2026-11-22T04:00:00Z")),
          Map.entry(
              "scheduler.json",
              new Scheduled(
                  "schedule/arn:aws:scheduler:us-east-1:123456789012:schedule/default/"
                      + "momento-key-rotation/2026-11-22T04:00:00Z")),
          Map.entry(
              "rotation-create-secret.json", new Step(RotationStep.CREATE_SECRET, NAME, TOKEN)),
          Map.entry("rotation-set-secret.json", new Step(RotationStep.SET_SECRET, NAME, TOKEN)),
          Map.entry("rotation-test-secret.json", new Step(RotationStep.TEST_SECRET, NAME, TOKEN)),
          Map.entry(
              "rotation-finish-secret.json", new Step(RotationStep.FINISH_SECRET, NAME, TOKEN)));

  static List<Path> samples() throws IOException {
    try (Stream<Path> files = Files.list(SAMPLES)) {
      return files.toList();
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void every_sample_is_understood(Path sample) throws IOException {
    assertThat(RotationEventParser.parse(Files.readAllBytes(sample), NOW))
        .isEqualTo(MEANINGS.get(sample.getFileName().toString()));
  }

  @Test
  void every_trigger_and_action_has_a_sample() throws IOException {
    assertThat(samples())
        .extracting(sample -> sample.getFileName().toString())
        .containsExactlyInAnyOrderElementsOf(MEANINGS.keySet());
  }

  @Test
  void awss_model_of_a_scheduled_event_is_understood() {
    ScheduledEvent event =
        new ScheduledEvent()
            .withId("1")
            .withDetailType("Scheduled Event")
            .withSource("aws.events")
            .withAccount("123456789012")
            .withTime(new DateTime(2026, 11, 22, 4, 0, DateTimeZone.UTC))
            .withRegion("us-east-1")
            .withResources(List.of("arn:aws:events:us-east-1:123456789012:rule/r"))
            .withDetail(Map.of());

    assertThat(RotationEventParser.parse(json(event, ScheduledEvent.class), NOW))
        .isEqualTo(
            new Scheduled(
                "schedule/arn:aws:events:us-east-1:123456789012:rule/r/2026-11-22T04:00:00.000Z"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"createSecret", "setSecret", "testSecret", "finishSecret"})
  void awss_model_of_a_rotation_step_is_understood(String step) {
    SecretsManagerRotationEvent event =
        SecretsManagerRotationEvent.builder()
            .withStep(step)
            .withSecretId("arn:aws:secretsmanager:us-east-1:123456789012:secret:a/b-123456")
            .withClientRequestToken(TOKEN)
            .withRotationToken("canary")
            .build();

    RotationEvent parsed =
        RotationEventParser.parse(json(event, SecretsManagerRotationEvent.class), NOW);
    assertThat(parsed)
        .isEqualTo(
            new Step(
                RotationStep.named(step).orElseThrow(),
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/b-123456",
                TOKEN));
    assertThat(parsed.toString()).doesNotContain("canary");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'momento_auth_token_secret_name': 'a', 'SecretId': 'b'}",
        "{'momento_auth_token_secret_name': 'a', 'dry_run': 'true'}",
        "{'momento_auth_token_secret_name': 'a', 'dry_run': true, 'rollback': true}",
        "{'momento_auth_token_secret_name': 'a', 'if_due': true, 'dry_run': true}",
        "{'all': true, 'SecretId': 'b'}",
        "{'all': false}",
        "{'all': true, 'rollback': true}",
        "{'all': true, 'revoke_previous': true}",
        "{'all': true, 'to_v2': true, 'role_id': 'r-viewer'}",
        "{'status': true, 'rollback': true}",
        "{'status': false}",
        "{'all': true, 'issued_before': 'yesterday'}",
        "{'all': true, 'issued_before': '2026-11-22T05:05:01Z'}",
        "{'all': true, 'issued_before': '2026-11-22T04:00:00Z', 'if_due': true}",
        "{'SecretId': 'a', 'to_v2': true, 'role_id': 'r', 'issued_before': '2026-11-22T04:00:00Z'}",
        "{'Step': 'dropSecret', 'SecretId': 'a', 'ClientRequestToken': '" + TOKEN + "'}",
        "{'Step': 'createSecret', 'ClientRequestToken': '" + TOKEN + "'}",
        "{'Step': 'createSecret', 'SecretId': 'a', 'ClientRequestToken': 'short'}",
        "{'detail-type': 'Scheduled Event', 'time': '2026-11-22T04:00:00Z'}",
        "{'detail-type': 'Scheduled Event', 'resources': ['a']}",
        "{'detail-type': 'EC2 Instance State-change Notification', 'source': 'aws.ec2'}",
      })
  void what_is_none_of_them_is_refused_with_a_list_of_them(String event) {
    assertThatThrownBy(() -> parse(event))
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> assertThat(e.reason()).isEqualTo(FailureReason.EVENT_UNKNOWN))
        .hasMessageContainingAll(
            "momento_auth_token_secret_name",
            "SecretId",
            "dry_run",
            "if_due",
            "rollback",
            "issued_before",
            "{\"all\": true}",
            "{\"status\": true}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"2026-11-20T05:00:00Z", "2026-11-24T05:00:00Z", "2026-11-22T06:00:00+01:00"})
  void a_scheduled_time_is_within_two_days_of_the_clock(String time) {
    assertThat(RotationEventParser.parse(scheduledAt(time), NOW)).isInstanceOf(Scheduled.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-20T04:59:59Z",
        "2026-11-24T05:00:01Z",
        "2026-11-22",
        "daily",
        "<aws.scheduler.scheduled-time>"
      })
  void a_scheduled_time_that_never_changes_is_refused(String time) {
    assertThatThrownBy(() -> RotationEventParser.parse(scheduledAt(time), NOW))
        .isInstanceOfSatisfying(
            RotationException.class,
            e -> assertThat(e.reason()).isEqualTo(FailureReason.EVENT_UNKNOWN))
        .hasMessageContaining("\"time\"");
  }

  private static byte[] scheduledAt(String time) {
    return "{\"detail-type\":\"Scheduled Event\",\"resources\":[\"a\"],\"time\":\"%s\"}"
        .formatted(time)
        .getBytes(UTF_8);
  }

  @Test
  void an_action_that_is_false_is_not_asked_for() {
    assertThat(
            RotationEventParser.parse(
                "{\"SecretId\": \"a\", \"dry_run\": false, \"rollback\": true}".getBytes(UTF_8),
                NOW))
        .isEqualTo(new Manual("a", new Action.RollBack()));
  }

  @Test
  void an_action_can_be_asked_for_by_name_and_for_all_secrets() {
    Instant before = NOW.plus(Duration.ofMinutes(5));

    assertThat(parse("{'SecretId': 'a', 'status': true}"))
        .isEqualTo(new Manual("a", new Action.Status()));
    assertThat(parse("{'all': true, 'status': true}")).isEqualTo(new All(new Action.Status()));
    assertThat(parse("{'all': true, 'dry_run': true}")).isEqualTo(new All(new Action.DryRun()));
    assertThat(parse("{'all': true, 'if_due': true}"))
        .isEqualTo(new All(new Action.Rotate(new Condition.IfDue())));
    assertThat(parse("{'SecretId': 'a', 'issued_before': '%s'}".formatted(before)))
        .isEqualTo(new Manual("a", new Action.Rotate(new Condition.IfStoredBefore(before))));
  }

  private static RotationEvent parse(String event) {
    return RotationEventParser.parse(event.replace('\'', '"').getBytes(UTF_8), NOW);
  }

  private static <T> byte[] json(T event, Class<T> type) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    LambdaEventSerializers.serializerFor(type, RotationEventTest.class.getClassLoader())
        .toJson(event, out);
    return out.toByteArray();
  }
}
