package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;

/** Secrets Manager's own rotation, with functions that this test defines. */
class RotateSecretTest {

  private static final String ARN = "arn:aws:lambda:us-east-1:123456789012:function:f";

  private final SecretsManagerServer server = SecretsManagerServer.start(InstantSource.system());
  private final SecretsManagerClient client = server.clientBuilder().build();
  private final List<JsonNode> events = new ArrayList<>();

  @BeforeEach
  void create_a_secret() {
    client.createSecret(r -> r.name("s").secretString("a"));
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void invokes_the_four_steps_with_a_pending_version_that_is_empty_at_first() throws Exception {
    server.allowInvocation(
        ARN,
        event -> {
          JsonNode step = record(event);
          if (step.path("Step").asText().equals("createSecret")) {
            assertThatThrownBy(
                    () ->
                        client.getSecretValue(
                            r -> r.secretId("s").versionStage(SecretsManagerState.PENDING)))
                .hasMessageContaining("AWSPENDING");
          }
          return rotates(step);
        });
    String before = client.getSecretValue(r -> r.secretId("s")).versionId();

    String token = rotate();

    assertThat(events)
        .extracting(event -> event.path("Step").asText())
        .containsExactly("createSecret", "setSecret", "testSecret", "finishSecret");
    assertThat(events)
        .allSatisfy(
            event -> {
              assertThat(event.path("ClientRequestToken").asText()).isEqualTo(token);
              assertThat(event.path("SecretId").asText()).startsWith("arn:aws:secretsmanager:");
              assertThat(event.path("RotationToken").asText()).isNotEmpty();
            });
    var described = client.describeSecret(r -> r.secretId("s"));
    assertThat(described.versionIdsToStages())
        .containsEntry(token, List.of("AWSCURRENT"))
        .containsEntry(before, List.of("AWSPREVIOUS"));
    assertThat(described.rotationEnabled()).isTrue();
    assertThat(described.rotationLambdaARN()).isEqualTo(ARN);
    assertThat(described.lastRotatedDate()).isNotNull();
  }

  @Test
  void repeats_all_steps_with_the_same_version_after_a_failure() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    server.allowInvocation(
        ARN,
        event -> {
          JsonNode step = record(event);
          return calls.incrementAndGet() != 3 && rotates(step);
        });

    String token = rotate();

    assertThat(events).hasSize(3 + 4);
    assertThat(events).allMatch(e -> e.path("ClientRequestToken").asText().equals(token));
    assertThat(client.getSecretValue(r -> r.secretId("s")).versionId()).isEqualTo(token);
  }

  @Test
  void resumes_an_unfinished_rotation_and_reports_it() throws Exception {
    server.setRotationAttempts(1);
    server.allowInvocation(ARN, event -> record(event).isEmpty());
    String token = rotate();
    server.allowInvocation(ARN, event -> rotates(record(event)));

    assertThatThrownBy(this::rotate)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("A previous rotation isn't complete");
    server.awaitRotations();

    assertThat(client.getSecretValue(r -> r.secretId("s")).versionId()).isEqualTo(token);
  }

  @Test
  void invokes_only_test_secret_with_a_temporary_version_if_not_rotating_immediately()
      throws Exception {
    server.allowInvocation(ARN, event -> record(event).has("Step"));

    client.rotateSecret(r -> r.secretId("s").rotationLambdaARN(ARN).rotateImmediately(false));
    server.awaitRotations();

    assertThat(events)
        .extracting(event -> event.path("Step").asText())
        .containsExactly("testSecret");
    assertThat(server.state().describe("s").versions()).hasSize(1);
    assertThat(client.describeSecret(r -> r.secretId("s")).rotationEnabled()).isTrue();
  }

  @Test
  void enabling_rotation_removes_awspending_from_an_unfinished_version() throws Exception {
    server.setRotationAttempts(1);
    server.allowInvocation(
        ARN, event -> record(event).path("Step").asText().equals("createSecret") && fills(event));
    String token = rotate();
    assertThat(
            server.state().describe("s").labelled(SecretsManagerState.PENDING).orElseThrow().id())
        .isEqualTo(token);

    client.rotateSecret(r -> r.secretId("s").rotationLambdaARN(ARN).rotateImmediately(false));
    server.awaitRotations();

    assertThat(server.state().describe("s").labelled(SecretsManagerState.PENDING)).isEmpty();
    assertThat(server.state().describe("s").version(token).orElseThrow().value()).isNotNull();
  }

  @Test
  void a_secret_deleted_after_the_last_step_is_not_changed() throws Exception {
    server.allowInvocation(
        ARN,
        event -> {
          boolean done = rotates(record(event));
          if (event.contains("finishSecret")) {
            var _ = server.state().delete("s", false);
          }
          return done;
        });

    rotate();

    assertThat(server.state().describe("s").labelled(SecretsManagerState.PENDING)).isPresent();
  }

  private boolean fills(String event) {
    return new TemplateFunction(client).test(event);
  }

  @Test
  void can_be_disabled() throws Exception {
    server.allowInvocation(ARN, event -> rotates(record(event)));
    rotate();

    client.cancelRotateSecret(r -> r.secretId("s"));

    assertThat(client.describeSecret(r -> r.secretId("s")).rotationEnabled()).isNotEqualTo(true);
  }

  private String rotate() throws InterruptedException {
    String token = client.rotateSecret(r -> r.secretId("s").rotationLambdaARN(ARN)).versionId();
    server.awaitRotations();
    return token;
  }

  private JsonNode record(String event) {
    try {
      JsonNode json = new ObjectMapper().readTree(event);
      events.add(json);
      return json;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private boolean rotates(JsonNode event) {
    return new TemplateFunction(client).test(event.toString());
  }
}
