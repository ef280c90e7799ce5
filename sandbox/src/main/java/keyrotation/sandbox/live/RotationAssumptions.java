package keyrotation.sandbox.live;

import static keyrotation.sandbox.live.TrialSecret.CURRENT;
import static keyrotation.sandbox.live.TrialSecret.DAYS_BETWEEN_ROTATIONS;
import static keyrotation.sandbox.live.TrialSecret.PENDING;
import static keyrotation.sandbox.live.TrialSecrets.refusalOf;
import static keyrotation.sandbox.live.TrialSecrets.refused;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.SecretsManagerException;

/**
 * The function's assumptions about Secrets Manager's own rotation.
 *
 * <p>The trials need a rotation function that fails. The deployed function does, because the
 * secrets hold no keys and its role does not cover them.
 */
final class RotationAssumptions {

  static final List<Assumption<TrialSecrets>> ALL =
      List.of(
          new Assumption<>(
              "S25",
              "RotateSecret accepts the ARN of an alias as the rotation function.",
              withFunction(RotationAssumptions::aliasIsTaken)),
          new Assumption<>(
              "S26",
              "RotateSecret labels the new version AWSPENDING before it has a value; a read of it"
                  + " is refused with ResourceNotFoundException.",
              withFunction(RotationAssumptions::versionWithoutValue)),
          new Assumption<>(
              "S27",
              "A put fills the version that RotateSecret labeled; its CreatedDate is the time of"
                  + " the label or of the value.",
              withFunction(RotationAssumptions::versionIsFilled)),
          new Assumption<>(
              "S28",
              "RotateImmediately=false keeps the value and a label of our own on an unfinished"
                  + " version; it may remove AWSPENDING.",
              withFunction(RotationAssumptions::rotationIsSwitchedOn)),
          new Assumption<>(
              "S29",
              "RotateSecret is refused with InvalidRequestException and the words \"previous"
                  + " rotation\" while AWSPENDING is on a version that is not current.",
              withFunction(RotationAssumptions::previousRotation)),
          new Assumption<>(
              "S30",
              "A secret whose rotation was requested before it had a value accepts its first key"
                  + " like any other secret.",
              withFunction(RotationAssumptions::emptySecret)),
          new Assumption<>(
              "S31",
              "DescribeSecret shows an enabled rotation and its next date within 2.4 seconds.",
              withFunction(RotationAssumptions::nextRotation)));

  private static final Duration MAX_LAG = Duration.ofSeconds(10);
  private static final Duration EXPECTED_LAG = Duration.ofMillis(2_400);

  /** The longest wait for the testSecret step that enabling a rotation starts. */
  private static final Duration TEST_STEP_TIMEOUT = Duration.ofMinutes(2);

  /** The pause between two events whose times are compared. */
  private static final Duration TIMESTAMP_GAP = Duration.ofSeconds(5);

  /** The largest difference between two times that count as equal. */
  private static final Duration TOLERANCE = Duration.ofSeconds(2);

  private RotationAssumptions() {}

  /** A trial that needs a rotation function. */
  @FunctionalInterface
  private interface TrialWithFunction {
    Finding run(TrialSecrets secrets, String functionAlias) throws InterruptedException;
  }

  private static Assumption.Trial<TrialSecrets> withFunction(TrialWithFunction trial) {
    return secrets -> {
      String function = secrets.functionAlias().orElse("");
      if (!function.contains(":" + secrets.region() + ":")) {
        return new Finding.NotTried(
            LiveSettings.FUNCTION
                + ": the ARN of the deployed function's alias, in "
                + secrets.region()
                + ".");
      }
      try {
        return trial.run(secrets, function);
      } catch (SecretsManagerException e) {
        if (String.valueOf(e.getMessage()).contains("cannot invoke")) {
          return new Finding.NotTried(
              "permission for Secrets Manager to invoke the function; docs/assumptions.md has the"
                  + " command.");
        }
        throw e;
      }
    };
  }

  private static Finding aliasIsTaken(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.rotate("b", function);
    String seen =
        secrets
            .poller()
            .await(
                "the function to be described",
                MAX_LAG,
                () -> String.valueOf(secret.describe().rotationLambdaARN()),
                function::equals);
    return Finding.confirmedIf(seen.equals(function), "DescribeSecret returns " + seen + ".");
  }

  private static Finding versionWithoutValue(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.rotate("b", function);
    return secret
        .becomes("a AWSCURRENT, b AWSPENDING")
        .and(() -> refused("ResourceNotFoundException", () -> secret.readOnce("b")));
  }

