package keyrotation.sandbox;

import static java.util.Comparator.comparingLong;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import keyrotation.sandbox.MomentoServer.RefreshTokens;

/** The stand-ins for Momento and Secrets Manager, and the environment that points to them. */
public final class Sandbox implements AutoCloseable {

  private final CertificateAuthority authority = new CertificateAuthority();
  private final Path trustStore;
  private final SecretsManagerServer secretsManager;
  private final MomentoServer momento;
  private final MomentoApiServer momentoApi;

  private Sandbox(InstantSource clock, RefreshTokens refreshTokens) throws IOException {
    this.trustStore = Files.createTempFile("sandbox", ".p12");
    authority.writeTrustStore(trustStore);
    this.secretsManager = SecretsManagerServer.start(clock);
    this.momento = MomentoServer.start(authority, clock, refreshTokens);
    this.momentoApi = MomentoApiServer.start(authority, clock, momento.v2Keys());
  }

  /** Starts all servers with the same clock. */
  public static Sandbox start(InstantSource clock, RefreshTokens refreshTokens) {
    try {
      return new Sandbox(clock, refreshTokens);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the authority that signed Momento's certificate. */
  public CertificateAuthority authority() {
    return authority;
  }

  /** Returns the stand-in for Secrets Manager. */
  public SecretsManagerServer secretsManager() {
    return secretsManager;
  }

  /** Returns the stand-in for Momento. */
  public MomentoServer momento() {
    return momento;
  }

  /** Returns the stand-in for Momento's HTTP API. */
  public MomentoApiServer momentoApi() {
    return momentoApi;
  }

  /** Returns the actions of all calls to the servers so far, in order. */
  public List<String> callsSeen() {
    return Stream.of(secretsManager.calls(), momento.calls(), momentoApi.calls())
        .flatMap(calls -> calls.timeline().stream())
        .sorted(comparingLong(FaultInjector.Call::order))
        .map(FaultInjector.Call::action)
        .toList();
  }

  /** Removes the planned faults of all servers. */
  public void clearFaults() {
    secretsManager.calls().clearFaults();
    momento.calls().clearFaults();
    momentoApi.calls().clearFaults();
  }

  /**
   * Saves all keys and secrets.
   *
   * @return an action that restores them
   */
  public Runnable save() {
    Runnable secrets = secretsManager.state().save();
    Runnable keys = momento.save();
    return () -> {
      secrets.run();
      keys.run();
    };
  }

  /** Returns the environment variables for a function in a separate process. */
  public Map<String, String> environment() {
    return Map.of(
        "AWS_ENDPOINT_URL",
        secretsManager.listenWithTls(authority).toString(),
        "MOMENTO_CONTROL_ENDPOINT",
        momento.controlEndpoint(),
        "MOMENTO_API_ENDPOINT",
        momentoApi.endpoint(),
        "MOMENTO_ENDPOINT_SUFFIXES",
        ".sandbox.momento.example",
        "JAVA_TOOL_OPTIONS",
        "-Djavax.net.ssl.trustStore=" + trustStore);
  }

  @Override
  public void close() {
    momentoApi.close();
    momento.close();
    secretsManager.close();
    try {
      Files.deleteIfExists(trustStore);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
