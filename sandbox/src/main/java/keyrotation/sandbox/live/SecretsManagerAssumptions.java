package keyrotation.sandbox.live;

import static keyrotation.sandbox.live.TrialSecret.CURRENT;
import static keyrotation.sandbox.live.TrialSecret.PENDING;
import static keyrotation.sandbox.live.TrialSecrets.refused;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.FilterNameStringType;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.SecretListEntry;

/** The function's assumptions about secrets, their versions and labels, and replicas. */
final class SecretsManagerAssumptions {

  static final List<Assumption<TrialSecrets>> ALL =
      List.of(
          new Assumption<>(
              "S1",
              "A repeated put of a version's id and value changes nothing, wherever AWSCURRENT is.",
              SecretsManagerAssumptions::repeatedPut),
          new Assumption<>(
              "S2",
              "A put of an existing id with another value is refused with ResourceExistsException;"
                  + " the value stays.",
              SecretsManagerAssumptions::putOfAnotherValue),
          new Assumption<>(
              "S3",
              "A put with only a label of our own leaves AWSCURRENT where it is.",
              SecretsManagerAssumptions::putWithALabelOfOurOwn),
          new Assumption<>(
              "S4",
              "One put stores a value and several labels; one read by id returns all of them.",
              SecretsManagerAssumptions::putWithSeveralLabels),
          new Assumption<>(
              "S5",
              "A first version that is put with only a label of our own also becomes AWSCURRENT.",
              SecretsManagerAssumptions::firstVersion),
          new Assumption<>(
              "S6",
              "A put with a label of our own moves the label from another version.",
              SecretsManagerAssumptions::putWithALabelOfAnother),
          new Assumption<>(
              "S7",
              "A version keeps AWSPENDING and a label of our own when AWSCURRENT moves to it;"
                  + " AWSPREVIOUS moves automatically.",
              SecretsManagerAssumptions::promotion),
          new Assumption<>(
              "S8",
              "When AWSCURRENT moves back, AWSPREVIOUS moves to the version that had AWSCURRENT.",
              SecretsManagerAssumptions::moveBack),
          new Assumption<>(
              "S9",
              "Moving AWSCURRENT from a version that does not have it is refused with"
                  + " InvalidParameterException; nothing moves.",
              SecretsManagerAssumptions::moveFromTheWrongVersion),
          new Assumption<>(
              "S10",
              "AWSPENDING and a label of our own can be removed; a second removal is refused with"
                  + " InvalidParameterException.",
              SecretsManagerAssumptions::takeLabelsOff),
          new Assumption<>(
              "S11",
              "A version without labels can be read by its id, and DescribeSecret omits it.",
              SecretsManagerAssumptions::versionWithoutLabels),
          new Assumption<>(
              "S12",
              "A read of a secret or version that does not exist or has no value is refused with"
                  + " ResourceNotFoundException.",
              SecretsManagerAssumptions::missingSecretOrVersion),
          new Assumption<>(
              "S13",
              "A secret can have 20 labels; a put with one more is refused with"
                  + " LimitExceededException and stores nothing.",
              SecretsManagerAssumptions::tooManyLabels),
          new Assumption<>(
              "S14",
              "A name-based UUID (MD5, version 3) becomes the version's id unchanged.",
              SecretsManagerAssumptions::nameBasedId),
          new Assumption<>(
              "S15",
              "A value of 65,536 bytes is stored; one byte more is refused.",
              SecretsManagerAssumptions::longValue),
          new Assumption<>(
              "S16",
              "A write is seen by GetSecretValue and DescribeSecret within 2.4 seconds.",
              SecretsManagerAssumptions::writesAreSeen),
          new Assumption<>(
              "S17",
              "A later version has a later CreatedDate, which stays when labels move.",
              SecretsManagerAssumptions::createdDates),
          new Assumption<>(
              "S18",
              "LastChangedDate changes with each put and each move of a label.",
              SecretsManagerAssumptions::lastChangedDate),
          new Assumption<>(
              "S19",
              "A secret scheduled for deletion is described with its deletion date; reads and"
                  + " writes are refused with InvalidRequestException and the word \"deletion\".",
              SecretsManagerAssumptions::scheduledForDeletion),
          new Assumption<>(
              "S20",
              "ListSecrets finds a secret by a tag's key and value.",
              SecretsManagerAssumptions::listedByTag),
          new Assumption<>(
              "S21",
              "ListSecrets omits a secret that is scheduled for deletion.",
              SecretsManagerAssumptions::deletedSecretIsNotListed),
          new Assumption<>(
              "S22",
              "DescribeSecret of a replica returns the primary's region.",
              withReplica(SecretsManagerAssumptions::replicaIsDescribed)),
          new Assumption<>(
              "S23",
              "A write to a replica is refused with InvalidParameterException and the words"
                  + " \"replica secret\".",
              withReplica(SecretsManagerAssumptions::replicaRefusesWrites)),
          new Assumption<>(
              "S24",
              "ListSecrets finds a replica by its primary's tag and returns the primary's region.",
              withReplica(SecretsManagerAssumptions::replicaIsListed)));

