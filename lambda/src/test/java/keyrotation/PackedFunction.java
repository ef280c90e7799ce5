package keyrotation;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.LambdaServer.Function;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SandboxKey;

/** The function as it is deployed, in a process of its own, which can be killed. */
final class PackedFunction extends RotationFixture {

  static final Path ARCHIVE = Path.of(System.getProperty("function.archive"));

  final LambdaServer lambda;

  /** More than scenarios let pass, and too little for a fresh key to become due by its age. */
  private static final Duration LAG = Duration.ofHours(20);

  private final AtomicReference<Duration> lag;
  private final Runnable emptySandbox;
  private final Set<SandboxKey> earlierKeys = new HashSet<>();
  private final Queue<String> shown = new ConcurrentLinkedQueue<>();

  PackedFunction(RefreshTokens refreshTokens) {
    this(refreshTokens, false);
  }

  PackedFunction(RefreshTokens refreshTokens, boolean snapStart) {
    this(refreshTokens, snapStart, environment -> environment);
  }

  /**
   * Starts the sandbox; the function starts with its first event.
   *
   * @param change alters the function's environment
   */
  PackedFunction(
      RefreshTokens refreshTokens, boolean snapStart, UnaryOperator<Map<String, String>> change) {
    this(KeyKind.of(refreshTokens), snapStart, change);
  }

  PackedFunction(KeyKind kind) {
    this(kind, false, environment -> environment);
  }

  PackedFunction(KeyKind kind, boolean snapStart, UnaryOperator<Map<String, String>> change) {
    // The process reads the machine's clock. The sandbox's lags behind, so that it can be advanced.
    AtomicReference<Duration> lag = new AtomicReference<>(LAG);
    super(
        Sandbox.start(() -> Instant.now().minus(lag.get()), kind.tokens()),
        kind,
        duration -> lag.updateAndGet(left -> left.minus(duration)));
    this.lag = lag;
    this.emptySandbox = sandbox.save();
    Map<String, String> environment = new HashMap<>(sandbox.environment());
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    environment.put("MOMENTO_REFRESHES_PER_SECOND", "1000");
    environment.put("SECRETS_MANAGER_WRITES_PER_SECOND", "1000");
    this.lambda =
        LambdaServer.start(
            new Function(
                ARCHIVE,
                "keyrotation.RotationHandler::handleRequest",
                512,
                Duration.ofSeconds(60),
                snapStart,
                change.apply(environment)));
  }

  /** Empties the sandbox and forgets what was shown; the process stays. */
  void reset() {
    emptySandbox.run();
    lag.set(LAG);
    shown.clear();
    earlierKeys.clear();
    earlierKeys.addAll(super.keys());
  }

  @Override
  List<SandboxKey> keys() {
    return super.keys().stream().filter(key -> !earlierKeys.contains(key)).toList();
  }

  @Override
  Outcome deliver(String event, String requestId) {
    Invocation invocation = lambda.invoke(event, requestId);
    shown.addAll(invocation.log());
    return switch (invocation.outcome()) {
      case LambdaServer.Outcome.Response(String json) -> {
        shown.add(json);
        yield new Outcome.Answered(parse(json));
      }
      case LambdaServer.Outcome.Failure(String _, String message, String json) -> {
        shown.add(json);
        yield new Outcome.Failed(message);
      }
      case LambdaServer.Outcome.TimedOut _, LambdaServer.Outcome.Exited _ -> new Outcome.Crashed();
    };
  }

  @Override
  Instant now() {
    return Instant.now();
  }

  @Override
  String shown() {
    return String.join("\n", shown);
  }

  @Override
  public void close() {
    lambda.close();
    sandbox.close();
  }
}