  private static Finding versionIsFilled(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    // The versions "before" and "after" show the times by Secrets Manager's clock.
    secret.put("before", "BEFORE");
    secret.rotate("b", function);
    secrets.poller().pause(TIMESTAMP_GAP);
    secret.put("b", PENDING, "REPLACES_a");
    secret.put("after", "AFTER");
    GetSecretValueResponse b = secret.read("b");
    Instant label = secret.read("before").createdDate();
    Instant value = secret.read("after").createdDate();
    return secret
        .becomes("a AWSCURRENT, after AFTER, b AWSPENDING REPLACES_a, before BEFORE")
        .and(
            () -> {
              if (areNear(b.createdDate(), value)) {
                return Finding.confirmed("CreatedDate is the time of the value.");
              }
              return areNear(b.createdDate(), label)
                  ? Finding.confirmed("CreatedDate is the time of the label.")
                  : new Finding.Refuted(
                      "Labelled at about %s, filled at about %s, created at %s."
                          .formatted(label, value, b.createdDate()));
            });
  }

  private static Finding rotationIsSwitchedOn(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", PENDING, "REPLACES_a");
    if (refusalOf(() -> secret.switchRotationOn("test", function)).isPresent()) {
      return secret
          .stays("a AWSCURRENT, b AWSPENDING REPLACES_a")
          .and(() -> Finding.confirmed("RotateSecret was refused, and AWSPENDING stayed."));
    }
    boolean isOff =
        secrets
            .poller()
            .await(
                "AWSPENDING to be removed",
                TEST_STEP_TIMEOUT,
                () -> !secret.has("b", PENDING),
                off -> off);
    GetSecretValueResponse b = secret.read("b");
    return Finding.confirmedIf(secret.has("b", "REPLACES_a"), "Our own label was removed.")
        .and(
            () ->
                Finding.confirmedIf(
                    secret.value("b").equals(b.secretString()), "The value changed."))
        .and(() -> Finding.confirmed("AWSPENDING " + (isOff ? "was removed." : "stayed.")));
  }

  private static Finding previousRotation(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.put("b", PENDING);
    return refused(
            "InvalidRequestException", "previous rotation", () -> secret.rotate("c", function))
        .and(() -> secret.becomes("a AWSCURRENT, b AWSPENDING"));
  }

  private static Finding emptySecret(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    String note =
        refusalOf(() -> secret.rotate("b", function)).isPresent()
            ? "RotateSecret was refused."
            : "RotateSecret succeeded.";
    secret.put("a");
    boolean isCurrent =
        secrets
            .poller()
            .await("the first key", MAX_LAG, () -> secret.has("a", CURRENT), current -> current);
    return Finding.confirmedIf(isCurrent, "The first key did not become AWSCURRENT. " + note)
        .and(() -> Finding.confirmed(note));
  }

  private static Finding nextRotation(TrialSecrets secrets, String function)
      throws InterruptedException {
    TrialSecret secret = secrets.create();
    secret.put("a");
    secret.switchRotationOn("test", function);
    Instant start = secrets.poller().now();
    DescribeSecretResponse described =
        secrets
            .poller()
            .await(
                "the rotation to be described",
                MAX_LAG,
                secret::describe,
                seen -> Boolean.TRUE.equals(seen.rotationEnabled()));
    Duration took = Duration.between(start, secrets.poller().now());
    Instant next = described.nextRotationDate();
    return Finding.confirmedIf(
            took.compareTo(EXPECTED_LAG) <= 0,
            "DescribeSecret showed it after %d ms.".formatted(took.toMillis()))
        .and(() -> Finding.confirmedIf(next != null, "There is no NextRotationDate."))
        .and(
            () ->
                Finding.confirmedIf(
                    Duration.between(start, next)
                            .compareTo(Duration.ofDays(DAYS_BETWEEN_ROTATIONS + 1))
                        <= 0,
                    "NextRotationDate is " + next + "."))
        .and(
            () ->
                Finding.confirmed(
                    "With an interval of %d days, the next rotation is %d hours away."
                        .formatted(
                            DAYS_BETWEEN_ROTATIONS, Duration.between(start, next).toHours())));
  }

  private static boolean areNear(Instant a, Instant b) {
    return Duration.between(a, b).abs().compareTo(TOLERANCE) <= 0;
  }
}
