package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import io.grpc.ChannelCredentials;
import io.grpc.okhttp.SslSocketFactoryChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.security.Security;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import javax.net.ssl.SSLSocketFactory;
import keyrotation.core.RateLimit;
import keyrotation.core.RotationException;
import keyrotation.core.SecretId;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.event.RotationEvent;
import keyrotation.event.RotationEventParser;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoApiKeys;
import keyrotation.momento.MomentoClient;
import keyrotation.momento.MomentoControlPlane;
import keyrotation.rotation.BatchRotation;
import keyrotation.rotation.LogStep;
import keyrotation.rotation.RotationLog;
import keyrotation.secretsmanager.SecretStore;
import keyrotation.secretsmanager.UnansweredCall;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/**
 * The function's entry point: reads an event, has an {@link Invocation} carry it out, and writes
 * the report.
 *
 * <p>If anything failed, it throws an {@code InvocationFailedException} instead. The message names
 * the secret, the reason and the next step.
 */
public final class RotationHandler implements RequestStreamHandler {

  static {
    // A SnapStart snapshot would keep addresses that were looked up before it was taken. The JVM
    // reads these properties once, at the first look-up, and no class looks a name up before this.
    Security.setProperty("networkaddress.cache.ttl", "0");
    Security.setProperty("networkaddress.cache.negative.ttl", "0");
    // The JDK keeps 5 connections to a host open between calls. With fewer than there are secrets
    // rotated at a time, the others would begin each call with a TLS handshake.
    System.setProperty("http.maxConnections", "" + BatchRotation.MAX_CONCURRENT);
  }

  private final Settings settings;
  private final SecretsManagerClient secretsManager;
  private final ChannelCredentials credentials;
  private final HttpClient.Builder http;
  private final Time time;
  private final Duration grace;
  private final PrintStream log;

  @SuppressWarnings("UnusedVariable") // The context that it is registered with holds it weakly.
  private final Priming priming;

  /** Reads the environment; called by Lambda, once for each process. */
  public RotationHandler() {
    this(
        Settings.from(System.getenv()),
        configured(SecretsManagerClient.builder()),
        // One TLS context for all channels: a new channel resumes the session of an earlier one.
        SslSocketFactoryChannelCredentials.create((SSLSocketFactory) SSLSocketFactory.getDefault()),
        HttpClient.newBuilder(),
        Time.system(),
        TimeBudget.PROPAGATION_GRACE,
        System.out);
  }

  RotationHandler(
      Settings settings,
      SecretsManagerClient secretsManager,
      ChannelCredentials credentials,
      HttpClient.Builder http,
      Time time,
      Duration grace,
      PrintStream log) {
    this.settings = settings;
    this.secretsManager = secretsManager;
    this.credentials = credentials;
    this.http = http;
    this.time = time;
    this.grace = grace;
    this.log = log;
    this.priming = new Priming(settings, store(Optional.empty(), time), time).register();
  }

  /** Makes a client with the time limits of {@link TimeBudget}. */
  public static SecretsManagerClient configured(SecretsManagerClientBuilder client) {
    return client
        .httpClientBuilder(
            UrlConnectionHttpClient.builder().socketTimeout(TimeBudget.SOCKET_TIMEOUT))
        .overrideConfiguration(
            o ->
                o.addExecutionInterceptor(UnansweredCall.interceptor())
                    .retryStrategy(RetryMode.STANDARD)
                    .apiCallAttemptTimeout(TimeBudget.ATTEMPT_TIMEOUT)
                    .apiCallTimeout(TimeBudget.SECRETS_MANAGER_TIMEOUT))
        .build();
  }

  @Override
  public void handleRequest(InputStream input, OutputStream output, Context context)
      throws IOException {
    Time steady = time.steady();
    Instant now = steady.instant();
    RotationLog invocationLog = new RotationLog(log, steady, context.getAwsRequestId());
    RotationEvent event = parse(input.readAllBytes(), now, invocationLog);
    Instant deadline = now.plusMillis(context.getRemainingTimeInMillis());
    TimeBudget budget = new TimeBudget(steady, deadline, grace);
    Optional<String> account =
        Optional.ofNullable(context.getInvokedFunctionArn()).flatMap(SecretId::accountOf);
    RotationReport report = run(event, store(account, steady), steady, budget, invocationLog);
    if (report.failed()) {
      throw new InvocationFailedException(report.error());
    }
    output.write(report.json().toString().getBytes(UTF_8));
  }

  private static RotationEvent parse(byte[] event, Instant now, RotationLog log) {
    try {
      return log.step(LogStep.PARSE_EVENT, () -> RotationEventParser.parse(event, now));
    } catch (RotationException e) {
      throw new InvocationFailedException(RotationReport.unknownEvent(log.requestId(), e));
    }
  }

  private RotationReport run(
      RotationEvent event,
      SecretStore store,
      Time steady,
      TimeBudget budget,
      RotationLog invocationLog) {
    try (MomentoControlPlane controlPlane =
            new MomentoControlPlane(settings.controlEndpoint(), credentials, steady);
        MomentoApiKeys apiKeys = new MomentoApiKeys(settings.v2().apiEndpoint(), http, steady)) {
      // Each invocation has new limiters: permits that one has reserved must not delay the next.
      RateLimit renewals = new RateLimit(settings.refreshesPerSecond(), steady);
      return new Invocation(
              settings,
              store,
              new MomentoClient(controlPlane, steady, renewals),
              new KeyManagement(apiKeys, steady, renewals),
              steady,
              budget,
              invocationLog.startedBy(event.trigger()))
          .run(event);
    }
  }

  private SecretStore store(Optional<String> account, Time clock) {
    return new SecretStore(
        secretsManager, account, new RateLimit(settings.writesPerSecond(), clock), clock);
  }
}
