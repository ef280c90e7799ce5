package keyrotation.sandbox;

import static java.util.Comparator.comparingLong;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import org.jspecify.annotations.Nullable;

/** The stand-ins for Momento and Secrets Manager, and the environment that points to them. */
public final class Sandbox implements AutoCloseable {

  private static final String AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL";
  private static final String JAVA_TOOL_OPTIONS = "JAVA_TOOL_OPTIONS";
  private static final Semaphore ROUTE = new Semaphore(1);

  /** One for all sandboxes of the process; tests start hundreds of them. */
  private static final CertificateAuthority AUTHORITY = new CertificateAuthority();

  private final Path trustStore;
  private final SecretsManagerServer secretsManager;
  private final MomentoServer momento;
  private final MomentoApiServer momentoApi;
  private @Nullable ConnectProxy proxy;

  private Sandbox(InstantSource clock, RefreshTokens refreshTokens) throws IOException {
    this.trustStore = Files.createTempFile("sandbox", ".p12");
    AUTHORITY.writeTrustStore(trustStore);
    this.secretsManager = SecretsManagerServer.start(clock);
    this.momento = MomentoServer.start(AUTHORITY, clock, refreshTokens);
    this.momentoApi = MomentoApiServer.start(AUTHORITY, clock, momento.v2Keys());
  }

  /** Starts all servers with the same clock. */
  public static Sandbox start(InstantSource clock, RefreshTokens refreshTokens) {
    try {
      return new Sandbox(clock, refreshTokens);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the authority that signed the certificate of all servers. */
  public CertificateAuthority authority() {
    return AUTHORITY;
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
        AWS_ENDPOINT_URL,
        secretsManager.listenWithTls(AUTHORITY).toString(),
        "MOMENTO_CONTROL_ENDPOINT",
        momento.controlEndpoint(),
        "MOMENTO_API_ENDPOINT",
        momentoApi.endpoint(),
        "MOMENTO_ENDPOINT_SUFFIXES",
        ".sandbox.momento.example",
        JAVA_TOOL_OPTIONS,
        "-Djavax.net.ssl.trustStore=" + trustStore);
  }

  /**
   * Returns the environment variables for a Java application in a separate process. Its clients of
   * Momento's SDK, and of Secrets Manager, reach the stand-ins.
   */
  public Map<String, String> clientEnvironment() {
    return Map.of(
        AWS_ENDPOINT_URL,
        secretsManager.listenWithTls(AUTHORITY).toString(),
        JAVA_TOOL_OPTIONS,
        clientProperties().entrySet().stream()
            .map(property -> "-D" + property.getKey() + "=" + property.getValue())
            .collect(joining(" ")));
  }

  /**
   * Leads the hosts of {@link MomentoServer#ENDPOINT} to the stand-in, for clients that are built
   * in this JVM until the route is closed. Waits until no other sandbox has a route in this JVM,
   * because system properties make it.
   */
  public Route routeMomentoHosts() {
    Map<String, String> properties = clientProperties();
    ROUTE.acquireUninterruptibly();
    Map<String, Optional<String>> previous = new HashMap<>();
    properties.forEach(
        (name, value) -> previous.put(name, Optional.ofNullable(System.setProperty(name, value))));
    AtomicBoolean isOpen = new AtomicBoolean(true);
    return () -> {
      if (isOpen.getAndSet(false)) {
        previous.forEach(
            (name, value) ->
                value.ifPresentOrElse(
                    former -> System.setProperty(name, former), () -> System.clearProperty(name)));
        ROUTE.release();
      }
    };
  }

  /** What leads the hosts of Momento to the stand-in. */
  public interface Route extends AutoCloseable {
    @Override
    void close();
  }

  /** The properties that the JDK documents, and gRPC's own choice of a proxy heeds. */
  private Map<String, String> clientProperties() {
    return Map.of(
        "https.proxyHost",
        "localhost",
        "https.proxyPort",
        Integer.toString(proxy().port()),
        "http.nonProxyHosts",
        "localhost|127.*|[::1]",
        "javax.net.ssl.trustStore",
        trustStore.toString());
  }

  private synchronized ConnectProxy proxy() {
    if (proxy == null) {
      proxy = ConnectProxy.start(MomentoServer.ENDPOINT, momento.port());
    }
    return proxy;
  }

  @Override
  public synchronized void close() {
    if (proxy != null) {
      proxy.close();
    }
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
