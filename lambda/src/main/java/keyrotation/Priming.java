package keyrotation;

import io.grpc.ChannelCredentials;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import keyrotation.core.HostAndPort;
import keyrotation.core.Json;
import keyrotation.core.Sensitive;
import keyrotation.momento.KeySecret;
import keyrotation.momento.MomentoControlPlane;
import keyrotation.momento.MomentoKey;
import keyrotation.rotation.RotationLog;
import keyrotation.rotation.RotationResult;
import keyrotation.secretsmanager.SecretStore;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Loads the classes that a rotation needs before Lambda takes a SnapStart snapshot, so that the
 * first invocation after a restore does not spend its time on that.
 *
 * <p>A snapshot is stored, so it must hold no key. The priming describes a secret but reads no
 * value, and calls a closed port of this machine in place of Momento.
 */
final class Priming implements Resource {

  private static final HostAndPort UNREACHABLE = new HostAndPort("localhost", 1);
  private static final Duration SHORT = Duration.ofSeconds(1);

  private final Settings settings;
  private final SecretStore store;
  private final ChannelCredentials credentials;
  private final InstantSource clock;

  Priming(
      Settings settings, SecretStore store, ChannelCredentials credentials, InstantSource clock) {
    this.settings = settings;
    this.store = store;
    this.credentials = credentials;
    this.clock = clock;
  }

  /** Registers the priming for the next snapshot. The caller has to keep a reference to it. */
  Priming register() {
    Core.getGlobalContext().register(this);
    return this;
  }

  @Override
  public void beforeCheckpoint(Context<? extends Resource> context) {
    attempt(this::primeSecretsManager);
    attempt(this::primeMomento);
    attempt(this::primeReport);
  }

  @Override
  public void afterRestore(Context<? extends Resource> context) {}

  private void primeSecretsManager() {
    var _ = store.describe(settings.secretIds().stream().findFirst().orElse("none"));
  }

  private void primeMomento() {
    MomentoKey.V1 key = MomentoKey.v1("localhost", "e30.e30.");
    KeySecret secret =
        KeySecret.parse(
            new Sensitive(
                Json.object()
                    .put("apiKey", key.text().value())
                    .put("refreshToken", "none")
                    .put("validUntil", 0)
                    .toString()));
    try (MomentoControlPlane unreachable =
        new MomentoControlPlane(Optional.of(UNREACHABLE), credentials, clock)) {
      var _ = unreachable.verify(key.credentials(), SHORT);
      var _ = unreachable.refresh(key, secret.refreshToken().orElseThrow(), SHORT);
    }
  }

  private void primeReport() {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    RotationLog log = new RotationLog(nowhere, clock, "priming");
    RotationResult result = log.result(() -> new RotationResult.AwaitingFirstKey("priming"));
    var _ = new RotationReport("priming", Optional.empty(), List.of(result)).error();
  }

  /** Loads the classes of a call, whether or not it succeeds. */
  private static void attempt(Runnable priming) {
    try {
      priming.run();
    } catch (RuntimeException ignored) {
      // The secret may not exist yet, or the role may not allow the call yet.
    }
  }
}
