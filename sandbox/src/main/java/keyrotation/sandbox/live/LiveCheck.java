package keyrotation.sandbox.live;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClient;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClientBuilder;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/** Tests the assumptions in {@code docs/assumptions.md} against the real services. */
public final class LiveCheck {

  private static final String EXPLANATION =
      """
      The live check tests the assumptions about Momento, AWS Secrets Manager and CloudWatch Logs
      against the real services; docs/assumptions.md lists what breaks if one is wrong. It found no
      credentials. With credentials of Momento or AWS alone, it tests what needs those.

        AWS       AWS_REGION, and credentials where the AWS SDK finds them (AWS_ACCESS_KEY_ID and
                  AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ...). Allow secretsmanager:CreateSecret,
                  TagResource, DescribeSecret, GetSecretValue, PutSecretValue,
                  UpdateSecretVersionStage and DeleteSecret on secrets named
                  momento-key-rotation-live-check/*, ListSecrets, and logs:TestMetricFilter.
        Momento   LIVE_MOMENTO_KEY_FILE: the JSON file of a v1 super-user key, as Momento's
                  console offers it for download. The check does not use its refresh token.
        v2 keys   LIVE_MOMENTO_MANAGEMENT_KEY_FILE: a JSON file with the fields apiKey and endpoint
                  of a v2 key that may manage keys.
        Optional  LIVE_MOMENTO_SPARE_KEY_FILE, LIVE_ROTATION_FUNCTION_ARN and LIVE_REPLICA_REGION
                  enable more trials; docs/assumptions.md describes them.

      The check creates some 30 secrets and 20 v2 keys, and deletes them. It also creates v1 keys,
      which expire within an hour. It takes some minutes, and costs some two cents.
      """;

  private static final String NEEDS_AWS = "AWS credentials, and AWS_REGION.";
  private static final int CLEANUP_TIMEOUT_SECONDS = 300;

  /**
   * The connections to the services.
   *
   * @param aws creates client builders; empty without credentials
   * @param momento the credentials of the TLS channel to Momento's control plane
   * @param momentoApi creates the client of Momento's HTTP API
   */
  record Connections(
      Optional<Aws> aws, ChannelCredentials momento, HttpClient.Builder momentoApi) {}

  /** Creates builders of clients of AWS. */
  record Aws(
      Supplier<SecretsManagerClientBuilder> secretsManager,
      Supplier<CloudWatchLogsClientBuilder> logs) {}

  private final LiveSettings settings;
  private final Connections connections;
  private final MetricFilters.Sources filters;
  private final Poller poller;
  private final Report report;

  private LiveCheck(
      LiveSettings settings,
      Connections connections,
      MetricFilters.Sources filters,
      Poller poller,
      PrintStream out) {
    this.settings = settings;
    this.connections = connections;
    this.filters = filters;
    this.poller = poller;
    this.report = new Report(out);
  }

