package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import dev.failsafe.RateLimiter;
import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import keyrotation.RotationEvent.Wish;
import keyrotation.Settings.Tag;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/**
 * The function's way in: an event comes in, a report goes out, and an error if anything failed.
 *
 * <p>The error is a {@code RotationFailedException}; its message names the secret, the reason and
 * the next step.
 */
public final class RotationHandler implements RequestStreamHandler {

  /** How long Momento may take to know a key everywhere. */
  private static final Duration GRACE = Duration.ofSeconds(15);

  private final Settings settings;
  private final SecretStore store;
  private final ChannelCredentials credentials;
  private final InstantSource clock;
  private final Duration grace;
  private final PrintStream log;
  private final RateLimiter<Object> refreshes;
  private final RotationRound round;

  @SuppressWarnings("UnusedVariable") // The context that it is registered with holds it weakly.
  private final Priming priming;

  /** Reads the environment; called by Lambda, once for each process. */
  public RotationHandler() {
    this(
        Settings.from(System.getenv()),
        configured(SecretsManagerClient.builder()),
        TlsChannelCredentials.create(),
        InstantSource.system(),
        GRACE,
        System.out);
  }

  RotationHandler(
      Settings settings,
      SecretsManagerClient secretsManager,
      ChannelCredentials credentials,
      InstantSource clock,
      Duration grace,
      PrintStream log) {
    this.settings = settings;
    this.store = new SecretStore(secretsManager, perSecond(settings.writesPerSecond()));
    this.credentials = credentials;
    this.clock = clock;
    this.grace = grace;
    this.log = log;
    this.refreshes = perSecond(settings.refreshesPerSecond());
    this.round = new RotationRound(clock, PatientMomento.timeForOne(grace));
    this.priming = new Priming(settings, store, credentials).register();
  }

  /** Makes a client that gives up in time. */
  static SecretsManagerClient configured(SecretsManagerClientBuilder client) {
    return client
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(
            o ->
                o.retryStrategy(RetryMode.STANDARD)
                    .apiCallAttemptTimeout(SecretStore.LONGEST_ATTEMPT)
                    .apiCallTimeout(SecretStore.LONGEST_CALL))
        .build();
  }

  @Override
  public void handleRequest(InputStream input, OutputStream output, Context context)
      throws IOException {
    RotationReport report = handle(parse(input.readAllBytes(), context), context);
    if (report.failed()) {
      throw new RotationFailedException(report.error());
    }
    output.write(report.json().toString().getBytes(UTF_8));
  }

  private RotationEvent parse(byte[] event, Context context) {
    String requestId = context.getAwsRequestId();
    try {
      return new RotationLog(log, requestId, "").step("parse", () -> RotationEvent.parse(event));
    } catch (RotationFailure e) {
      throw new RotationFailedException(RotationReport.unknownEvent(requestId, e));
    }
  }

  private RotationReport handle(RotationEvent event, Context context) {
    Instant deadline = clock.instant().plusMillis(context.getRemainingTimeInMillis());
    String requestId = context.getAwsRequestId();
    try (MomentoControlPlane controlPlane =
        new MomentoControlPlane(settings.controlEndpoint(), credentials)) {
      Worker worker =
          new Worker(requestId, new PatientMomento(controlPlane, clock, grace, refreshes));
      return switch (event) {
        case RotationEvent.Manual(String secretId, Wish wish) -> {
          var request = new RotationRequest("lambda-request/" + requestId, deadline);
          yield worker.reportOnOne(
              secretId,
              true,
              rotation ->
                  switch (wish) {
                    case ROTATE -> rotation.rotate(secretId, request);
                    case ROTATE_IF_DUE -> rotation.rotateIfDue(secretId, request);
                    case DRY_RUN -> rotation.dryRun(secretId, request);
                    case ROLL_BACK -> rotation.rollBack(secretId, request);
                  });
        }
        case RotationEvent.Step(RotationStep step, String secretId, String versionId) -> {
          var request = new RotationRequest(versionId, deadline);
          // When rotation is switched on, Secrets Manager tests it at once: there may be no key
          // yet.
          yield worker.reportOnOne(
              secretId,
              step != RotationStep.TEST_SECRET,
              rotation -> rotation.step(step, secretId, versionId, request));
        }
        case RotationEvent.Scheduled(String identity) ->
            worker.reportOnAll(new RotationRequest(identity, deadline));
      };
    }
  }

  /** Works on secrets in one invocation. */
  private final class Worker {
    private final String requestId;
    private final PatientMomento momento;

    Worker(String requestId, PatientMomento momento) {
      this.requestId = requestId;
      this.momento = momento;
    }

    RotationReport reportOnOne(
        String secretId, boolean firstKeyExpected, Function<Rotation, RotationResult> work) {
      return new RotationReport(requestId, firstKeyExpected, List.of(result(secretId, work)));
    }

    RotationReport reportOnAll(RotationRequest request) {
      List<String> secretIds = new ArrayList<>(settings.secretIds());
      List<RotationResult> failures = new ArrayList<>();
      settings.tag().ifPresent(tag -> addTagged(tag, secretIds, failures));
      List<RotationResult> results =
          round.run(
              secretIds,
              request.deadline(),
              id -> result(id, rotation -> rotation.rotateIfDue(id, request)));
      return new RotationReport(
          requestId, false, Stream.concat(results.stream(), failures.stream()).toList());
    }

    /**
     * Adds the secrets that have the tag, or the failure to find them: the others go on without.
     */
    private void addTagged(Tag tag, List<String> secretIds, List<RotationResult> failures) {
      String name = "secrets with the tag " + tag;
      try {
        new RotationLog(log, requestId, name)
            .step("list", () -> store.tagged(tag)).stream()
                .filter(found -> !secretIds.contains(found.name()))
                .filter(found -> !secretIds.contains(found.arn()))
                .map(SecretStore.Listed::name)
                .forEach(secretIds::add);
      } catch (RotationFailure e) {
        failures.add(new RotationResult.Failed(name, e));
      }
    }

    private RotationResult result(String secretId, Function<Rotation, RotationResult> work) {
      RotationLog steps = new RotationLog(log, requestId, secretId);
      Rotation rotation = new Rotation(store, momento, settings.policy(), clock, steps);
      return steps.result(() -> work.apply(rotation));
    }
  }

  private static RateLimiter<Object> perSecond(int calls) {
    return RateLimiter.smoothBuilder(calls, Duration.ofSeconds(1)).build();
  }
}