  private static final int MAX_LABELS = 20;
  private static final int MAX_VALUE_BYTES = 65_536;

  /** The total duration of the function's read retries: 0.2 s, 0.4 s, 0.8 s and 1 s. */
  private static final Duration EXPECTED_LAG = Duration.ofMillis(2_400);

  private static final Duration MAX_LAG = Duration.ofSeconds(10);
  private static final int REPETITIONS = 3;
  private static final Duration ONE_SECOND = Duration.ofSeconds(1);
  private static final long RECOVERY_WINDOW_DAYS = 7;

  private SecretsManagerAssumptions() {}

  private static Finding repeatedPut(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    Instant created = secret.read("a").createdDate();
    secret.put("a", CURRENT);
    secret.put("b");
    secret.put("a", CURRENT);
    return secret
        .stays("a AWSPREVIOUS, b AWSCURRENT")
        .and(
            () ->
                Finding.confirmedIf(
                    secret.read("a").createdDate().equals(created), "CreatedDate changed."));
  }

  private static Finding putOfAnotherValue(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    return refused("ResourceExistsException", () -> secret.putValue("a", "another value"))
        .and(() -> hasOwnValue(secret, "a"));
  }

  private static Finding putWithALabelOfOurOwn(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", "REPLACES_a");
    return secret.stays("a AWSCURRENT, b REPLACES_a");
  }

  private static Finding putWithSeveralLabels(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", PENDING, "REPLACES_a");
    GetSecretValueResponse read = secret.read("b");
    return Finding.confirmedIf(
            read.versionStages().size() == 2 && read.versionStages().contains(PENDING),
            "The read returned %d labels.".formatted(read.versionStages().size()))
        .and(() -> hasOwnValue(secret, "b"))
        .and(() -> secret.becomes("a AWSCURRENT, b AWSPENDING REPLACES_a"));
  }

  private static Finding firstVersion(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("b", "REPLACES_a");
    return secret.becomes("b AWSCURRENT REPLACES_a");
  }

  private static Finding putWithALabelOfAnother(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", "REPLACES_a");
    secret.put("c", "REPLACES_a");
    return secret.becomes("a AWSCURRENT, c REPLACES_a");
  }

  private static Finding promotion(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b");
    secret.put("c", PENDING, "REPLACES_b");
    secret.move(CURRENT, "b", "c");
    return secret.becomes("b AWSPREVIOUS, c AWSCURRENT AWSPENDING REPLACES_b");
  }

  private static Finding moveBack(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b");
    secret.move(CURRENT, "b", "a");
    return secret.becomes("a AWSCURRENT, b AWSPREVIOUS");
  }

  private static Finding moveFromTheWrongVersion(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b");
    secret.put("c", "REPLACES_a");
    return refused("InvalidParameterException", () -> secret.move(CURRENT, "a", "c"))
        .and(() -> secret.stays("a AWSPREVIOUS, b AWSCURRENT, c REPLACES_a"));
  }

  private static Finding takeLabelsOff(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", PENDING, "REPLACES_a");
    secret.takeOff(PENDING, "b");
    secret.takeOff("REPLACES_a", "b");
    return secret
        .becomes("a AWSCURRENT")
        .and(() -> refused("InvalidParameterException", () -> secret.takeOff("REPLACES_a", "b")));
  }

  private static Finding versionWithoutLabels(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b");
    secret.put("c");
    return secret
        .becomes("b AWSPREVIOUS, c AWSCURRENT")
        .and(() -> hasOwnValue(secret, "a"))
        .and(
            () ->
                Finding.confirmedIf(
                    secret.read("a").versionStages().isEmpty(), "The read returned labels."));
  }

  private static Finding missingSecretOrVersion(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    TrialSecret none = new TrialSecret(secrets.client(), secret.name() + "/none", secrets.poller());
    String code = "ResourceNotFoundException";
    return refused(code, none::describe)
        .and(() -> secret.becomes(""))
        .and(() -> refused(code, () -> secret.readOnce("a")))
        .and(
            () -> {
              secret.put("a");
              return refused(code, () -> secret.readOnce("b"));
            });
  }

