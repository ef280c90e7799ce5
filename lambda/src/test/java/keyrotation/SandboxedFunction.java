package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpClient;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import keyrotation.core.Time;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.LambdaContext;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.SecretsManagerException;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/** The handler, in this JVM, with the sandbox around it and a clock that stands. */
final class SandboxedFunction extends RotationFixture {

  /** Enough to refresh a key, and little to verify it, as a call that hangs takes real time. */
  private static final Duration TIME_LEFT = Duration.ofSeconds(14);

  /** For requests without a fault, which do not wait until it is over. */
  private static final Duration AMPLE_TIME = Duration.ofMinutes(1);

  /** What takes longer is a call that hangs. */
  private static final Duration HANGING = Duration.ofSeconds(4);

  private static final Duration STALE_READS = Duration.ofSeconds(10);

  /** Short beside the time that is left. */
  private static final Duration GRACE = Duration.ofMillis(300);

  private static final ObjectMapper JSON = new ObjectMapper();

  final ManualClock clock;

  /** The clock that the handler looks at; the sandbox keeps to the other. */
  volatile InstantSource handlersClock;

  private volatile Duration timeLeft = TIME_LEFT;
  private volatile boolean hasCrashed;
  private final SecretsManagerClient client;
  private final HandlersTime time = new HandlersTime();
  private final RotationHandler handler;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final Queue<String> responses = new ConcurrentLinkedQueue<>();

  SandboxedFunction(RefreshTokens refreshTokens) {
    this(refreshTokens, GRACE);
  }

  SandboxedFunction(RefreshTokens refreshTokens, Duration grace) {
    this(refreshTokens, grace, Map.of());
  }

  SandboxedFunction(RefreshTokens refreshTokens, Duration grace, Map<String, String> settings) {
    this(KeyKind.of(refreshTokens), grace, settings);
  }

  SandboxedFunction(KeyKind kind) {
    this(kind, GRACE, Map.of());
  }

