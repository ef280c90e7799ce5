package keyrotation;

import static java.util.stream.Collectors.toCollection;

import com.fasterxml.jackson.databind.JsonNode;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import keyrotation.RotationFixture.Outcome;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.SecretsManagerState.Value;
import keyrotation.sandbox.SecretsManagerState.Version;
import keyrotation.sandbox.V2Key;
import keyrotation.sandbox.V2Keys;
import keyrotation.sandbox.cloudwatch.AlarmState;
import keyrotation.sandbox.cloudwatch.CloudWatch;
import keyrotation.sandbox.cloudwatch.CloudWatch.Change;
import keyrotation.sandbox.cloudwatch.MetricName;

/**
 * A year of daily scheduled runs over secrets of both kinds, with incidents in it. CloudWatch's
 * stand-in applies the filters and alarms of a template to what the function logs.
 */
final class Year implements AutoCloseable {

  static final int DAYS = 365;

  private static final MetricName ERRORS = new MetricName("AWS/Lambda", "Errors");
  private static final MetricName UNDELIVERED = new MetricName("AWS/SQS", "NumberOfMessagesSent");
  private static final MetricName THROTTLES = new MetricName("AWS/Lambda", "Throttles");

  /** For how long Lambda tries to run an event before it drops it. */
  private static final int HOURS_OF_ATTEMPTS = 6;

  private static final String PREFIX = "momento-auth-token-refresh-stack-";
  private static final Duration DAY = Duration.ofDays(1);

  /** How long after its end an incident's alarms may stay on. */
  private static final int DAYS_AFTER = 4;

  private static final String V1 = "orders";
  private static final String OTHER_V1 = "billing";
  private static final String V2 = "search";
  private static final String V2_WITHOUT_END = "reports";
  private static final String OTHER_REGION = "eu-west-1";
  private static final String EMPTY = "shipping";

  /** What goes wrong, when, and which alarms it sets off. */
  enum Incident {
    // Documented: it lasts until the first scheduled run.
    STACK_IS_NEW(0, 1, "The stack was just deployed", "no-scheduled-run"),
    MOMENTO_IS_DOWN(30, 4, "Momento is down", "function-errors failures-go-on key-overdue"),
    MOMENTO_THROTTLES(60, 1, "Momento throttles all calls", "function-errors"),
    REPLICA_FAILS(75, 3, "A secret is not replicated", "replica-failed"),
    NO_RIGHT_TO_WRITE(
        90, 2, "The function may not write", "function-errors failure-needs-operator"),
    SECRET_IS_DELETED(
        105, 3, "A secret waits for its deletion", "function-errors failure-needs-operator"),
    SCHEDULE_IS_DISABLED(120, 5, "The schedule is disabled", "no-scheduled-run"),
    FUNCTION_CANNOT_START(150, 3, "The function cannot start", "function-errors no-scheduled-run"),
    REFRESH_TOKEN_IS_USED_UP(
        170,
        3,
        "A refresh token was used elsewhere",
        "function-errors failure-needs-operator key-overdue"),
    PAUSED_FOR_TOO_LONG(190, 29, "A secret stays paused", "key-overdue key-expires-soon"),
    TWO_SECRETS_FAIL(
        224,
        6,
        "Two secrets fail, mended one by one",
        "function-errors failure-needs-operator key-overdue"),
    HAND_EDITS(235, 3, "Operators edit secrets by hand", ""),
    MANAGEMENT_KEY_IS_REVOKED(
        245,
        4,
        "The management key is revoked",
        "function-errors failure-needs-operator key-overdue"),
    MANAGEMENT_KEY_EXPIRES(
        285, 3, "The management key nears its end", "management-key-expires-soon"),
    SECRET_STAYS_EMPTY(300, 5, "A secret has no key", "secret-without-key"),
    OWN_ROTATION_IS_LATE(
        315, 4, "Secrets Manager does not rotate a secret", "own-rotation-overdue"),
    LAMBDA_THROTTLES(330, 1, "Lambda has no free concurrency", "function-throttled"),
    EVENT_IS_NOT_DELIVERED(345, 1, "The schedule cannot invoke", "event-undelivered");

    final int first;
    final int days;
    final String what;
    private final String alarms;

    /**
     * Defines an incident.
     *
     * @param alarms the names of the alarms, separated by spaces
     */
    Incident(int first, int days, String what, String alarms) {
      this.first = first;
      this.days = days;
      this.what = what;
      this.alarms = alarms;
    }

    Set<String> alarms() {
      return alarms.isEmpty() ? Set.of() : Set.of(alarms.split(" ", -1));
    }

