package keyrotation.rotation;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeyDetector;
import keyrotation.secretsmanager.Replica;

/**
 * How a secret is, as far as Secrets Manager knows.
 *
 * @param paused whether a tag pauses the secret
 * @param key its current key, if it has one
 * @param successor the version of an unfinished rotation
 * @param nextOwnRotation by when Secrets Manager's own rotation rotates it; empty if it does not
 * @param revocations when the keys of replaced versions are revoked, by version id
 * @param replicas its copies in other regions
 * @param problem what an operator has to solve, or to wait for
 */
public record SecretStatus(
    boolean paused,
    Optional<CurrentKey> key,
    Optional<String> successor,
    Optional<Instant> nextOwnRotation,
    SortedMap<String, Instant> revocations,
    List<Replica> replicas,
    Optional<RotationException> problem) {

  /** A longer message of AWS is cut, so that a line of the log keeps to its limit. */
  private static final int MAX_MESSAGE = 200;

  /**
   * The current key.
   *
   * @param kind {@code v1}, {@code v2}, {@code legacy} or {@code unknown}
   * @param due when scheduled runs begin to rotate it; empty if they never do
   */
  public record CurrentKey(
      String versionId, String kind, Instant stored, Expiry expiry, Optional<Instant> due) {}

  /** Returns the status in sentences. */
  String message(String secret) {
    return secret
        + key.map(of -> " has a %s key. It expires: %s.".formatted(of.kind, of.expiry))
            .orElse(" has no key that can be read.")
        + (paused ? " It is paused." : "")
        + replicas.stream()
            .filter(Replica::hasFailed)
            .map(replica -> " Its replication to " + replica.region() + " has failed.")
            .collect(joining())
        + problem.map(why -> " " + why.explanation()).orElse("");
  }

  void addTo(ObjectNode json) {
    json.put("paused", paused);
    key.ifPresent(
        of -> {
          json.put("kind", of.kind)
              .put("version_id", of.versionId)
              .put("stored", of.stored.toString())
              .put("valid_until", of.expiry.toString());
          of.due.ifPresent(due -> json.put("due", due.toString()));
        });
    successor.ifPresent(id -> json.put("unfinished_version_id", id));
    nextOwnRotation.ifPresent(next -> json.put("next_own_rotation", next.toString()));
    RotationResult.addRevocations(json, revocations);
    if (!replicas.isEmpty()) {
      ArrayNode list = json.putArray("replicas");
      replicas.forEach(replica -> add(list.addObject(), replica));
    }
    problem.ifPresent(
        why -> {
          ObjectNode details = json.putObject("problem");
          why.addTo(details);
          details.put("message", why.what()).put("next_step", why.reason().nextStep());
        });
  }

  private static void add(ObjectNode json, Replica replica) {
    json.put("region", replica.region()).put("status", replica.status());
    replica
        .statusMessage()
        .filter(_ -> replica.hasFailed())
        .filter(message -> !KeyDetector.mayBeIn(message))
        .ifPresent(
            message ->
                json.put(
                    "status_message",
                    message.substring(0, Math.min(message.length(), MAX_MESSAGE))));
  }
}
