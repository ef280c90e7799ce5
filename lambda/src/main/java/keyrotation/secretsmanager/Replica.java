package keyrotation.secretsmanager;

import java.util.Optional;

/**
 * A copy of a secret in another region, as its primary describes it.
 *
 * @param status {@code InSync}, {@code InProgress} or {@code Failed}
 * @param statusMessage why it is so, in AWS's words
 */
public record Replica(String region, String status, Optional<String> statusMessage) {

  /** Tells whether the replica has the latest versions. */
  public boolean isInSync() {
    return status.equals("InSync");
  }

  /** Tells whether Secrets Manager has given up; an operator has to remove the cause. */
  public boolean hasFailed() {
    return status.equals("Failed");
  }
}
