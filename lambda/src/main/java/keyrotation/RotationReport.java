package keyrotation;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import keyrotation.core.Json;
import keyrotation.core.RotationException;
import keyrotation.momento.Expiry;
import keyrotation.rotation.RotationResult;

/**
 * The report of an invocation: the result of each secret.
 *
 * @param managementKeyExpiry when the management key expires, if the invocation has read it
 */
record RotationReport(
    String requestId, Optional<Expiry> managementKeyExpiry, List<RotationResult> results) {

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
            .map(RotationResult::message)
            .collect(joining("\n"))
        + "\n"
        + json();
  }

  /** Returns the error of an event that names no secret to work on. */
  static String unknownEvent(String requestId, RotationException failure) {
    ObjectNode json =
        new RotationReport(requestId, Optional.empty(), List.of()).json().put("failed", true);
    failure.addTo(json);
    return failure.explanation() + "\n" + json;
  }

  /** Returns the response to the invocation. */
  ObjectNode json() {
    ObjectNode json = Json.object().put("request_id", requestId).put("failed", failed());
    managementKeyExpiry.ifPresent(
        expiry -> json.put("management_key_valid_until", expiry.toString()));
    var list = json.putArray("secrets");
    results.forEach(result -> list.add(result.json()));
    return json;
  }
}
