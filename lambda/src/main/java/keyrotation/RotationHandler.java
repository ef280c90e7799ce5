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
import java.time.Duration;
import java.time.InstantSource;
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
    this.store = new SecretStore(secretsManager);
    this.credentials = credentials;
    this.clock = clock;
    this.grace = grace;
    this.log = log;
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
    RotationReport report =
        switch (parse(input.readAllBytes())) {
          case RotationEvent.Manual(String secretId) ->
              new RotationReport(rotate(secretId, context));
        };
    if (report.failed()) {
      throw new RotationFailedException(report.sentence());
    }
    output.write(report.json().toString().getBytes(UTF_8));
  }

  private static RotationEvent parse(byte[] event) {
    try {
      return RotationEvent.parse(event);
    } catch (RotationFailure e) {
      throw new RotationFailedException(e.explanation());
    }
  }

  private RotationResult rotate(String secretId, Context context) {
    RotationRequest request =
        new RotationRequest(
            "lambda-request/" + context.getAwsRequestId(),
            clock.instant().plusMillis(context.getRemainingTimeInMillis()));
    RotationLog steps = new RotationLog(log, context.getAwsRequestId(), secretId);
    try (MomentoControlPlane momento =
        new MomentoControlPlane(settings.controlEndpoint(), credentials)) {
      Rotation rotation = new Rotation(store, momento, clock, grace, steps);
      return steps.step("rotate", () -> rotation.rotate(secretId, request));
    } catch (RotationFailure e) {
      return new RotationResult.Failed(secretId, e);
    }
  }
}
