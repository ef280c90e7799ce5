package keyrotation.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ReplicaRegionType;
import software.amazon.awssdk.services.secretsmanager.model.ReplicationStatusType;
import software.amazon.awssdk.services.secretsmanager.model.StatusType;

/** A replicated secret, as clients in both regions see it. */
class ReplicaTest {

  private final SecretsManagerServer server = SecretsManagerServer.start(InstantSource.system());
  private final SecretsManagerClient client = server.clientBuilder().build();
  private final SecretsManagerClient there =
      server.clientBuilder().region(Region.EU_WEST_1).build();

  @BeforeEach
  void replicate_a_secret() {
    client.createSecret(r -> r.name("s").secretString("a"));
    client.replicateSecretToRegions(
        r ->
            r.secretId("s")
                .addReplicaRegions(ReplicaRegionType.builder().region("eu-west-1").build()));
  }

  @AfterEach
  void stop() {
    client.close();
    there.close();
    server.close();
  }

  @Test
  void the_primary_states_the_regions_of_its_replicas() {
    var primary = client.describeSecret(r -> r.secretId("s"));

    assertThat(primary.arn()).contains(":us-east-1:");
    assertThat(primary.primaryRegion()).isEqualTo("us-east-1");
    assertThat(primary.replicationStatus())
        .singleElement()
        .satisfies(
            replica -> {
              assertThat(replica.region()).isEqualTo("eu-west-1");
              assertThat(replica.status()).isEqualTo(StatusType.IN_SYNC);
            });
  }

  @Test
  void a_replica_may_lag_behind_its_primary() {
    server.state().replicaLags("s", "eu-west-1", true);
    assertThat(statuses()).containsExactly(StatusType.IN_PROGRESS);

    server.state().replicaLags("s", "eu-west-1", false);
    assertThat(statuses()).containsExactly(StatusType.IN_SYNC);
  }

  @Test
  void a_replica_can_be_read_and_listed_and_states_its_primarys_region() {
    var replica = there.describeSecret(r -> r.secretId("s"));

    assertThat(replica.arn()).contains(":eu-west-1:");
    assertThat(replica.primaryRegion()).isEqualTo("us-east-1");
    assertThat(there.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("a");
    assertThat(there.listSecrets().secretList())
        .singleElement()
        .satisfies(secret -> assertThat(secret.primaryRegion()).isEqualTo("us-east-1"));
  }

  @Test
  void a_replica_refuses_writes_and_the_primary_accepts_them() {
    assertThatThrownBy(() -> there.putSecretValue(r -> r.secretId("s").secretString("b")))
        .isInstanceOf(InvalidParameterException.class)
        .hasMessageContaining("replica secret");

    client.putSecretValue(r -> r.secretId("s").secretString("b"));
    assertThat(there.getSecretValue(r -> r.secretId("s")).secretString()).isEqualTo("b");
  }

  @Test
  void a_secret_can_be_deleted_only_after_its_replicas() {
    assertThatThrownBy(() -> delete()).isInstanceOf(InvalidRequestException.class);

    client.removeRegionsFromReplication(r -> r.secretId("s").removeReplicaRegions("eu-west-1"));
    delete();

    assertThat(client.listSecrets().secretList()).isEmpty();
  }

  private List<StatusType> statuses() {
    return client.describeSecret(r -> r.secretId("s")).replicationStatus().stream()
        .map(ReplicationStatusType::status)
        .toList();
  }

  private void delete() {
    client.deleteSecret(r -> r.secretId("s").forceDeleteWithoutRecovery(true));
  }
}
