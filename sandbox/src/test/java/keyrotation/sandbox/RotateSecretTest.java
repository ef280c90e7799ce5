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

/** Secrets Manager's own rotation, with functions that are written here. */
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
  void takes_the_four_steps_on_a_version_that_is_pending_and_empty_at_first() throws Exception {
    server.allowInvocation(
        ARN,
        event -> {
          JsonNode step = note(event);
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
  void tries_all_steps_again_with_the_same_version_after_a_failure() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    server.allowInvocation(
        ARN,
        event -> {
          JsonNode step = note(event);
          return calls.incrementAndGet() != 3 && rotates(step);
        });

    String token = rotate();

    assertThat(events).hasSize(3 + 4);
    assertThat(events).allMatch(e -> e.path("ClientRequestToken").asText().equals(token));
    assertThat(client.getSecretValue(r -> r.secretId("s")).versionId()).isEqualTo(token);
  }

  @Test
  void takes_an_unfinished_rotation_up_again_and_says_so() throws Exception {
    server.setRotationAttempts(1);
    server.allowInvocation(ARN, event -> note(event).isEmpty());
    String token = rotate();
    server.allowInvocation(ARN, event -> rotates(note(event)));

    assertThatThrownBy(this::rotate)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("A previous rotation isn't complete");
    server.awaitRotations();

    assertThat(client.getSecretValue(r -> r.secretId("s")).versionId()).isEqualTo(token);
  }

  @Test
  void tests_alone_on_a_version_of_its_own_when_it_is_not_to_rotate_at_once() throws Exception {
    server.allowInvocation(ARN, event -> note(event).has("Step"));

    client.rotateSecret(r -> r.secretId("s").rotationLambdaARN(ARN).rotateImmediately(false));
    server.awaitRotations();

    assertThat(events)
        .extracting(event -> event.path("Step").asText())
        .containsExactly("testSecret");
    assertThat(server.state().describe("s").versions()).hasSize(1);
    assertThat(client.describeSecret(r -> r.secretId("s")).rotationEnabled()).isTrue();
  }

  @Test
  void a_test_alone_takes_awspending_off_an_unfinished_version() throws Exception {
    server.setRotationAttempts(1);
    server.allowInvocation(
        ARN, event -> note(event).path("Step").asText().equals("createSecret") && fills(event));
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
  void a_secret_that_is_deleted_after_the_last_step_stays_as_it_is() throws Exception {
    server.allowInvocation(
        ARN,
        event -> {
          boolean done = rotates(note(event));
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
  void is_switched_off_again() throws Exception {
    server.allowInvocation(ARN, event -> rotates(note(event)));
    rotate();

    client.cancelRotateSecret(r -> r.secretId("s"));

    assertThat(client.describeSecret(r -> r.secretId("s")).rotationEnabled()).isNotEqualTo(true);
  }

  private String rotate() throws InterruptedException {
    String token = client.rotateSecret(r -> r.secretId("s").rotationLambdaARN(ARN)).versionId();
    server.awaitRotations();
    return token;
  }

  private JsonNode note(String event) {
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
