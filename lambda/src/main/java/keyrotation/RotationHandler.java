package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.security.Security;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import keyrotation.RotationEvent.Action;
import keyrotation.Settings.Tag;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/**
 * The function's way in: an event comes in, a report goes out, and an error if anything failed.
 *
 * <p>The error is a {@code InvocationFailedException}; its message names the secret, the reason and
 * the next step.
 */
public final class RotationHandler implements RequestStreamHandler {

  static {
    // A snapshot of SnapStart would keep the addresses that were found before it was taken. Nothing
    // before this class looks a name up, and the JVM reads these once, at its first look-up.
    Security.setProperty("networkaddress.cache.ttl", "0");
    Security.setProperty("networkaddress.cache.negative.ttl", "0");
  }

  /** How long Momento may take to know a key everywhere. */
  private static final Duration PROPAGATION_GRACE = Duration.ofSeconds(15);

  private final Settings settings;
  private final SecretsManagerClient secretsManager;
  private final ChannelCredentials credentials;
  private final Time time;
  private final Duration grace;
  private final PrintStream log;
  private final BatchRotation round;

  @SuppressWarnings("UnusedVariable") // The context that it is registered with holds it weakly.
  private final Priming priming;

  /** Reads the environment; called by Lambda, once for each process. */
  public RotationHandler() {
    this(
        Settings.from(System.getenv()),
        configured(SecretsManagerClient.builder()),
        TlsChannelCredentials.create(),
        Time.system(),
        PROPAGATION_GRACE,
        System.out);
  }

  RotationHandler(
      Settings settings,
      SecretsManagerClient secretsManager,
      ChannelCredentials credentials,
      Time time,
      Duration grace,
      PrintStream log) {
    this.settings = settings;
    this.secretsManager = secretsManager;
    this.credentials = credentials;
    this.time = time;
    this.grace = grace;
    this.log = log;
    this.round = new BatchRotation(time, MomentoClient.timeForOne(grace));
    this.priming = new Priming(settings, store(), credentials, time).register();
  }

  /** Makes a client that gives up in time. */
  static SecretsManagerClient configured(SecretsManagerClientBuilder client) {
    return client
        .httpClientBuilder(
            UrlConnectionHttpClient.builder().socketTimeout(SecretStore.SOCKET_TIMEOUT))
        .overrideConfiguration(
            o ->
                o.retryStrategy(RetryMode.STANDARD)
                    .apiCallAttemptTimeout(SecretStore.ATTEMPT_TIMEOUT)
                    .apiCallTimeout(SecretStore.CALL_TIMEOUT))
        .build();
  }

  @Override
  public void handleRequest(InputStream input, OutputStream output, Context context)
      throws IOException {
    RotationReport report = handle(parse(input.readAllBytes(), context), context);
    if (report.failed()) {
      throw new InvocationFailedException(report.error());
    }
    output.write(report.json().toString().getBytes(UTF_8));
  }

  private RotationEvent parse(byte[] event, Context context) {
    String requestId = context.getAwsRequestId();
    try {
      return new RotationLog(log, time, requestId, "")
          .step(LogStep.PARSE_EVENT, () -> RotationEvent.parse(event, time.instant()));
    } catch (RotationException e) {
      throw new InvocationFailedException(RotationReport.unknownEvent(requestId, e));
    }
  }

  private RotationReport handle(RotationEvent event, Context context) {
    Instant deadline = time.instant().plusMillis(context.getRemainingTimeInMillis());
    String requestId = context.getAwsRequestId();
    try (MomentoControlPlane controlPlane =
        new MomentoControlPlane(settings.controlEndpoint(), credentials, time)) {
      // The limiters count by the time since they were made, which a restored snapshot does not
      // know: they are made anew for each invocation, of which a process has one at a time.
      RateLimit refreshes = new RateLimit(settings.refreshesPerSecond(), time);
      Worker worker =
          new Worker(requestId, store(), new MomentoClient(controlPlane, time, grace, refreshes));
      return switch (event) {
        case RotationEvent.Manual(String secretId, Action action) -> {
          var request = new RotationRequest("lambda-request/" + requestId, deadline);
          yield worker.reportOnOne(
              secretId,
              work ->
                  requireKey(
                      switch (action) {
                        case ROTATE -> work.rotation().rotate(secretId, request);
                        case ROTATE_IF_DUE -> work.rotation().rotateIfDue(secretId, request);
                        case DRY_RUN -> work.rotation().dryRun(secretId, request);
                        case ROLL_BACK -> work.rollback().run(secretId, request);
                      }));
        }
        case RotationEvent.Step(RotationStep step, String secretId, String versionId) -> {
          var request = new RotationRequest(versionId, deadline);
          yield worker.reportOnOne(
              secretId,
              work -> {
                RotationResult result = work.steps().run(step, secretId, versionId, request);
                // When rotation is switched on, Secrets Manager tests it at once: there may be no
                // key yet.
                return step == RotationStep.TEST_SECRET ? result : requireKey(result);
              });
        }
        case RotationEvent.Scheduled(String identity) -> worker.reportOnAll(identity, deadline);
      };
    }
  }

