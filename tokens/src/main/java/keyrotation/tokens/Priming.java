package keyrotation.tokens;

import grpc.permission_messages.Permissions;
import io.grpc.ChannelCredentials;
import java.time.Duration;
import keyrotation.client.ApiKey;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Loads the classes that a request needs before Lambda takes a SnapStart snapshot, so that the
 * first request after a restore does not spend its time on that.
 *
 * <p>A snapshot is stored, so it must hold no key. The priming asks for a version of the secret
 * that does not exist, and calls this machine in place of Momento.
 */
final class Priming implements Resource {

  private static final String NOWHERE = "localhost";

  private final TokenSettings settings;
  private final SecretsManagerClient secretsManager;
  private final ChannelCredentials credentials;

  Priming(
      TokenSettings settings, SecretsManagerClient secretsManager, ChannelCredentials credentials) {
    this.settings = settings;
    this.secretsManager = secretsManager;
    this.credentials = credentials;
  }

  /** Registers the priming for the next snapshot. The caller has to keep a reference to it. */
  Priming register() {
    Core.getGlobalContext().register(this);
    return this;
  }

  @Override
  public void beforeCheckpoint(Context<? extends Resource> context) {
    attempt(
        () ->
            secretsManager.getSecretValue(
                r -> r.secretId(settings.secretId()).versionStage("MOMENTO_NONE")));
    attempt(this::primeMomento);
  }

  @Override
  public void afterRestore(Context<? extends Resource> context) {}

  private void primeMomento() {
    ApiKey.Hosts nowhere = new ApiKey.Hosts(NOWHERE, NOWHERE, NOWHERE, NOWHERE);
    ApiKey key = new ApiKey("none", "none", nowhere);
    try (TokenService unreachable = new TokenService(key, credentials)) {
      var _ =
          unreachable
              .generate(Permissions.getDefaultInstance(), Duration.ofSeconds(1), "priming")
              .join();
    }
  }

  /** Loads the classes of a call, whether or not it succeeds. */
  private static void attempt(Runnable priming) {
    try {
      priming.run();
    } catch (RuntimeException ignored) {
      // Both calls fail. What counts is that they were prepared.
    }
  }
}