  SandboxedFunction(KeyKind kind, Duration grace, Map<String, String> settings) {
    ManualClock clock = new ManualClock();
    super(Sandbox.start(clock, kind.tokens()), kind, clock::advance);
    this.clock = clock;
    this.handlersClock = clock;
    Map<String, String> environment = new HashMap<>();
    environment.put("MOMENTO_CONTROL_ENDPOINT", sandbox.momento().controlEndpoint());
    environment.put("MOMENTO_API_ENDPOINT", sandbox.momentoApi().endpoint());
    environment.put("MOMENTO_ENDPOINT_SUFFIXES", ".sandbox.momento.example");
    environment.put("MOMENTO_MANAGEMENT_KEY_SECRET", MANAGEMENT_SECRET);
    environment.put("MOMENTO_ALLOWED_ROLES", "r-viewer");
    // The pace that Momento allows would only slow the tests down.
    environment.put("MOMENTO_REFRESHES_PER_SECOND", "1000");
    environment.put("SECRETS_MANAGER_WRITES_PER_SECOND", "1000");
    environment.putAll(settings);
    this.client = RotationHandler.configured(sandbox.secretsManager().functionsClientBuilder());
    try {
      this.handler =
          new RotationHandler(
              Settings.from(environment),
              client,
              TlsChannelCredentials.newBuilder()
                  .trustManager(sandbox.authority().certificate())
                  .build(),
              HttpClient.newBuilder().sslContext(sandbox.authority().contextForClients()),
              time,
              grace,
              new PrintStream(log, true, UTF_8));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The handler's clock. What it waits for is over at once, by the sandbox's clock too; a call that
   * really hangs takes its time.
   */
  private final class HandlersTime implements Time {
    private long lastLook;
    private Instant deadline = Instant.MAX;
    private boolean isReal;
    private volatile boolean hasWaitedWrongly;

    synchronized void begin(Duration timeLeft) {
      lastLook = System.nanoTime();
      // By the sandbox's clock: the handler's may be wrong.
      deadline = clock.instant().plus(timeLeft);
    }

    /** Puts the deadline off where time passes for another reason than the handler's work. */
    synchronized void postpone(Duration duration) {
      deadline = deadline.equals(Instant.MAX) ? deadline : deadline.plus(duration);
    }

    synchronized void runForReal() {
      isReal = true;
    }

    @Override
    public Instant instant() {
      return timeOf(handlersClock);
    }

    private synchronized Instant timeOf(InstantSource source) {
      Duration since = Duration.ofNanos(System.nanoTime() - lastLook);
      if (isReal || since.compareTo(HANGING) > 0) {
        clock.advance(since);
      }
      lastLook = System.nanoTime();
      return source.instant();
    }

    /** Keeps to the clock of now: a request does not notice that its clock is corrected. */
    @Override
    public Time steady() {
      InstantSource now = handlersClock;
      HandlersTime handlers = this;
      return new Time() {
        @Override
        public Instant instant() {
          return timeOf(now);
        }

        @Override
        public void sleep(Duration duration) {
          handlers.sleep(duration);
        }
      };
    }

    @Override
    public void sleep(Duration duration) {
      // Only a read that may be stale is repeated whatever time is left, for seconds.
      var _ = instant();
      Instant end = clock.instant().plus(duration).minus(STALE_READS);
      if (!duration.isPositive() || end.isAfter(deadline)) {
        hasWaitedWrongly = true;
        throw new IllegalStateException("A wait of " + duration + " would go on for ever.");
      }
      if (isReal) {
        Time.system().sleep(duration);
      } else {
        clock.advanceTo(clock.instant().plus(duration));
      }
    }
  }

  @Override
  void pass(Duration duration) {
    super.pass(duration);
    time.postpone(duration);
  }

  /** Lets the handler really wait, where several threads wait beside each other. */
  void waitForReal() {
    time.runForReal();
  }

  /** Asks for a rotation under a new request id. */
  JsonNode rotate() {
    return rotate(UUID.randomUUID().toString());
  }

  JsonNode rotate(String requestId) {
    return rotate(requestId, AMPLE_TIME);
  }

  JsonNode rotate(String requestId, Duration timeLeft) {
    return invoke(manualEvent(SECRET), requestId, timeLeft).path("secrets").path(0);
  }

  /** Invokes the handler; throws what it throws. */
  JsonNode invoke(String event, String requestId, Duration timeLeft) {
    time.begin(timeLeft);
    ByteArrayOutputStream response = new ByteArrayOutputStream();
    try {
      handler.handleRequest(
          new ByteArrayInputStream(event.getBytes(UTF_8)),
          response,
          new LambdaContext(requestId, timeLeft));
      return JSON.readTree(response.toByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      assertThat(time.hasWaitedWrongly)
          .as("a wait of no time, or beyond Lambda's deadline")
          .isFalse();
    }
  }

  @Override
  void clearFaults() {
    super.clearFaults();
    timeLeft = AMPLE_TIME;
  }

  @Override
  Outcome deliver(String event, String requestId) {
    hasCrashed = false;
    Outcome outcome;
    try {
      JsonNode report = invoke(event, requestId, timeLeft);
      responses.add(report.toString());
      outcome = new Outcome.Answered(report);
    } catch (InvocationFailedException e) {
      StringWriter trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace, true));
      responses.add(trace.toString());
      outcome = new Outcome.Failed(String.valueOf(e.getMessage()));
    }
    return hasCrashed ? new Outcome.Crashed() : outcome;
  }

  /** Crashes as far as others can see: until the faults are cleared, no call takes effect. */
  void crash() {
    hasCrashed = true;
    for (String action : CallPosition.ACTIONS) {
      if (CallPosition.isMomentos(action)) {
        momento()
            .calls()
            .onEvery(action, new Fault.Refuse<>(Status.PERMISSION_DENIED.asRuntimeException()));
      } else if (CallPosition.isOfApi(action)) {
        apiCalls().onEvery(action, new Fault.Refuse<>(MomentoApiException.forbidden()));
      } else {
        awsCalls()
            .onEvery(
                action, new Fault.Refuse<>(SecretsManagerException.accessDenied(action, SECRET)));
      }
    }
  }

  @Override
  Instant now() {
    return clock.instant();
  }

  @Override
  String shown() {
    return log() + String.join("\n", responses);
  }

  String log() {
    return log.toString(UTF_8);
  }

  /** Returns the log since this was called last, and forgets it. */
  String takeLog() {
    String lines = log();
    log.reset();
    return lines;
  }

  @Override
  public void close() {
    client.close();
    sandbox.close();
  }
}
