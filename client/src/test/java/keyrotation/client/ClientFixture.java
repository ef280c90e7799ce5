package keyrotation.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The sandbox with a secret, as an application meets it. */
final class ClientFixture implements AutoCloseable {

  static final String SECRET = "momento/api-key";

  /** Far longer than any test lasts, so that no read happens by itself. */
  static final Duration NEVER = Duration.ofHours(1);

  final Sandbox sandbox = Sandbox.start(InstantSource.system(), RefreshTokens.SINGLE_USE);
  final SecretsManagerClient secretsManager = sandbox.secretsManager().clientBuilder().build();

  /** Returns a v2 key that may do everything on caches and topics. */
  V2Key v2Key() {
    return sandbox.momento().v2Keys().issue(V2Keys.OPERATOR, "application", Optional.empty());
  }

  IssuedKey v1Key() {
    return sandbox.momento().issue(Duration.ofDays(30), Permissions.DATA_ONLY);
  }

  /** Stores a key as the current one; returns the version's id. */
  String store(SandboxKey key) {
    return store(key.consoleJson());
  }

  String store(String value) {
    boolean isNew =
        sandbox.secretsManager().state().list().stream().noneMatch(s -> s.name().equals(SECRET));
    return isNew
        ? secretsManager.createSecret(r -> r.name(SECRET).secretString(value)).versionId()
        : secretsManager.putSecretValue(r -> r.secretId(SECRET).secretString(value)).versionId();
  }

  /** Stores another key, and waits until it is followed; returns the version's id. */
  String rotate(CurrentKey key, SandboxKey next) {
    ApiKey old = key.get();
    String version = store(next);
    assertThat(await(key.refresh(old)).versionId()).isEqualTo(version);
    return version;
  }

  /** Makes the previous version current again. */
  void rollBack() {
    var versions = secretsManager.describeSecret(r -> r.secretId(SECRET)).versionIdsToStages();
    String current = withLabel(versions, "AWSCURRENT");
    String previous = withLabel(versions, "AWSPREVIOUS");
    secretsManager.updateSecretVersionStage(
        r ->
            r.secretId(SECRET)
                .versionStage("AWSCURRENT")
                .removeFromVersionId(current)
                .moveToVersionId(previous));
  }

  private static String withLabel(Map<String, List<String>> versions, String label) {
    return versions.entrySet().stream()
        .filter(version -> version.getValue().contains(label))
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  CurrentKey.Builder key() {
    return CurrentKey.builder(secretsManager, SECRET);
  }

  int reads() {
    return sandbox.secretsManager().calls().count("GetSecretValue");
  }

  void refuseReads() {
    sandbox
        .secretsManager()
        .calls()
        .onEvery("GetSecretValue", new Fault.Refuse<>(SecretsManagerException.throttled()));
  }

  /** Waits for a future, for as long as a busy machine may need. */
  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError("It failed.", e.getCause());
    } catch (TimeoutException | InterruptedException e) {
      throw new AssertionError("It did not end.", e);
    }
  }

  /** Waits for a latch, for as long as a busy machine may need. */
  static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError("It did not end.", e);
    }
  }

  /** Waits until something holds that nothing tells of. */
  static void await(String what, BooleanSupplier condition) {
    Instant end = Instant.now().plusSeconds(60);
    while (!condition.getAsBoolean()) {
      assertThat(Instant.now()).as(what).isBefore(end);
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    secretsManager.close();
    sandbox.close();
  }
}
