package keyrotation;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** What a result says to people and programs. */
final class RotationReport {

  private final RotationResult result;

  RotationReport(RotationResult result) {
    this.result = result;
  }

  /** Tells whether whoever asked for the rotation has to do something about it. */
  boolean failed() {
    return switch (result) {
      case RotationResult.Failed _, RotationResult.AwaitingFirstKey _ -> true;
      case RotationResult.Rotated _, RotationResult.Resumed _, RotationResult.AlreadyRotated _ ->
          false;
    };
  }

  /** Returns a sentence: the secret, what happened, and the next step if there is one. */
  String sentence() {
    String secret = result.secret();
    return switch (result) {
      case RotationResult.Rotated r -> secret + " has a new key. It expires: " + r.expiry() + ".";
      case RotationResult.Resumed r ->
          secret + " has the new key of an unfinished rotation. It expires: " + r.expiry() + ".";
      case RotationResult.AlreadyRotated _ ->
          secret + " was dealt with by this request before. Nothing was done.";
      case RotationResult.AwaitingFirstKey _ ->
          secret
              + " was not rotated. AWAITING_FIRST_KEY: It has no value yet. Store a first key: the"
              + " JSON file that Momento's console offers for download.";
      case RotationResult.Failed f -> secret + " was not rotated. " + f.failure().explanation();
    };
  }

  /** Returns the response to the invocation. */
  ObjectNode json() {
    ObjectNode json = Json.object().put("secret", result.secret());
    switch (result) {
      case RotationResult.Rotated(_, String id, String previous, Expiry expiry) ->
          json.put("result", "ROTATED")
              .put("version_id", id)
              .put("previous_version_id", previous)
              .put("valid_until", expiry.toString());
      case RotationResult.Resumed(_, String id, String previous, Expiry expiry) ->
          json.put("result", "RESUMED")
              .put("version_id", id)
              .put("previous_version_id", previous)
              .put("valid_until", expiry.toString());
      case RotationResult.AlreadyRotated(_, String id) ->
          json.put("result", "ALREADY_ROTATED").put("version_id", id);
      case RotationResult.AwaitingFirstKey _ -> json.put("result", "AWAITING_FIRST_KEY");
      case RotationResult.Failed f ->
          json.put("result", "FAILED").put("reason", f.failure().reason().name());
    }
    return json.put("message", sentence());
  }
}