    int last() {
      return first + days - 1;
    }

    boolean isOn(int day) {
      return day >= first && day <= last();
    }
  }

  private final SandboxedFunction function =
      new SandboxedFunction(
          KeyKind.V1_WITH_SINGLE_USE_TOKEN,
          Duration.ZERO,
          Map.of(
              "MOMENTO_AUTH_TOKEN_SECRET_NAME",
              String.join(",", OTHER_V1, V2, V2_WITHOUT_END),
              "MOMENTO_AUTH_TOKEN_SECRET_TAG",
              "rotate=year",
              "MOMENTO_MANAGEMENT_KEY_SECRET",
              RotationFixture.MANAGEMENT_SECRET));

  private final CloudWatch cloudWatch;
  private final Instant start = function.now();
  private final List<String> deadKeys = new ArrayList<>();

  /**
   * Stores the keys.
   *
   * @param template the stack's template
   */
  Year(JsonNode template) {
    this.cloudWatch = new CloudWatch(template, start);
    store(V1, v1Key());
    function.state().tag(V1, Map.of("rotate", "year"));
    store(OTHER_V1, v1Key());
    store(V2, v2Key(Optional.of(Duration.ofDays(90))).consoleJson());
    store(V2_WITHOUT_END, v2Key(Optional.empty()).consoleJson());
    storeManagementKey(Duration.ofDays(300));
  }

  /**
   * Plays the first days of the year.
   *
   * @param progress is called after each day
   */
  void play(int days, Consumer<Integer> progress) {
    for (int day = 0; day < days; day++) {
      play(day);
      progress.accept(day);
    }
  }

  private void play(int day) {
    for (Incident incident : Incident.values()) {
      if (incident.first == day) {
        begin(incident);
      }
    }
    advanceTo(at(day, Duration.ofHours(2).plusMinutes(day * 37L % 60)));
    if (Incident.EVENT_IS_NOT_DELIVERED.isOn(day)) {
      cloudWatch.record(UNDELIVERED, function.now(), 1);
    } else if (Incident.LAMBDA_THROTTLES.isOn(day)) {
      for (int hour = 0; hour < HOURS_OF_ATTEMPTS; hour++) {
        cloudWatch.record(THROTTLES, function.now().plus(Duration.ofHours(hour)), 1);
      }
    } else if (!Incident.SCHEDULE_IS_DISABLED.isOn(day)) {
      run(day);
    }
    advanceTo(at(day, Duration.ofHours(12)));
    for (Incident incident : Incident.values()) {
      if (incident.last() == day) {
        mend(incident);
      }
    }
    if (day == Incident.TWO_SECRETS_FAIL.first + 3) {
      store(V1, v1Key());
    }
    checkKeys(day);
  }

  private Instant at(int day, Duration time) {
    return start.plus(DAY.multipliedBy(day)).plus(time);
  }

  private void advanceTo(Instant instant) {
    function.clock.advanceTo(instant);
    cloudWatch.advanceTo(instant);
  }

  /** Delivers the day's event, and up to twice again after an error, as Lambda does. */
  private void run(int day) {
    String requestId = UUID.randomUUID().toString();
    String event =
        "{\"detail-type\":\"Scheduled Event\",\"resources\":[\"daily\"],\"time\":\"%s\"}"
            .formatted(function.now());
    for (int attempt = 0; attempt < 3; attempt++) {
      boolean isDone = !Incident.FUNCTION_CANNOT_START.isOn(day) && deliver(event, requestId);
      if (isDone) {
        return;
      }
      cloudWatch.record(ERRORS, function.now(), 1);
      function.clock.advance(Duration.ofMinutes(1 + attempt));
    }
  }

  private boolean deliver(String event, String requestId) {
    boolean isDone;
    try {
      var _ = function.invoke(event, requestId, Duration.ofMinutes(5));
      isDone = true;
    } catch (InvocationFailedException failed) {
      isDone = false;
    }
    function
        .takeLog()
        .lines()
        .forEach(
            line ->
                cloudWatch.log(
                    Instant.parse(RotationFixture.parse(line).path("timestamp").asText()), line));
    return isDone;
  }

