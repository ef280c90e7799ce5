package keyrotation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.FailureReason.EVENT_UNKNOWN;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** An event: what it asks of the function. */
sealed interface RotationEvent {

  /** What a person wants done with a secret. */
  enum Action {
    /** Rotate it now. */
    ROTATE,
    /** Rotate it if a schedule would. */
    ROTATE_IF_DUE,
    /** Say what a rotation would do, and refresh nothing. */
    DRY_RUN,
    /** Go back to the key before the current one. */
    ROLL_BACK
  }

  /**
   * A person wants something done with a secret.
   *
   * @param secretId its name or ARN
   */
  record Manual(String secretId, Action action) implements RotationEvent {}

  /**
   * A schedule wants all configured secrets rotated that are due.
   *
   * @param identity the schedule and its time: the same whenever the same event is delivered
   */
  record Scheduled(String identity) implements RotationEvent {}

  /**
   * Secrets Manager wants a step of its own rotation done.
   *
   * @param versionId the version that it is about
   */
  record Step(RotationStep step, String secretId, String versionId) implements RotationEvent {}

  /** What Secrets Manager allows in names and ARNs. */
  Pattern SECRET_ID = Pattern.compile("[A-Za-z0-9/_+=.@:-]{1,2048}");

  /** What Secrets Manager allows in version ids. */
  Pattern VERSION_ID = Pattern.compile("[A-Za-z0-9-]{32,64}");

  /** The field that names a secret, as the README of the older function has it. */
  String SECRET_NAME = "momento_auth_token_secret_name";

  /** The same as the code of the older function has it. */
  String SECRET_ID_FIELD = "SecretId";

  /**
   * How far a scheduled event's time may be from the clock. EventBridge Scheduler delivers an event
   * for up to a day, and Lambda for six hours more.
   */
  Duration TOLERANCE = Duration.ofDays(2);

  /**
   * Reads an event.
   *
   * @throws RotationException {@code EVENT_UNKNOWN}
   */
  static RotationEvent parse(byte[] event, Instant now) {
    JsonNode json =
        Json.read(new String(event, UTF_8))
            .orElseThrow(() -> unknown("The event is not a JSON object."));
    if (json.has("Step")) {
      return step(json);
    }
    if (json.path("detail-type").asText().equals("Scheduled Event")) {
      return scheduled(json, now);
    }
    return manual(json);
  }

  private static RotationEvent step(JsonNode json) {
    RotationStep step =
        RotationStep.named(json.path("Step").asText())
            .orElseThrow(() -> unknown("The field \"Step\" is no step of a rotation."));
    return new Step(
        step, secretId(json, SECRET_ID_FIELD), text(json, "ClientRequestToken", VERSION_ID));
  }

  /**
   * Both kinds of schedule send this envelope; {@code time} is the time that was scheduled. An
   * event whose time never changed would be taken for the same one, delivered again and again.
   */
  private static RotationEvent scheduled(JsonNode json, Instant now) {
    String schedule = json.path("resources").path(0).asText();
    if (schedule.isBlank()) {
      throw unknown("The scheduled event lacks its schedule in \"resources\".");
    }
    String time = json.path("time").asText();
    Instant scheduled;
    try {
      scheduled = Instant.parse(time);
    } catch (DateTimeParseException e) {
      throw unknown("The scheduled event's \"time\" is not an instant such as " + now + ".");
    }
    if (Duration.between(scheduled, now).abs().compareTo(TOLERANCE) > 0) {
      throw unknown(
          "The scheduled event's \"time\" is "
              + scheduled
              + ", but must be within two days of the clock, which says "
              + now
              + ". Does the schedule send a constant?");
    }
    return new Scheduled("schedule/" + schedule + "/" + time);
  }

  private static RotationEvent manual(JsonNode json) {
    if (json.has(SECRET_NAME) == json.has(SECRET_ID_FIELD)) {
      throw unknown("The event names no secret, or two.");
    }
    String secretId = secretId(json, json.has(SECRET_NAME) ? SECRET_NAME : SECRET_ID_FIELD);
    List<String> wishes = new ArrayList<>();
    for (String field : List.of("dry_run", "if_due", "rollback")) {
      if (json.has(field) && !json.get(field).isBoolean()) {
        throw unknown("The field \"" + field + "\" is neither true nor false.");
      }
      if (json.path(field).asBoolean()) {
        wishes.add(field);
      }
    }
    long known =
        json.properties().stream()
            .map(field -> field.getKey())
            .filter(
                List.of(SECRET_NAME, SECRET_ID_FIELD, "dry_run", "if_due", "rollback")::contains)
            .count();
    if (known < json.size()) {
      // Unknown fields are rejected, so a typo such as `dry-run` cannot trigger a rotation.
      throw unknown("The event has fields that are not known.");
    }
    return switch (wishes.size()) {
      case 0 -> new Manual(secretId, Action.ROTATE);
      case 1 ->
          new Manual(
              secretId,
              switch (wishes.getFirst()) {
                case "dry_run" -> Action.DRY_RUN;
                case "if_due" -> Action.ROTATE_IF_DUE;
                default -> Action.ROLL_BACK;
              });
      default -> throw unknown("The event wants more than one of " + wishes + ".");
    };
  }

  /** Reads the name of a secret, which will be shown; so it must not be the secret itself. */
  private static String secretId(JsonNode json, String field) {
    String secretId = text(json, field, SECRET_ID);
    if (MomentoKey.isHeldBy(secretId)) {
      throw unknown("The field \"" + field + "\" holds a key in place of a secret's name.");
    }
    return secretId;
  }

  private static String text(JsonNode json, String field, Pattern allowed) {
    JsonNode value = json.path(field);
    if (!value.isTextual() || !allowed.matcher(value.asText()).matches()) {
      throw unknown("The field \"" + field + "\" is missing, or not what it should be.");
    }
    return value.asText();
  }

  private static RotationException unknown(String what) {
    return new RotationException(
        EVENT_UNKNOWN,
        what
            + " This function takes {\""
            + SECRET_NAME
            + "\": \"<name or ARN of a secret>\"} or {\""
            + SECRET_ID_FIELD
            + "\": …}, each alone or with one of \"dry_run\", \"if_due\" and \"rollback\" as true;"
            + " a scheduled event of EventBridge; and the steps of Secrets Manager's rotation.");
  }
}