  private static Finding tooManyLabels(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put(
        "b",
        IntStream.rangeClosed(2, MAX_LABELS).mapToObj(i -> "LABEL" + i).toArray(String[]::new));
    return refused("LimitExceededException", () -> secret.put("c", "REPLACES_a"))
        .and(
            () -> {
              secrets.poller().pause(ONE_SECOND);
              return Finding.confirmedIf(secret.look("c").isEmpty(), "The value was stored.");
            });
  }

  private static Finding nameBasedId(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    return Finding.confirmedIf(
        secret.read("a").versionId().equals(secret.id("a")), "The version has another id.");
  }

  private static Finding longValue(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.putValue("a", "a".repeat(MAX_VALUE_BYTES));
    int length = secret.read("a").secretString().length();
    return Finding.confirmedIf(
            length == MAX_VALUE_BYTES, "%d bytes were read back.".formatted(length))
        .and(
            () ->
                Finding.confirmedIf(
                    TrialSecrets.refusalOf(
                            () -> secret.putValue("b", "b".repeat(MAX_VALUE_BYTES + 1)))
                        .isPresent(),
                    "A value with one byte more was stored."));
  }

  private static Finding writesAreSeen(TrialSecrets secrets) throws InterruptedException {
    Poller poller = secrets.poller();
    TrialSecret secret = secrets.create();
    secret.put("v0");
    Duration slowest = Duration.ZERO;
    for (int i = 1; i <= REPETITIONS; i++) {
      String old = "v" + (i - 1);
      String fresh = "v" + i;
      secret.put(fresh, "REPLACES_" + old);
      Instant put = poller.now();
      var _ =
          poller.await(
              "a put to be seen", MAX_LAG, () -> secret.look(fresh).isPresent(), seen -> seen);
      slowest = max(slowest, Duration.between(put, poller.now()));
      secret.move(CURRENT, old, fresh);
      Instant moved = poller.now();
      var _ =
          poller.await(
              "a move to be seen", MAX_LAG, () -> secret.has(fresh, CURRENT), seen -> seen);
      slowest = max(slowest, Duration.between(moved, poller.now()));
    }
    String took =
        "The slowest of %d writes was seen after %d ms."
            .formatted(2 * REPETITIONS, slowest.toMillis());
    return slowest.compareTo(EXPECTED_LAG) <= 0
        ? Finding.confirmed(took)
        : new Finding.Refuted(took);
  }

  private static Finding createdDates(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", "REPLACES_a");
    Instant a = secret.read("a").createdDate();
    Instant b = secret.read("b").createdDate();
    secrets.poller().pause(ONE_SECOND);
    secret.move(CURRENT, "a", "b");
    return Finding.confirmedIf(b.isAfter(a), "The dates are %s and %s.".formatted(a, b))
        .and(() -> secret.becomes("a AWSPREVIOUS, b AWSCURRENT REPLACES_a"))
        .and(
            () ->
                Finding.confirmedIf(
                    secret.read("b").createdDate().equals(b),
                    "CreatedDate changed when a label moved."));
  }

  private static Finding lastChangedDate(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    return changeMovesDate(secrets, secret, "a put", () -> secret.put("b", "REPLACES_a"))
        .and(
            () -> changeMovesDate(secrets, secret, "a move", () -> secret.move(CURRENT, "a", "b")));
  }

  private static Finding changeMovesDate(
      TrialSecrets secrets, TrialSecret secret, String what, Runnable change)
      throws InterruptedException {
    secrets.poller().pause(ONE_SECOND.multipliedBy(2));
    Instant before = secret.describe().lastChangedDate();
    change.run();
    Instant after =
        secrets
            .poller()
            .await(
                "LastChangedDate to change",
                MAX_LAG,
                () -> secret.describe().lastChangedDate(),
                date -> date.isAfter(before));
    return Finding.confirmedIf(
        after.isAfter(before), "LastChangedDate did not change with " + what + ".");
  }

  private static Finding scheduledForDeletion(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    scheduleForDeletion(secrets, secret);
    boolean isDescribed =
        secrets
            .poller()
            .await(
                "the deletion",
                MAX_LAG,
                () -> secret.describe().deletedDate() != null,
                seen -> seen);
    String code = "InvalidRequestException";
    return Finding.confirmedIf(isDescribed, "DescribeSecret has no DeletedDate.")
        .and(() -> refused(code, "deletion", () -> secret.readOnce("a")))
        .and(() -> refused(code, "deletion", () -> secret.put("b")));
  }

