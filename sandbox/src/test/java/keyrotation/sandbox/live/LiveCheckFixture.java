package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import keyrotation.sandbox.IssuedKey;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.ManualClock;
import keyrotation.sandbox.MomentoServer.RefreshTokens;
import keyrotation.sandbox.Sandbox;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys.Role;
import keyrotation.sandbox.cloudwatch.LogsServer;
import keyrotation.sandbox.live.LiveCheck.Aws;
import keyrotation.sandbox.live.LiveCheck.Connections;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.SdkResponse;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.cloudwatchlogs.CloudWatchLogsClientBuilder;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;

/** Runs the live check against the sandbox, with a clock that advances without waiting. */
final class LiveCheckFixture implements AutoCloseable {

  static final String FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotation:live";
  static final String REPLICA_REGION = "eu-west-1";

  private static final Path TEMPLATE =
      Path.of("../infrastructure/src/test/resources/templates/eventbridge-create-v2.json");
  private static final Path LOG = Path.of("../lambda/src/test/resources/log.jsonl");

  /** May manage keys and do nothing else, as a management key should. */
  private static final Role KEY_MANAGER =
      new Role("r-key-manager", "Key manager", Role.Type.CUSTOM, true, false);

  /** The number of consecutive characters of a key that must not be printed. */
  private static final int LEAK_LENGTH = 8;

  final ManualClock clock = new ManualClock();
  final Sandbox sandbox;
  final IssuedKey key;
  final IssuedKey spareKey;
  final V2Key managementKey;
  final Map<String, String> environment = new HashMap<>();

  private final LogsServer logs = LogsServer.start();
  private final Path directory;
  private boolean isInterrupted;
  private UnaryOperator<SdkRequest> requests = UnaryOperator.identity();
  private UnaryOperator<SdkResponse> answers = UnaryOperator.identity();

