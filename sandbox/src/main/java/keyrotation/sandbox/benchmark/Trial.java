package keyrotation.sandbox.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.LambdaRuntime;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.V2Keys;

/** One process of a function, in a sandbox with stored keys. The process starts with an event. */
final class Trial implements AutoCloseable {

  /**
   * What a process is measured with.
   *
   * @param secrets how many secrets hold a key
   * @param ages how long ago the key of each secret was stored, the oldest first; a key lives for
   *     30 days
   * @param megabytes the function's memory
   * @param snapStart whether the process is primed before its first event
   * @param limited whether the quotas for which the function is made limit its calls
   * @param group limits the CPU time; empty if it is not limited
   * @param jvmOptions more options for a JVM
   */
  record Setup(
      Program program,
      KeyKind kind,
      int secrets,
      IntFunction<Duration> ages,
      int megabytes,
      boolean snapStart,
      boolean limited,
      Optional<ControlGroup> group,
      String jvmOptions) {

    /** A due key in each secret, the memory that the stack gives the function, and no limit. */
    static Setup of(Program program, KeyKind kind, int secrets) {
      return new Setup(
          program,
          kind,
          secrets,
          _ -> DUE,
          MemorySizes.DEPLOYED,
          false,
          false,
          Optional.empty(),
          "");
    }

    Setup with(String options) {
      return new Setup(program, kind, secrets, ages, megabytes, snapStart, limited, group, options);
    }
  }

  /** At which age keys are due. */
  static final int ROTATION_DAYS = 20;

  static final Duration DUE = Duration.ofDays(28);

  private static final String MANAGEMENT_SECRET = "momento/management-key";
  private static final String TAG = "benchmark";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Sandbox sandbox;
  private final Path certificate;
  private final LambdaServer lambda;
  private final Queue<Long> refreshes = new ConcurrentLinkedQueue<>();

  private Trial(Setup setup) throws IOException {
    AtomicReference<Duration> lag = new AtomicReference<>(setup.ages.apply(0));
    this.sandbox = Sandbox.start(() -> Instant.now().minus(lag.get()), RefreshTokens.SINGLE_USE);
    this.certificate = Files.createTempFile("sandbox", ".pem");
    try (var pem = sandbox.authority().certificate()) {
      Files.write(certificate, pem.readAllBytes());
    }
    store(
        MANAGEMENT_SECRET,
        sandbox.momento().v2Keys().issue(V2Keys.OWNER, "management key", Optional.empty()));
    for (int i = 0; i < setup.secrets; i++) {
      lag.set(setup.ages.apply(i));
      store(name(i), setup.kind.issue(sandbox));
      sandbox.secretsManager().state().tag(name(i), Map.of(TAG, TAG));
    }
    lag.set(Duration.ZERO);
    sandbox
        .momento()
        .calls()
        .onEvery(MomentoServer.REFRESH, new Fault.Before<>(() -> refreshes.add(System.nanoTime())));
    LambdaRuntime runtime = setup.program.runtime();
    this.lambda =
        LambdaServer.start(
            new Function(
                setup.program.archive(),
                setup.program.handler(),
                setup.megabytes,
                Duration.ofMinutes(5),
                setup.snapStart,
                environment(setup)),
            setup.group.map(group -> group.limiting(runtime)).orElse(runtime));
  }

  static Trial start(Setup setup) throws IOException {
    return new Trial(setup);
  }

  private static String name(int secret) {
    return "momento/key-" + secret;
  }

  private void store(String name, SandboxKey key) {
    sandbox
        .secretsManager()
        .state()
        .create(name, new Value.Text(key.consoleJson()), UUID.randomUUID().toString(), null);
  }

  private Map<String, String> environment(Setup setup) {
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.merge(
        "JAVA_TOOL_OPTIONS",
        MemorySizes.DEPLOYED_OPTIONS + " " + setup.jvmOptions,
        (own, more) -> own + " " + more);
    environment.put("MOMENTO_AUTH_TOKEN_SECRET_TAG", TAG + "=" + TAG);
    environment.put("AUTO_ROTATION_IN_DAYS", "" + ROTATION_DAYS);
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    if (!setup.limited) {
      environment.put("MOMENTO_REFRESHES_PER_SECOND", "10000");
      environment.put("SECRETS_MANAGER_WRITES_PER_SECOND", "10000");
    }
    // For the peer.
    environment.put("NODE_EXTRA_CA_CERTS", certificate.toString());
    environment.put("ROLE", V2Keys.OPERATOR.id());
    return environment;
  }

  /** Rotates the key of a secret. */
  Invocation rotate(int secret) throws IOException {
    Invocation invocation =
        invoke(
            JSON.createObjectNode().put("momento_auth_token_secret_name", name(secret)).toString());
    if (!((Outcome.Response) invocation.outcome()).json().contains("\"ROTATED\"")) {
      throw new IllegalStateException("No key was rotated: " + beginning(invocation));
    }
    return invocation;
  }

  /**
   * Sends the event of a schedule.
   *
   * @param sample a file with such an event
   */
  Invocation runSchedule(Path sample) throws IOException {
    ObjectNode event = (ObjectNode) JSON.readTree(sample.toFile());
    return invoke(event.put("time", Instant.now().toString()).toString());
  }

  private Invocation invoke(String event) {
    Invocation invocation = lambda.invoke(event);
    if (!(invocation.outcome() instanceof Outcome.Response)) {
      throw new IllegalStateException("The function failed: " + beginning(invocation));
    }
    return invocation;
  }

  /** Describes an invocation, and not each of thousands of secrets. */
  private static String beginning(Invocation invocation) {
    String text = invocation.toString();
    return text.substring(0, Math.min(text.length(), 2_000));
  }

  /** Returns when refresh calls reached Momento, by the JVM's clock in nanoseconds. */
  List<Long> refreshes() {
    return List.copyOf(refreshes);
  }

  ProcessHandle process() {
    return lambda.process().orElseThrow();
  }

  /** Returns the processor time that the process has used so far, of users and the system. */
  Duration processorTime() {
    return process().info().totalCpuDuration().orElseThrow();
  }

  /** Returns the most memory that the process has had resident. */
  double peakMegabytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + process().pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToDouble(line -> Integer.parseInt(line.replaceAll("\\D", "")) / 1024.0)
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void close() throws IOException {
    lambda.close();
    sandbox.close();
    Files.delete(certificate);
  }
}
