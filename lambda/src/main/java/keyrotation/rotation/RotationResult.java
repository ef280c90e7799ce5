package keyrotation.rotation;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import keyrotation.core.FailureReason;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.core.RotationStep;
import keyrotation.momento.Expiry;

/** How the work on one secret ended. */
public sealed interface RotationResult {

  /** Returns the secret's name; the name or ARN of the request, if it was not found. */
  String secret();

  /** Returns the result with its facts, as the log and the report have it. */
  default ObjectNode json() {
    ObjectNode json = Json.object().put("secret", secret()).put("result", name(this));
    addFacts(json, this);
    return json.put("message", message());
  }

  /** Tells whether the secret has a new key, even if the work also failed. */
  default boolean hasNewKey() {
    return switch (this) {
      case Rotated _, Resumed _, FirstKeyIssued _ -> true;
      case Failed failed -> failed.done().filter(RotationResult::hasNewKey).isPresent();
      default -> false;
    };
  }

  /** Returns when the key expires that is current after the work, as far as the result knows. */
  default Optional<Expiry> currentExpiry() {
    return switch (this) {
      case Rotated r -> Optional.of(r.expiry());
      case Resumed r -> Optional.of(r.expiry());
      case RolledBack r -> Optional.of(r.expiry());
      case FirstKeyIssued r -> Optional.of(r.expiry());
      case NotDue r -> Optional.of(r.expiry());
      case KeyIsNewer r -> Optional.of(r.expiry());
      case WouldRotate r -> Optional.of(r.expiry());
      case Failed failed -> failed.done().flatMap(RotationResult::currentExpiry);
      default -> Optional.empty();
    };
  }

  /** Returns a failure that has this result as done, if there is a failure; else this result. */
  default RotationResult orFailed(Optional<RotationException> failure) {
    return failure.isPresent() ? new Failed(secret(), failure.get(), Optional.of(this)) : this;
  }

  /** Returns the secret, what happened to it, and the next step if there is one. */
  default String message() {
    String secret = secret();
    return switch (this) {
      case Rotated r ->
          secret + " has a new key. It expires: " + r.expiry() + ". " + r.old().message();
      case Resumed r ->
          secret
              + " has a new key, from an unfinished rotation. It expires: "
              + r.expiry()
              + ". "
              + r.old().message();
      case AlreadyRotated _ -> secret + " was already rotated by this request. Nothing was done.";
      case KeyIsNewer r ->
          secret
              + " has a key that was stored after the given time. It expires: "
              + r.expiry()
              + ". Nothing was done.";
      case Status s -> s.facts().message(secret);
      case NotDue r ->
          secret + " is not due. Its key expires: " + r.expiry() + ". Nothing was done.";
      case WouldRotate r ->
          secret
              + (r.resume() ? " would resume an unfinished rotation." : " would be rotated.")
              + (r.due() ? " It is due." : " It is not due yet.")
              + r.revocations().entrySet().stream()
                  .map(
                      v ->
                          " The key of version "
                              + v.getKey()
                              + " is revoked after "
                              + v.getValue()
                              + ".")
                  .collect(joining())
              + " Nothing was done.";
      case RolledBack r -> secret + " has its previous key again. It expires: " + r.expiry() + ".";
      case FirstKeyIssued r -> secret + " has its first key. It expires: " + r.expiry() + ".";
      case Revoked r -> secret + ": " + r.summary() + ".";
      case Paused _ -> secret + " is paused by the tag momento:paused. Nothing was done.";
      case StepDone r -> secret + ": the step " + r.step() + " was done.";
      case AwaitingFirstKey _ ->
          secret + " has no value yet. " + FailureReason.AWAITING_FIRST_KEY.nextStep();
      case RotationInProgress _ ->
          secret + " is being rotated by Secrets Manager. Nothing was done.";
      case Skipped s -> secret + " was skipped. " + s.why().explanation();
      case Failed f ->
          f.done().map(RotationResult::message).orElse(secret + " was not rotated.")
              + " "
              + f.failure().explanation();
    };
  }

  /**
   * The secret has a new key, which Momento has accepted.
   *
   * @param old what becomes of the old key
   */
  record Rotated(
      String secret, String versionId, String previousVersionId, Expiry expiry, OldKey old)
      implements RotationResult {}

  /**
   * The secret has a new key, which an earlier rotation had stored but not promoted.
   *
   * @param old what becomes of the old key
   */
  record Resumed(
      String secret, String versionId, String previousVersionId, Expiry expiry, OldKey old)
      implements RotationResult {}

  /** This request was carried out before; nothing was done. */
  record AlreadyRotated(String secret, String versionId) implements RotationResult {}

  /** The key is not due; nothing was done. */
  record NotDue(String secret, String versionId, Expiry expiry) implements RotationResult {}

  /** The key was not stored before the time that the request gives; nothing was done. */
  record KeyIsNewer(String secret, String versionId, Expiry expiry) implements RotationResult {}

  /** How the secret is; nothing was done. */
  record Status(String secret, SecretStatus facts) implements RotationResult {}

  /**
   * A rotation would succeed, as far as that can be found out; nothing was done.
   *
   * @param due whether a scheduled run would rotate the secret now
   * @param resume whether the rotation would resume an unfinished one
   * @param revocations when the keys of replaced versions are revoked, by version id
   */
  record WouldRotate(
      String secret,
      String versionId,
      Expiry expiry,
      boolean due,
      boolean resume,
      SortedMap<String, Instant> revocations)
      implements RotationResult {}

  /** The previous key is current again. */
  record RolledBack(String secret, String versionId, String previousVersionId, Expiry expiry)
      implements RotationResult {}