  LiveCheckFixture(RefreshTokens refreshTokens) {
    this.sandbox = Sandbox.start(clock, refreshTokens);
    this.key = sandbox.momento().issueNonExpiring();
    this.spareKey = sandbox.momento().issue(Duration.ofDays(1), Permissions.SUPER_USER);
    sandbox.momento().v2Keys().add(KEY_MANAGER);
    try {
      this.directory = Files.createTempDirectory("live-check");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    sandbox.secretsManager().allowInvocation(FUNCTION, _ -> false);
    environment.put("MOMENTO_CONTROL_ENDPOINT", sandbox.momento().controlEndpoint());
    environment.put("LIVE_MOMENTO_KEY_FILE", fileOf("key", key.consoleJson()));
    environment.put("LIVE_MOMENTO_SPARE_KEY_FILE", fileOf("spare", spareKey.consoleJson()));
    environment.put("MOMENTO_API_ENDPOINT", sandbox.momentoApi().endpoint());
    this.managementKey = manageKeysWith(KEY_MANAGER);
    environment.put("LIVE_ROTATION_FUNCTION_ARN", FUNCTION);
    environment.put("LIVE_REPLICA_REGION", REPLICA_REGION);
  }

  /** Writes a file, and returns its path. */
  String fileOf(String name, String content) {
    try {
      return Files.writeString(directory.resolve(name), content).toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Changes requests to AWS, so that it seems to behave differently. */
  <R extends SdkRequest> void alterRequests(Class<R> type, UnaryOperator<R> change) {
    requests = request -> type.isInstance(request) ? change.apply(type.cast(request)) : request;
  }

  /** Changes the responses of AWS. */
  <R extends SdkResponse> void alterAnswers(Class<R> type, UnaryOperator<R> change) {
    answers = answer -> type.isInstance(answer) ? change.apply(type.cast(answer)) : answer;
  }

  /** Removes all faults and changes. */
  void reset() {
    sandbox.clearFaults();
    requests = UnaryOperator.identity();
    answers = UnaryOperator.identity();
  }

  /** The result of a run. */
  record Run(boolean passed, String output) {

    /** Returns the row of an assumption with its indented lines. */
    String row(String id) {
      List<String> lines = output.lines().toList();
      int first =
          IntStream.range(0, lines.size())
              .filter(i -> lines.get(i).startsWith(id + " "))
              .findFirst()
              .orElseThrow(() -> new AssertionError("There is no row " + id + " in\n" + output));
      return lines.get(first)
          + lines.stream()
              .skip(first + 1)
              .takeWhile(line -> line.startsWith(" "))
              .reduce("", (a, b) -> a + "\n" + b);
    }
  }

  /** Runs the whole check. */
  Run run() throws InterruptedException {
    return run(Optional.of(new Aws(this::client, this::logsClient)));
  }

  /** Tries one assumption. */
  Run run(String id) throws InterruptedException {
    environment.put("LIVE_ONLY", id);
    return run();
  }

  /** Runs the check without credentials of AWS. */
  Run runWithoutAws() throws InterruptedException {
    return run(Optional.empty());
  }

  private Run run(Optional<Aws> aws) throws InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, UTF_8);
    try {
      Connections connections =
          new Connections(
              aws,
              TlsChannelCredentials.newBuilder()
                  .trustManager(sandbox.authority().certificate())
                  .build(),
              HttpClient.newBuilder().sslContext(sandbox.authority().contextForClients()));
      boolean passed =
          LiveCheck.run(
              environment,
              connections,
              new MetricFilters.Sources(TEMPLATE, LOG),
              new Poller(clock, this::sleep, out),
              out);
      return new Run(passed, withoutSecrets(bytes.toString(UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Interrupts the next wait, as a signal does. */
  void interrupt() {
    isInterrupted = true;
  }

  /** Waits for the sandbox's rotations, then advances the clock. */
  private void sleep(Duration duration) throws InterruptedException {
    if (isInterrupted) {
      isInterrupted = false;
      throw new InterruptedException();
    }
    sandbox.secretsManager().awaitRotations();
    clock.advance(duration);
  }

  private SecretsManagerClientBuilder client() {
    return sandbox
        .secretsManager()
        .clientBuilder()
        .overrideConfiguration(o -> o.addExecutionInterceptor(new Changes()));
  }

  private CloudWatchLogsClientBuilder logsClient() {
    return logs.clientBuilder()
        .overrideConfiguration(o -> o.addExecutionInterceptor(new Changes()));
  }

  private final class Changes implements ExecutionInterceptor {
    @Override
    public SdkRequest modifyRequest(Context.ModifyRequest context, ExecutionAttributes attributes) {
      return requests.apply(context.request());
    }

    @Override
    public SdkResponse modifyResponse(
        Context.ModifyResponse context, ExecutionAttributes attributes) {
      return answers.apply(context.response());
    }
  }

  /** Has the check use a management key of this role. */
  V2Key manageKeysWith(Role role) {
    V2Key manager = sandbox.momento().v2Keys().issue(role, "manager", Optional.empty());
    environment.put(
        "LIVE_MOMENTO_MANAGEMENT_KEY_FILE", fileOf("management", manager.consoleJson()));
    return manager;
  }

  /** Returns the v2 keys that the check has had issued. */
  List<V2Key> issuedV2Keys() {
    return withoutManagers(sandbox.momento().v2Keys().issued());
  }

  /** Returns those that it has not had deleted, expired ones included. */
  List<V2Key> undeletedKeys() {
    return withoutManagers(sandbox.momento().v2Keys().list());
  }

  private static List<V2Key> withoutManagers(List<V2Key> keys) {
    return keys.stream().filter(key -> !key.description().equals("manager")).toList();
  }

  /** Returns the text; fails if it contains a part of any key. */
  String withoutSecrets(String text) {
    Stream.concat(
            sandbox.momento().issued().stream()
                .flatMap(
                    issued -> Stream.of(issued.token(), issued.refreshToken(), issued.apiKey())),
            sandbox.momento().v2Keys().issued().stream().map(V2Key::token))
        .forEach(
            secret ->
                assertThat(IntStream.rangeClosed(0, secret.length() - LEAK_LENGTH))
                    .noneMatch(
                        start -> text.contains(secret.substring(start, start + LEAK_LENGTH))));
    return text;
  }

  @Override
  public void close() {
    sandbox.close();
    logs.close();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