  private static Finding listedByTag(TrialSecrets secrets) throws InterruptedException {
    TrialSecret secret = secrets.create();
    Instant start = secrets.poller().now();
    if (!awaitList(secrets, secret, true)) {
      return new Finding.Refuted("The secret is not listed after 5 minutes.");
    }
    Duration took = Duration.between(start, secrets.poller().now());
    String beginning = secret.name().substring(0, secret.name().length() - 1);
    boolean byBeginning =
        list(secrets.client(), beginning).stream()
            .anyMatch(entry -> entry.name().equals(secret.name()));
    return Finding.confirmed(
        "It was listed after %d ms; the filter matches %s."
            .formatted(
                took.toMillis(), byBeginning ? "a prefix of the value" : "only the whole value"));
  }

  private static Finding deletedSecretIsNotListed(TrialSecrets secrets)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    boolean wasListed = awaitList(secrets, secret, true);
    scheduleForDeletion(secrets, secret);
    return Finding.confirmedIf(wasListed, "The secret was never listed.")
        .and(
            () ->
                Finding.confirmedIf(
                    awaitList(secrets, secret, false),
                    "The secret is still listed after 5 minutes."));
  }

  /** Waits until a secret is listed, or is not; returns whether that happened. */
  private static boolean awaitList(TrialSecrets secrets, TrialSecret secret, boolean isThere)
      throws InterruptedException {
    return secrets
        .poller()
        .await(
            isThere ? "the list to show a secret" : "the list to leave a secret out",
            TrialSecrets.SLOW_OPERATION_TIMEOUT,
            () -> list(secrets.client(), secret.name()).isEmpty() != isThere,
            seen -> seen);
  }

  private static List<SecretListEntry> list(SecretsManagerClient client, String value) {
    return client
        .listSecrets(
            r ->
                r.filters(
                    filter(FilterNameStringType.TAG_KEY, TrialSecrets.TAG),
                    filter(FilterNameStringType.TAG_VALUE, value)))
        .secretList();
  }

  private static Filter filter(FilterNameStringType key, String value) {
    return Filter.builder().key(key).values(value).build();
  }

  private static void scheduleForDeletion(TrialSecrets secrets, TrialSecret secret) {
    var _ =
        secrets
            .client()
            .deleteSecret(
                r -> r.secretId(secret.name()).recoveryWindowInDays(RECOVERY_WINDOW_DAYS));
  }

  /** A trial of a replica. */
  @FunctionalInterface
  private interface TrialOfReplica {
    Finding run(TrialSecrets secrets, TrialSecret replica) throws InterruptedException;
  }

  private static Assumption.Trial<TrialSecrets> withReplica(TrialOfReplica trial) {
    return secrets ->
        secrets.replica().isPresent()
            ? trial.run(secrets, secrets.replica().get())
            : new Finding.NotTried(
                LiveSettings.REPLICA_REGION + ": a second region to replicate a secret to.");
  }

  private static Finding replicaIsDescribed(TrialSecrets secrets, TrialSecret replica) {
    String region = String.valueOf(replica.describe().primaryRegion());
    return Finding.confirmedIf(
        region.equals(secrets.region()),
        "PrimaryRegion is " + region + "; expected: " + secrets.region() + ".");
  }

  private static Finding replicaRefusesWrites(TrialSecrets secrets, TrialSecret replica)
      throws InterruptedException {
    String code = "InvalidParameterException";
    return refused(code, "replica secret", () -> replica.put("b", "REPLACES_a"))
        .and(() -> refused(code, "replica secret", () -> replica.move(CURRENT, "a", "a")));
  }

  private static Finding replicaIsListed(TrialSecrets secrets, TrialSecret replica)
      throws InterruptedException {
    List<SecretListEntry> found =
        secrets
            .poller()
            .await(
                "the list to show a replica",
                TrialSecrets.SLOW_OPERATION_TIMEOUT,
                () -> list(replica.client(), replica.name()),
                list -> !list.isEmpty());
    return Finding.confirmedIf(!found.isEmpty(), "The replica is not listed after 5 minutes.")
        .and(
            () ->
                Finding.confirmedIf(
                    secrets.region().equals(found.getFirst().primaryRegion()),
                    "PrimaryRegion is missing or wrong."));
  }

  private static Finding hasOwnValue(TrialSecret secret, String version)
      throws InterruptedException {
    return Finding.confirmedIf(
        secret.read(version).secretString().equals(secret.value(version)), "The value changed.");
  }

  private static Duration max(Duration a, Duration b) {
    return a.compareTo(b) > 0 ? a : b;
  }
}