  /**
   * Runs the check; exits with status 0 if no assumption was refuted and no error occurred.
   *
   * @param args a file that exists afterwards only if the status is 0, a template of the stack, and
   *     lines of the function's log
   */
  public static void main(String[] args) throws IOException {
    // Libraries might log a request, which contains a key.
    Logger.getLogger("").setLevel(Level.OFF);
    CountDownLatch done = new CountDownLatch(1);
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> cleanUpOnSignal(main, done)));
    boolean passed = false;
    Path mark = Path.of(args[0]);
    Files.deleteIfExists(mark);
    try {
      passed =
          run(
              System.getenv(),
              new Connections(aws(), TlsChannelCredentials.create(), HttpClient.newBuilder()),
              new MetricFilters.Sources(Path.of(args[1]), Path.of(args[2])),
              new Poller(InstantSource.system(), Thread::sleep, System.out),
              System.out);
    } catch (InterruptedException e) {
      // The shutdown hook printed a message.
    } catch (InconclusiveException e) {
      System.out.println(e.reason());
    } catch (RuntimeException e) {
      System.out.println("The check failed: " + explain(e) + ".");
    } finally {
      done.countDown();
    }
    if (passed) {
      Files.createFile(mark);
    }
    System.exit(passed ? 0 : 1);
  }

  /** Lets the main thread delete its secrets and keys when a signal ends the process. */
  private static void cleanUpOnSignal(Thread main, CountDownLatch done) {
    if (done.getCount() > 0) {
      System.out.println("Interrupted; deleting the check's secrets and v2 keys.");
      main.interrupt();
    }
    try {
      var _ = done.await(CLEANUP_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns what creates client builders; empty if the AWS SDK finds no credentials. */
  private static Optional<Aws> aws() {
    try (DefaultCredentialsProvider credentials = DefaultCredentialsProvider.builder().build()) {
      var _ = credentials.resolveCredentials();
    } catch (SdkClientException e) {
      return Optional.empty();
    }
    try {
      var _ = new DefaultAwsRegionProviderChain().getRegion();
    } catch (SdkClientException e) {
      throw new InconclusiveException("AWS credentials were found, but no region. Set AWS_REGION.");
    }
    return Optional.of(new Aws(SecretsManagerClient::builder, CloudWatchLogsClient::builder));
  }

  /**
   * Tests all assumptions for which the prerequisites exist.
   *
   * @return whether no assumption was refuted and no error occurred
   * @throws InconclusiveException if a setting is invalid or a service cannot be reached
   */
  static boolean run(
      Map<String, String> environment,
      Connections connections,
      MetricFilters.Sources filters,
      Poller poller,
      PrintStream out)
      throws InterruptedException {
    LiveSettings settings = LiveSettings.from(environment);
    if (settings.key().isEmpty()
        && settings.managementKey().isEmpty()
        && connections.aws().isEmpty()) {
      out.print(EXPLANATION);
      return false;
    }
    for (String id : settings.only()) {
      if (assumptions().stream().noneMatch(assumption -> assumption.id().equals(id))) {
        throw new InconclusiveException(
            LiveSettings.ONLY + " has an id without a trial: " + id + ".");
      }
    }
    LiveCheck check = new LiveCheck(settings, connections, filters, poller, out);
    check.tryMomento();
    check.tryV2Keys();
    check.trySecretsManager();
    check.tryMetricFilters();
    return check.report.printSummary();
  }

  /** Returns all assumptions that have a trial. */
  static List<Assumption<?>> assumptions() {
    return Stream.<List<? extends Assumption<?>>>of(
            MomentoAssumptions.ALL,
            V2Assumptions.ALL,
            SecretsManagerAssumptions.ALL,
            RotationAssumptions.ALL,
            MetricFilters.ALL)
        .<Assumption<?>>flatMap(List::stream)
        .toList();
  }

  private void tryMomento() throws InterruptedException {
    List<Assumption<MomentoAccount>> wanted = wanted(MomentoAssumptions.ALL);
    if (wanted.isEmpty()) {
      return;
    }
    if (settings.key().isEmpty()) {
      report.title("Momento's v1 keys");
      notTried(wanted, LiveSettings.KEY_FILE + ": the file of a v1 super-user key.");
      return;
    }
    ApiKey key = settings.key().get();
    try (MomentoAccount account =
        MomentoAccount.connect(key, settings, connections.momento(), poller)) {
      report.title("Momento's v1 keys at " + account.target());
      tryAll(wanted, account);
    }
  }

  private void tryV2Keys() throws InterruptedException {
    List<Assumption<V2Account>> wanted = wanted(V2Assumptions.ALL);
    if (wanted.isEmpty()) {
      return;
    }
    if (settings.managementKey().isEmpty()) {
      report.title("Momento's v2 keys");
      notTried(
          wanted,
          LiveSettings.MANAGEMENT_KEY_FILE + ": the file of a v2 key that may manage keys.");
      return;
    }
    try (V2Account account =
        V2Account.connect(settings.managementKey().get(), settings, connections, poller, report)) {
      report.title(
          "Momento's v2 keys at %s and %s, with keys described as %s..."
              .formatted(account.apiTarget(), account.controlTarget(), account.descriptions()));
      tryAll(wanted, account);
    }
  }

  private void trySecretsManager() throws InterruptedException {
    List<Assumption<TrialSecrets>> wanted =
        Stream.concat(
                wanted(SecretsManagerAssumptions.ALL).stream(),
                wanted(RotationAssumptions.ALL).stream())
            .toList();
    if (wanted.isEmpty()) {
      return;
    }
    if (connections.aws().isEmpty()) {
      report.title("Secrets Manager");
      notTried(wanted, NEEDS_AWS);
      return;
    }
    try (TrialSecrets secrets =
        TrialSecrets.connect(connections.aws().get().secretsManager(), settings, poller, report)) {
      report.title(
          "Secrets Manager in %s, with secrets named %s..."
              .formatted(secrets.region(), secrets.names()));
      tryAll(wanted, secrets);
    }
  }

  private void tryMetricFilters() throws InterruptedException {
    List<Assumption<MetricFilters>> wanted = wanted(MetricFilters.ALL);
    if (wanted.isEmpty()) {
      return;
    }
    if (connections.aws().isEmpty()) {
      report.title("CloudWatch Logs");
      notTried(wanted, NEEDS_AWS);
      return;
    }
    try (MetricFilters applied =
        MetricFilters.read(filters, connections.aws().get().logs().get(), poller)) {
      report.title("CloudWatch Logs in " + applied.region());
      tryAll(wanted, applied);
    }
  }

  private <S> List<Assumption<S>> wanted(List<Assumption<S>> assumptions) {
    return settings.only().isEmpty()
        ? assumptions
        : assumptions.stream().filter(a -> settings.only().contains(a.id())).toList();
  }

  private <S> void notTried(List<Assumption<S>> assumptions, String needs) {
    assumptions.forEach(a -> report.add(a, new Finding.NotTried(needs)));
  }

  private <S> void tryAll(List<Assumption<S>> assumptions, S service) throws InterruptedException {
    for (Assumption<S> assumption : assumptions) {
      Finding finding = finding(assumption, service);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      report.add(assumption, finding);
    }
  }

  /** Runs a trial. Messages of foreign exceptions are not shown: they might contain a key. */
  private static <S> Finding finding(Assumption<S> assumption, S service)
      throws InterruptedException {
    try {
      return assumption.trial().run(service);
    } catch (RefutedException e) {
      return new Finding.Refuted(e.seen());
    } catch (InconclusiveException e) {
      return new Finding.Failed(e.reason());
    } catch (SdkException e) {
      return TrialSecrets.refusal(e)
          .<Finding>map(code -> new Finding.Refuted("A call was refused with " + code + "."))
          .orElseGet(() -> new Finding.Failed("AWS: " + TrialSecrets.explain(e)));
    } catch (RuntimeException e) {
      return new Finding.Failed("The trial failed: " + explain(e) + ".");
    }
  }

  /** Returns the class and location of an unexpected error, without its message. */
  private static String explain(RuntimeException e) {
    return e.getClass().getSimpleName()
        + Stream.of(e.getStackTrace())
            .filter(frame -> frame.getClassName().startsWith(LiveCheck.class.getPackageName()))
            .findFirst()
            .map(frame -> " in " + frame)
            .orElse("");
  }
}
