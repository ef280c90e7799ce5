package keyrotation;

import java.io.IOException;
import java.net.http.HttpClient;
import java.time.Duration;
import keyrotation.core.HostAndPort;
import keyrotation.core.RateLimit;
import keyrotation.core.Sensitive;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoApiKeys;
import keyrotation.secretsmanager.SecretStore;
import org.crac.Context;
import org.crac.Core;
import org.crac.Resource;

/**
 * Loads the classes that a rotation needs before Lambda takes a SnapStart snapshot, so that the
 * first invocation after a restore does not spend its time on that.
 *
 * <p>A snapshot is stored, so it must hold no key. The priming describes a secret but reads no
 * value. It rotates a made-up key, and calls a closed port of this machine in place of Momento's
 * HTTP API.
 */
final class Priming implements Resource {

  private static final HostAndPort CLOSED_PORT = new HostAndPort("localhost", 1);

  private final Settings settings;
  private final SecretStore store;
  private final Time time;

  Priming(Settings settings, SecretStore store, Time time) {
    this.settings = settings;
    this.store = store;
    this.time = time;
  }

  /** Registers the priming for the next snapshot. The caller has to keep a reference to it. */
  Priming register() {
    Core.getGlobalContext().register(this);
    return this;
  }

  @Override
  public void beforeCheckpoint(Context<? extends Resource> context) {
    // The one call to another machine: it loads the classes of a TLS handshake.
    attempt(() -> store.describe(settings.secretIds().stream().findFirst().orElse("none")));
    attempt(() -> new Rehearsal(time).run());
    if (settings.v2().managementKeySecret().isPresent()) {
      attempt(this::callClosedPort);
    }
  }

  @Override
  public void afterRestore(Context<? extends Resource> context) {}

  /** Loads the classes of calls to Momento's HTTP API, which v2 keys alone need. */
  private Object callClosedPort() {
    try (MomentoApiKeys apiKeys = new MomentoApiKeys(CLOSED_PORT, HttpClient.newBuilder(), time)) {
      RateLimit unlimited = new RateLimit(Duration.ZERO, time);
      TimeBudget budget =
          new TimeBudget(
              time, time.instant().plus(TimeBudget.rotationTime(Duration.ZERO)), Duration.ZERO);
      return new KeyManagement(apiKeys, time, unlimited).list(new Sensitive("none"), budget);
    }
  }

  /** What loads classes, whether or not it succeeds. */
  private interface Attempt {
    Object run() throws IOException;
  }

  private static void attempt(Attempt attempt) {
    try {
      var _ = attempt.run();
    } catch (IOException | RuntimeException ignored) {
      // The secret may not exist yet, or the role may not allow the call yet.
    }
  }
}