  private void begin(Incident incident) {
    switch (incident) {
      case MOMENTO_IS_DOWN -> answerMomento(Status.UNAVAILABLE, MomentoApiException.badGateway());
      case MOMENTO_THROTTLES ->
          answerMomento(Status.RESOURCE_EXHAUSTED, MomentoApiException.throttled());
      case NO_RIGHT_TO_WRITE ->
          function
              .awsCalls()
              .onEvery(
                  "PutSecretValue",
                  new Fault.Refuse<>(SecretsManagerException.accessDenied("PutSecretValue", V1)));
      case REPLICA_FAILS -> {
        var _ = function.state().addReplicas(V1, List.of(OTHER_REGION));
        function.state().replicaFails(V1, OTHER_REGION);
      }
      case REFRESH_TOKEN_IS_USED_UP -> useUpRefreshToken(V1);
      case TWO_SECRETS_FAIL -> {
        useUpRefreshToken(V1);
        useUpRefreshToken(OTHER_V1);
      }
      case SECRET_IS_DELETED -> {
        var _ = function.state().delete(V2, false);
      }
      case PAUSED_FOR_TOO_LONG -> function.state().tag(OTHER_V1, Map.of("momento:paused", "true"));
      case HAND_EDITS -> {
        store(V1, v1Key());
        store(V2, v2Key(Optional.of(Duration.ofDays(90))).consoleJson());
        Version old = current(OTHER_V1);
        store(OTHER_V1, v1Key());
        function
            .state()
            .moveLabel(OTHER_V1, SecretsManagerState.CURRENT, current(OTHER_V1).id(), old.id());
      }
      case MANAGEMENT_KEY_IS_REVOKED -> {
        String key = Invariants.apiKey(current(RotationFixture.MANAGEMENT_SECRET));
        function.v2Keys().issued().stream()
            .filter(issued -> issued.token().equals(key))
            .forEach(issued -> function.v2Keys().revoke(issued.id()));
      }
      case SECRET_STAYS_EMPTY -> {
        var _ = function.state().create(EMPTY, null, null, null);
        function.state().tag(EMPTY, Map.of("rotate", "year"));
      }
      case OWN_ROTATION_IS_LATE -> enableOwnRotation();
      case STACK_IS_NEW,
          MANAGEMENT_KEY_EXPIRES,
          SCHEDULE_IS_DISABLED,
          FUNCTION_CANNOT_START,
          LAMBDA_THROTTLES,
          EVENT_IS_NOT_DELIVERED -> {} // See the day's run.
    }
  }

  private void useUpRefreshToken(String secret) {
    String apiKey = Invariants.apiKey(current(secret));
    function.momento().issued().stream()
        .filter(key -> key.apiKey().equals(apiKey))
        .forEach(
            key -> {
              var _ = function.momento().refresh(key);
            });
  }

  /** Does what an operator does after the alarm, at noon of the incident's last day. */
  private void mend(Incident incident) {
    switch (incident) {
      case MOMENTO_IS_DOWN, MOMENTO_THROTTLES, NO_RIGHT_TO_WRITE -> function.clearFaults();
      case REPLICA_FAILS -> {
        var _ = function.state().removeReplicas(V1, List.of(OTHER_REGION));
      }
      case REFRESH_TOKEN_IS_USED_UP -> store(V1, v1Key());
      case TWO_SECRETS_FAIL -> store(OTHER_V1, v1Key());
      case SECRET_IS_DELETED -> {
        var _ = function.state().restore(V2);
      }
      case PAUSED_FOR_TOO_LONG -> {
        function.state().untag(OTHER_V1, "momento:paused");
        var _ =
            function.deliver(RotationFixture.manualEvent(OTHER_V1), UUID.randomUUID().toString());
        String _ = function.takeLog();
      }
      case MANAGEMENT_KEY_IS_REVOKED -> storeManagementKey(Duration.ofDays(52));
      case MANAGEMENT_KEY_EXPIRES -> storeManagementKey(Duration.ofDays(300));
      case SECRET_STAYS_EMPTY -> store(EMPTY, v1Key());
      case OWN_ROTATION_IS_LATE -> {
        try (var client = function.sandbox.secretsManager().clientBuilder().build()) {
          var _ = client.cancelRotateSecret(r -> r.secretId(OTHER_V1));
        }
      }
      case STACK_IS_NEW,
          HAND_EDITS,
          SCHEDULE_IS_DISABLED,
          FUNCTION_CANNOT_START,
          LAMBDA_THROTTLES,
          EVENT_IS_NOT_DELIVERED -> {}
    }
  }

  private void answerMomento(Status status, MomentoApiException error) {
    for (String action : List.of(MomentoServer.REFRESH, MomentoServer.LIST_CACHES)) {
      function.momento().calls().onEvery(action, new Fault.Refuse<>(status.asRuntimeException()));
    }
    for (String action :
        List.of(MomentoApiServer.LIST, MomentoApiServer.ISSUE, MomentoApiServer.REVOKE)) {
      function.apiCalls().onEvery(action, new Fault.Refuse<>(error));
    }
  }