  /**
   * Makes a secret without a value a failure. It is none to a schedule, since the stack makes
   * secrets before a first key is stored.
   */
  private static RotationResult requireKey(RotationResult result) {
    return result instanceof RotationResult.AwaitingFirstKey(String secret)
        ? new RotationResult.Failed(
            secret,
            new RotationException(FailureReason.AWAITING_FIRST_KEY, "The secret has no value yet."))
        : result;
  }

  /** What works on one secret. */
  private record Work(Rotation rotation, RotationSteps steps, Rollback rollback) {}

  /** Works on secrets in one invocation. */
  private final class Worker {
    private final String requestId;
    private final SecretStore store;
    private final MomentoClient momento;

    Worker(String requestId, SecretStore store, MomentoClient momento) {
      this.requestId = requestId;
      this.store = store;
      this.momento = momento;
    }

    RotationReport reportOnOne(String secretId, Function<Work, RotationResult> work) {
      return new RotationReport(requestId, List.of(result(secretId, work)));
    }

    RotationReport reportOnAll(String identity, Instant deadline) {
      List<String> secretIds = new ArrayList<>(settings.secretIds());
      List<RotationResult> others = new ArrayList<>();
      settings.tag().ifPresent(tag -> addTagged(tag, secretIds, others));
      RotationRequest request = new RotationRequest(identity, deadline);
      List<RotationResult> results =
          round.run(
              secretIds,
              secretIds.isEmpty() ? 0 : request.startIn(secretIds.size()),
              deadline,
              (id, othersWait) ->
                  result(
                      id,
                      work ->
                          work.rotation()
                              .rotateIfDue(
                                  id, new RotationRequest(identity, deadline, othersWait))));
      return new RotationReport(
          requestId, Stream.concat(results.stream(), others.stream()).toList());
    }

    /**
     * Adds the secrets that have the tag. Where they cannot be found, the others go on without. A
     * replica has its primary's tags, and is rotated where that is.
     */
    private void addTagged(Tag tag, List<String> secretIds, List<RotationResult> others) {
      String name = "secrets with the tag " + tag;
      try {
        new RotationLog(log, time, requestId, name)
            .step(LogStep.LIST_SECRETS, () -> store.findByTag(tag)).stream()
                .filter(found -> !secretIds.contains(found.name()))
                .filter(found -> !secretIds.contains(found.arn()))
                .forEach(
                    found ->
                        found
                            .primaryRegion()
                            .ifPresentOrElse(
                                region -> others.add(skipped(found.name(), region)),
                                () -> secretIds.add(found.name())));
      } catch (RotationException e) {
        others.add(new RotationResult.Failed(name, e));
      }
    }

    private RotationResult skipped(String replica, String primaryRegion) {
      return new RotationLog(log, time, requestId, replica)
          .result(() -> new RotationResult.Skipped(replica, SecretStore.isReplica(primaryRegion)));
    }

    private RotationResult result(String secretId, Function<Work, RotationResult> task) {
      RotationLog steps = new RotationLog(log, time, requestId, secretId);
      return steps.result(() -> task.apply(work(steps)));
    }

    private Work work(RotationLog steps) {
      SecretVersions versions = new SecretVersions(store, steps);
      KeyVerification verification = new KeyVerification(momento, time, steps);
      KeyRenewal renewal = new KeyRenewal(store, versions, momento, time, steps);
      RenewalPolicy policy = settings.policy();
      Rotation rotation = new Rotation(store, versions, verification, renewal, policy, time, steps);
      return new Work(
          rotation,
          new RotationSteps(rotation, versions, verification, renewal, policy, steps),
          new Rollback(versions, verification));
    }
  }

  private SecretStore store() {
    return new SecretStore(secretsManager, new RateLimit(settings.writesPerSecond(), time), time);
  }
}
