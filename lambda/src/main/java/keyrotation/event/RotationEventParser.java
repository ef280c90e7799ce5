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
import java.util.stream.Stream;
import keyrotation.core.Condition;
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

  private static final String STATUS = "status";
  private static final String ROLE_ID = "role_id";
  private static final String ACCOUNT_UNCHECKED = "account_unchecked";
  private static final Set<String> TO_V2_FIELDS = Set.of(TO_V2, ROLE_ID, ACCOUNT_UNCHECKED);

  /** The field that names all configured secrets, in place of the name of one. */
  private static final String ALL = "all";

  /** The field that asks for a rotation of keys that were stored before a time. */
  private static final String ISSUED_BEFORE = "issued_before";

  /** The fields that ask for another action than a rotation, in the order of their names. */
  private static final SortedMap<String, Action> ACTIONS =
      new TreeMap<>(
          Map.of(
              "dry_run",
              new Action.DryRun(),
              "if_due",
              new Action.Rotate(new Condition.IfDue()),
              "revoke_previous",
              new Action.RevokePrevious(),
              "rollback",
              new Action.RollBack(),
              STATUS,
              new Action.Status()));

  /** How far a time in an operator's event may be ahead of this clock. */
  private static final Duration CLOCK_DIFFERENCE = Duration.ofMinutes(5);

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
    return manual(json, now);
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

  private static RotationEvent manual(JsonNode json, Instant now) {
    boolean toV2 = isTrue(json, TO_V2);
    requireKnownFields(json, toV2);
    boolean status = isTrue(json, STATUS);
    List<String> targets =
        Stream.concat(
                SECRET_FIELDS.stream().filter(json::has),
                Stream.of(ALL).filter(all -> isTrue(json, all)))
            .toList();
    if (targets.size() > 1 || (targets.isEmpty() && !status)) {
      throw unknown("The event names no secret, or two.");
    }
    boolean isForAll = targets.isEmpty() || targets.contains(ALL);
    if (toV2 && !isForAll) {
      return new RotationEvent.ToV2(
          secretId(json, targets.getFirst()),
          text(json, ROLE_ID, SecretTags.ROLE_ID),
          isTrue(json, ACCOUNT_UNCHECKED));
    }
    Action action = action(json, now);
    if (!isForAll) {
      return new RotationEvent.Manual(secretId(json, targets.getFirst()), action);
    }
    if (toV2 || action instanceof Action.RollBack || action instanceof Action.RevokePrevious) {
      throw unknown("The event asks for what can be done for one secret only, and names none.");
    }
    return new RotationEvent.All(action);
  }

  /** Unknown fields are rejected, so a typo such as `dry-run` cannot trigger a rotation. */
  private static void requireKnownFields(JsonNode json, boolean toV2) {
    Set<String> ofAction = toV2 ? TO_V2_FIELDS : ACTIONS.keySet();
    boolean hasUnknownField =
        json.propertyStream()
            .map(Map.Entry::getKey)
            .filter(field -> !SECRET_FIELDS.contains(field) && !field.equals(ALL))
            .filter(field -> toV2 || !field.equals(ISSUED_BEFORE))
            .anyMatch(field -> !ofAction.contains(field));
    if (hasUnknownField) {
      throw unknown("The event has unknown fields.");
    }
  }

  private static Action action(JsonNode json, Instant now) {
    SortedMap<String, Action> asked = new TreeMap<>(ACTIONS);
    asked.keySet().removeIf(field -> !isTrue(json, field));
    if (json.has(ISSUED_BEFORE)) {
      asked.put(
          ISSUED_BEFORE, new Action.Rotate(new Condition.IfStoredBefore(issuedBefore(json, now))));
    }
    if (asked.size() > 1) {
      throw unknown("The event asks for more than one of " + asked.keySet() + ".");
    }
    return asked.values().stream()
        .findFirst()
        .orElseGet(() -> new Action.Rotate(new Condition.Always()));
  }

  /** Reads a time that is over: with a later one, a repeated event would rotate again. */
  private static Instant issuedBefore(JsonNode json, Instant now) {
    try {
      Instant time = Instant.parse(json.path(ISSUED_BEFORE).asText());
      if (time.isAfter(now.plus(CLOCK_DIFFERENCE))) {
        throw unknown("The field \"issued_before\" is in the future; the clock says " + now + ".");
      }
      return time;
    } catch (DateTimeParseException e) {
      throw unknown("The field \"issued_before\" is not an instant such as " + now + ".");
    }
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
            + "\": …}, each alone or with one of \"dry_run\", \"if_due\", \"revoke_previous\","
            + " \"rollback\" and \"status\" as true, with \"issued_before\", or with \"to_v2\" as"
            + " true, \"role_id\" and, if need be, \"account_unchecked\"; {\"all\": true}, alone or"
            + " with \"dry_run\", \"if_due\" or \"issued_before\"; {\"status\": true}; a scheduled"
            + " event of EventBridge; and the steps of Secrets Manager's rotation.");
  }
}
