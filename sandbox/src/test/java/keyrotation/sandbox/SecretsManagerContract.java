package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.PutSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretListEntry;
import software.amazon.awssdk.services.secretsmanager.model.SecretVersionsListEntry;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/** The behavior of Secrets Manager, as recorded from the service or documented by AWS. */
@TestInstance(Lifecycle.PER_CLASS)
abstract class SecretsManagerContract {

  private final String name = "contract/" + UUID.randomUUID();
  private SecretsManagerClient client;
  private String secret;

  /** Returns where the server under test listens. */
  abstract URI endpoint();

  /** Waits for the server's rotations, if it has any. */
  void awaitRotations() throws InterruptedException {}

  @BeforeEach
  void create_a_secret_without_value() {
    client = SecretsManagerServer.clientBuilder(endpoint(), "operator").build();
    secret = name + "/" + UUID.randomUUID();
    client.createSecret(r -> r.name(secret));
  }

  @AfterEach
  void close() {
    client.deleteSecret(r -> r.secretId(secret).forceDeleteWithoutRecovery(true));
    client.close();
  }

  @TestFactory
  Stream<DynamicTest> answers_as_recorded() throws Exception {
    return Recording.all()
        .map(
            recording ->
                DynamicTest.dynamicTest(
                    recording.name(), () -> recording.replay(endpoint(), this::awaitRotations)));
  }

  @Test
  void an_unknown_secret_is_not_described() {
    assertThatThrownBy(() -> client.describeSecret(r -> r.secretId("unknown")))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining("Secrets Manager can't find the specified secret.");
  }

