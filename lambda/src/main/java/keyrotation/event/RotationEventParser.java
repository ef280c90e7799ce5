package keyrotation.event;

import static java.nio.charset.StandardCharsets.UTF_8;
import static keyrotation.core.FailureReason.EVENT_UNKNOWN;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.RotationStep;
import keyrotation.event.RotationEvent.Action;
import keyrotation.momento.KeyDetector;
import keyrotation.secretsmanager.SecretTags;

/** Reads events strictly: what is not understood starts nothing. */
public final class RotationEventParser {

  /** The characters that Secrets Manager allows in names and ARNs. */
  private static final Pattern SECRET_ID = Pattern.compile("[A-Za-z0-9/_+=.@:-]{1,2048}");

  /** The characters that Secrets Manager allows in version ids. */
  private static final Pattern VERSION_ID = Pattern.compile("[A-Za-z0-9-]{32,64}");

  /** The field that names a secret in the older function's README. */
  private static final String SECRET_NAME = "momento_auth_token_secret_name";

  /** The field that names a secret in the older function's code. */
  private static final String SECRET_ID_FIELD = "SecretId";

  private static final Set<String> SECRET_FIELDS = Set.of(SECRET_NAME, SECRET_ID_FIELD);

  /** The field that asks for a v2 key in place of a v1 key, and those that belong to it. */
  private static final String TO_V2 = "to_v2";

  private static final String ROLE_ID = "role_id";
  private static final String ACCOUNT_UNCHECKED = "account_unchecked";
  private static final Set<String> TO_V2_FIELDS = Set.of(TO_V2, ROLE_ID, ACCOUNT_UNCHECKED);

  /** The fields that ask for another action than a rotation, in the order of their names. */
  private static final SortedMap<String, Action> ACTIONS =
      new TreeMap<>(
          Map.of(
              "dry_run", Action.DRY_RUN,
              "if_due", Action.ROTATE_IF_DUE,
              "revoke_previous", Action.REVOKE_PREVIOUS,
              "rollback", Action.ROLL_BACK));

  /**
   * How far a scheduled event's time may be from the clock. EventBridge Scheduler delivers an event
   * for up to a day, and Lambda for six hours more.
   */
  private static final Duration TOLERANCE = Duration.ofDays(2);

  private RotationEventParser() {}

  /**
   * Reads an event.
   *
   * @throws RotationException {@code EVENT_UNKNOWN}
   */
  public static RotationEvent parse(byte[] event, Instant now) {
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
            .orElseThrow(
                () -> unknown("The field \"Step\" names no step of Secrets Manager's rotation."));
    return new RotationEvent.Step(
        step, secretId(json, SECRET_ID_FIELD), text(json, "ClientRequestToken", VERSION_ID));
  }

  /**
   * Reads what an EventBridge rule sends, and a schedule of EventBridge Scheduler in the same form.
   * {@code time} is the scheduled time. With a constant time, each event would seem to be the same
   * one, delivered again.
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
    return new RotationEvent.Scheduled("schedule/" + schedule + "/" + time);
  }

  private static RotationEvent manual(JsonNode json) {
    if (json.has(SECRET_NAME) == json.has(SECRET_ID_FIELD)) {
      throw unknown("The event names no secret, or two.");
    }
    String secretId = secretId(json, json.has(SECRET_NAME) ? SECRET_NAME : SECRET_ID_FIELD);
    boolean toV2 = isTrue(json, TO_V2);
    List<Map.Entry<String, Action>> asked =
        ACTIONS.entrySet().stream().filter(action -> isTrue(json, action.getKey())).toList();
    boolean hasUnknownField =
        json.properties().stream()
            .map(Map.Entry::getKey)
            .anyMatch(
                field ->
                    !SECRET_FIELDS.contains(field)
                        && !(toV2 ? TO_V2_FIELDS.contains(field) : ACTIONS.containsKey(field)));
    if (hasUnknownField) {
      // Unknown fields are rejected, so a typo such as `dry-run` cannot trigger a rotation.
      throw unknown("The event has unknown fields.");
    }
    if (asked.size() > 1) {
      throw unknown(
          "The event asks for more than one of "
              + asked.stream().map(Map.Entry::getKey).toList()
              + ".");
    }
    if (toV2) {
      return new RotationEvent.ToV2(
          secretId, text(json, ROLE_ID, SecretTags.ROLE_ID), isTrue(json, ACCOUNT_UNCHECKED));
    }
    Action action = asked.isEmpty() ? Action.ROTATE : asked.getFirst().getValue();
    return new RotationEvent.Manual(secretId, action);
  }

  private static boolean isTrue(JsonNode json, String field) {
    if (json.has(field) && !json.get(field).isBoolean()) {
      throw unknown("The field \"" + field + "\" is neither true nor false.");
    }
    return json.path(field).asBoolean();
  }

  /** Reads the name of a secret. It will be shown, so it must not be a key. */
  private static String secretId(JsonNode json, String field) {
    String secretId = text(json, field, SECRET_ID);
    if (KeyDetector.isInName(secretId)) {
      throw unknown("The field \"" + field + "\" holds a key in place of a secret's name.");
    }
    return secretId;
  }

  private static String text(JsonNode json, String field, Pattern allowed) {
    JsonNode value = json.path(field);
    if (!value.isTextual() || !allowed.matcher(value.asText()).matches()) {
      throw unknown(
          "The field \"" + field + "\" is missing, or is not text of the allowed characters.");
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
            + "\": …}, each alone or with one of \"dry_run\", \"if_due\", \"revoke_previous\" and"
            + " \"rollback\" as true, or with \"to_v2\" as true, \"role_id\" and, if need be,"
            + " \"account_unchecked\"; a scheduled event of EventBridge; and the steps of Secrets"
            + " Manager's rotation.");
  }
}