  /** Has Secrets Manager rotate a secret daily, which it then does not do. */
  private void enableOwnRotation() {
    String arn = "arn:aws:lambda:us-east-1:123456789012:function:sandbox";
    function
        .sandbox
        .secretsManager()
        .allowInvocation(
            arn,
            event ->
                function.deliver(event, UUID.randomUUID().toString()) instanceof Outcome.Answered);
    try (var client = function.sandbox.secretsManager().clientBuilder().build()) {
      var _ =
          client.rotateSecret(
              r ->
                  r.secretId(OTHER_V1)
                      .rotationLambdaARN(arn)
                      .rotationRules(rules -> rules.automaticallyAfterDays(1L))
                      .rotateImmediately(false));
      function.sandbox.secretsManager().awaitRotations();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    String _ = function.takeLog();
  }

  private String v1Key() {
    return function.momento().issue(Duration.ofDays(30), Permissions.SUPER_USER).consoleJson();
  }

  private V2Key v2Key(Optional<Duration> life) {
    return function
        .v2Keys()
        .issue(V2Keys.OPERATOR, "console", life.map(duration -> function.now().plus(duration)));
  }

  private void storeManagementKey(Duration life) {
    store(
        RotationFixture.MANAGEMENT_SECRET,
        function
            .v2Keys()
            .issue(V2Keys.OWNER, "console", Optional.of(function.now().plus(life)))
            .consoleJson());
  }

  private void store(String secret, String value) {
    Value text = new Value.Text(value);
    String id = UUID.randomUUID().toString();
    if (function.state().list().stream().noneMatch(known -> known.name().equals(secret))) {
      var _ = function.state().create(secret, text, id, null);
    } else {
      var _ = function.state().put(secret, id, text, Set.of(SecretsManagerState.CURRENT));
    }
  }

  private Version current(String secret) {
    return function.state().describe(secret).labelled(SecretsManagerState.CURRENT).orElseThrow();
  }

  private void checkKeys(int day) {
    for (String secret : List.of(V1, OTHER_V1, V2, V2_WITHOUT_END)) {
      if (!function.momento().accepts(Invariants.apiKey(current(secret)))) {
        deadKeys.add("day " + day + ": " + secret);
      }
    }
  }

  /** Returns the secrets whose current keys Momento did not accept, with the days. */
  List<String> deadKeys() {
    return List.copyOf(deadKeys);
  }

  /** Returns when the year began. */
  Instant start() {
    return start;
  }

  CloudWatch cloudWatch() {
    return cloudWatch;
  }

  /** Returns the day of the year in which something happened. */
  int dayOf(Instant instant) {
    return (int) Duration.between(start, instant).toDays();
  }

  /**
   * Returns the alarms that an incident set off, with the day of the first time. The operator mends
   * it on its last day, after the alarms.
   */
  Map<String, Integer> alarmsOf(Incident incident) {
    Map<String, Integer> alarms = new LinkedHashMap<>();
    changes()
        .filter(change -> change.to() == AlarmState.ALARM)
        .filter(change -> incident.isOn(dayOf(change.at())))
        .forEach(change -> alarms.putIfAbsent(name(change), dayOf(change.at())));
    return alarms;
  }

  /** Returns the alarms that went off without an incident. */
  Set<String> falseAlarms() {
    return changes()
        .filter(change -> change.to() == AlarmState.ALARM)
        .filter(
            change ->
                Arrays.stream(Incident.values())
                    .noneMatch(incident -> incident.isOn(dayOf(change.at()))))
        .map(change -> "day " + dayOf(change.at()) + ": " + name(change))
        .collect(toCollection(TreeSet::new));
  }

  /** Returns the alarms that are on some days after the end of an incident. */
  Set<String> stuckAfter(Incident incident) {
    return alarmsOn(incident.last() + 1 + DAYS_AFTER);
  }

  /** Returns the alarms that are on at the beginning of a day. */
  Set<String> alarmsOn(int day) {
    Instant then = at(day, Duration.ZERO);
    Map<String, AlarmState> states = new LinkedHashMap<>();
    changes()
        .filter(change -> !change.at().isAfter(then))
        .forEach(change -> states.put(name(change), change.to()));
    return states.entrySet().stream()
        .filter(state -> state.getValue() == AlarmState.ALARM)
        .map(Map.Entry::getKey)
        .collect(toCollection(TreeSet::new));
  }

  private Stream<Change> changes() {
    return cloudWatch.changes().stream();
  }

  /** Returns an alarm's name without the stack's. */
  static String name(Change change) {
    return change.alarm().substring(PREFIX.length());
  }

  @Override
  public void close() {
    function.close();
  }
}