  @Test
  void a_secret_without_value_is_not_read() {
    assertThatThrownBy(() -> client.getSecretValue(r -> r.secretId(secret)))
        .isInstanceOf(ResourceNotFoundException.class)
        .hasMessageContaining(
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
  }

  @Test
  void a_secret_is_found_by_arn_too() {
    put("a");
    String arn = client.describeSecret(r -> r.secretId(secret)).arn();

    assertThat(arn).contains(":secret:" + secret + "-");
    assertThat(client.getSecretValue(r -> r.secretId(arn)).secretString()).isEqualTo("a");
  }

  @Test
  void an_update_without_value_changes_only_the_description() {
    String a = put("a");

    client.updateSecret(r -> r.secretId(secret).description("d"));

    assertThat(client.describeSecret(r -> r.secretId(secret)).description()).isEqualTo("d");
    assertThat(labels()).containsOnly(Map.entry(a, List.of("AWSCURRENT")));
  }

  @Test
  void the_first_version_becomes_current_whatever_its_labels() {
    String a = put("a", "AWSPENDING");

    assertThat(labels()).containsOnly(Map.entry(a, List.of("AWSCURRENT", "AWSPENDING")));
  }

  @Test
  void the_same_token_with_the_same_value_changes_nothing() {
    String a = put("a");
    String b = put("b");

    client.putSecretValue(
        r ->
            r.secretId(secret).secretString("a").clientRequestToken(a).versionStages("AWSCURRENT"));

    assertThat(labels())
        .containsOnly(Map.entry(a, List.of("AWSPREVIOUS")), Map.entry(b, List.of("AWSCURRENT")));
  }

  @Test
  void the_same_token_with_another_value_is_refused() {
    String a = put("a");

    assertThatThrownBy(
            () ->
                client.putSecretValue(
                    r -> r.secretId(secret).secretString("b").clientRequestToken(a)))
        .isInstanceOf(ResourceExistsException.class);
    assertThat(currentValue()).isEqualTo("a");
  }

  @Test
  void a_token_has_32_to_64_characters() {
    for (int length : new int[] {31, 65}) {
      assertThatThrownBy(
              () ->
                  client.putSecretValue(
                      r ->
                          r.secretId(secret)
                              .secretString("a")
                              .clientRequestToken("t".repeat(length))))
          .isInstanceOf(InvalidParameterException.class)
          .hasMessageContaining("ClientRequestToken must be 32-64 characters long.");
    }
  }

  @Test
  void a_value_has_at_most_65536_bytes() {
    put("a".repeat(65_536));

    assertThatThrownBy(() -> put("a".repeat(65_537)))
        .isInstanceOf(AwsServiceException.class)
        .hasMessageContaining("65536");
  }

  @Test
  void a_binary_value_comes_back_as_one() {
    SdkBytes bytes = SdkBytes.fromByteArray(new byte[] {0, 1, -1});
    client.putSecretValue(r -> r.secretId(secret).secretBinary(bytes));

    var answer = client.getSecretValue(r -> r.secretId(secret));
    assertThat(answer.secretBinary()).isEqualTo(bytes);
    assertThat(answer.secretString()).isNull();
  }

  @Test
  void moving_current_back_makes_the_left_version_previous() {
    String a = put("a");
    String b = put("b");

    promote(b, a);

    assertThat(labels())
        .containsOnly(Map.entry(a, List.of("AWSCURRENT")), Map.entry(b, List.of("AWSPREVIOUS")));
  }

  @Test
  void a_version_without_label_is_listed_only_on_demand() {
    String a = put("a");
    put("b");
    put("c");

    assertThat(labels()).doesNotContainKey(a);
    assertThat(client.listSecretVersionIds(r -> r.secretId(secret)).versions())
        .extracting(SecretVersionsListEntry::versionId)
        .doesNotContain(a);
    assertThat(
            client.listSecretVersionIds(r -> r.secretId(secret).includeDeprecated(true)).versions())
        .extracting(SecretVersionsListEntry::versionId)
        .contains(a);
    assertThat(read(r -> r.versionId(a))).isEqualTo("a");
  }

  @Test
  void the_current_label_moves_only_from_where_it_is() {
    String a = put("a");
    String b = put("b", "AWSPENDING");
    String c = put("c", "MINE");

    assertThatThrownBy(() -> promote(c, b)).isInstanceOf(InvalidParameterException.class);
    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId(secret).versionStage("AWSCURRENT").moveToVersionId(b)))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is"
                + " currently attached to version "
                + a);
    assertThat(currentValue()).isEqualTo("a");
  }

  @Test
  void moving_a_label_to_an_unknown_version_is_refused() {
    String a = put("a");

    assertThatThrownBy(() -> promote(a, UUID.randomUUID().toString()))
        .isInstanceOf(AwsServiceException.class);
    assertThat(currentValue()).isEqualTo("a");
  }

  @Test
  void a_pending_label_can_be_taken_off() {
    String a = put("a");
    String b = put("b", "AWSPENDING");

    client.updateSecretVersionStage(
        r -> r.secretId(secret).versionStage("AWSPENDING").removeFromVersionId(b));

    assertThat(labels()).containsOnly(Map.entry(a, List.of("AWSCURRENT")));
  }

  @Test
  void the_current_label_cannot_be_taken_off() {
    String a = put("a");

    assertThatThrownBy(
            () ->
                client.updateSecretVersionStage(
                    r -> r.secretId(secret).versionStage("AWSCURRENT").removeFromVersionId(a)))
        .isInstanceOf(InvalidParameterException.class);
  }

  @Test
  void a_version_is_read_by_id_by_label_and_by_both_if_they_agree() {
    String a = put("a");
    String b = put("b", "AWSPENDING");

    assertThat(read(r -> r.versionId(b))).isEqualTo("b");
    assertThat(read(r -> r.versionStage("AWSPENDING"))).isEqualTo("b");
    assertThat(read(r -> r.versionId(b).versionStage("AWSPENDING"))).isEqualTo("b");
    assertThatThrownBy(() -> read(r -> r.versionId(a).versionStage("AWSPENDING")))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(
            "You provided a VersionStage that is not associated to the provided VersionId.");
    assertThatThrownBy(() -> read(r -> r.versionId(UUID.randomUUID().toString())))
        .isInstanceOf(ResourceNotFoundException.class);
  }

  @Test
  void versions_are_dated_to_the_millisecond_and_later_ones_later() {
    List<Instant> dates = new ArrayList<>();
    // Too many for each to fall into a second of its own.
    for (int i = 0; i < 5; i++) {
      put("value " + i);
      dates.add(client.getSecretValue(r -> r.secretId(secret)).createdDate());
    }

    assertThat(dates).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void the_last_read_is_dated_to_the_day() {
    put("a");
    assertThat(client.describeSecret(r -> r.secretId(secret)).lastAccessedDate()).isNull();

    String _ = currentValue();

    Instant read = client.describeSecret(r -> r.secretId(secret)).lastAccessedDate();
    assertThat(read).isNotNull().isEqualTo(read.truncatedTo(ChronoUnit.DAYS));
  }

  @Test
  void a_secret_scheduled_for_deletion_is_not_read_or_written_until_it_is_restored() {
    put("a");
    client.deleteSecret(r -> r.secretId(secret));

    String message =
        "You can't perform this operation on the secret because it was marked for deletion.";
    assertThatThrownBy(this::currentValue)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> put("b"))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(message);

    client.restoreSecret(r -> r.secretId(secret));
    assertThat(currentValue()).isEqualTo("a");
  }

  @Test
  void secrets_are_found_by_tags_and_prefixes_of_tags() {
    String tag = UUID.randomUUID().toString();
    client.tagResource(r -> r.secretId(secret).tags(Tag.builder().key(tag).value("value").build()));

    assertThat(tagged(tag, "value")).containsExactly(secret);
    assertThat(tagged(tag, "val")).containsExactly(secret);
    assertThat(tagged(tag, "other")).isEmpty();
    assertThat(tagged("x" + tag, "value")).isEmpty();
  }

  private List<String> tagged(String key, String value) {
    return client
        .listSecrets(
            r ->
                r.filters(
                    Filter.builder().key("tag-key").values(key).build(),
                    Filter.builder().key("tag-value").values(value).build()))
        .secretList()
        .stream()
        .map(SecretListEntry::name)
        .toList();
  }

  private String put(String value, String... labels) {
    var request = PutSecretValueRequest.builder().secretId(secret).secretString(value);
    if (labels.length > 0) {
      request.versionStages(labels);
    }
    return client.putSecretValue(request.build()).versionId();
  }

  private void promote(String from, String to) {
    client.updateSecretVersionStage(
        r ->
            r.secretId(secret)
                .versionStage("AWSCURRENT")
                .removeFromVersionId(from)
                .moveToVersionId(to));
  }

  private String currentValue() {
    return read(r -> r.versionStage("AWSCURRENT"));
  }

  private String read(Consumer<GetSecretValueRequest.Builder> request) {
    return client.getSecretValue(request.andThen(r -> r.secretId(secret))).secretString();
  }

  /** Returns the labels in order, by version id. */
  private Map<String, List<String>> labels() {
    Map<String, List<String>> labels =
        new HashMap<>(client.describeSecret(r -> r.secretId(secret)).versionIdsToStages());
    labels.replaceAll((id, list) -> list.stream().sorted().toList());
    return labels;
  }
}