  /** The secret was empty and has a key that this function has had issued. */
  record FirstKeyIssued(String secret, String versionId, Expiry expiry) implements RotationResult {}

  /**
   * Keys of the secret that were no longer needed are revoked.
   *
   * @param versionIds the versions that held them
   * @param neverStored how many more were in no version
   */
  record Revoked(String secret, List<String> versionIds, int neverStored)
      implements RotationResult {

    private String summary() {
      if (versionIds.isEmpty() && neverStored == 0) {
        return "no key was revoked";
      }
      String replaced =
          versionIds.isEmpty()
              ? ""
              : "revoked the keys of the versions " + String.join(", ", versionIds);
      String others =
          neverStored == 0 ? "" : "revoked keys that were issued and never stored: " + neverStored;
      return replaced + (replaced.isEmpty() || others.isEmpty() ? "" : "; ") + others;
    }
  }

  /** The secret is paused by a tag; nothing was done. */
  record Paused(String secret) implements RotationResult {}

  /** A step of Secrets Manager's own rotation was carried out. */
  record StepDone(String secret, RotationStep step, String versionId) implements RotationResult {}

  /** The secret has no value yet. */
  record AwaitingFirstKey(String secret) implements RotationResult {}

  /** Secrets Manager's own rotation of the secret is under way; nothing was done. */
  record RotationInProgress(String secret, String versionId) implements RotationResult {}

  /** The secret was found by its tag and cannot be rotated here, which is not a failure. */
  record Skipped(String secret, RotationException why) implements RotationResult {}

  /**
   * The work failed, or succeeded and left a problem that an operator has to solve.
   *
   * @param done what succeeded in spite of the failure
   */
  public record Failed(String secret, RotationException failure, Optional<RotationResult> done)
      implements RotationResult {

    /** Nothing was done. */
    public Failed(String secret, RotationException failure) {
      this(secret, failure, Optional.empty());
    }
  }

  private static String name(RotationResult result) {
    return switch (result) {
      case Rotated _ -> "ROTATED";
      case Resumed _ -> "RESUMED";
      case AlreadyRotated _ -> "ALREADY_ROTATED";
      case NotDue _ -> "NOT_DUE";
      case KeyIsNewer _ -> "KEY_IS_NEWER";
      case Status _ -> "STATUS";
      case WouldRotate _ -> "WOULD_ROTATE";
      case RolledBack _ -> "ROLLED_BACK";
      case FirstKeyIssued _ -> "FIRST_KEY_ISSUED";
      case Revoked _ -> "REVOKED";
      case Paused _ -> "PAUSED";
      case StepDone _ -> "STEP_DONE";
      case AwaitingFirstKey _ -> "AWAITING_FIRST_KEY";
      case RotationInProgress _ -> "ROTATION_IN_PROGRESS";
      case Skipped _ -> "SKIPPED";
      case Failed _ -> "FAILED";
    };
  }

  /** Adds when the keys of replaced versions are revoked. */
  static void addRevocations(ObjectNode json, SortedMap<String, Instant> revocations) {
    if (!revocations.isEmpty()) {
      ObjectNode revokedAfter = json.putObject("revoked_after");
      revocations.forEach((version, time) -> revokedAfter.put(version, time.toString()));
    }
  }

  private static void addFacts(ObjectNode json, RotationResult result) {
    switch (result) {
      case Rotated(_, String id, String previous, Expiry expiry, OldKey old) -> {
        versions(json, id, previous, expiry);
        old.addTo(json);
      }
      case Resumed(_, String id, String previous, Expiry expiry, OldKey old) -> {
        versions(json, id, previous, expiry);
        old.addTo(json);
      }
      case RolledBack(_, String id, String previous, Expiry expiry) ->
          versions(json, id, previous, expiry);
      case AlreadyRotated(_, String id) -> json.put("version_id", id);
      case Status(_, SecretStatus facts) -> facts.addTo(json);
      case KeyIsNewer(_, String id, Expiry expiry) ->
          json.put("version_id", id).put("valid_until", expiry.toString());
      case NotDue(_, String id, Expiry expiry) ->
          json.put("version_id", id).put("valid_until", expiry.toString());
      case WouldRotate(_, String id, Expiry expiry, boolean due, boolean resume, var times) -> {
        json.put("version_id", id)
            .put("valid_until", expiry.toString())
            .put("due", due)
            .put("resume", resume);
        addRevocations(json, times);
      }
      case FirstKeyIssued(_, String id, Expiry expiry) ->
          json.put("version_id", id).put("valid_until", expiry.toString());
      case Revoked(_, List<String> ids, int neverStored) -> {
        var list = json.putArray("revoked");
        ids.forEach(list::add);
        json.put("" + LogField.KEYS_REVOKED, ids.size() + neverStored);
        if (neverStored > 0) {
          json.put("" + LogField.REVOKED_NEVER_STORED, neverStored);
        }
      }
      case Paused _ -> {}
      case StepDone(_, RotationStep step, String id) ->
          json.put("rotation_step", step.toString()).put("version_id", id);
      case AwaitingFirstKey _ -> {}
      case RotationInProgress(_, String id) -> json.put("version_id", id);
      case Skipped(_, RotationException why) -> json.put("reason", why.reason().name());
      case Failed(_, RotationException failure, Optional<RotationResult> done) -> {
        failure.addTo(json);
        done.ifPresent(
            success -> {
              json.put("done", name(success));
              addFacts(json, success);
            });
      }
    }
  }

  private static void versions(ObjectNode json, String id, String previous, Expiry expiry) {
    json.put("version_id", id)
        .put("previous_version_id", previous)
        .put("valid_until", expiry.toString());
  }
}
