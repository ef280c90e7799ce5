package keyrotation;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/** The report of an invocation: the result of each secret. */
record RotationReport(String requestId, List<RotationResult> results) {

  /** Copies the results. */
  RotationReport {
    results = List.copyOf(results);
  }

  /** Tells whether any secret failed. */
  boolean failed() {
    return results.stream().anyMatch(RotationResult.Failed.class::isInstance);
  }

  /** Returns the failures in sentences, one a line, and the report below them. */
  String error() {
    return results.stream()
            .filter(RotationResult.Failed.class::isInstance)
            .map(RotationReport::sentence)
            .collect(joining("\n"))
        + "\n"
        + json();
  }

  /** Returns the error of an event that names no secret to work on. */
  static String unknownEvent(String requestId, RotationException failure) {
    var json = new RotationReport(requestId, List.of()).json();
    addReason(json.put("failed", true), failure);
    return failure.explanation() + "\n" + json;
  }

  /** Returns the response to the invocation. */
  ObjectNode json() {
    ObjectNode json = Json.object().put("request_id", requestId).put("failed", failed());
    var list = json.putArray("secrets");
    results.forEach(result -> list.add(json(result)));
    return json;
  }

  /** Returns what became of a secret. */
  static ObjectNode json(RotationResult result) {
    ObjectNode json = Json.object().put("secret", result.secret()).put("result", name(result));
    addFacts(json, result);
    return json.put("message", sentence(result));
  }

  private static void addFacts(ObjectNode json, RotationResult result) {
    switch (result) {
      case RotationResult.Rotated(_, String id, String previous, Expiry expiry) ->
          versions(json, id, previous, expiry);
      case RotationResult.Resumed(_, String id, String previous, Expiry expiry) ->
          versions(json, id, previous, expiry);
      case RotationResult.RolledBack(_, String id, String previous, Expiry expiry) ->
          versions(json, id, previous, expiry);
      case RotationResult.AlreadyRotated(_, String id) -> json.put("version_id", id);
      case RotationResult.NotDue(_, String id, Expiry expiry) ->
          json.put("version_id", id).put("valid_until", expiry.toString());
      case RotationResult.WouldRotate(_, String id, Expiry expiry, boolean due, boolean resume) ->
          json.put("version_id", id)
              .put("valid_until", expiry.toString())
              .put("due", due)
              .put("resume", resume);
      case RotationResult.StepDone(_, RotationStep step, String id) ->
          json.put("rotation_step", step.toString()).put("version_id", id);
      case RotationResult.AwaitingFirstKey _ -> {}
      case RotationResult.RotationInProgress(_, String id) -> json.put("version_id", id);
      case RotationResult.Skipped(_, RotationException why) ->
          json.put("reason", why.reason().name());
      case RotationResult.Failed(_, RotationException failure, Optional<RotationResult> done) -> {
        addReason(json, failure);
        done.ifPresent(
            what -> {
              json.put("done", name(what));
              addFacts(json, what);
            });
      }
    }
  }

  private static void addReason(ObjectNode json, RotationException failure) {
    json.put("reason", failure.reason().name()).put("needs", failure.reason().needs().toString());
  }

  private static void versions(ObjectNode json, String id, String previous, Expiry expiry) {
    json.put("version_id", id)
        .put("previous_version_id", previous)
        .put("valid_until", expiry.toString());
  }

  private static String name(RotationResult result) {
    return switch (result) {
      case RotationResult.Rotated _ -> "ROTATED";
      case RotationResult.Resumed _ -> "RESUMED";
      case RotationResult.AlreadyRotated _ -> "ALREADY_ROTATED";
      case RotationResult.NotDue _ -> "NOT_DUE";
      case RotationResult.WouldRotate _ -> "WOULD_ROTATE";
      case RotationResult.RolledBack _ -> "ROLLED_BACK";
      case RotationResult.StepDone _ -> "STEP_DONE";
      case RotationResult.AwaitingFirstKey _ -> "AWAITING_FIRST_KEY";
      case RotationResult.RotationInProgress _ -> "ROTATION_IN_PROGRESS";
      case RotationResult.Skipped _ -> "SKIPPED";
      case RotationResult.Failed _ -> "FAILED";
    };
  }

  /** Returns the secret, what happened to it, and the next step if there is one. */
  private static String sentence(RotationResult result) {
    String secret = result.secret();
    return switch (result) {
      case RotationResult.Rotated r -> secret + " has a new key. It expires: " + r.expiry() + ".";
      case RotationResult.Resumed r ->
          secret + " has a new key, from an unfinished rotation. It expires: " + r.expiry() + ".";
      case RotationResult.AlreadyRotated _ ->
          secret + " was already rotated by this request. Nothing was done.";
      case RotationResult.NotDue r ->
          secret + " is not due. Its key expires: " + r.expiry() + ". Nothing was done.";
      case RotationResult.WouldRotate r ->
          secret
              + (r.resume() ? " would resume an unfinished rotation." : " would be rotated.")
              + (r.due() ? " It is due." : " It is not due yet.")
              + " Nothing was done.";
      case RotationResult.RolledBack r ->
          secret + " has its previous key again. It expires: " + r.expiry() + ".";
      case RotationResult.StepDone r -> secret + ": the step " + r.step() + " was done.";
      case RotationResult.AwaitingFirstKey _ ->
          secret + " has no value yet. " + FailureReason.AWAITING_FIRST_KEY.nextStep();
      case RotationResult.RotationInProgress _ ->
          secret + " is being rotated by Secrets Manager. Nothing was done.";
      case RotationResult.Skipped s -> secret + " was skipped. " + s.why().explanation();
      case RotationResult.Failed f ->
          f.done().map(RotationReport::sentence).orElse(secret + " was not rotated.")
              + " "
              + f.failure().explanation();
    };
  }
}
